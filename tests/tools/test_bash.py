"""The `bash` tool, and that none of its processes outlives the call."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alloy_nb.errors import ToolError
from alloy_nb.messages import ToolResult
from alloy_nb.tools import bash as module
from alloy_nb.tools.bash import Bash
from alloy_nb.tools.bash_output import MAX_OUTPUT, MAX_PROGRESS
from alloy_nb.tools.context import CancelToken, ToolContext

pytestmark = [pytest.mark.thorough, pytest.mark.skipif(sys.platform == "win32", reason="no bash on Windows")]

#: Milliseconds; far more than any command here takes, far less than a hang.
ENOUGH = 30_000
#: Timeouts to try until the command got as far as it should: a busy machine may need the longer ones.
PATIENCE = (300, 3000, 30_000)


def bash(ctx: Path | ToolContext, command: str, timeout: int = ENOUGH, env: dict[str, str] | None = None) -> ToolResult:
    tool = Bash(env)
    ctx = ctx if isinstance(ctx, ToolContext) else ToolContext(ctx)
    return asyncio.run(tool.execute(tool.validate({"command": command, "timeout": timeout}), ctx))


def is_alive(pid: int) -> bool:
    """Zombies count as dead: nobody may be there to reap them."""
    if Path("/proc/self/stat").exists():
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
        except (FileNotFoundError, ProcessLookupError):
            return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return not state.stdout.startswith("Z") and bool(state.stdout.strip())


def until(condition: Callable[[], Any]) -> Any:
    """Wait for what is sure to come; a failure when it does not."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.01)
    raise AssertionError("it did not happen within 30 s")


def pid_in(file: Path) -> int | None:
    return int(text) if file.exists() and (text := file.read_text()).endswith("\n") else None


# -- what it says ----------------------------------------------------------------------------------


def test_it_is_bash_and_not_sh(tmp_path: Path) -> None:
    """BASH-1."""
    assert bash(tmp_path, "[[ abc == a* ]] && echo ${BASH_VERSION:+yes}").text == "yes\n\nexit code: 0"


def test_a_command_may_do_what_a_shell_can(tmp_path: Path) -> None:
    """BASH-w3: a restricted shell refused `cd`, paths and redirections, and held nothing in; a person is asked."""
    said = bash(tmp_path, "mkdir sub && cd sub && echo hi > out.txt && /bin/cat ../sub/out.txt")
    assert said.text == "hi\n\nexit code: 0"
    assert Bash().approval_reason({"command": "ls"}, ToolContext(tmp_path))


def test_stderr_is_merged_and_a_failure_is_still_a_result(tmp_path: Path) -> None:
    """BASH-3."""
    result = bash(tmp_path, "echo out; echo err >&2; exit 3")
    assert result.text == "out\nerr\n\nexit code: 3"
    assert result.data == {"exit_code": 3, "truncated": False}
    assert not result.is_error


def test_no_output_is_just_the_code(tmp_path: Path) -> None:
    """BASH-3."""
    assert bash(tmp_path, "true").text == "\nexit code: 0"


def test_death_by_a_signal_has_the_shells_code(tmp_path: Path) -> None:
    assert bash(tmp_path, "kill -9 $$").data["exit_code"] == 137


def test_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    assert bash(tmp_path, r"printf 'a\xffb'").text == "a\ufffdb\nexit code: 0"


def test_binary_output_is_shown_as_text_and_said_to_be_binary(tmp_path: Path) -> None:
    note = "(binary output: what is no text is shown as \ufffd)"
    assert bash(tmp_path, r"printf 'a\xff\x00b'").text == f"a\ufffd\0b\n{note}\nexit code: 0"


def test_it_runs_in_the_working_directory(tmp_path: Path) -> None:
    """BASH-6."""
    assert bash(tmp_path, "pwd -P").text == f"{tmp_path.resolve()}\n\nexit code: 0"


def test_a_missing_working_directory_is_an_error(tmp_path: Path) -> None:
    """BASH-w1: in the original it kills the whole run."""
    with pytest.raises(ToolError, match=r"^Cannot run bash in .*: no such directory") as caught:
        bash(tmp_path / "missing", "true")
    assert caught.value.hint


