"""Sessions in this process, for as long as it lives."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ..errors import SessionConflict
from ..session import SessionInfo

__all__ = ["MemoryStore"]


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

    def append(self, session_id: str, records: Sequence[Mapping[str, Any]], *, after: int | None = None) -> None:
        """Store these after those that are there, all of them or none."""
        lines = [json.dumps(record, default=str) for record in records]
        now = datetime.now(UTC)
        with self._lock:
            if after is not None and after != len(self._records.get(session_id, ())):
                raise SessionConflict(f"session {session_id!r} has grown since it was opened here")
            self._records.setdefault(session_id, []).extend(lines)
            self._times[session_id] = (self._times.get(session_id, (now, now))[0], now)

    def read(self, session_id: str) -> list[dict[str, Any]]:
        """All records of a session, in order; ``[]`` for one that is not there."""
        with self._lock:
            lines = list(self._records.get(session_id, ()))
        return [json.loads(line) for line in lines]

    def list(self) -> list[SessionInfo]:
        """The sessions that are there, the newest first."""
        with self._lock:
            found = [SessionInfo(name, *self._times[name], len(lines)) for name, lines in self._records.items()]
        return sorted(found, key=lambda info: info.updated_at, reverse=True)

    def delete(self, session_id: str) -> bool:
        """Forget a session; False when it is not there."""
        with self._lock:
            self._times.pop(session_id, None)
            return self._records.pop(session_id, None) is not None
