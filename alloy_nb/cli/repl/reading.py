"""What a person types, on terminals that know nothing but lines; and which way to read is right."""

from __future__ import annotations

import codecs
import os
import select
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from ...plain import printable
from ...redaction import redact
from ..console import is_terminal
from .ahead import split_typed

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
    """Lines as the terminal gives them; those of a paste together.

    What stands there before the prompt does was typed ahead: each of its lines is a text of its own.
    """

    def __init__(self, prompt: Callable[[str], None]) -> None:
        self._prompt = prompt
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._ahead: deque[str] = deque()
        self._ended = False

    def read(self) -> str:
        self._take_ahead()
        if self._ahead:
            return self._next_ahead()
        self._prompt(MARK)
        if self._ended:
            raise EOFError
        text = ""
        while not text.endswith("\n") or _is_waiting(PATIENCE):
            more = self._more()
            if not more and not text:
                raise EOFError
            if not more:
                return text
            text += more
        return text.removesuffix("\n")

    def forget(self) -> bool:
        there = bool(self._ahead)
        self._ahead.clear()
        return there

    def _take_ahead(self) -> None:
        """Of a terminal alone, which gives whole lines; what is begun stays there, to be gone on with."""
        text = ""
        while is_terminal(sys.stdin) and not self._ended and _is_waiting(0):
            more = self._more()
            self._ended = not more
            text += more
        entries, begun = split_typed(text)
        self._ahead.extend([*entries, begun] if begun.strip() else entries)

    def _next_ahead(self) -> str:
        text = self._ahead.popleft()
        if text.lstrip().startswith("/login"):  # what follows may be a key: it is no question
            self.forget()
        self._prompt(f"{MARK}{redact(printable(text))}\n")
        return text

    def _more(self) -> str:
        """What there is by now; nothing at the end."""
        # Not by `sys.stdin`, whose buffer would keep what `select` cannot see.
        return self._decoder.decode(os.read(sys.stdin.fileno(), 65536))


def _is_waiting(seconds: float) -> bool:
    """Whether there is something to read, now or within so many seconds."""
    try:
        return bool(select.select([sys.stdin.fileno()], [], [], seconds)[0])
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
