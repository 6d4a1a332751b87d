"""Text made fit to be shown: nothing in it may steer a terminal, hide, or carry a key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..plain import printable, revealed, revealed_name
from ..redaction import redact

__all__ = ["clean", "is_cut", "shorten", "shown", "shown_value"]

# Tags and interlinear marks are invisible and carry smuggled words.
_UNFIT = re.compile(r"[\ufff9-\ufffb\U000e0000-\U000e007f]")
_DEEPEST = 24
_DEEPER = "… deeper than is shown here"


def clean(text: str) -> str:
    """`text` without escape sequences, control characters, direction overrides and half characters.

    >>> clean("safe" + chr(0x202E) + "exe" + chr(27) + "[31m")
    'safeexe'
    """
    return _UNFIT.sub("", printable(text))


def shown(text: str) -> str:
    """`text`, clean and without keys: what any sink may show."""
    return redact(clean(text))


def _revealed(text: str) -> str:
    """Keys taken out and hidden characters spelt out: an argument must look like what it is."""
    return redact(revealed(text))


def shown_value(value: Any, depth: int = 0) -> Any:
    """A tool's arguments or data as plain JSON values, every string in it revealed and without keys.

    What JSON has no form for becomes the name of its type.

    >>> shown_value({"path": "a" + chr(0x202E) + "b", "frame": object()})
    {'path': 'a\\\\u202eb', 'frame': '<object>'}
    """
    if isinstance(value, str):
        return _revealed(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    if depth >= _DEEPEST:
        return _DEEPER
    if isinstance(value, Mapping):
        return _shown_items(value, depth)
    if isinstance(value, list | tuple | set | frozenset):
        return [shown_value(item, depth + 1) for item in value]
    return f"<{type(value).__name__}>"


def _shown_items(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    """Two names that look the same are still two: none may take the other's place."""
    items: dict[str, Any] = {}
    for key, item in value.items():
        name = redact(revealed_name(str(key)))
        while name in items:
            name += " (again)"
        items[name] = shown_value(item, depth + 1)
    return items


def is_cut(value: Any) -> bool:
    """Whether `shown_value` left out what was too deep. (A text that says the same counts as that.)"""
    if isinstance(value, Mapping):
        return any(is_cut(item) for item in value.values())
    return any(is_cut(item) for item in value) if isinstance(value, list) else value == _DEEPER


def shorten(text: str, longest: int) -> str:
    """`text`, or its beginning and its end around a note of what was left out, never much above `longest`.

    >>> shorten("a" * 100, 20)
    'aaaaaaaaaaaaaa\\n… 80 characters left out …\\naaaaaa'
    """
    if len(text) <= longest:
        return text
    tail = longest // 3
    head = longest - tail
    return f"{text[:head]}\n… {len(text) - longest} characters left out …\n{text[len(text) - tail :]}".rstrip("\n")
