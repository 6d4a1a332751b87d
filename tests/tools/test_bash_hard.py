"""Commands that go wrong in every way: floods, bombs, daemons, deafness. Real processes, and none is left."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from alloy_nb.errors import ToolError
from alloy_nb.messages import ToolResult
from alloy_nb.tools import bash as module
from alloy_nb.tools import bash_output, kept, workers
from alloy_nb.tools.bash import Bash
from alloy_nb.tools.context import CancelToken, ToolContext
from alloy_nb.tools.kept import KeptOutputs

pytestmark = [pytest.mark.thorough, pytest.mark.skipif(sys.platform == "win32", reason="no bash on Windows")]

#: Milliseconds; far more than any command here takes, far less than a hang.
ENOUGH = 60_000
#: Timeouts to try until the command got as far as it should: a busy machine may need the longer ones.
PATIENCE = (500, 3000, 30_000)

MB = 1 << 20


def bash(ctx: ToolContext, command: str, timeout: int = ENOUGH) -> ToolResult:
    tool = Bash()
    return asyncio.run(tool.execute(tool.validate({"command": command, "timeout": timeout}), ctx))


def in_folder(directory: Path) -> ToolContext:
    return ToolContext(directory, outputs=KeptOutputs())


def processes_that_say(word: str) -> list[int]:
    """Living processes with a word in their command line or environment."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "stat").read_bytes().rpartition(b")")[2].split()[0] not in b"ZX":
                told = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                if word.encode() in told:
                    found.append(int(entry.name))
        except OSError:
            continue
    return found


def until(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.01)
    raise AssertionError("it did not happen within 30 s")


needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")


@pytest.fixture
def word(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A word in the environment of all that is started here; at the end nobody is left who has it."""
    value = uuid4().hex
    monkeypatch.setenv("ALLOY_TEST_WORD", value)
    yield value
    left = [pid for pid in processes_that_say(value) if pid != os.getpid()]
    assert left == []


# -- floods ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "first"),
    [("yes", "y\ny\n"), ("cat /dev/zero", "\0\0"), ("yes | cat | cat", "y\ny\n"), ("yes >&2", "y\ny\n")],
)
def test_a_flood_without_end_fills_no_memory(tmp_path: Path, command: str, first: str) -> None:
    """All of it is read, its beginning kept, and the memory that takes is that of a few pieces."""
    ctx = in_folder(tmp_path)
    tracemalloc.start()
    try:
        result = bash(ctx, command, timeout=1000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert result.is_error
    assert result.text.startswith("Command timed out after 1000ms.")
    assert "\nIts output until then:\n" + first in result.text
    assert "the whole is kept" in result.text or "the first 50 MB are kept" in result.text
    assert len(result.text) < bash_output.MAX_OUTPUT + 1000
    assert peak < 6 * MB
    assert ctx.outputs is not None
    assert 0 < ctx.outputs.path("output:1").stat().st_size <= kept.MAX_OUTPUT + 200


@pytest.mark.thorough
@needs_proc
def test_a_flood_fills_no_memory_of_the_process_either(tmp_path: Path) -> None:
    """Measured by the system: what no allocator of Python knows counts too."""
    script = f"""
import asyncio, resource
from pathlib import Path
from alloy_nb.tools.bash import Bash
from alloy_nb.tools.context import ToolContext
from alloy_nb.tools.kept import KeptOutputs
def run(command):
    ctx = ToolContext(Path({str(tmp_path)!r}), outputs=KeptOutputs())
    return asyncio.run(Bash().execute({{"command": command}}, ctx))
run("yes | head -c 2000000")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
result = run("yes | head -c 300000000; printf end")
assert result.text.endswith("end\\nexit code: 0"), result.text[-100:]
assert "the first 50 MB are kept" in result.text
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=120)
    assert int(done.stdout) < 8


def test_a_huge_single_line_is_kept_and_can_be_read(tmp_path: Path) -> None:
    from alloy_nb.tools.read import Read

    ctx = in_folder(tmp_path)
    result = bash(ctx, "head -c 3000000 /dev/zero | tr '\\0' x; printf needle; head -c 3000000 /dev/zero | tr '\\0' y")
    assert result.text.startswith("x" * 15_000 + "\n... (output truncated): 5970006 bytes are left out here; ")
    assert 'file_path="output:1", offset=8\n' in result.text
    read = asyncio.run(Read().execute({"file_path": "output:1", "offset": 1500, "limit": 2}, ctx))
    assert read.startswith(f"  1500\t{'x' * 2000}\n  1501\tneedleyyy")


