"""A real pseudo-terminal with the command line in it, and what a test may see and do there."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .conftest import environment

__all__ = ["LONGEST", "Terminal", "bash", "pid_of", "process_is_gone"]

LONGEST = 30.0


class Terminal:
    """The command line in a pseudo-terminal of its own, as its controlling terminal."""

    def __init__(
        self, *arguments: str, cwd: Path, env: Mapping[str, str] | None = None, columns: int = 100, **settings: Any
    ) -> None:
        self._end, child = os.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        streams = {"stdin": child, "stdout": child, "stderr": child, **settings}
        self.process = subprocess.Popen(
            [sys.executable, "-c", _IN_FRONT, *arguments],
            env=environment(**{"TERM": "dumb", **(env or {})}),
            cwd=cwd,
            start_new_session=True,
            **streams,
        )
        self._name = os.ttyname(child)
        os.close(child)
        self.screen = ""
        self._seen = 0

    def wait_for(self, text: str) -> str:
        """Read until `text` is on the screen; what is there by then."""
        end = time.monotonic() + LONGEST
        while text not in self.screen:
            assert self._read(end), f"{text!r} never came: {self.screen!r}"
        return self.screen

    def expect(self, text: str) -> str:
        """Read until `text` comes after what was expected before; what came up to its end."""
        end = time.monotonic() + LONGEST
        while (place := self.screen.find(text, self._seen)) < 0:
            assert self._read(end), f"{text!r} never came: {self.screen[self._seen :]!r}"
        came = self.screen[self._seen : place + len(text)]
        self._seen = place + len(text)
        return came

    @property
    def echoes(self) -> bool:
        """Whether the terminal is as a shell leaves it: lines, shown as they are typed."""
        flags = termios.tcgetattr(self._end)[3]
        return bool(flags & termios.ECHO and flags & termios.ICANON)

    def send(self, text: str) -> None:
        os.write(self._end, text.encode())

    def wait_until_typed(self, count: int) -> None:
        """Until the terminal holds so many bytes of lines that were ended, and nobody has read them."""
        other = os.open(self._name, os.O_RDONLY | os.O_NOCTTY)
        end = time.monotonic() + LONGEST
        try:
            while struct.unpack("i", fcntl.ioctl(other, termios.FIONREAD, b"\0" * 4))[0] < count:
                assert time.monotonic() < end
                time.sleep(0.01)
        finally:
            os.close(other)

    def look(self, seconds: float = 0.2, until: str | None = None) -> None:
        """Take in what comes within so many seconds, or until `until` has come once more."""
        end, before = time.monotonic() + seconds, self.screen.count(until or "\0")
        while self._read(end):
            if until is None or self.screen.count(until) > before:
                return

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
        self.hang_up()

    def hang_up(self) -> None:
        """As a window that is closed."""
        if self._end >= 0:
            os.close(self._end)
            self._end = -1


# A session leader takes the first terminal that it names as its own: then Ctrl-C is a signal to it.
_IN_FRONT = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from alloy_nb.cli.main import main
sys.exit(main())
"""


def bash(command: str, text: str = "") -> dict[str, Any]:
    """A line of a script: a call of `bash`."""
    return {"text": text, "tool_calls": [{"name": "bash", "input": {"command": command}}]}


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
