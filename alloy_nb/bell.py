"""Waking a thread that waits, where an interrupt may land at any moment."""

from __future__ import annotations

import threading

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
