"""One question of a cell: asked within the conversation, shown, remembered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ..asking import PumpAsker, ThreadAsker, stdin_available
from ..errors import Cancelled
from ..execution import Execution
from ..messages import Message
from ..portal import PORTAL
from ..pump import Pump
from ..result import Result
from ..sinks import Sink
from ..tools.approval import Asker
from ..tools.workers import MAIN
from ..waiting import await_on, block_on
from .cell import cell_id, current_cell
from .conversation import AgentConversation, Conversation, OwnConversation
from .display import choose_sink
from .folding import FoldedSink

__all__ = ["Question"]

_STOPPED = "KeyboardInterrupt: the run was stopped; the next question works"


class Question:
    """`result` is what came of it, also when it failed or was stopped; `kept` whether the conversation has it."""

    def __init__(
        self,
        shell: Any,
        text: str | Message,
        inputs: Sequence[str],
        given: Mapping[str, Any],
        conversation: Conversation | OwnConversation | AgentConversation,
    ) -> None:
        self._shell = shell
        self._text = text
        self._inputs = inputs
        self._given = given
        self._conversation = conversation
        self.result: Result | None = None
        self.kept = False

    def put(self) -> Result:
        """Ask, wait, show. A failure is raised, and an interrupt; both without a traceback of ours.

        A run that somebody stopped otherwise has an answer, which is what was said so far: the cell ends well.
        """
        PORTAL.refuse_here("run")
        with Pump() as pump, self._asking(PumpAsker(pump)) as execution:
            sink = self._sink(execution)
            self.result = block_on(execution, pump, sink, check=False)
        return self._ended(self.result, sink)

    async def aput(self) -> Result:
        """The same for a cell that awaits: the kernel's loop stays free while the run goes on."""
        with self._asking(ThreadAsker()) as execution:
            sink = self._sink(execution)
            self.result = await await_on(execution, sink, check=False)
        return self._ended(self.result, sink)

    @contextmanager
    def _asking(self, asker: Asker) -> Iterator[Execution]:
        """The run, ready to be launched; whatever comes of it is kept in the conversation."""
        MAIN.note_loop()
        place = cell_id(self._shell)
        asked = asker if stdin_available() else None
        execution = self._conversation.begin(place, self._text, self._given, asked)
        try:
            yield execution
        except KeyboardInterrupt as interrupt:
            self._note(interrupt)
            raise
        finally:
            self.kept = self._conversation.end(place, execution, self.result)

    def _sink(self, execution: Execution) -> Sink | None:
        # Whatever `--display` says, a cell that ends in this magic does not show its Result a second time.
        current_cell(self._shell).shown.add(execution.run_id)
        display = execution.options.display
        around = () if display is None else self._conversation.told.new(cell_id(self._shell)[0], execution.inputs)
        return choose_sink(display, inputs=[*self._inputs, *around])

    def _ended(self, result: Result, sink: Sink | None) -> Result:
        error = result.error
        if result.status == "cancelled" or error is None:
            return result
        if sink is not None and not isinstance(sink, FoldedSink):
            # The hint is to be read above: the cell's own error is one line.
            line = f"{type(error).__name__}: {error.message}"
            error._render_traceback_ = lambda *_: [line]  # type: ignore[method-assign]
        return result.check()

    def _note(self, interrupt: KeyboardInterrupt) -> None:
        """What was said so far is the result, and IPython shows one line instead of our frames."""
        if isinstance(interrupt.__cause__, Cancelled):
            self.result = interrupt.__cause__.result
        interrupt._render_traceback_ = lambda *_: [_STOPPED]  # type: ignore[attr-defined]
