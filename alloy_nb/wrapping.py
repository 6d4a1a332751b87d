"""How wide a text is in a terminal, and lines that break at blanks there."""

from __future__ import annotations

import os
import re
import unicodedata
from typing import TextIO

__all__ = ["columns", "fold", "is_terminal", "width_of"]

_ESCAPE = re.compile(r"\x1b\[[\d;]*m")
_FACTS = " · "


def columns(text: str) -> int:
    """How many columns of a terminal `text` takes; colours take none.

    >>> columns("naïve"), columns("漢字"), columns(chr(27) + "[2mdim" + chr(27) + "[0m")
    (5, 4, 3)
    """
    return sum(map(_wide, _ESCAPE.sub("", text)))


def is_terminal(stream: TextIO | None) -> bool:
    """False also for a stream that is closed or missing."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def width_of(stream: TextIO) -> int | None:
    """The columns of the terminal that `stream` writes to; None where there is none, or it does not say."""
    try:
        return (os.get_terminal_size(stream.fileno()).columns or None) if stream.isatty() else None
    except (OSError, ValueError):
        return None


def _wide(sign: str) -> int:
    if unicodedata.combining(sign):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def fold(text: str, width: int) -> str:
    """`text` with lines of at most `width` columns, broken at blanks, best at the dots between facts.

    What goes on is set in: in a list of two columns as far as the second one. A word that is longer stays whole.

    >>> print(fold("── model · 2 turns · 30 → 15 tokens", 20))
    ── model · 2 turns ·
      30 → 15 tokens
    """
    return "\n".join(_folded(line, width) if columns(line) > width else line for line in text.split("\n"))


def _folded(line: str, width: int) -> str:
    indent = _indent(line, width)
    lines = [""]
    for piece in _pieces(line, width - indent):
        if columns(lines[-1] + piece) > width and lines[-1].strip():
            lines.append(" " * indent + piece.lstrip())
        else:
            lines[-1] += piece
    return "\n".join(lines)


def _indent(line: str, width: int) -> int:
    """Where a second column begins, if that leaves room for one."""
    begins = len(line) - len(line.lstrip())
    second = re.match(r" *\S+(?: \S+)* {2,}(?=\S)", line)
    return second.end() if second and second.end() <= width // 2 else min(begins + 2, width // 2)


def _pieces(line: str, room: int) -> list[str]:
    """What is not broken, each with the blanks before it: a fact that fits on a line, else a word."""
    pieces: list[str] = []
    facts = line.split(_FACTS)
    for place, fact in enumerate(facts):
        dot = " ·" if place < len(facts) - 1 else ""
        lead = " " if place else ""
        if len(facts) > 1 and columns(fact + dot) <= room:
            pieces.append(f"{lead}{fact}{dot}")
        else:
            words = re.findall(r"\s*\S+", f"{lead}{fact}") or [""]
            pieces += [*words[:-1], words[-1] + dot]
    return pieces
