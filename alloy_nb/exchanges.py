"""What a conversation has come to between its runs: what was said, what it cost, where its last exchange begins."""

from __future__ import annotations

from collections.abc import Iterable

from .context.condensed import Condensed
from .execution import Execution
from .history import open_calls, without_signed_thoughts
from .messages import Message
from .result import Result
from .usage import Usage, add_costs

__all__ = ["Exchanges"]


class Exchanges:
    """Grows by what came of each run (`absorb`). Whoever changes it sees to it that nobody else does meanwhile."""

    def __init__(self) -> None:
        self.messages: tuple[Message, ...] = ()
        #: What of them is sent; None: all as it is.
        self.view: Condensed | None = None
        self.call_ids: set[str] = set()
        self.usage = Usage()
        self.cost: float | None = None
        self.status = "idle"
        self.turns = 0
        #: Where in the messages each exchange begins, as far as it is known.
        self.starts: list[int] = []

    def take(self, messages: tuple[Message, ...], view: Condensed | None) -> None:
        """Put others, of which no more is known, in place of these."""
        self.messages, self.view = messages, view
        self.call_ids = set(_call_ids(messages))
        self.starts = []
        self.status = "waiting" if open_calls(messages) else "idle"

    def absorb(self, execution: Execution, result: Result) -> None:
        """What came of a run."""
        prior = len(self.messages)
        self.messages, self.view = result.messages, execution.view
        self.call_ids.update(_call_ids(result.messages[prior:]))
        start = execution.own_start
        if execution.prompt is not None and start < len(result.messages):
            # A hook may have changed how long the part before it is.
            self.starts = [place for place in self.starts if place < start] + [start]
        self.cost = add_costs(self.usage, self.cost, result.usage, result.cost)
        self.usage += result.usage
        # Whoever waited for a run knows how it ended; of one in the background it is to be seen here.
        shown = execution.background or result.status == "waiting"
        self.status = result.status if shown else "idle"
        self.turns = result.turns if execution.background else 0

    def clear(self) -> None:
        """Forget what was said; what it cost stays."""
        self.messages, self.view, self.call_ids, self.starts = (), None, set(), []
        self.status, self.turns = "idle", 0

    def undo(self) -> tuple[Message, ...]:
        """Take the last prompt back, with all that came of it; what was taken. Earlier signed thoughts go, too."""
        place = self._last_prompt()
        taken = self.messages[place:]
        if taken:
            self.messages = without_signed_thoughts(self.messages[:place])
            # Messages that were nothing but thoughts are gone, and the places with them.
            same = len(self.messages) == place
            self.starts = [start for start in self.starts if start < place] if same else []
            if self.view is not None and (not same or self.view.upto > place):
                self.view = None
            self.status = "idle"
        return taken

    def _last_prompt(self) -> int:
        """Where the last exchange begins: where a run of ours did, else at what a person said last."""
        if self.starts:
            return self.starts[-1]
        said = [i for i, m in enumerate(self.messages) if m.role == "user" and not m.tool_results]
        return said[-1] if said else 0


def _call_ids(messages: Iterable[Message]) -> Iterable[str]:
    return (call.id for message in messages for call in message.tool_calls)
