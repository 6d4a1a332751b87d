"""Those who listen to what an agent does in the background: each event, and each result at its end."""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakSet

from .execution import Execution
from .journal import follow

__all__ = ["Callbacks", "Subscribers", "Subscription"]

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


class Callbacks:
    """What is called with each thing that is told, in the order of subscribing; what one raises is logged once.

    `name` is who tells, and `unharmed` what goes on all the same, for the log.
    """

    def __init__(self, name: str, unharmed: str) -> None:
        self._name = name
        self._unharmed = unharmed
        self._lock = threading.Lock()
        self._callbacks: dict[object, Callback] = {}
        self._complained: set[object] = set()

    def __bool__(self) -> bool:
        return bool(self._callbacks)

    def add(self, callback: Callback) -> Subscription:
        key = object()
        with self._lock:
            self._callbacks[key] = callback

        def end() -> None:
            with self._lock:
                self._callbacks.pop(key, None)

        return Subscription(end)

    def tell(self, items: Iterable[Any]) -> None:
        with self._lock:
            callbacks = list(self._callbacks.items())
        for item in items:
            for key, callback in callbacks:
                try:
                    callback(item)
                except BaseException:
                    if key not in self._complained:
                        self._complained.add(key)
                        logger.exception("a subscriber of %s raised; %s goes on", self._name, self._unharmed)


class Subscribers:
    """Callbacks that get what runs tell, run after run, in order, on one thread of their own.

    The thread is there while a run is followed. What a callback raises is logged once, and changes nothing.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._callbacks = Callbacks(name, "the run")
        self._followed: WeakSet[Execution] = WeakSet()
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._runs: deque[Execution] = deque()
        self._following = False

    def add(self, callback: Callback) -> Subscription:
        return self._callbacks.add(callback)

    def follow(self, execution: Execution) -> None:
        """Tell of this run, from its first event; those who subscribe later hear the rest."""
        if self._process != os.getpid():
            # In a forked child: the thread is there no more, and may have held the lock when it was there.
            self._begin_anew()
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
                    self._callbacks.tell((event,))
            self._callbacks.tell((execution.settled(),))