def test_a_missing_bash_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """BASH-w1."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match=r"^Cannot find bash") as caught:
        bash(tmp_path, "true")
    assert caught.value.hint


def test_windows_is_told_what_to_do_instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "sys", types.SimpleNamespace(platform="win32"))
    with pytest.raises(ToolError, match="not available on Windows") as caught:
        bash(tmp_path, "true")
    assert "bash_executor" in str(caught.value.hint)


@pytest.mark.parametrize("command", ["", "  ", "a\0b"])
def test_no_command_is_an_error(tmp_path: Path, command: str) -> None:
    with pytest.raises(ToolError, match="command must be"):
        bash(tmp_path, command)


def test_a_command_too_long_for_the_system_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"^Cannot start bash in .*: Argument list too long"):
        bash(tmp_path, "true " + "x" * 4_000_000)


def test_there_is_no_input(tmp_path: Path) -> None:
    """BASH-w2: a command that asks gets an end of file at once, not a timeout."""
    assert bash(tmp_path, "read answer; echo got=$answer").text == "got=\n\nexit code: 0"


def test_variables_that_look_like_keys_are_not_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model cannot print a key; `env` may give one on purpose."""
    names = ("ANTHROPIC_API_KEY", "MY_TOKEN", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD", "openai_api_key", "JUPYTER_TOKEN")
    for name in names:
        monkeypatch.setenv(name, "hide-me")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "shown")
    text = bash(tmp_path, "env").text
    assert "hide-me" not in text
    assert "TOKENIZERS_PARALLELISM=shown" in text
    assert "MY_TOKEN=on purpose" in bash(tmp_path, "env", env={"MY_TOKEN": "on purpose"}).text


def test_it_always_asks_and_names_the_command(tmp_path: Path) -> None:
    assert Bash().approval_reason({"command": "ls -l"}, ToolContext(tmp_path)) == "bash wants to run `ls -l`"
    assert Bash.parallel is False


# -- long output -----------------------------------------------------------------------------------


def test_long_output_keeps_its_head_and_its_tail(tmp_path: Path) -> None:
    """BASH-4, BASH-w2: errors are at the tail."""
    result = bash(tmp_path, "echo first; yes | head -c 5000000; echo the error is here; exit 1")
    assert result.text.startswith("first\ny\n")
    assert result.text.endswith("the error is here\n\nexit code: 1")
    assert "\n... (output truncated): " in result.text
    assert len(result.text) < MAX_OUTPUT + 200
    assert result.data == {"exit_code": 1, "truncated": True}


def test_output_at_the_limit_is_whole(tmp_path: Path) -> None:
    """BASH-4: more than 30,000 bytes, not 30,000, are truncated."""
    assert bash(tmp_path, "yes | head -c 30000").text == "y\n" * 15_000 + "\nexit code: 0"
    assert "(output truncated): 1 bytes" in bash(tmp_path, "yes | head -c 30001").text


def test_output_is_told_as_it_comes(tmp_path: Path) -> None:
    """BASH-w2: what was written before the command ends is heard before it ends."""
    heard: list[str] = []

    def report(message: str, fraction: float | None) -> None:
        heard.append(message)
        (tmp_path / "heard").touch()

    ctx = ToolContext(tmp_path, report=report)
    result = bash(ctx, "echo one; until [ -e heard ]; do sleep 0.01; done; echo größe")
    assert result.text == "one\ngröße\n\nexit code: 0"
    assert "".join(heard) == "one\ngröße\n"
    assert len(heard) > 1


def test_progress_is_bounded_too(tmp_path: Path) -> None:
    heard: list[str] = []
    bash(ToolContext(tmp_path, report=lambda message, _: heard.append(message)), "yes | head -c 3000000")
    assert len("".join(heard)) < MAX_PROGRESS + 100
    assert "".join(heard).endswith("(the end is in the result)\n")


# -- time and processes ----------------------------------------------------------------------------


def test_a_command_that_takes_too_long_is_stopped_and_says_why(tmp_path: Path) -> None:
    """BASH-5."""
    result = bash(tmp_path, "sleep 1000", timeout=100)
    assert result.is_error
    assert result.text == (
        "Command timed out after 100ms. The process may have started a server, entered an infinite loop, "
        "or is waiting for input. Try a non-blocking approach."
    )


def test_what_came_before_the_timeout_is_told(tmp_path: Path) -> None:
    for timeout in PATIENCE:
        result = bash(tmp_path, "echo listening on 8080; sleep 1000", timeout=timeout)
        if "8080" in result.text:
            break
    assert result.text.endswith("Its output until then:\nlistening on 8080\n")


@pytest.mark.parametrize("timeout", [0, -1])
def test_a_timeout_below_one_is_an_error(tmp_path: Path, timeout: int) -> None:
    with pytest.raises(ToolError, match="timeout must be"):
        bash(tmp_path, "true", timeout=timeout)


def test_the_default_timeout_is_two_minutes() -> None:
    """BASH-2; BASH-w2: no second clock of equal length hides its message."""
    assert module.DEFAULT_TIMEOUT_MS == 120_000
    assert Bash.timeout == float("inf")


# Each leaves its pid in the file `pid` and goes on for ever; {pid} is how it writes it down.
FOR_EVER = {
    "plain": "echo $$ > pid; exec sleep 1000",
    "a child": "bash -c 'echo $$ > pid; sleep 1000; true'",
    "a pipe": "bash -c 'echo $$ > pid; sleep 1000; true' | cat",
    "deaf to SIGTERM": "trap '' TERM; echo $$ > pid; while :; do sleep 1; done",
    "its own group": "set -m; bash -c 'echo $$ > pid; sleep 1000; true' & wait",
}
if sys.platform == "linux" and shutil.which("setsid"):
    FOR_EVER["its own session"] = "setsid bash -c 'echo $$ > pid; sleep 1000; true' & sleep 1000"


