"""How often a member may crash before it stays down."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

__all__ = ["MOST_CRASHES", "WINDOW", "Supervision"]

#: A member that crashes more often than this …
MOST_CRASHES = 3
#: … within so many seconds stays down.
WINDOW = 60.0


class Supervision:
    """Counts the crashes of one member; `clock` tells seconds. Any thread may tell and ask.

    >>> record = Supervision(clock=iter([0.0, 1.0, 2.0, 70.0, 71.0, 72.0, 73.0]).__next__)
    >>> [record.crashed() for _ in range(7)]
    [True, True, True, True, True, True, False]
    >>> record.down, record.crashes, record.restarts
    (True, 7, 6)
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._recent: deque[float] = deque(maxlen=MOST_CRASHES + 1)
        self.crashes = 0
        self.restarts = 0
        self.down = False

    def crashed(self) -> bool:
        """Whether it is to be started again, or stays down from now on."""
        with self._lock:
            self.crashes += 1
            self._recent.append(self._clock())
            often = len(self._recent) > MOST_CRASHES and self._recent[-1] - self._recent[0] <= WINDOW
            self.down = self.down or often
            self.restarts += not self.down
            return not self.down

    def restart(self) -> None:
        """Somebody starts it by hand: what was is forgiven."""
        with self._lock:
            self._recent.clear()
            self.down = False
            self.restarts += 1
