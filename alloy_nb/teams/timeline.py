"""Who ran when, who handed over to whom, what it cost: the last of it, as plain data."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from ..events import now_ms
from ..execution import Execution
from ..result import Result

__all__ = ["MOST_ROWS", "Timeline"]

#: How many rows are kept; older ones are forgotten.
MOST_ROWS = 500
#: How many of the newest runs are kept whole, so that they can be shown.
_MOST_RUNS = 24
_LONGEST_PROMPT = 200


@dataclass(slots=True)
class _Row:
    """One run of a member, or (`kind`) something that happened to the team."""

    kind: str
    agent: str
    start_ms: int = field(default_factory=now_ms)
    run_id: str = ""
    prompt: str = ""
    end_ms: int | None = None
    status: str = "running"
    tokens: int = 0
    cost: float | None = None
    told: dict[str, Any] = field(default_factory=dict)
    #: The run while it goes on: whether it waits for a decision is asked of it.
    execution: Execution | None = None

    def to_dict(self) -> dict[str, Any]:
        if self.kind != "run":
            return {"kind": self.kind, "agent": self.agent, "at_ms": self.start_ms, **self.told}
        names = ("kind", "agent", "run_id", "prompt", "start_ms", "end_ms", "status", "tokens", "cost")
        waits = self.execution is not None and bool(self.execution.questions)
        return {name: getattr(self, name) for name in names} | ({"status": "waiting"} if waits else {})


class Timeline:
    """Appended to from any thread, bounded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: deque[_Row] = deque(maxlen=MOST_ROWS)
        self._running: dict[str, _Row] = {}
        self._newest: deque[tuple[str, Execution]] = deque(maxlen=_MOST_RUNS)
        #: How many rows there were, those that are forgotten included; and how often anything changed.
        self.count = 0
        self.edition = 0

    def began(self, name: str, execution: Execution) -> None:
        prompt = execution.prompt.text if execution.prompt is not None else ""
        row = _Row("run", name, run_id=execution.run_id, prompt=prompt[:_LONGEST_PROMPT], execution=execution)
        with self._lock:
            self._append(row)
            self._running[execution.run_id] = row
            self._newest.append((name, execution))

    def ended(self, execution: Execution, result: Result) -> None:
        with self._lock:
            row = self._running.pop(execution.run_id, None)
        if row is not None:
            row.tokens, row.cost = result.usage.total_tokens, result.cost
            row.end_ms, row.status, row.execution = now_ms(), result.status, None
            self.edition += 1

    def note(self, kind: str, name: str, **told: Any) -> None:
        """Something else that happened: a hand-off, a crash, who came and went."""
        with self._lock:
            self._append(_Row(kind, name, told=told))

    def _append(self, row: _Row) -> None:
        self._rows.append(row)
        self.count += 1
        self.edition += 1

    @property
    def newest(self) -> list[tuple[str, Execution]]:
        """The newest runs, at most 24, with the names of their members, oldest first."""
        with self._lock:
            return list(self._newest)

    def numbered(self) -> list[tuple[int, dict[str, Any]]]:
        """The rows with their numbers, which stay the same however many are forgotten."""
        with self._lock:
            first = self.count - len(self._rows)
            return [(first + place, row.to_dict()) for place, row in enumerate(self._rows)]

    def to_list(self) -> list[dict[str, Any]]:
        """Rows in order, JSON-ready. A run: `kind` "run", `agent`, `run_id`, `prompt`, `start_ms`, `end_ms` (None while
        it goes on), `status` (``"waiting"`` for a decision), `tokens`, `cost`. Else `kind`, `agent`, `at_ms` and what
        belongs to the kind.
        """
        with self._lock:
            return [row.to_dict() for row in self._rows]
