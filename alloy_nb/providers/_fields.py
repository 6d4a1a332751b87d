"""Fields of what a service sent, each read as the kind it should be: any other kind counts as nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["count", "items", "mapping", "mappings", "place", "text"]

_MOST = 1e15


def text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """As many as there are items: an item that is none keeps its place."""
    return [mapping(item) for item in value] if isinstance(value, list) else []


def count(value: Any) -> int:
    """A number of tokens; what no service can have counted (or sent as a text, or as null) is 0.

    >>> count(7), count(7.0), count(None), count(-1), count(True), count(10**400)
    (7, 7, 0, 0, 0, 0)
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _MOST:
        return 0
    return int(value)


def place(value: Any) -> int:
    """Where something stands; the first place, where that is not said."""
    return value if isinstance(value, int) else 0
