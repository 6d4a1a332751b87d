"""The facts between two lines of dashes at the beginning of a Markdown file."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["split_frontmatter"]

_FENCE = re.compile(r"---[ \t]*\Z")
_LINE = re.compile(r"([A-Za-z_][\w-]*)[ \t]*:(?:[ \t]+(.*)|)\Z")
#: Longer frontmatter is read line by line.
_MOST = 8_000
_MOST_LINES = 500
#: So are lists within lists that no fact needs, but that take long to be read.
_MOST_BRACKETS = 100


def split_frontmatter(text: str) -> tuple[dict[str, str], str]:
    """The facts of a file, and its body without blank edges. No text is wrong: without facts all of it is the body.

    The facts are YAML, of which the words are taken as they are written (``name: 007``); where they are none that
    can be read, each ``key: value`` line counts.

    >>> split_frontmatter("---\\nname: review\\ndescription: Looks: at changes\\n---\\nReview it.\\n")
    ({'name': 'review', 'description': 'Looks: at changes'}, 'Review it.')
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    lines = text.split("\n")
    if not _FENCE.match(lines[0]):
        return {}, text.strip()
    end = next((i for i, line in enumerate(lines[1:_MOST_LINES], 1) if _FENCE.match(line)), None)
    if end is None:
        return {}, text.strip()
    facts = _facts(lines[1:end])
    if facts is None:  # a rule, some words, another rule
        return {}, text.strip()
    return facts, "\n".join(lines[end + 1 :]).strip()


def _facts(lines: list[str]) -> dict[str, str] | None:
    """None for what holds no facts, but words."""
    spoken = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not spoken:
        return {}
    read = _as_yaml("\n".join(lines))
    if read is None:
        found = [match for match in map(_LINE.match, spoken) if match]
        if not found:
            return None
        words = {match[1]: _unquoted((match[2] or "").strip()) for match in found}
        # Lists and mappings are no words, also where they never end.
        read = {key: word for key, word in words.items() if not word.startswith(("[", "{"))}
    return read


def _as_yaml(text: str) -> dict[str, str] | None:
    """The words by their keys, other values left out; None for what is no YAML mapping."""
    if len(text) > _MOST or text.count("[") + text.count("{") > _MOST_BRACKETS:
        return None
    import yaml  # type: ignore[import-untyped]

    try:
        # This loader makes words, lists and mappings, and nothing else.
        value: Any = yaml.load(text, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not value:
        return None
    return {key: word.strip() for key, word in value.items() if isinstance(key, str) and isinstance(word, str)} or None


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value
