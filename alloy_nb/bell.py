"""Waking a thread that waits, where an interrupt may land at any moment."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

__all__ = ["LONGEST_WAIT", "Bell"]

#: Seconds after which a thread that waits looks again. A wait without a limit cannot be interrupted on Windows, and a
#: wake-up that an interrupt tore apart is made good by looking.
LONGEST_WAIT = 1.0


class Bell:
    """Rings once for the one who waits, or who waits next.

    A bare lock: an `Event` or a `Condition` is Python code around one, and an interrupt that lands inside leaves it
    locked for ever, or torn.

    >>> bell = Bell()
    >>> bell.ring()
    >>> bell.wait(60)
    """

    def __init__(self) -> None:
        self._silence = threading.Lock()
        self._silence.acquire()

    def ring(self) -> None:
        """From any thread; twice before anybody waits is once."""
        try:
            self._silence.release()
        except RuntimeError:  # it rings already
            return

    def wait(self, seconds: float) -> None:
        """Until it has rung, or so long."""
        self._silence.acquire(timeout=seconds)

    def wait_for(self, is_so: Callable[[], bool], seconds: float | None = None) -> bool:
        """Until it is so, of which a ring tells, at most so long; whether it is. Many may wait: each wakes the next.

        >>> Bell().wait_for(lambda: False, 0)
        False
        """
        end = math.inf if seconds is None else time.monotonic() + seconds
        while not is_so():
            left = end - time.monotonic()
            if left <= 0:
                return False
            self.wait(min(left, LONGEST_WAIT))
        self.ring()
        return True
