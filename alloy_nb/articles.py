"""What kind of thing a value is, with its article: errors say "an int"."""

from __future__ import annotations

__all__ = ["a_kind"]


def a_kind(value: object) -> str:
    """The name of its class, with the article before it.

    >>> a_kind(3), a_kind("x"), a_kind(ValueError()), a_kind(None)
    ('an int', 'a str', 'a ValueError', 'None')
    """
    if value is None:
        return "None"
    name = type(value).__name__
    return f"{'an' if name.lstrip('_')[:1].lower() in 'aeio' else 'a'} {name}"
