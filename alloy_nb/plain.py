"""Text that is safe to print: what a model, a tool or a file says must not steer a terminal."""

from __future__ import annotations

import re

__all__ = ["one_line", "printable", "revealed", "revealed_name", "unfinished", "visible"]

# ANSI sequences (CSI, OSC, and the two-character ones), before single control characters are looked at.
# An OSC that nothing ends must not swallow the lines after it; a CSI is never long, and what looks like one is text.
_CSI = r"\x1b\[[0-?]{0,128}[ -/]{0,8}"
_OSC = r"\x1b\][^\x07\x1b\n]*"
_ANSI = re.compile(rf"{_CSI}[@-~]|{_OSC}(?:\x07|\x1b\\)?|\x1b[@-Z\\-_]")
_UNFINISHED = re.compile(rf"(?:{_CSI}|{_OSC}\x1b?|\x1b)\Z")
# C0 but tab and newline, DEL, C1, the characters that turn the direction of what follows, and half characters, which
# no encoding can write.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def printable(text: str) -> str:
    """`text` without escape sequences, control characters, direction overrides, half characters; lines and tabs stay.

    >>> printable("a" + chr(27) + "[31mb")
    'ab'
    """
    return _CONTROL.sub("", _ANSI.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def unfinished(text: str) -> int:
    """Where an escape sequence begins that the end of `text` cuts; ``len(text)`` where there is none.

    >>> unfinished("a" + chr(27) + "[3"), unfinished("a" + chr(27) + "[31mb")
    (1, 7)
    """
    found = _UNFINISHED.search(text)
    return found.start() if found else len(text)


# What is not seen, or changes how the rest is read: control and direction characters, zero-width ones, half
# characters, the invisible marks and tags that carry smuggled words, and ends of lines that only some programs know.
_HIDDEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"
    r"\ud800-\udfff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def revealed(text: str) -> str:
    """`text` with every hidden character spelt out: what a person is asked about must look like what it is.

    >>> revealed("ls" + chr(27) + "]0;" + chr(0x202E))
    'ls\\\\x1b]0;\\\\u202e'
    """
    return _HIDDEN.sub(_spell, text.replace("\r\n", "\n"))


def visible(text: str) -> str:
    """`text` without hidden characters and escape sequences: whoever reads it sees all that it says.

    >>> visible("be kind" + chr(0xE0041) + chr(0x200B))
    'be kind'
    """
    return _HIDDEN.sub("", printable(text))


def revealed_name(text: str) -> str:
    """`text` revealed, and on one line: no name may look like a line of its own.

    >>> revealed_name("path: /tmp" + chr(10) + "force")
    'path: /tmp\\\\nforce'
    """
    return revealed(text).replace("\n", "\\n").replace("\t", "\\t")


def _spell(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def one_line(text: str, longest: int = 200) -> str:
    """`text` on one line, safe to print, cut where it is longer than `longest` characters."""
    line = " ".join(printable(text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
