"""What the notebook's own agent remembers: the exchanges so far, by the cell they were had in."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from ..messages import Message
from ..result import Result
from ..tools.approval import Memory

__all__ = ["Conversation", "Exchange"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and what came of it; `cell` is None where the front end does not name its cells."""

    cell: str | None
    execution: int
    messages: tuple[Message, ...]


class Conversation:
    """Exchanges in the order they were had. What was allowed for good and the scratchpad live as long as it does."""

    def __init__(self) -> None:
        self.exchanges: tuple[Exchange, ...] = ()
        self.memory = Memory()
        self.tool_state: MutableMapping[str, Any] = {}

    @property
    def messages(self) -> tuple[Message, ...]:
        return tuple(message for exchange in self.exchanges for message in exchange.messages)

    def before(self, cell: str | None, execution: int) -> tuple[Message, ...]:
        """What the model is told of the conversation, when `cell` runs: a cell that runs again does not see itself."""
        return tuple(m for exchange in self._without(cell, execution) for m in exchange.messages)

    def keep(self, cell: str | None, execution: int, result: Result, prior: int) -> bool:
        """Remember a result that began with `prior` messages of history; in place of what `cell` said last time.

        False when nothing came of the run: then everything stays as it was.
        """
        messages = result.messages[prior:]
        if not messages or result.status == "waiting":
            return False
        self.exchanges = (*self._without(cell, execution), Exchange(cell, execution, messages))
        return True

    def _without(self, cell: str | None, execution: int) -> tuple[Exchange, ...]:
        """All exchanges but those of an earlier run of `cell`; several of one run of it stay."""
        if cell is None:
            return self.exchanges
        return tuple(e for e in self.exchanges if e.cell != cell or e.execution == execution)

    def __repr__(self) -> str:
        return f"<Conversation of {len(self.exchanges)} exchanges>"
