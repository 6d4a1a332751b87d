"""What a person types, on terminals that know nothing but lines; and which way to read is right."""

from __future__ import annotations

import codecs
import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from ..console import is_terminal

__all__ = ["MARK", "PATIENCE", "LineReader", "Reader", "can_edit", "make_private"]

MARK = "> "
#: Lines that follow each other within so many seconds were pasted, and are one text.
PATIENCE = 0.05


class Reader(Protocol):
    """Reads one text at a time: `EOFError` at the end, `KeyboardInterrupt` for Ctrl-C."""

    def read(self) -> str: ...

    def forget(self) -> bool:
        """Leave out what was typed ahead and taken by now; False where nothing was."""


def can_edit() -> bool:
    """Whether lines can be edited here: on a terminal for both directions that knows how to move its cursor."""
    known = os.environ.get("TERM", "") not in ("", "dumb", "unknown") or sys.platform == "win32"
    return known and is_terminal(sys.stdin) and is_terminal(sys.stdout)


class LineReader:
    """Lines as the terminal gives them; those of a paste together."""

    def __init__(self, prompt: Callable[[str], None]) -> None:
        self._prompt = prompt
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def read(self) -> str:
        self._prompt(MARK)
        text = ""
        while not text.endswith("\n") or self._is_waiting():
            more = self._more()
            if not more and not text:
                raise EOFError
            if not more:
                return text
            text += more
        return text.removesuffix("\n")

    def forget(self) -> bool:
        return False

    def _more(self) -> str:
        """What there is by now; nothing at the end."""
        # Not by `sys.stdin`, whose buffer would keep what `select` cannot see.
        return self._decoder.decode(os.read(sys.stdin.fileno(), 65536))

    def _is_waiting(self) -> bool:
        try:
            return bool(select.select([sys.stdin.fileno()], [], [], PATIENCE)[0])
        except (OSError, ValueError):  # Windows: `select` takes no console
            return False


@contextmanager
def terminal_as_it_was(edited: bool) -> Iterator[None]:
    """However it ends, by a signal too: the shell gets the terminal as it gave it."""
    try:
        import termios
    except ImportError:  # Windows
        yield
        return
    before = None
    with suppress(OSError, ValueError, termios.error):  # a stdin that is closed, or no terminal
        before = termios.tcgetattr(sys.stdin.fileno())
    try:
        yield
    finally:
        with suppress(OSError, ValueError, termios.error):
            if before is not None:
                termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, before)
            if edited:
                print(_NORMAL, end="", file=sys.stderr, flush=True)


#: The cursor is seen; a paste is typed as it is.
_NORMAL = "\x1b[?25h\x1b[?2004l"


def make_private(path: Path) -> bool:
    """Have the file be there, readable by its owner alone; False where it cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
        os.close(os.open(path, flags, 0o600))
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except OSError:
        return False
    return True