@pytest.mark.parametrize("kind", FOR_EVER)
def test_nothing_outlives_a_timeout(tmp_path: Path, kind: str) -> None:
    """BASH-w1: the original leaves orphans."""
    for timeout in PATIENCE:
        assert bash(tmp_path, FOR_EVER[kind], timeout=timeout).is_error
        if pid := pid_in(tmp_path / "pid"):
            break
    assert pid is not None
    assert not is_alive(pid)


@pytest.mark.parametrize("kind", FOR_EVER)
def test_nothing_outlives_a_cancelled_call(tmp_path: Path, kind: str) -> None:
    """BASH-w1, EXE-w2: when the task is cancelled, the processes are dead before the cancellation is through."""

    async def cancel_it() -> int:
        ctx = ToolContext(tmp_path)
        task = asyncio.create_task(Bash().execute({"command": FOR_EVER[kind]}, ctx))
        while (pid := pid_in(tmp_path / "pid")) is None:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return pid

    assert not is_alive(asyncio.run(cancel_it()))


def test_a_second_cancellation_does_not_save_the_processes(tmp_path: Path) -> None:
    async def cancel_twice() -> int:
        command = FOR_EVER["deaf to SIGTERM"]
        task = asyncio.create_task(Bash().execute({"command": command}, ToolContext(tmp_path)))
        while (pid := pid_in(tmp_path / "pid")) is None:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return pid

    pid = asyncio.run(cancel_twice())
    until(lambda: not is_alive(pid))


def test_the_cancel_token_stops_the_command(tmp_path: Path) -> None:
    token = CancelToken()
    setter = threading.Thread(target=lambda: (until(lambda: pid_in(tmp_path / "pid")), token.set()))
    setter.start()
    result = bash(ToolContext(tmp_path, cancelled=token), "echo so far; " + FOR_EVER["plain"])
    setter.join()
    assert result.is_error
    assert result.text == "The command was stopped.\nIts output until then:\nso far\n"
    assert not is_alive(pid_in(tmp_path / "pid") or 0)


@pytest.mark.parametrize("redirect", ["", " > /dev/null 2>&1"])
def test_a_background_process_neither_holds_the_call_nor_survives_it(tmp_path: Path, redirect: str) -> None:
    """BASH-w2: it would hold the pipe open for ever."""
    result = bash(tmp_path, f"sleep 1000{redirect} & echo $! > pid; echo started")
    assert result.text == "started\n\nexit code: 0"
    assert not is_alive(pid_in(tmp_path / "pid") or 0)


def test_output_of_a_process_substitution_is_not_lost(tmp_path: Path) -> None:
    """Bash does not wait for it: the call must, a little."""
    assert bash(tmp_path, "echo late > >(cat)").text == "late\n\nexit code: 0"


def test_it_works_on_a_loop_in_another_thread(tmp_path: Path) -> None:
    """Python's child watchers depend on the thread and the policy; nothing here does."""
    results: list[ToolResult] = []
    thread = threading.Thread(target=lambda: results.append(bash(tmp_path, "echo hi; sleep 0.05; exit 7")), daemon=True)
    thread.start()
    thread.join(30)
    assert [result.text for result in results] == ["hi\n\nexit code: 7"]


def test_many_at_once_keep_their_output_apart(tmp_path: Path) -> None:
    async def many() -> list[ToolResult]:
        calls = [Bash().execute({"command": f"echo {n}; exit {n}"}, ToolContext(tmp_path)) for n in range(12)]
        return await asyncio.gather(*calls)

    assert [result.text for result in asyncio.run(many())] == [f"{n}\n\nexit code: {n}" for n in range(12)]


@pytest.mark.thorough
def test_no_descriptor_and_no_thread_is_left_behind(tmp_path: Path) -> None:
    def descriptors() -> int:
        return len(os.listdir("/dev/fd"))

    bash(tmp_path, "true")
    open_before, running_before = descriptors(), threading.active_count()
    for _ in range(10):
        bash(tmp_path, "echo x")
        bash(tmp_path, "sleep 1000", timeout=1)
    until(lambda: descriptors() <= open_before and threading.active_count() <= running_before)


def test_commands_end_with_the_process(tmp_path: Path) -> None:
    """An exit while a command runs on a daemon thread's loop kills it."""
    script = f"""
import asyncio, threading, time
from pathlib import Path
from alloy_nb.tools.bash import Bash
from alloy_nb.tools.context import ToolContext
ctx = ToolContext(Path({str(tmp_path)!r}))
call = Bash().execute({{"command": {FOR_EVER["deaf to SIGTERM"]!r}}}, ctx)
threading.Thread(target=lambda: asyncio.run(call), daemon=True).start()
pid = Path({str(tmp_path / "pid")!r})
while not (pid.exists() and pid.read_text().endswith("\\n")):
    time.sleep(0.01)
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
    pid = until(lambda: pid_in(tmp_path / "pid"))
    until(lambda: not is_alive(pid))
