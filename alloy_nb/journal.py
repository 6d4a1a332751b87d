"""The list of a run's events: appended to by one, read by many, on any thread and any loop.

Readers never share a queue: each one keeps its own place in the one list, so each one sees every event. All of them,
blocking, awaiting and iterating, are a `Reader` that takes steps; they differ only in how they wait between two.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from .bell import LONGEST_WAIT, Bell
from .errors import ConfigError
from .events import Event
from .redaction import redact_known

__all__ = ["EventFile", "Journal", "Reader", "follow", "follow_async", "waker_of"]


class Journal:
    """Append-only. A burst of events wakes a waiting reader once."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._lock = threading.Lock()
        self._wakers: list[Callable[[], None]] = []
        self.closed = False

    def __len__(self) -> int:
        return len(self._events)

    def extend(self, events: Iterable[Event]) -> None:
        with self._lock:
            if self.closed:
                return
            self._events.extend(events)
        self._wake()

    def close(self, last: Iterable[Event] = ()) -> None:
        """No events after the `last` ones, whoever goes on telling; every reader ends when it has read to here."""
        with self._lock:
            if not self.closed:
                self._events.extend(last)
            self.closed = True
        self._wake()

    def _wake(self) -> None:
        # Whoever is not registered by now has seen, under the lock, that there is more.
        if not self._wakers:
            return
        with self._lock:
            wakers, self._wakers = self._wakers, []
        for wake in wakers:
            wake()

    def since(self, place: int, most: int | None = None) -> list[Event]:
        """The events after the first `place` ones; with `most`, at most so many."""
        return self._events[place : None if most is None else place + most]

    def once_more(self, place: int, wake: Callable[[], None]) -> bool:
        """Have `wake` called once when there is more than `place` events or no more to come.

        False, and nothing registered, when that is so already.
        """
        with self._lock:
            if len(self._events) > place or self.closed:
                return False
            self._wakers.append(wake)
            return True


class Reader:
    """One reader's place in the list: what is new, and a call of `wake` when there is more.

    `place` says how many events it has read.
    """

    def __init__(self, journal: Journal, wake: Callable[[], None]) -> None:
        self._journal = journal
        self._wake = wake
        self._armed = False  # one waker at a time, however often the waiting times out
        self.place = 0

    def step(self, most: int | None = None) -> list[Event] | None:
        """What is new since the last step, at most so many. Nothing new: ``[]``, and it is time to wait for `wake`;
        None at the end.
        """
        while True:
            closed = self._journal.closed  # asked first: what came before the end is read below
            events = self._journal.since(self.place, most)
            self.place += len(events)
            if events:
                return events
            if closed:
                return None
            if self._armed or self._arm():
                return []

    def rearm(self) -> None:
        """After an interrupt nobody knows whether the waker was set: the next step sets it anew."""
        self._armed = False

    def _arm(self) -> bool:
        self._armed = True
        if not self._journal.once_more(self.place, self._awaken):
            self._armed = False
        return self._armed

    def _awaken(self) -> None:
        self._armed = False
        self._wake()


def follow(journal: Journal, idle: Callable[[int], None] | None = None, place: int = 0) -> Iterator[list[Event]]:
    """Burst after burst until no more comes, blocking this thread in between; `idle(place)` before each wait.

    The first `place` events are passed over.
    """
    bell = Bell()
    reader = Reader(journal, bell.ring)
    reader.place = place
    while (events := reader.step()) is not None:
        if events:
            yield events
            continue
        if idle is not None:
            idle(reader.place)
        bell.wait(LONGEST_WAIT)


async def follow_async(journal: Journal, idle: Callable[[int], Awaitable[None]]) -> AsyncIterator[list[Event]]:
    """The same on the running loop."""
    woken = asyncio.Event()
    reader = Reader(journal, waker_of(woken))
    while (events := reader.step()) is not None:
        if events:
            yield events
            continue
        await idle(reader.place)
        with suppress(TimeoutError):  # a kernel's interrupt is noticed only when its loop wakes
            async with asyncio.timeout(LONGEST_WAIT):
                await woken.wait()
        woken.clear()


def waker_of(woken: asyncio.Event) -> Callable[[], None]:
    """Sets `woken`, which belongs to the running loop, from any thread."""
    loop = asyncio.get_running_loop()

    def wake() -> None:
        try:
            loop.call_soon_threadsafe(woken.set)
        except RuntimeError:  # that loop is closed: nobody waits any more
            return

    return wake


class EventFile:
    """``ALLOY_EVENTS=PATH``: each envelope as a JSON line, written as it happens."""

    def __init__(self, path: str) -> None:
        try:
            self._file: IO[str] | None = Path(path).expanduser().open("a", encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise ConfigError(
                f"ALLOY_EVENTS: cannot write {path}: {error.strerror or error}",
                hint="name a file in a folder that exists and can be written, or unset ALLOY_EVENTS",
            ) from error

    @classmethod
    def from_environment(cls) -> EventFile | None:
        path = os.environ.get("ALLOY_EVENTS")
        return cls(path) if path else None

    def write(self, events: Iterable[Event]) -> None:
        if self._file is None:
            return
        try:
            for event in events:
                # One write a line, so that two processes appending to one file do not mix theirs.
                self._file.write(redact_known(_as_line(event)) + "\n")
                self._file.flush()
        except OSError as error:
            import logging

            logging.getLogger("alloy_nb").warning("ALLOY_EVENTS: %s; no more is written", error)
            self.close()

    def close(self) -> None:
        if self._file is not None:
            try:
                self._file.close()
            except OSError:  # a full disk shows again when the buffer is flushed
                pass
            self._file = None


def _as_line(event: Event) -> str:
    data = event.to_dict()
    try:
        return json.dumps(data, default=_as_text, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):  # a tool's data that JSON has no form for: in words
        return json.dumps({**data, "payload": repr(data["payload"])[:10_000]}, ensure_ascii=False)


def _as_text(value: Any) -> Any:
    return value.to_dict() if hasattr(value, "to_dict") else str(value)
