"""One question of a cell: asked within the conversation, shown, remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..asking import PumpAsker, stdin_available
from ..errors import Cancelled
from ..options import make_options
from ..portal import PORTAL
from ..pump import Pump
from ..result import Result
from ..runs import Run, block_on
from ..sinks import Sink
from ..state import RunState
from ..tools.workers import MAIN
from .cell import cell_id, current_cell
from .conversation import Conversation
from .display import choose_sink
from .interpolation import Insertion
from .preview import list_insertions

__all__ = ["Question"]

_STOPPED = "KeyboardInterrupt: the run was stopped; what was said so far is kept, and the next question works"


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

    def put(self) -> Result:
        """Ask, wait, show. The Result however it ended; only an interrupt is raised, without a traceback of ours."""
        PORTAL.refuse_here("run")
        MAIN.note_loop()
        cell, execution = cell_id(self._shell)
        history = self._conversation.before(cell, execution)
        with Pump() as pump:
            handle = self._run(history, pump)
            sink = choose_sink(handle._state.options.display, inputs=self._inputs)
            # Whatever `--display` says, a cell that ends in this magic does not show its Result a second time.
            current_cell(self._shell).shown.add(handle.run_id)
            PORTAL.spawn(handle._drive(), f"alloy run {handle.run_id}")
            try:
                self.result = block_on(handle, pump, sink, check=False)
            except KeyboardInterrupt as interrupt:
                self.result = _settled(handle, pump, sink, interrupt)
                interrupt._render_traceback_ = lambda *_: [_STOPPED]  # type: ignore[attr-defined]
                raise
            finally:
                if self.result is not None:
                    self.kept = self._conversation.keep(cell, execution, self.result, len(history))
        return self.result

    def _run(self, history: Sequence[Any], pump: Pump) -> Run:
        """The run, ready to be started; every mistake in its options is raised here."""
        return Run(
            RunState(
                self._text,
                make_options({**self._given, "messages": history}),
                asker=PumpAsker(pump) if stdin_available() else None,
                memory=self._conversation.memory,
                tool_state=self._conversation.tool_state,
            )
        )


def _settled(handle: Run, pump: Pump, sink: Sink | None, interrupt: KeyboardInterrupt) -> Result:
    """What an interrupted run came to."""
    cause = interrupt.__cause__
    if isinstance(cause, Cancelled) and cause.result is not None:
        return cause.result
    # The interrupt came before the waiting began, while the first display was made: the run still goes on.
    handle.cancel()
    result = block_on(handle, pump, None, check=False)
    if sink is not None:
        sink.close(result)
    return result
