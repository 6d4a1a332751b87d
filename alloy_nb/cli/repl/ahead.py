"""What is typed while an answer is written: nothing of it is shown within the answer, and all of it is kept."""

from __future__ import annotations

import codecs
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["split_typed", "take_typed", "unseen"]

#: A paste as terminals mark it, a line that was ended, or the beginning of one.
_ENTRY = re.compile(r"\x1b\[200~(?P<paste>.*?)\x1b\[201~\n?|(?P<line>[^\n]*)\n|(?P<begun>[^\n]+)\Z", re.DOTALL)
#: Keys that move or paint do nothing where no line is edited.
_KEYS = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.|.)?|[\x00-\x08\x0b-\x1f\x7f]", re.DOTALL)
_LFLAG, _CC = 3, 6
_MARK_PASTES, _MARK_NO_PASTES = "\x1b[?2004h", "\x1b[?2004l"


@contextmanager
def unseen() -> Iterator[None]:
    """The terminal shows nothing of what is typed; it takes lines, and Ctrl-C, as before, and marks what is pasted."""
    _echo(False)
    _tell_terminal(_MARK_PASTES)
    try:
        yield
    finally:
        # Not as it was found: an interrupt may have kept an earlier one from getting here.
        _echo(True)
        _tell_terminal(_MARK_NO_PASTES)


def _tell_terminal(words: str) -> None:
    """By the stdout of the process: that of Python may be led elsewhere."""
    with suppress(AttributeError, OSError, ValueError):  # it is gone: the answer finds out
        sys.__stdout__.write(words)  # type: ignore[union-attr]
        sys.__stdout__.flush()  # type: ignore[union-attr]


def _echo(on: bool) -> None:
    try:
        import termios
    except ImportError:  # Windows
        return
    with suppress(OSError, ValueError, termios.error):  # a stdin that is closed, or no terminal
        now = termios.tcgetattr(sys.stdin.fileno())
        now[_LFLAG] = now[_LFLAG] | termios.ECHO if on else now[_LFLAG] & ~termios.ECHO
        termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, now)


def take_typed() -> str:
    """All that was typed and not read yet, the beginning of a line too; nothing where that cannot be told."""
    try:
        import termios
    except ImportError:  # Windows
        return ""
    taken = b""
    with suppress(OSError, ValueError, termios.error):
        end = sys.stdin.fileno()
        before = termios.tcgetattr(end)
        # By lines the terminal would keep what is not ended.
        now = [*before[:_CC], list(before[_CC])]
        now[_LFLAG] &= ~termios.ICANON
        now[_CC][termios.VMIN] = now[_CC][termios.VTIME] = 0
        termios.tcsetattr(end, termios.TCSANOW, now)
        try:
            while piece := os.read(end, 65536):
                taken += piece
        finally:
            termios.tcsetattr(end, termios.TCSANOW, before)
    return codecs.decode(taken, "utf-8", "replace")


def split_typed(text: str) -> tuple[list[str], str]:
    """Its entries, and what was begun: a line that was ended is one, a marked paste is one with all its lines.

    >>> split_typed("one\\n/context\\n\\x1b[200~a\\nb\\x1b[201~\\nand so")
    (['one', '/context', 'a\\nb'], 'and so')
    """
    entries, begun = [], ""
    for match in _ENTRY.finditer(text.replace("\r\n", "\n").replace("\r", "\n")):
        said = _KEYS.sub("", match[match.lastgroup or 0])
        if match.lastgroup == "begun":
            begun = said
        elif said.strip():
            entries.append(said)
    return entries, begun