def test_invalid_bytes_cut_between_two_reads_do_no_harm(tmp_path: Path) -> None:
    ctx = in_folder(tmp_path)
    script = r"for i in 1 2 3; do printf '\xe6\x97'; sleep 0.05; printf '\xa5'; sleep 0.05; printf '\xff'; done"
    assert bash(ctx, script).text == "日\ufffd" * 3 + "\nexit code: 0"


def test_a_call_that_is_cancelled_in_mid_output_leaves_nothing(tmp_path: Path, word: str) -> None:
    """Neither a process, nor what it had said so far, nor a descriptor."""
    ctx = in_folder(tmp_path)
    assert ctx.outputs is not None
    outputs = ctx.outputs

    async def cancel_it() -> None:
        task = asyncio.create_task(Bash().execute({"command": "yes"}, ctx))
        while not outputs.handles():
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    bash(ctx, "true")
    before = len(os.listdir("/dev/fd"))
    asyncio.run(cancel_it())
    assert outputs.handles() == []
    until(lambda: len(os.listdir("/dev/fd")) <= before + 1)  # the folder's lock


def test_a_token_that_is_set_in_mid_output_keeps_what_came(tmp_path: Path, word: str) -> None:
    token = CancelToken()
    ctx = ToolContext(tmp_path, outputs=KeptOutputs(), cancelled=token)
    assert ctx.outputs is not None
    outputs = ctx.outputs
    setter = threading.Thread(target=lambda: (until(outputs.handles), token.set()))
    setter.start()
    result = bash(ctx, "yes")
    setter.join()
    assert result.text.startswith("The command was stopped.\nIts output until then:\ny\ny\n")
    assert outputs.path("output:1").stat().st_size > bash_output.MAX_OUTPUT


# -- processes -------------------------------------------------------------------------------------


def test_a_command_that_closes_its_output_and_sleeps_is_waited_for(tmp_path: Path, word: str) -> None:
    """Its end of the pipe is closed, and it is not over."""
    assert bash(in_folder(tmp_path), "echo said; exec >&- 2>&-; sleep 0.3; exit 7").text == "said\n\nexit code: 7"
    result = bash(in_folder(tmp_path), "exec >&- 2>&-; sleep 1000", timeout=200)
    assert result.text.startswith("Command timed out after 200ms.")


_DAEMON = """
import os, signal, sys, time
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
with open("pid", "w") as file:
    file.write(f"{os.getpid()}\\n")
time.sleep(1000)
"""


@needs_proc
@pytest.mark.parametrize("redirect", ["", " > /dev/null 2>&1"])
def test_a_daemon_does_not_outlive_the_call(tmp_path: Path, word: str, redirect: str) -> None:
    """Forked twice, in a session of its own, deaf to SIGTERM and SIGHUP."""
    (tmp_path / "daemon.py").write_text(_DAEMON)
    command = f"{sys.executable} daemon.py{redirect}; until [ -s pid ]; do sleep 0.01; done; echo begun"
    assert bash(in_folder(tmp_path), command).text == "begun\n\nexit code: 0"
    assert processes_that_say(str(tmp_path)) == []  # by the folder: other tests may run daemons of their own


@pytest.mark.slow  # a race by its nature: on a machine that does nothing else the kill is never behind
@needs_proc
def test_processes_that_fork_all_the_time_are_not_ahead_of_the_kill(tmp_path: Path, word: str) -> None:
    """Each is in a session of its own, deaf, gone in a moment, and has left another one by then."""
    script = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "open('begun', 'w').close()\n"
        "end = time.monotonic() + 20\n"  # whatever becomes of the test, they do not go on for ever
        "while time.monotonic() < end:\n"
        "    if os.fork():\n"
        "        os._exit(0)\n"
        "    os.setsid()\n"
        "    time.sleep(0.02)\n"  # where nobody reaps orphans, few are left
    )
    (tmp_path / "hydra.py").write_text(script)
    result = bash(in_folder(tmp_path), f"{sys.executable} hydra.py & until [ -e begun ]; do sleep 0.01; done")
    assert result.text == "\nexit code: 0"
    assert processes_that_say(str(tmp_path)) == []


def _is_ours(entry: Path) -> bool:
    try:
        return entry.stat().st_uid == os.getuid()
    except OSError:
        return False


def _threads(entry: Path) -> int:
    try:
        return len(os.listdir(entry / "task"))
    except OSError:
        return 0


