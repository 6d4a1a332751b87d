"""`alloy -p` with a person at a real terminal: what shows, what is asked, what Ctrl-C does."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import environment

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

LONGEST = 30.0

Script = Callable[..., str]


class Terminal:
    """The command line in a pseudo-terminal of its own, as its controlling terminal."""

    def __init__(self, *arguments: str, cwd: Path, **settings: Any) -> None:
        self._end, child = os.openpty()
        streams = {"stdin": child, "stdout": child, "stderr": child, **settings}
        self.process = subprocess.Popen(
            [sys.executable, "-c", _IN_FRONT, *arguments],
            env=environment(TERM="dumb"),
            cwd=cwd,
            start_new_session=True,
            **streams,
        )
        os.close(child)
        self.screen = ""

    def wait_for(self, text: str) -> str:
        """Read until `text` is on the screen; what is there by then."""
        end = time.monotonic() + LONGEST
        while text not in self.screen:
            assert self._read(end), f"{text!r} never came: {self.screen!r}"
        return self.screen

    def send(self, text: str) -> None:
        os.write(self._end, text.encode())

    def finish(self) -> tuple[int, str]:
        """The exit code, and all that was shown."""
        end = time.monotonic() + LONGEST
        while self._read(end):
            pass
        return self.process.wait(LONGEST), self.screen

    def interrupt(self) -> None:
        """Ctrl-C, as often as it takes: one that falls between a question and the reading of its answer is lost."""
        end = time.monotonic() + LONGEST
        while self.process.poll() is None and time.monotonic() < end:
            self.send("\x03")
            pause = time.monotonic() + 1.0
            while self.process.poll() is None and time.monotonic() < pause:
                self._read(min(pause, time.monotonic() + 0.05))

    def _read(self, end: float) -> bool:
        ready, _, _ = select.select([self._end], [], [], max(0.0, end - time.monotonic()))
        try:
            data = os.read(self._end, 65536) if ready else b""
        except OSError:  # Linux: nobody has the other end open any more
            data = b""
        self.screen += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(data)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(LONGEST)
        os.close(self._end)


# A session leader takes the first terminal that it names as its own: then Ctrl-C is a signal to it.
_IN_FRONT = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from alloy_nb.cli.main import main
sys.exit(main())
"""


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def open_one(*arguments: str, **settings: Any) -> Terminal:
        opened.append(Terminal(*arguments, cwd=tmp_path, **settings))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


def bash(command: str, text: str = "") -> dict[str, Any]:
    return {"text": text, "tool_calls": [{"name": "bash", "input": {"command": command}}]}


def test_text_shows_before_the_run_is_over_and_a_yes_lets_the_call_run(
    terminal: Callable[..., Terminal], script: Script, tmp_path: Path
) -> None:
    """CLI-w1: no permission prompts, nothing shown of tools."""
    alloy = terminal("-p", "go", "-t", "bash", "-m", script(bash("touch made", "I will make it."), "Made."))
    screen = alloy.wait_for("say why not: ")
    assert screen.startswith("I will make it.\n? bash wants to run `touch made`")
    assert not (tmp_path / "made").exists()
    alloy.send("y\n")
    code, screen = alloy.finish()
    assert code == 0
    assert (tmp_path / "made").exists()
    assert "› bash touch made\nMade.\n" in screen
    assert "2 turns · 20 → 10 tokens" in screen


def test_a_no_with_words_is_told_to_the_model(
    terminal: Callable[..., Terminal], script: Script, tmp_path: Path
) -> None:
    alloy = terminal("-p", "go", "-t", "bash", "-m", script(bash("touch made"), "All right."))
    alloy.wait_for("say why not: ")
    alloy.send("not in this folder\n")
    code, screen = alloy.finish()
    assert code == 0
    assert "✗ bash: Denied: not in this folder\nAll right.\n" in screen
    assert not (tmp_path / "made").exists()


