"""A key that cannot be printed by accident."""

from __future__ import annotations

from ..redaction import MASK

__all__ = ["Secret"]


class Secret:
    """A text that shows itself only when asked to: every other way of printing it gives a mark.

    >>> key = Secret("sk-not-a-real-one")
    >>> key, f"{key}", key.reveal()[:3]
    (Secret('[redacted]'), '[redacted]', 'sk-')
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)
