"""One question of a cell: asked within the conversation, shown, remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..asking import PumpAsker, ThreadAsker, stdin_available
from ..errors import Cancelled
from ..execution import Execution
from ..options import make_options
from ..portal import PORTAL
from ..pump import Pump
from ..result import Result
from ..sinks import Sink
from ..state import RunState
from ..tools.approval import Asker
from ..tools.workers import MAIN
from ..waiting import await_on, block_on
from .cell import cell_id, current_cell
from .conversation import Conversation
from .display import choose_sink
from .folding import FoldedSink
from .interpolation import Insertion
from .preview import list_insertions

__all__ = ["Question"]

_STOPPED = "KeyboardInterrupt: the run was stopped; the next question works"


class Question:
    """`result` is what came of it, also when it failed or was stopped; `kept` whether the conversation has it."""

    def __init__(
        self,
        shell: Any,
        text: str,
        inserted: Sequence[Insertion],
        given: Mapping[str, Any],
        conversation: Conversation,
    ) -> None:
        self._shell = shell
        self._text = text
        self._inputs = list_insertions(inserted)
        self._given = given
        self._conversation = conversation
        self.result: Result | None = None
        self.kept = False
        self._cell: tuple[str | None, int] = (None, 0)
        self._prior = 0

    def put(self) -> Result:
        """Ask, wait, show. A failure is raised, and an interrupt; both without a traceback of ours.

        A run that somebody stopped otherwise has an answer, which is what was said so far: the cell ends well.
        """
        PORTAL.refuse_here("run")
        with Pump() as pump:
            execution = self._execution(PumpAsker(pump))
            sink = self._sink(execution)
            try:
                self.result = block_on(execution, pump, sink, check=False)
            except KeyboardInterrupt as interrupt:
                self._note(interrupt)
                raise
            finally:
                self._keep()
        return self._ended(self.result, sink)

    async def aput(self) -> Result:
        """The same for a cell that awaits: the kernel's loop stays free while the run goes on."""
        execution = self._execution(ThreadAsker())
        sink = self._sink(execution)
        try:
            self.result = await await_on(execution, sink, check=False)
        except KeyboardInterrupt as interrupt:
            self._note(interrupt)
            raise
        finally:
            self._keep()
        return self._ended(self.result, sink)

    def _execution(self, asker: Asker) -> Execution:
        """The run, ready to be launched; every mistake in its options is raised here."""
        MAIN.note_loop()
        self._cell = cell_id(self._shell)
        history = self._conversation.before(*self._cell)
        self._prior = len(history)
        return Execution(
            RunState(
                self._text,
                make_options({**self._given, "messages": history}),
                asker=asker if stdin_available() else None,
                memory=self._conversation.memory,
                tool_state=self._conversation.tool_state,
            )
        )

    def _sink(self, execution: Execution) -> Sink | None:
        # Whatever `--display` says, a cell that ends in this magic does not show its Result a second time.
        current_cell(self._shell).shown.add(execution.run_id)
        return choose_sink(execution.options.display, inputs=self._inputs)

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

    def _keep(self) -> None:
        if self.result is not None:
            self.kept = self._conversation.keep(*self._cell, self.result, self._prior)
