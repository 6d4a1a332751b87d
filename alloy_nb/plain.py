"""Text that is safe to print: what a model, a tool or a file says must not steer a terminal."""

from __future__ import annotations

import re

__all__ = ["one_line", "printable"]

# ANSI sequences (CSI, OSC, and the two-character ones), before single control characters are looked at.
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-Z\\-_]")
# C0 but tab and newline, DEL, C1, and the characters that turn the direction of what follows.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def printable(text: str) -> str:
    """`text` without escape sequences, control characters and direction overrides; lines and tabs stay.

    >>> printable("a" + chr(27) + "[31mb")
    'ab'
    """
    return _CONTROL.sub("", _ANSI.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def one_line(text: str, longest: int = 200) -> str:
    """`text` on one line, safe to print, cut where it is longer than `longest` characters."""
    line = " ".join(printable(text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
