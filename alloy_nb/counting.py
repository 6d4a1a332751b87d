"""How many there are of something, in words."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, what: str, several: str | None = None) -> str:
    """The number with its noun; `several` is the plural, where it does not end in a mere s.

    >>> counted(1, "turn"), counted(2000, "message"), counted(0, "crash", "crashes")
    ('1 turn', '2,000 messages', '0 crashes')
    """
    return f"{number:,} {what if number == 1 else several or what + 's'}"
