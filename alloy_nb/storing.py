"""Storing what a run says while it goes on: in a thread, before anybody is told of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from .errors import AlloyError, SessionConflict, SessionError
from .events import Event
from .messages import ToolCall, ToolResult
from .recorder import Recorder
from .state import RunState
from .tools.workers import call_in_thread

__all__ = ["Storing"]

logger = logging.getLogger("alloy_nb")

#: Events after which the conversation has grown, is sent otherwise, or is final.
_STORED = frozenset({"run_start", "compaction", "message", "run_end"})


class Storing:
    """Has the conversation of a run stored as it grows, and its calls as they begin and end. On the run's loop."""

    def __init__(self, state: RunState, recorder: Recorder) -> None:
        self._state = state
        self._recorder = recorder
        state.starting = self._note_start
        state.finished = self._note_result

    @property
    def session_id(self) -> str:
        """The session that it is stored as."""
        return self._recorder.session.id

    async def store(self, events: Iterable[Event]) -> None:
        """Store what was said by these events. A cancellation has to wait for that, and then goes on."""
        if not any(event.type in _STORED for event in events):
            return
        state, recorder = self._state, self._recorder
        if state.seq == 1:
            recorder.start()
        messages, usage, cost, view = tuple(state.history), state.usage, state.cost, state.sending.view
        error = await _uncancelled(lambda: recorder.sync(messages, state.tool_state, usage, cost, view=view))
        if error is not None:
            # Words are well without it, and the next attempt stores what this one did not. But nothing is done of
            # which nobody would know, nor in the name of a conversation that goes on elsewhere.
            if isinstance(error, SessionConflict) or (messages and messages[-1].tool_calls):
                state.fault = error if isinstance(error, AlloyError) else _not_stored(error)
            if state.fault is None or state.status != "running":  # else the run ends by it, and tells it
                logger.error("the session could not be stored: %s", error)

    async def _note_start(self, call: ToolCall) -> None:
        """A call is about to run."""
        await call_in_thread(lambda: self._recorder.note_started(call.id), "session").future

    async def _note_result(self, result: ToolResult) -> None:
        """A call has ended, and others of its turn go on: should the process die, this one need not be in doubt."""
        try:
            await call_in_thread(lambda: self._recorder.note_result(result), "session").future
        except Exception as error:  # noqa: BLE001 - anybody's store; it is stored again, or refused, with the turn
            logger.error("the result of a call could not be stored: %s", error)


async def _uncancelled(work: Callable[[], None]) -> BaseException | None:
    """Wait for `work` in its thread; what it raised. A cancellation meanwhile comes after it, counted once."""
    done = call_in_thread(work, "session").future
    task, swallowed = asyncio.current_task(), 0
    while not done.done():
        try:
            await asyncio.wait({done})
        except asyncio.CancelledError:
            swallowed += 1
    if swallowed and task is not None:
        for _ in range(swallowed):
            task.uncancel()
        for _ in range(swallowed):
            task.cancel()
    return done.exception()


def _not_stored(error: BaseException) -> SessionError:
    made = SessionError(f"the session could not be stored: {type(error).__name__}: {error}", hint="mend the store")
    made.__cause__ = error
    return made