def test_a_question_is_asked_on_stderr_where_stdout_is_a_file(
    terminal: Callable[..., Terminal], script: Script, tmp_path: Path
) -> None:
    model = script(bash("echo looked"), "It said: looked.")
    with (tmp_path / "answer.txt").open("w") as file:
        alloy = terminal("-p", "go", "-t", "bash", "-m", model, stdout=file)
    alloy.wait_for("say why not: ")
    alloy.send("y\n")
    assert alloy.finish()[0] == 0
    assert (tmp_path / "answer.txt").read_text() == "It said: looked.\n"


def test_piped_stdin_is_context_and_answers_no_question(
    terminal: Callable[..., Terminal], script: Script, tmp_path: Path
) -> None:
    """The `y` in a pipe is data, not a person's word."""
    (tmp_path / "context.txt").write_text("y\n")
    script_of = script({**bash("touch made"), "on": "go\n\n<stdin>\ny\n</stdin>"}, "No.")
    with (tmp_path / "context.txt").open() as context:
        alloy = subprocess.run(
            [sys.executable, "-m", "alloy_nb", "-p", "go", "-t", "bash", "-m", script_of],
            stdin=context,
            env=environment(),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert "Denied: nobody could be asked" in alloy.stderr
    assert not (tmp_path / "made").exists()


def test_what_a_model_writes_cannot_steer_the_terminal(terminal: Callable[..., Terminal], script: Script) -> None:
    """Law 14: escape sequences are taken out, also when a chunk's end cuts them."""
    evil = {"chunks": ["a\x1b", "[2J\x1b]0;ow", "ned\x07b", "\r\x9b31m\u202ec"]}
    code, screen = terminal("-p", "go", "-m", script(evil)).finish()
    assert code == 0
    assert screen.startswith("ab\n31mc\n")


SLEEPS = bash("echo $$ > pid; sleep 600", "I will wait.")


def process_is_gone(pid: int) -> bool:
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def pid_of(folder: Path) -> int:
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        if (folder / "pid").exists() and (folder / "pid").read_text().strip():
            return int((folder / "pid").read_text())
        time.sleep(0.02)
    raise AssertionError("the command never began")


def test_ctrl_c_ends_the_run_with_130_keeps_what_was_said_and_kills_the_command(
    terminal: Callable[..., Terminal], script: Script, tmp_path: Path
) -> None:
    """CLI-w1: no Ctrl-C interrupt of a turn."""
    alloy = terminal("-p", "go", "-t", "bash", "--approval", "auto", "-m", script(SLEEPS, "never"))
    pid = pid_of(tmp_path)
    alloy.send("\x03")
    code, screen = alloy.finish()
    assert code == 130
    assert "I will wait.\n" in screen
    assert "Traceback" not in screen
    assert process_is_gone(pid)


def test_ctrl_c_at_a_question_ends_the_run(terminal: Callable[..., Terminal], script: Script) -> None:
    alloy = terminal("-p", "go", "-t", "bash", "-m", script(bash("echo hi", "Let me."), "never"))
    alloy.wait_for("say why not: ")
    alloy.interrupt()
    code, screen = alloy.finish()
    assert code == 130
    assert "Let me.\n" in screen
    assert "Traceback" not in screen


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=["int", "term", "hup"]
)
def test_a_signal_keeps_the_partial_answer_and_leaves_no_process(
    number: signal.Signals, code: int, script: Script, tmp_path: Path
) -> None:
    alloy = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "alloy_nb",
            "-p",
            "go",
            "-t",
            "bash",
            "--approval",
            "auto",
            "-m",
            script(SLEEPS, "never"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        cwd=tmp_path,
        text=True,
    )
    pid = pid_of(tmp_path)
    alloy.send_signal(number)
    out, err = alloy.communicate(timeout=LONGEST)
    assert (alloy.returncode, out) == (code, "I will wait.\n")
    assert "Traceback" not in err
    assert process_is_gone(pid)
