"""What a forked child must have anew: a lock that another thread of its parent held is held there for ever."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Generic, TypeVar

__all__ = ["Renewed", "renewed_in_child"]

_Value = TypeVar("_Value")


class Renewed(Generic[_Value]):
    """Gives its value when it is called; in a forked child, a new one."""

    def __init__(self, make: Callable[[], _Value]) -> None:
        self._make = make
        self._value = make()

    def __call__(self) -> _Value:
        return self._value

    def renew(self) -> None:
        # Whoever holds the old one, because it forked meanwhile, lets go of the old one.
        self._value = self._make()


def renewed_in_child(make: Callable[[], _Value]) -> Renewed[_Value]:
    """What `make` makes, now and once more in each forked child. It is never let go: for a module's own things.

    >>> import threading
    >>> lock = renewed_in_child(threading.Lock)
    >>> with lock():
    ...     lock().locked()
    True
    """
    renewed = Renewed(make)
    _all.append(renewed)
    return renewed


_all: list[Renewed[Any]] = []


def _renew_all() -> None:
    for renewed in _all:
        renewed.renew()


if hasattr(os, "register_at_fork"):  # nothing runs by it but in a child
    os.register_at_fork(after_in_child=_renew_all)
