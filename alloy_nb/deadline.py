"""A run's one deadline, whose clock stops while a person is asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Deadline"]


class Deadline:
    """Seconds left of `timeout`; None means no limit. Not for use from two threads.

    >>> clock = iter([0.0, 1.0]).__next__
    >>> Deadline(3.0, clock).remaining()
    2.0
    """

    def __init__(self, timeout: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._timeout = timeout
        self._pauses = 0
        self._paused_at = 0.0
        self.restart()

    def restart(self) -> None:
        """All of `timeout` is left again: for a run that had to wait for its turn."""
        self._end = None if self._timeout is None else self._clock() + self._timeout

    def remaining(self) -> float | None:
        """Seconds left, never below 0; None when there is no limit or while the clock stands still."""
        if self._end is None or self._pauses:
            return None
        return max(0.0, self._end - self._clock())

    @property
    def passed(self) -> bool:
        return self.remaining() == 0.0

    def shortest(self, seconds: float | None) -> float | None:
        """The smaller one of `seconds` and what is left; None when neither limits."""
        left = self.remaining()
        if seconds is None:
            return left
        return seconds if left is None else min(seconds, left)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """While a person is asked. Several questions at once stop the clock once."""
        if self._pauses == 0:
            self._paused_at = self._clock()
        self._pauses += 1
        try:
            yield
        finally:
            self._pauses -= 1
            if self._pauses == 0 and self._end is not None:
                self._end += self._clock() - self._paused_at
