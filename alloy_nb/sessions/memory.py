"""Sessions in this process, for as long as it lives."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from datetime import UTC, datetime
from typing import Any

from ..keywords import keywords_told
from ..session import SessionInfo
from .lines import check_count, from_lines, to_lines
from .summary import Summary

__all__ = ["MemoryStore"]


@keywords_told
class MemoryStore:
    """A `SessionStore` in memory: for tests, and for sessions that nobody needs tomorrow.

    >>> store = MemoryStore()
    >>> store.append("s", [{"kind": "message"}])
    >>> store.read("s"), [info.id for info in store.list()]
    ([{'kind': 'message'}], ['s'])
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: dict[str, list[str]] = {}
        self._times: dict[str, tuple[datetime, datetime]] = {}
        self._summaries: dict[str, Summary] = {}

    def append(self, session_id: str, records: Sequence[Mapping[str, Any]], *, after: int | None = None) -> None:
        """Store these after those that are there, all of them or none."""
        lines = to_lines(records)
        now = datetime.now(UTC)
        with self._lock:
            before = self._summaries.get(session_id, Summary())
            check_count(session_id, after, before.records)
            if not lines:
                return
            self._records.setdefault(session_id, []).extend(lines)
            self._times[session_id] = (self._times.get(session_id, (now, now))[0], now)
            self._summaries[session_id] = before.after(records)

    def read(self, session_id: str) -> list[dict[str, Any]]:
        """All records of a session, in order; ``[]`` for one that is not there."""
        with self._lock:
            lines = list(self._records.get(session_id, ()))
        return from_lines(lines, session_id, "memory")

    def list(self) -> list[SessionInfo]:
        """The sessions that are there, the newest first."""
        with self._lock:
            found = [
                SessionInfo(name, *self._times[name], *astuple(summary)) for name, summary in self._summaries.items()
            ]
        return sorted(found, key=lambda info: info.updated_at, reverse=True)

    def delete(self, session_id: str) -> bool:
        """Forget a session; False when it is not there."""
        with self._lock:
            self._times.pop(session_id, None)
            self._summaries.pop(session_id, None)
            return self._records.pop(session_id, None) is not None
