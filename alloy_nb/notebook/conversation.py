"""Whose conversation a cell goes on with: the notebook's own, exchange by exchange, or an agent's."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..context.condensed import Condensed, still_holds
from ..context.gauge import Gauge
from ..messages import Message
from ..result import Result
from ..tools.approval import Memory

if TYPE_CHECKING:
    from ..dialogue import Dialogue
    from ..execution import Execution
    from ..options import Options
    from ..tools.approval import Asker

__all__ = ["AgentConversation", "Conversation", "Exchange", "Place"]

#: The front end's id of the cell that runs (None where it sends none), and the number of this execution.
Place = tuple[str | None, int]


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
        #: What was learnt of the models that were asked, and what is sent of the messages of the newest run.
        self.gauge = Gauge()
        self._sent: tuple[tuple[Message, ...], Condensed | None] = ((), None)
        #: Those of the newest run.
        self.options: Options | None = None

    def begin(self, place: Place, text: str, given: Mapping[str, Any], asker: Asker | None) -> Execution:
        """The run of a question, ready to be launched; every mistake in its options is raised here."""
        from ..execution import Execution
        from ..options import make_options
        from ..state import RunState

        before = self.before(*place)
        options = make_options({**given, "messages": before})
        state = RunState(
            text,
            options,
            asker=asker,
            memory=self.memory,
            tool_state=self.tool_state,
            gauge=self.gauge,
            view=self.view_of(before),
        )
        return Execution(state)

    def end(self, place: Place, execution: Execution, result: Result | None) -> bool:
        """Remember what came of it; False when nothing did."""
        kept = result is not None and self.keep(*place, result, len(execution.options.messages))
        if kept and result is not None:
            self._sent = (result.messages, execution.view)
            self.options = execution.options
        return kept

    def view_of(self, messages: Sequence[Message]) -> Condensed | None:
        """What of the beginning of these is sent in its place, as it was for the newest run."""
        before, view = self._sent
        return still_holds(view, before, messages)

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


class AgentConversation:
    """That of an agent of the user's. It is no cell's: a cell that runs again goes on with it."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue

    def before(self, cell: str | None, execution: int) -> tuple[Message, ...]:
        """What the model is told of the conversation."""
        return self._dialogue.messages

    def begin(self, place: Place, text: str, given: Mapping[str, Any], asker: Asker | None) -> Execution:
        """The run of a question, whose turn is now; to be followed by `end`. `Busy` while the agent is at work."""
        execution = self._dialogue.make(text, given, asker=asker)
        self._dialogue.claim(execution)
        return execution

    def end(self, place: Place, execution: Execution, result: Result | None) -> bool:
        """The agent itself remembers."""
        self._dialogue.let_go(execution)
        return False
