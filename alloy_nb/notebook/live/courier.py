"""What goes to the page, gathered: at most so many messages a second for the whole kernel, however many runs stream."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from ...bell import Bell

__all__ = ["PAUSE", "Courier", "Parcel", "Source"]

logger = logging.getLogger("alloy_nb")

#: Seconds between two messages. A Jupyter server drops what is beyond 1,000 messages a second.
PAUSE = 0.05
#: So long its thread waits for more before it ends.
_IDLE = 2.0

#: The content of a message, and its buffers.
Parcel = tuple[dict[str, Any], list[bytes]]


class Source(Protocol):
    """Something with news. `take` is called on the courier's thread, and may have nothing to tell."""

    def take(self) -> list[dict[str, Any]]: ...


class Courier:
    """Asks those who have news, when it is time, and sends all of it as one message.

    Everything is sent by one thread, so that what has an order keeps it. A forked child sends nothing.
    """

    def __init__(self, send: Callable[[dict[str, Any], list[bytes]], None]) -> None:
        self._send = send
        self._process = os.getpid()
        # No `Condition`: an interrupt that lands inside, as while a kernel hears the page, would leave it locked.
        self._lock = threading.Lock()
        self._bell = Bell()
        self._news: dict[Source, None] = {}
        self._heard: list[str] = []
        self._parcels: list[Parcel] = []
        self._running = False
        self._next = 0.0
        self._complained = False

    def mark(self, source: Source) -> None:
        """`source` has something to tell."""
        if self._is_elsewhere:
            return
        with self._lock:
            self._news[source] = None
            self._wake()

    def acknowledge(self, control: str) -> None:
        """The page is told that this was heard."""
        if self._is_elsewhere:
            return
        with self._lock:
            self._heard.append(control)
            self._wake()

    def post(self, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        """A message of its own, behind the changes that are there already."""
        if self._is_elsewhere:
            return
        with self._lock:
            self._parcels.append((content, buffers or []))
            self._wake()

    @property
    def _is_elsewhere(self) -> bool:
        """In a forked child: the page is its parent's, and so is the thread that would let go of the lock."""
        return os.getpid() != self._process

    def _wake(self) -> None:
        if self._running:
            self._bell.ring()
            return
        threading.Thread(target=self._work, name="alloy-live", daemon=True).start()

    def _work(self) -> None:
        with self._lock:
            if self._running:  # another one was started before this one had begun
                return
            self._running = True
        while self._await_news():
            pause = self._next - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            self._next = time.monotonic() + PAUSE * self._deliver()

    def _await_news(self) -> bool:
        """False when none has come for a while: then the thread is to end."""
        end = time.monotonic() + _IDLE
        while True:
            with self._lock:
                left = end - time.monotonic()
                if self._waiting or left <= 0:
                    self._running = self._waiting
                    return self._running
            self._bell.wait(left)

    @property
    def _waiting(self) -> bool:
        return bool(self._news or self._heard or self._parcels)

    def _deliver(self) -> int:
        """How many messages it took."""
        with self._lock:
            news, self._news = list(self._news), {}
            heard, self._heard = self._heard, []
            parcels, self._parcels = self._parcels, []
        changes = [change for source in news for change in self._news_of(source)]
        messages: list[Parcel] = []
        if heard:
            messages.append(({"kind": "heard", "ids": heard}, []))
        if changes:
            messages.append(({"kind": "changes", "runs": changes}, []))
        for content, buffers in [*messages, *parcels]:
            self._hand_over(content, buffers)
        return len(messages) + len(parcels)

    def _news_of(self, source: Source) -> list[dict[str, Any]]:
        try:
            return source.take()
        except Exception:  # noqa: BLE001 - one run that cannot be told must not silence the others
            self._complain()
            return []

    def _hand_over(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        try:
            self._send(content, buffers)
        except Exception:  # noqa: BLE001 - whatever a comm raises: the run goes on, and its end is shown
            self._complain()

    def _complain(self) -> None:
        if not self._complained:
            self._complained = True
            logger.exception("the live view could not be told of a change; the run is complete")