def _limited() -> Iterator[str]:
    """What to begin a command with, so that it and all it starts are at most a few dozen processes."""
    if os.getuid() != 0:
        ours = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit() and _is_ours(entry)]
        yield f"ulimit -u {sum(map(_threads, ours)) + 64} || exit 99; "
        return
    root = Path("/sys/fs/cgroup/pids") if Path("/sys/fs/cgroup/pids").is_dir() else Path("/sys/fs/cgroup")
    group = root / f"alloy-test-{uuid4().hex[:8]}"
    try:
        group.mkdir()
        (group / "pids.max").write_text("64")
    except OSError as error:
        if group.is_dir():
            group.rmdir()
        pytest.skip(f"nothing bounds a fork bomb here: no cgroup with pids.max can be made ({error.strerror})")
    yield f"echo $$ > {group}/cgroup.procs || exit 99; "
    until(lambda: not _kill_all(group))
    group.rmdir()


def _kill_all(group: Path) -> bool:
    """Whether there was anything left to be killed: whatever becomes of a test, its bomb ends with it."""
    left = (group / "cgroup.procs").read_text().split()
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    return bool(left)


@pytest.fixture
def limit() -> Iterator[str]:
    yield from _limited()


@needs_proc
@pytest.mark.parametrize(
    "bomb",
    [
        ":(){ :|:& };:",
        ":(){ :|:& };:; sleep 1000",
        "trap '' TERM; :(){ :|:& };:",
        pytest.param(
            'b(){ setsid bash -c "$B" & setsid bash -c "$B" & wait; }; export B=\''
            'trap "" TERM; setsid bash -c "$B" & setsid bash -c "$B" & wait\'; b; sleep 1000',
            marks=pytest.mark.skipif(not shutil.which("setsid"), reason="no setsid"),
        ),
    ],
    ids=["bomb", "bomb and wait", "deaf bomb", "bomb of sessions"],
)
def test_a_fork_bomb_ends_with_the_call(tmp_path: Path, word: str, limit: str, bomb: str) -> None:
    result = bash(in_folder(tmp_path), f"{limit}{bomb}", timeout=1500)
    if result.is_error:
        assert result.text.startswith("Command timed out after 1500ms.")
        assert "fork" in result.text  # bash says that it could not
    else:
        assert result.text.endswith("\nexit code: 0")
    assert [pid for pid in processes_that_say(word) if pid != os.getpid()] == []


def test_a_machine_that_starts_no_more_threads_is_said_and_nothing_is_left(
    tmp_path: Path, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a bomb outside any limit comes to: the command must still be killed."""
    started: list[int] = []

    def refuse(call: Any, name: str) -> Any:
        started.append(1)
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(module, "call_in_thread", refuse)
    with pytest.raises(ToolError, match=r"(?m)^The command was stopped: can't start new thread$"):
        bash(in_folder(tmp_path), "sleep 1000")
    assert started == [1]


def test_threads_that_run_out_meanwhile_save_no_process(
    tmp_path: Path, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def only_once(call: Any, name: str) -> Any:
        calls.append(1)
        if len(calls) > 1:
            raise RuntimeError("can't start new thread")
        return workers.call_in_thread(call, name)

    monkeypatch.setattr(module, "call_in_thread", only_once)
    with pytest.raises(ToolError, match="can't start new thread"):
        bash(in_folder(tmp_path), "sleep 1000 & echo said", timeout=ENOUGH)
    assert len(calls) == 2


def test_a_directory_that_is_deleted_meanwhile_harms_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    result = bash(in_folder(folder), 'rm -rf "$PWD"; echo gone; exit 5')
    assert result.text == "gone\n\nexit code: 5"
    with pytest.raises(ToolError, match="no such directory"):
        bash(in_folder(folder), "true")


@pytest.mark.thorough
def test_ten_calls_in_a_row_leave_neither_threads_nor_descriptors_nor_files(tmp_path: Path, word: str) -> None:
    ctx = in_folder(tmp_path)
    bash(ctx, "yes | head -c 100000")
    descriptors, threads = len(os.listdir("/dev/fd")), threading.active_count()
    for _ in range(5):
        assert "kept" in bash(ctx, "yes | head -c 100000").text
        bash(ctx, "sleep 1000 & yes", timeout=100)
    until(lambda: len(os.listdir("/dev/fd")) <= descriptors and threading.active_count() <= threads)
    assert list(tmp_path.iterdir()) == []
