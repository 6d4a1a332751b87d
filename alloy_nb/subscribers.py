"""Those who listen to what an agent does in the background: each event, and each result at its end."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from .events import Event
from .execution import Execution
from .journal import follow
from .result import Result

__all__ = ["Subscribers", "Subscription"]

logger = logging.getLogger("alloy_nb")

Callback = Callable[[Any], Any]


class Subscription:
    """What `subscribe` returns: `cancel()` ends it, and so does leaving it as a context manager."""

    def __init__(self, end: Callable[[], None]) -> None:
        self._end = end

    def cancel(self) -> None:
        self._end()

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()


class Subscribers:
    """Callbacks that get what runs tell, run after run, in order, on one thread of their own.

    The thread is there while a run is followed. What a callback raises is logged once, and changes nothing.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._callbacks: dict[int, Callback] = {}
        self._complained: set[int] = set()
        self._next = 0
        self._runs: deque[Execution] = deque()
        self._followed: WeakSet[Execution] = WeakSet()
        self._following = False

    def add(self, callback: Callback) -> Subscription:
        with self._lock:
            number = self._next = self._next + 1
            self._callbacks[number] = callback

        def end() -> None:
            with self._lock:
                self._callbacks.pop(number, None)

        return Subscription(end)

    def follow(self, execution: Execution) -> None:
        """Tell of this run, from its first event; those who subscribe later hear the rest."""
        with self._lock:
            if not self._callbacks or execution in self._followed:
                return
            self._followed.add(execution)
            self._runs.append(execution)
            if self._following:
                return
            self._following = True
        threading.Thread(target=self._work, name=f"alloy-subscribers-{self._name}", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._runs:
                    self._following = False
                    return
                execution = self._runs.popleft()
            for events in follow(execution.journal):
                for event in events:
                    self._tell(event)
            self._tell(execution.settled())

    def _tell(self, item: Event | Result) -> None:
        with self._lock:
            callbacks = list(self._callbacks.items())
        for number, callback in callbacks:
            try:
                callback(item)
            except BaseException:
                if number not in self._complained:
                    self._complained.add(number)
                    logger.exception("a subscriber of %s raised; the run goes on", self._name)
