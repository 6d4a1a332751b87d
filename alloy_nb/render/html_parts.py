"""The parts that a run's HTML is made of: each with its inline styles, and nothing in it that was not escaped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from .clean import shorten
from .diffs import diff_of
from .formulas import UNTOUCHED
from .palette import STYLES, mark
from .rich import Picture, Table, table_rows
from .values import Error, Tool
from .wording import MARKS

__all__ = [
    "arguments",
    "box",
    "div",
    "error_card",
    "escaped",
    "fold",
    "key_argument",
    "line_of_call",
    "picture",
    "sign",
    "strong",
    "table",
    "tool_body",
]

#: Arguments longer than this have a box of their own.
_SHORT = 120

_STATE_COLOURS = {"running": "blue", "done": "green", "failed": "red", "denied": "red"}
_CODE_ARGUMENTS = {"command": "bash", "code": "python"}


def escaped(text: str) -> str:
    return escape(text, quote=False)


def div(name: str, style: str, inner: str, *, quiet: bool = False) -> str:
    """A box of ours; `quiet` ones hold no formulas, whatever dollars are in them."""
    styled = f' style="{STYLES[style]}"' if style else ""
    return f'<div class="{name}{" " + UNTOUCHED if quiet else ""}"{styled}>{inner}</div>'


def fold(summary: str, body: str) -> str:
    return (
        f'<details class="alloy-fold {UNTOUCHED}" style="{STYLES["fold"]}">'
        f'<summary style="{STYLES["summary"]}">{summary}</summary>{body}</details>'
    )


def sign(char: str, colour: str | None) -> str:
    return f'<span style="{mark(colour)}">{char}</span>' if colour else f"<span>{char}</span>"


def strong(text: str) -> str:
    return f'<strong style="{STYLES["strong"]}">{escaped(text)}</strong>'


def key_argument(text: str) -> str:
    return f'<code style="{STYLES["key"]}">{escaped(text)}</code>'


def line_of_call(state: str, name: str, key: str, words: str) -> str:
    """One quiet line: mark, name, the argument that matters, and at the right how it went."""
    parts = [
        sign(MARKS[state], _STATE_COLOURS.get(state)),
        f'<span style="{STYLES["quiet"]}">{escaped(name)}</span>',
    ]
    if key:
        parts.append(key_argument(key))
    if words:
        parts.append(f'<span style="{STYLES["right"]}">{escaped(words)}</span>')
    # The blanks are for places that drop the styles.
    return " ".join(parts)


def _label(text: str) -> str:
    return div("alloy-label", "label", escaped(text))


def box(html: str, style: str = "output") -> str:
    # A parser takes a line end right behind <pre> for none, and each further parser one more.
    inner = html.lstrip("\n")
    return f'<pre style="{STYLES[style]}">{inner}</pre>'


def tool_body(tool: Tool, longest: int) -> str:
    """What lies under a call's line: arguments, the change it made, its output or error."""
    diff = diff_of(tool, longest)
    parts = [arguments(tool.input, tool.key, longest, diff.told)]
    if diff.lines:
        parts.append(_diff(diff.lines, made=tool.state == "done"))
    if tool.error is not None:
        parts.append(_label("error") + box(escaped(shorten(tool.error, longest))))
    elif tool.output:
        parts.append(_label("output") + box(escaped(shorten(tool.output.rstrip(), longest))))
    elif tool.progress:
        parts.append(box(escaped("\n".join(tool.progress))))
    return "".join(parts)


def table(data: Table) -> str:
    """In JupyterLab every table is striped and right-aligned; each cell says for itself how it stands."""
    sides = ["cell-right" if numeric else "cell" for numeric in data.numeric]

    def row(tag: str, cells: tuple[str, ...]) -> str:
        inner = "".join(
            f'<{tag} style="{STYLES[side]}">{escaped(cell)}</{tag}>' for side, cell in zip(sides, cells, strict=True)
        )
        return f"<tr>{inner}</tr>"

    head, body = row("th", data.columns), "".join(row("td", cells) for cells in data.rows)
    more = div("alloy-notice", "notice", escaped(table_rows(data))) if data.more else ""
    return (
        f'<div style="{STYLES["table-box"]}"><table style="{STYLES["table"]}">'
        f"<thead>{head}</thead><tbody>{body}</tbody></table></div>{more}"
    )


def picture(data: Picture, name: str) -> str:
    """Where data is not trusted, the picture is dropped and these words stand in its place."""
    words = escape(f"image made by {name} (to see it, trust this notebook)", quote=True)
    return f'<img src="data:{data.mime};base64,{data.data}" alt="{words}" style="{STYLES["picture"]}">'


def arguments(input: Any, key: str, longest: int, skipped: tuple[str, ...] = ()) -> str:
    """The arguments that the line does not show: short ones a line each, long ones in a box of their own."""
    if not isinstance(input, Mapping):
        return ""
    short, long = [], []
    texts = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in input.items()
        if name not in skipped
    }
    # The line shows one of them; another one that says the same is another one.
    on_line = list(texts.values()).count(key) == 1
    for name, text in texts.items():
        if on_line and text == key:
            continue
        if len(text) <= _SHORT and "\n" not in text:
            short.append(f"{name}: {text}")
        else:
            long.append(_label(name) + box(_argument(name, shorten(text, longest)), "code-box"))
    lines = _label("arguments") + box(escaped("\n".join(short))) if short else ""
    return lines + "".join(long)


def _argument(name: str, text: str) -> str:
    from .highlight import highlight

    return highlight(text, _CODE_ARGUMENTS.get(name, ""))


def _diff(lines: tuple[str, ...], *, made: bool) -> str:
    colours = {"+": "green", "-": "red", "@": "blue"}
    rows = []
    for line in lines:
        colour = colours.get(line[:1])
        rows.append(f'<span style="{mark(colour)}">{escaped(line)}</span>' if colour else escaped(line))
    return _label("change" if made else "change that was asked for") + box("\n".join(rows), "diff")


def error_card(error: Error) -> str:
    name = f"{strong(error.type)} " if error.type else ""
    words = f"{sign('✗', 'red')} {name}{escaped(error.message)}"
    hint = div("alloy-hint", "hint", escaped(error.hint)) if error.hint else ""
    return div("alloy-error", "card-error", words + hint, quiet=True)
