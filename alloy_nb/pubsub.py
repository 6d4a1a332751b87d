"""A bus within the process: topics, and callbacks that get what is published on them."""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from .bell import Bell
from .errors import ConfigError
from .guests import check_callback
from .keywords import keywords_told
from .subscribers import Subscription

__all__ = ["PubSub"]

logger = logging.getLogger("alloy_nb")


@keywords_told
class PubSub:
    """Publish to a topic, subscribe to a topic. Agents that are given one listen to topics and publish their results.

    Callbacks get the message alone, in the order of publishing, on one thread of the bus; what one raises is logged,
    and the others still get theirs. Nothing is kept for who subscribes later.

    >>> bus, heard = PubSub(), []
    >>> subscription = bus.subscribe("news", heard.append)
    >>> bus.publish("news", "it rains")
    1
    >>> bus.flush(), heard
    (True, ['it rains'])
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._topics: dict[str, dict[int, Callable[[Any], Any]]] = {}
        self._next = 0
        self._letters: deque[tuple[Callable[[Any], Any], Any, str]] = deque()
        self._delivering = False
        self._courier: threading.Thread | None = None  # who delivers, or did last
        self._idle = Bell()  # no `Event`: an interrupt that lands inside would leave it locked
        self._pid = os.getpid()

    def _renew(self) -> None:
        """In a forked child the thread that delivers is gone, and whoever held the lock with it."""
        if self._pid != os.getpid():
            self._pid, self._lock, self._idle = os.getpid(), threading.Lock(), Bell()
            self._delivering, self._courier = False, None
            self._letters.clear()

    def subscribe(self, topic: str, callback: Callable[[Any], Any]) -> Subscription:
        """Have `callback(message)` called for what is published on `topic` from now on."""
        _check(topic)
        check_callback(callback)
        self._renew()
        with self._lock:
            number = self._next = self._next + 1
            self._topics.setdefault(topic, {})[number] = callback

        def end() -> None:
            with self._lock:
                callbacks = self._topics.get(topic, {})
                callbacks.pop(number, None)
                if not callbacks:
                    self._topics.pop(topic, None)

        return Subscription(end)

    def publish(self, topic: str, message: Any) -> int:
        """Send `message` to everybody who is subscribed now, and return at once; to how many it goes."""
        _check(topic)
        self._renew()
        with self._lock:
            callbacks = list(self._topics.get(topic, {}).values())
            self._letters.extend((callback, message, topic) for callback in callbacks)
        self._see_to_delivery()
        return len(callbacks)

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until everything that was published has been delivered; False when `timeout` seconds passed before.

        Raises `ConfigError` in a callback of this bus, which would wait for itself.
        """
        self._renew()
        if self._courier is threading.current_thread():
            raise ConfigError(
                "flush was called in a callback of its bus: it would wait for itself",
                hint="call it where you publish; what a callback publishes is delivered when it has returned",
            )
        self._see_to_delivery()
        return self._idle.wait_for(lambda: not (self._letters or self._delivering), timeout)

    def _see_to_delivery(self) -> None:
        if self._letters and not self._delivering:
            threading.Thread(target=self._deliver, name="alloy-pubsub", daemon=True).start()

    def _deliver(self) -> None:
        with self._lock:
            if self._delivering:  # another one was started before this one had begun
                return
            self._delivering, self._courier = True, threading.current_thread()
        while True:
            with self._lock:
                if not self._letters:
                    self._delivering = False
                    self._idle.ring()
                    return
                callback, message, topic = self._letters.popleft()
            try:
                callback(message)
            except BaseException:
                logger.exception("a subscriber of %r raised; the others still get theirs", topic)


def _check(topic: str) -> None:
    if not isinstance(topic, str) or not topic:
        raise ConfigError(f"{topic!r} is no topic", hint="give a text, such as 'tasks:new'")
