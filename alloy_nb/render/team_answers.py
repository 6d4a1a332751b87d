"""What each member of a team has answered, in a terminal: under its name, and cut where it is long."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.text import Text

from ..result import Result
from .clean import shown
from .terminal import to_terminal

__all__ = ["answer_lines"]

#: Lines of an answer that are shown here, and columns that are easy to read.
_MOST = 40
_WIDEST = 100


def answer_lines(name: str, result: Result, console: Console) -> Iterator[RenderableType]:
    """What came of one member's run, to be printed below its name: its answer, set as Markdown, and what went wrong."""
    lines = _set(shown(result.text), console) if result.text.strip() else []
    more = len(lines) - _MOST
    if more > 1:
        lines = lines[:_MOST]
        where = f"the whole is in the last of team[{name!r}].messages"
        lines.append(Text(shown(f"… and {more} more lines: {where}"), "dim"))
    if result.status == "cancelled":
        lines.append(Text("stopped", "yellow"))
    elif result.error is not None and not result.ok:
        hint = f" ({result.error.hint})" if result.error.hint else ""
        lines.append(Text(shown(f"{result.error.message}{hint}"), "red"))
    yield from lines or [Text("(no words)", "dim")]


def _set(words: str, console: Console) -> list[Text]:
    if not console.is_terminal:
        return [Text(line) for line in words.strip("\n").split("\n")]
    color = console.color_system is not None and not console.no_color
    text = to_terminal(words, min(console.width, _WIDEST), color=color)
    return [Text.from_ansi(line) for line in text.rstrip("\n").split("\n")]
