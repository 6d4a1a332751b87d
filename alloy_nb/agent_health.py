"""How an agent is, as a value."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from .usage import Usage

__all__ = ["Health"]


@dataclass(frozen=True, slots=True)
class Health:
    """How an agent is, at this moment; also by key: ``health["busy"]``.

    `status` is ``"running"``, ``"waiting"`` (for decisions), ``"idle"``, ``"closed"``, or how the last run in the
    background ended; `turns` are those of the run that goes on, or of that last one. `usage` is of the agent's life.
    """

    status: str
    turns: int
    message_count: int
    usage: Usage
    uptime_ms: int
    busy: bool
    pending_count: int
    max_pending: int

    def __getitem__(self, name: str) -> Any:
        if name not in self.keys():
            raise KeyError(name)
        return getattr(self, name)

    def keys(self) -> list[str]:
        return [field.name for field in fields(self)]
