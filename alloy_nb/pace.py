"""Leaving some of the interpreter to the other threads, where many loops run beside each other.

Python runs one thread at a time, and a thread that never waits gives way every 5 ms at best: of five that flood, each
answer to a sixth one would wait for all of them, at every step. So a loop that has used a little of the processor
rests a little; the more of them do so, the longer.
"""

from __future__ import annotations

import threading
import time

from .forks import renewed_in_child

__all__ = ["Pace"]

#: So much of the processor is used between two rests, in seconds.
QUANTUM = 0.002
#: Who has used that much within so many seconds counts as busy.
RECENT = 0.1


class _Busy:
    """When each thread was busy last, by the monotonic clock. Single operations on the dict are atomic."""

    def __init__(self) -> None:
        self.since: dict[int, float] = {}


_busy = renewed_in_child(_Busy)


class Pace:
    """Of one thread: `rest` blocks it for a moment when its time has come, and costs next to nothing when not.

    >>> Pace().rest()
    """

    def __init__(self) -> None:
        self._used = 0.0

    def rest(self) -> None:
        used = time.thread_time()
        if 0 <= used - self._used < QUANTUM:
            return
        self._used = used
        now = time.monotonic()
        since = _busy().since
        since[threading.get_ident()] = now
        for thread, at in list(since.items()):
            if now - at > RECENT:
                since.pop(thread, None)
        # What all of them take together stays just below the whole.
        time.sleep(QUANTUM * (len(since) - 0.5))
