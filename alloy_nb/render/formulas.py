"""LaTeX in Markdown: kept letter for letter, so that the page can typeset it.

Without these rules Markdown eats backslashes and makes emphasis of underscores. A dollar that is no delimiter is
marked as such, so that no page takes the words between two prices for a formula. A formula with a macro that does
more than draw is shown as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import Any

from .palette import STYLES

__all__ = ["ACTING", "UNTOUCHED", "add_formulas", "apart"]

#: The class names that MathJax, old and new, passes over.
UNTOUCHED = "tex2jax_ignore mathjax_ignore"

#: Macros that make links, styles and attributes, load something, or change what other macros mean: MathJax keeps a
#: definition for all formulas of the page, so that an answer could forge what the user's own formulas show. Also those
#: that show something else when they are pressed or pointed at. With what follows: a folder's name in a path is none;
#: an address may be a single sign without braces.
ACTING = re.compile(
    r"""(?x) \\ (?:
      (?: href | url ) (?! [A-Za-z] )
    | (?: style | class | cssId | data | html[A-Z][a-z]+ | bbox | unicode | mmlToken | includegraphics
        | require | definecolor | mathtoolsset | setOptions | toggle | texttip | mathtip
        ) (?= \s* (?: \\?[{[%] | & | \Z ))
    | (?: [egx]?def | let | futurelet | global | (?:new|renew|provide)command | (?:re)?newenvironment
        | Declare[A-Za-z]+ | Newextarrow | (?:re)?newtagform | newcolumntype ) (?= \*? \s* (?: [\\{[%&] | \Z ))
    )"""
)

#: No formula in a line of text is longer; the bound keeps hostile text from costing its length squared.
_LONGEST = 2_000

# Dollars as Pandoc reads them: no blank inside the marks, no digit behind, no code within.
_INLINE = re.compile(
    r"""(?xs)
      \$\$ (?!\$) (?:\\.|[^\\$`])+? \$\$
    | \$ (?=[^\s$]) (?:\\.|[^\\$`])*? (?<=[^\s$]) \$ (?![0-9$])
    """
)
# What follows `\(` and `\[`: their closer, and all that a formula up to it may hold. (Nothing comes behind that could
# make it go back; a possessive `*+` says so, and is wrong in Python 3.11.2.)
_BRACKETS = {
    "\\(": ("\\)", re.compile(r"(?s)(?:[^\\`]|\\(?!\)).)*")),
    "\\[": ("\\]", re.compile(r"(?s)(?:[^\\`]|\\(?!\]).)*")),
}
_OPENERS = re.compile(r"(\$\$|\\\[|\\begin\{([A-Za-z*]{1,20})\})(.*)$")


def add_formulas(parser: Any) -> None:
    """Teach a `MarkdownIt` parser formulas: `$…$`, `$$…$$`, `\\(…\\)`, `\\[…\\]` and environments."""
    parser.block.ruler.before(
        "fence", "formula_block", _block, {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )
    parser.inline.ruler.before("escape", "formula", _inline)
    parser.add_render_rule("formula_block", _render_block)
    parser.add_render_rule("formula", _render)
    parser.add_render_rule("untouched", _render_untouched)


def _inline(state: Any, silent: bool) -> bool:
    start: int = state.pos
    opener = state.src[start : start + 2]
    if opener[0] == "$":
        match = _INLINE.match(state.src, start, min(state.posMax, start + _LONGEST))
        end = match.end() if match else None
    elif opener in _BRACKETS:
        end = _bracket_end(state, opener)
    else:
        return False
    if end is None and opener[0] != "$":
        return False
    kind, text = ("untouched", "$") if end is None else ("formula", state.src[start:end])
    if not silent:
        state.push("untouched" if ACTING.search(text) else kind, "", 0).content = text
    state.pos = start + len(text)
    return True


def _bracket_end(state: Any, opener: str) -> int | None:
    """The place behind the formula that begins here, or None.

    Whatever opener a search has passed, a search from there ends where that one did. So the place is kept, and a
    thousand openers without a closer cost one search.
    """
    start: int = state.pos
    closer, inside = _BRACKETS[opener]
    searched: dict[tuple[str, int], tuple[int, int]] = vars(state).setdefault("alloy_searched", {})
    key, content = (opener, state.posMax), start + len(opener)
    first, place = searched.get(key, (0, -1))
    if not first <= content <= place:
        match = inside.match(state.src, content, state.posMax)
        assert match is not None  # it may be empty
        place = match.end()
        searched[key] = content, place
    end = place + len(closer)
    found = place > content and end <= min(state.posMax, start + _LONGEST) and state.src.startswith(closer, place)
    return end if found else None


def _block(state: Any, start_line: int, end_line: int, silent: bool) -> bool:
    """Lines from an opener to its closer; without a closer to the end, as a fence."""
    if state.is_code_block(start_line):
        return False
    match = _OPENERS.match(_line(state, start_line))
    if match is None:
        return False
    opener, environment, rest = match[1], match[2], match[3].rstrip()
    closer = f"\\end{{{environment}}}" if environment else {"$$": "$$", "\\[": "\\]"}[opener]
    if rest and not rest.endswith(closer) and not environment:
        return False  # a formula inside a paragraph, or none
    if silent:
        return True
    last = start_line + 1
    if not rest.endswith(closer):
        last = _line_after(state, last, end_line, closer)
    token = state.push("formula_block", "", 0)
    token.content = state.getLines(start_line, last, state.blkIndent, False).strip("\n")
    token.map = [start_line, last]
    token.block = True
    state.line = last
    return True


def _line_after(state: Any, line: int, end_line: int, closer: str) -> int:
    """The line behind the closer, or behind the end of the list or quote around it."""
    while line < end_line:
        text = _line(state, line)
        if text and state.sCount[line] < state.blkIndent:
            return line
        line += 1
        if text.rstrip().endswith(closer):
            return line
    return end_line


def _line(state: Any, line: int) -> str:
    text: str = state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]
    return text


def apart(text: str) -> Iterator[tuple[str, bool]]:
    """`text` in pieces, with whether each is an acting macro, which must stand in an element of its own.

    A page finds formulas in text that our rules do not take for one, but never across an element.

    >>> list(apart("a \\\\href{x}"))
    [('a ', False), ('\\\\href', True), ('{x}', False)]
    """
    place = 0
    for match in ACTING.finditer(text):
        if match.start() > place:
            yield text[place : match.start()], False
        yield match[0], True
        place = match.end()
    if place < len(text):
        yield text[place:], False


def _render_block(_self: Any, tokens: Any, index: int, _options: Any, _env: Any) -> str:
    text = tokens[index].content
    ignored = f' class="{UNTOUCHED}"' if ACTING.search(text) else ""
    return f'<p{ignored} style="{STYLES["p"]}">{escape(text, quote=False)}</p>\n'


def _render(_self: Any, tokens: Any, index: int, _options: Any, _env: Any) -> str:
    return escape(tokens[index].content, quote=False)


def _render_untouched(_self: Any, tokens: Any, index: int, _options: Any, _env: Any) -> str:
    return f'<span class="{UNTOUCHED}">{escape(tokens[index].content, quote=False)}</span>'
