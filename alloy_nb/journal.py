"""The list of a run's events: appended to by one, read by many, on any thread and any loop.

Readers never share a queue: each one keeps its own place in the one list, so each one sees every event.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from .errors import ConfigError
from .events import Event
from .redaction import redact_known

__all__ = ["EventFile", "Journal"]


class Journal:
    """Append-only. A burst of events wakes a waiting reader once."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._condition = threading.Condition()
        self._wakers: list[Callable[[], None]] = []
        self.closed = False

    def __len__(self) -> int:
        return len(self._events)

    def append(self, event: Event) -> None:
        with self._condition:
            self._events.append(event)
        self._wake()

    def close(self) -> None:
        """No more events; every reader ends when it has read to here."""
        with self._condition:
            self.closed = True
        self._wake()

    def _wake(self) -> None:
        with self._condition:
            wakers, self._wakers = self._wakers, []
            self._condition.notify_all()
        for wake in wakers:
            wake()

    def since(self, place: int) -> list[Event]:
        """The events after the first `place` ones."""
        return self._events[place:]

    def once_more(self, place: int, wake: Callable[[], None]) -> bool:
        """Have `wake` called once when there is more than `place` events or no more to come.

        False, and nothing registered, when that is so already.
        """
        with self._condition:
            if len(self._events) > place or self.closed:
                return False
            self._wakers.append(wake)
            return True

    def wait(self, place: int, timeout: float | None = None) -> bool:
        """Block this thread until there is more than `place` events, or none to come; False on a time-out."""
        with self._condition:
            return self._condition.wait_for(lambda: len(self._events) > place or self.closed, timeout)

    async def wait_async(self, place: int) -> None:
        """The same on the running loop."""
        loop = asyncio.get_running_loop()
        woken = asyncio.Event()

        def wake() -> None:
            try:
                loop.call_soon_threadsafe(woken.set)
            except RuntimeError:  # that loop is closed: its reader is gone
                return

        if self.once_more(place, wake):
            await woken.wait()


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

    def write(self, event: Event) -> None:
        if self._file is None:
            return
        try:
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
