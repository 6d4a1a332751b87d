"""Printed lines as HTML: JupyterLab breaks those of a program's output anywhere, in the middle of words too."""

from __future__ import annotations

from .clean import clean
from .formulas import UNTOUCHED
from .html_parts import escaped
from .palette import STYLES

__all__ = ["lines_html"]

#: A second column that begins further right is none: below it nothing would have room.
_DEEPEST = 32


def lines_html(text: str) -> str:
    """Each line breaks at its blanks and goes on below its second column; what is copied of it is `text`.

    >>> "padding-left:7ch;text-indent:-7ch" in lines_html("/help  these commands")
    True
    """
    lines = "".join(_line(line) for line in clean(text).split("\n"))
    return f'<div class="alloy-lines {UNTOUCHED}" style="{STYLES["lines"]}">{lines}</div>'


def _line(line: str) -> str:
    words = line.lstrip(" ")
    behind = words.partition("  ")[2].lstrip(" ")
    deep = len(line) - len(behind or words)
    if not behind or deep > _DEEPEST:
        deep = min(len(line) - len(words), _DEEPEST) + 2
    return f'<div style="padding-left:{deep}ch;text-indent:-{deep}ch">{escaped(line) or "<br>"}</div>'
