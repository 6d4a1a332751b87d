"""Those who listen to all that a team does, as one stream."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakSet

from ..events import Event, now_ms
from ..execution import Execution
from ..subscribers import Callbacks, Subscription
from .confluence import Confluence

__all__ = ["Listeners"]


class Listeners:
    """Callbacks that get every event of the runs that are followed, and what is told beside them, on one thread.

    While nobody listens nothing is followed, and it costs nothing. What a callback raises is logged once.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._callbacks = Callbacks(name, "the team")
        self._stream = Confluence(self._callbacks.tell, name)
        self._followed: WeakSet[Execution] = WeakSet()

    def add(self, callback: Callable[[Event], Any], going: Iterable[Execution]) -> Subscription:
        """One more; to the first one, the runs that are `going` on are told from their beginning."""
        first = not self._callbacks
        subscription = self._callbacks.add(callback)
        for execution in going if first else ():
            self.follow(execution)
        return subscription

    def follow(self, execution: Execution) -> None:
        """Tell of this run, from its first event, if somebody listens."""
        with self._lock:
            if not self._callbacks or execution in self._followed:
                return
            self._followed.add(execution)
        self._stream.add(execution.journal)

    def tell(self, kind: str, payload: Any) -> None:
        """Tell of something that belongs to no run, if somebody listens."""
        if self._callbacks:
            self._stream.tell(Event(0, "", kind, payload, 0, now_ms(), None, self._name))
