"""The tools' part of a turn: its calls run beside each other, and none is left without a result."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from .errors import DeadlineExceeded, Halted
from .events import Event
from .history import with_results
from .messages import ToolCall
from .middleware.base import Block
from .state import RunState
from .tools.executor import ToolPhase

__all__ = ["TurnCalls"]


#: How an answer ends that may have been longer.
_CUT = ("max_tokens", "content_filter", "refusal")


class TurnCalls:
    """The calls of one turn: to be `run`, or given up.

    Either way their events are told and their results stand in the history, in the order of the calls.
    """

    def __init__(self, state: RunState, calls: Sequence[ToolCall]) -> None:
        self._state = state
        self._untold: list[Event] = []
        self._wake = asyncio.Event()
        self._all_told = asyncio.Event()
        self._phase = ToolPhase(
            calls,
            state.tools,
            make_context=state.tool_context,
            desk=state.desk,
            blocker=self._blocked,
            emit=self._emit,
            told=self._all_told.wait,
            deadline=state.deadline,
            tool_timeout=state.options.tool_timeout,
        )

    async def run(self) -> AsyncGenerator[list[Event], None]:
        """Events as they happen, in bursts. Ends the run as ``waiting`` when calls wait for a decision."""
        work = asyncio.ensure_future(self._phase.run())
        work.add_done_callback(lambda _: self._wake.set())
        try:
            while not work.done() and not self._state.deadline.passed:
                await self._wait()
                while self._untold:
                    yield self._take_untold()
                self._all_told.set()
            if not work.done():
                raise self._state.too_late()
            work.result()
            yield self._settle()
            await self._state.call_hooks("after_tool_execution")
        except (Exception, asyncio.CancelledError) as error:
            # A run that does not end as `waiting` leaves no call open.
            await _stop(work)
            yield self.give_up(error)
            raise
        finally:
            work.cancel()
        if self._phase.pending:
            self._state.pending = self._phase.pending
            self._state.finish("waiting")

    def give_up(self, error: BaseException) -> list[Event]:
        """Every call that has no result gets one that says why; the events that tell it."""
        self._phase.give_up(_reason_of(error))
        return self._settle()

    def _settle(self) -> list[Event]:
        """What came of the calls into the history; the events that were not told yet."""
        state = self._state
        records = self._phase.take_records()
        if records:
            state.records.extend(records)
            state.history[:] = with_results(state.history, self._phase.results)
        events = self._take_untold()
        return [*events, state.event("message", state.history[-1])] if records else events

    def _take_untold(self) -> list[Event]:
        events, self._untold = self._untold, []
        return events

    async def _blocked(self, call: ToolCall) -> str | None:
        if self._state.stop_reason in _CUT and not call.input and call.raw is None:
            # A call whose arguments never came looks like one without any.
            return f"the answer was cut ({self._state.stop_reason}), perhaps before the arguments of this call"
        answer = await self._state.call_hooks("before_tool_call", call)
        return answer.reason if isinstance(answer, Block) else None

    def _emit(self, type: str, payload: Any) -> Event:
        event = self._state.event(type, payload)
        self._untold.append(event)
        self._all_told.clear()
        self._wake.set()
        return event

    async def _wait(self) -> None:
        """Until there is an event or the deadline may have passed."""
        try:
            async with asyncio.timeout(self._state.deadline.remaining()):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()


async def _stop(work: asyncio.Future[Any]) -> None:
    """Cancel the calls and wait until they have cleaned up; the executor bounds how long that takes."""
    work.cancel()
    while not work.done():
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError:
            continue
    if not work.cancelled():
        work.exception()


def _reason_of(error: BaseException) -> str:
    """What a call's result says when it did not run to its end."""
    if isinstance(error, asyncio.CancelledError):
        return "Cancelled: the user stopped the run before this call finished"
    if isinstance(error, Halted):
        return f"Not run: {error.message}"
    if isinstance(error, DeadlineExceeded):
        return "Cancelled: the run's time was up before this call finished"
    return f"Not run: {type(error).__name__}"
