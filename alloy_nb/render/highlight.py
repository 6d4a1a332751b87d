"""Colours for code, inline and static, by Pygments where it is there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from html import escape
from importlib import import_module
from typing import Any

from .palette import CODE_COLOURS, STYLES, mark

__all__ = ["highlight"]

#: Longer code is shown plain: a span a word makes ten bytes of one.
_LONGEST = 20_000


def highlight(code: str, language: str) -> str:
    """`code` as escaped HTML, with a `span` around what has a colour; plain where the language is not known.

    >>> highlight("x < 1", "no-such-language")
    'x &lt; 1'
    """
    lexer = _lexer(language.lower()) if language and len(code) <= _LONGEST else None
    if lexer is None:
        return escape(code, quote=False)
    # Some lexers know a line by its end (a diff's), so the last one is given one.
    ended = code if code.endswith("\n") else code + "\n"
    html = "".join(_span(text, style) for text, style in _runs(lexer.get_tokens(ended)))
    return html if ended == code else _without_end(html)


def _without_end(html: str) -> str:
    head, _, tail = html.rpartition("\n")
    return head + tail


def _span(text: str, style: str) -> str:
    escaped = escape(text, quote=False)
    return f'<span style="{style}">{escaped}</span>' if style else escaped


def _runs(tokens: Any) -> Iterator[tuple[str, str]]:
    """Neighbours of one style joined; blanks join whatever is before them."""
    text, style = "", ""
    for kind, piece in tokens:
        next_style = _style(kind)
        if next_style != style and piece.strip():
            if text:
                yield text, style
            text, style = piece, next_style
        else:
            text += piece
    if text:
        yield text, style


@lru_cache(maxsize=512)
def _style(kind: Any) -> str:
    name = str(kind).removeprefix("Token.")
    if name.startswith("Comment") and not name.startswith("Comment.Preproc"):
        return STYLES["comment"]
    colour = next((colour for prefix, colour in CODE_COLOURS.items() if name.startswith(prefix)), None)
    return mark(colour) if colour else ""


@lru_cache(maxsize=64)
def _lexer(language: str) -> Any:
    """The lexer of that name, never a plug-in's: looking for one imports what is installed."""
    if language not in _languages():
        return None
    return import_module("pygments.lexers").get_lexer_by_name(language, stripnl=False, ensurenl=False)


@lru_cache(maxsize=1)
def _languages() -> frozenset[str]:
    try:
        lexers = import_module("pygments.lexers")
    except ImportError:
        return frozenset()
    return frozenset(alias for _, aliases, _, _ in lexers.get_all_lexers(plugins=False) for alias in aliases)
