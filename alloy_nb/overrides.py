"""Standing in for something while a block runs, where the lifetimes of several such blocks may overlap."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

__all__ = ["Overrides"]

_Value = TypeVar("_Value")


class _Entry(Generic[_Value]):
    """Known by what it is, not by what it holds: two that hold the same are two."""

    __slots__ = ("value",)

    def __init__(self, value: _Value) -> None:
        self.value = value


class Overrides(Generic[_Value]):
    """Those that are open, in whichever threads; the newest of them counts, and each takes away itself alone.

    >>> voices = Overrides()
    >>> with voices.open("alto"):
    ...     with voices.open("bass"):
    ...         voices.newest
    ...     voices.newest
    'bass'
    'alto'
    >>> voices.newest is None
    True
    """

    def __init__(self) -> None:
        self._open: list[_Entry[_Value]] = []  # single operations of a list are atomic

    @property
    def newest(self) -> _Value | None:
        for entry in self._open[-1:]:  # a copy: other threads may open and close theirs
            return entry.value
        return None

    def __bool__(self) -> bool:
        return bool(self._open)

    @contextmanager
    def open(self, value: _Value) -> Iterator[_Value]:
        entry = _Entry(value)
        self._open.append(entry)
        try:
            yield value
        finally:
            self._open.remove(entry)
