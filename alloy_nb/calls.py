"""The tools' part of a turn: its calls run beside each other, and none is left without a result."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from typing import Any

from .answering import answer_results
from .errors import BudgetExceeded, DeadlineExceeded, Halted
from .events import Event
from .history import with_results
from .messages import Message, ToolCall
from .middleware.base import Block
from .state import RunState
from .tools.approval import Decision, Question
from .tools.context import CancelToken, ParentRun, Succession, ToolContext
from .tools.executor import ToolPhase

__all__ = ["TurnCalls"]


#: How an answer ends that may have been longer.
_CUT = ("max_tokens", "content_filter", "refusal")
_TOO_EARLY = "Not taken yet: other tools were called beside it. Give it alone, now that you know their results."


class TurnCalls:
    """The calls of one turn: to be `run`, or given up.

    Either way their events are told and their results stand in the history, in the order of the calls.
    """

    def __init__(self, state: RunState, calls: Sequence[ToolCall]) -> None:
        self._state = state
        self._untold: list[Event] = []
        self._wake = asyncio.Event()
        self._all_told = asyncio.Event()
        self._exceeded: BudgetExceeded | None = None
        self._order = [call.id for call in calls]
        # An answer beside calls of tools was given without their results.
        answers = [call for call in calls if call.name == state.answer_tool.name] if state.answer_tool else []
        self._untaken = answer_results(answers, _TOO_EARLY)
        tool_calls = [call for call in calls if call not in answers]
        #: Whether there is anything to run.
        self.any_tools = bool(tool_calls)
        self._parent = ParentRun(
            state.path,
            state.budget,
            state.call_ids,
            self._forward,
            state.count,
            self._ask_for_child,
            state.run_id,
            succession=Succession(self._conversation, self._emit, state.passed),
        )
        self._phase = ToolPhase(
            tool_calls,
            state.tools,
            make_context=self._context,
            desk=state.desk,
            gate=self._gate,
            admit=self._admit,
            starting=self._starting,
            finished=state.finished,
            emit=self._emit,
            told=self._all_told.wait,
            deadline=state.deadline,
            tool_timeout=state.options.tool_timeout,
            outputs=state.outputs,
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
            if self._exceeded is not None:
                raise self._exceeded
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
        self._untaken = [replace(result, text=_reason_of(error)) for result in self._untaken]
        return self._settle()

    def _settle(self) -> list[Event]:
        """What came of the calls into the history; the events that were not told yet."""
        state = self._state
        records = self._phase.take_records()
        untaken, self._untaken = self._untaken, []
        if records or untaken:
            state.records.extend(records)
            results = sorted((*self._phase.results, *untaken), key=lambda result: self._order.index(result.call_id))
            state.history[:] = with_results(state.history, results)
        events = self._take_untold()
        return [*events, state.event("message", state.history[-1])] if records or untaken else events

    def _take_untold(self) -> list[Event]:
        events, self._untold = self._untold, []
        return events

    async def _gate(self, call: ToolCall) -> str | ToolCall:
        if self._state.stop_reason in _CUT and not call.input and call.raw is None:
            # A call whose arguments never came looks like one without any.
            return f"the answer was cut ({self._state.stop_reason}), perhaps before the arguments of this call"
        answer = await self._state.ask_hooks(call)
        return answer.reason if isinstance(answer, Block) else answer

    def _admit(self, call: ToolCall) -> str | None:
        """The budget's word; a run whose budget is used up ends when its other calls are done."""
        if self._state.budget is None:
            return None
        try:
            self._state.budget.take_call()
        except BudgetExceeded as error:
            self._exceeded = error
            return error.message
        return None

    async def _starting(self, call: ToolCall) -> None:
        await self._state.starting(call)

    def _context(self, call: ToolCall, token: CancelToken, report: Callable[[str, float | None], None]) -> ToolContext:
        return self._state.tool_context(call, token, report, self._parent)

    # -- an agent within a call -----------------------------------------------------------------------------------

    @property
    def answered_for(self) -> str | None:
        """What somebody said in this run's place, to whom one of the calls handed it over; its results are there."""
        return self._parent.succession.answer if self._parent.succession is not None else None

    def _conversation(self) -> tuple[Message, ...]:
        return tuple(self._state.history)

    def _forward(self, events: Sequence[Event]) -> None:
        self._tell([self._state.adopt(event) for event in events])

    async def _ask_for_child(self, question: Question, ctx: ToolContext) -> Decision:
        with self._state.deadline.paused():
            return await self._state.desk.ask(question, ctx, self._all_told.wait)

    # -- telling --------------------------------------------------------------------------------------------------

    def _emit(self, type: str, payload: Any) -> Event:
        event = self._state.event(type, payload)
        self._tell([event])
        return event

    def _tell(self, events: Sequence[Event]) -> None:
        self._untold.extend(events)
        self._all_told.clear()
        self._wake.set()

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
