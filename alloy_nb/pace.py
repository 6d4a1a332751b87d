"""Leaving some of the interpreter to the other threads, where many loops run beside each other.

Python runs one thread at a time, and a thread that never waits gives way every 5 ms at best: of five that flood, each
answer to a sixth one would wait for all of them, at every step. So a loop that has used a little of the processor
rests a little; the more of them do so, the longer.
"""

from __future__ import annotations

import threading
import time

__all__ = ["Pace"]

#: So much of the processor is used between two rests, in seconds.
QUANTUM = 0.002
#: Who has used that much within so many seconds counts as busy.
RECENT = 0.1


#: When each thread was busy last, by the monotonic clock. Single operations are atomic, so it has no lock.
_busy: dict[int, float] = {}


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
        _busy[threading.get_ident()] = now
        for thread, at in list(_busy.items()):
            if now - at > RECENT:
                _busy.pop(thread, None)
        # What all of them take together stays just below the whole.
        time.sleep(QUANTUM * max(0.5, len(_busy) - 0.5))
