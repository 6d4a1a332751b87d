"""Running the tool calls of one turn: hooks first, then questions, then the calls, in parallel.

Whatever happens, every call ends with exactly one result, and the results stand in the order of the calls.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ..deadline import Deadline
from ..errors import ToolError
from ..events import Event
from ..guests import GuestCrash, call_guest
from ..messages import ToolCall, ToolResult
from ..redaction import redact_known
from ..result import ToolRecord
from .approval import ApprovalDesk, Decision, Question
from .base import Tool
from .calling import TimedOut, in_time, settled_in_time, wait_briefly
from .context import CancelToken, ToolContext
from .kept import KeptOutputs
from .results import cap_data, cap_text, clean_data, to_result
from .rich import rich_of
from .toolbox import pattern_of, subject_of
from .workers import MAIN, abandon, call_in_thread

__all__ = ["Admit", "Emit", "Finished", "Gate", "Starting", "ToolPhase"]

MAX_PARALLEL = 16
#: What is told where a tool fails without a word: some services refuse an error that says nothing.
_NO_REASON = "The tool failed, and gave no reason."

Emit = Callable[[str, Any], Event]
#: Asks the hooks about a call: the reason it is blocked for, or the call as it may run. May raise `Halted`.
Gate = Callable[[ToolCall], Awaitable[str | ToolCall]]
#: Told of a call that is about to run: the reason why it may not, or None.
Admit = Callable[[ToolCall], str | None]
#: Awaited before a call runs: returns once it is safe that it was begun.
Starting = Callable[[ToolCall], Awaitable[None]]
#: Awaited after a call has run while others of its turn may go on: returns once its result is safe.
Finished = Callable[[ToolResult], Awaitable[None]]


@dataclass(slots=True)
class _Work:
    """One call on its way."""

    call: ToolCall
    tool: Tool | None
    input: Mapping[str, Any] = field(default_factory=dict)
    refusal: str | None = None
    question: Question | None = None
    paused: bool = False
    executed: bool = False
    started: float | None = None
    start_seq: int | None = None
    result: ToolResult | None = None
    record: ToolRecord | None = None
    token: CancelToken = field(default_factory=CancelToken)
    rich: list[dict[str, Any]] = field(default_factory=list)


class ToolPhase:
    """The calls of one turn. `run` does the work; what came of it may be read after it, however it ended."""

    def __init__(
        self,
        calls: Sequence[ToolCall],
        tools: Mapping[str, Tool],
        *,
        make_context: Callable[[ToolCall, CancelToken, Callable[[str, float | None], None]], ToolContext],
        desk: ApprovalDesk,
        gate: Gate,
        admit: Admit,
        starting: Starting,
        finished: Finished,
        emit: Emit,
        told: Callable[[], Awaitable[Any]],
        deadline: Deadline,
        tool_timeout: float | None,
        outputs: KeptOutputs | None = None,
    ) -> None:
        self._works = [_Work(call, tools.get(call.name)) for call in calls]
        self._make_context = make_context
        self._desk = desk
        self._gate = gate
        self._admit = admit
        self._starting = starting
        self._finished = finished
        self._emit = emit
        self._told = told  # until whoever consumes the run has every event that was emitted
        self._deadline = deadline
        self._tool_timeout = tool_timeout
        self._outputs = outputs
        self._slots = asyncio.Semaphore(MAX_PARALLEL)
        self._one_at_a_time = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._known = tools

    # -- what came of it ------------------------------------------------------------------------------------------

    @property
    def results(self) -> list[ToolResult]:
        """One result a call, in order, without the calls that wait for a decision."""
        return [work.result for work in self._works if work.result is not None]

    def take_records(self) -> list[ToolRecord]:
        """The records that were not taken yet."""
        records = [work.record for work in self._works if work.record is not None]
        for work in self._works:
            work.record = None
        return records

    @property
    def pending(self) -> tuple[ToolCall, ...]:
        """The calls that wait for a decision."""
        return tuple(work.call for work in self._works if work.paused)

    def give_up(self, reason: str) -> None:
        """Give every call that has no result yet one that says why; none waits for a decision any more."""
        for work in self._works:
            work.token.set()
            work.paused = False
            if work.result is None:
                self._end(work, self._failure(reason))

    # -- the work -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """All hooks, then all questions at once, each call as soon as it is allowed. Raises `Halted` of a hook."""
        for work in self._works:
            await self._prepare(work)
        if len(self._works) == 1:
            await self._finish_alone(self._works[0])
            return
        tasks = [asyncio.ensure_future(self._finish(work)) for work in self._works]
        try:
            await asyncio.gather(*tasks)
        except BaseException:
            for work in self._works:
                work.token.set()
            for task in tasks:
                task.cancel()
            await wait_briefly(tasks, max(work.tool.grace if work.tool is not None else 0.0 for work in self._works))
            raise

    async def _finish_alone(self, work: _Work) -> None:
        """Nearly every turn has one call: it needs no task of its own."""
        try:
            await self._finish(work)
        except BaseException:
            work.token.set()
            raise

    async def _prepare(self, work: _Work) -> None:
        """Decide what can be decided without a person: hooks, known tool, valid input, need to ask."""
        answer = await self._gate(work.call)
        if isinstance(answer, str):
            work.refusal = f"Blocked: {answer}"
            return
        work.call = answer
        if work.tool is None:
            work.refusal = f"Unknown tool: {work.call.name}"
            if self._known:
                work.refusal += ". The tools are: " + ", ".join(self._known)
            return
        if work.call.raw is not None:
            work.refusal = f"Invalid arguments: they are no JSON object: {work.call.raw[:500]}"
            return
        try:
            work.input = await call_guest(work.tool.validate, work.call.input)
            reason = await call_guest(work.tool.approval_reason, work.input, self._context(work))
            pattern = "" if reason is None else pattern_of(work.tool, work.call.input, reason)
        except ToolError as error:
            work.refusal = str(error)
            return
        except Exception as error:  # noqa: BLE001 - a tool's own code; told to the model like any crash
            work.refusal = f"Tool crashed: {_describe(error)}"
            return
        if reason is not None:
            ctx = self._context(work)
            scope = (work.tool.identity, str(ctx.working_directory))
            work.question = Question(
                work.call, reason, subject_of(work.tool, work.call.input), pattern, scope, ctx.agent
            )
            work.paused = self._desk.pauses(work.call)

    async def _finish(self, work: _Work) -> None:
        if work.paused:
            self._emit("approval_request", _question_payload(work))
            return
        if work.refusal is None and work.question is not None:
            decision = await self._ask(work, work.question)
            if not decision.allowed:
                work.refusal = f"Denied: {decision.reason or 'the user said no'}"
        if work.refusal is None and (reason := self._admit(work.call)) is not None:
            work.refusal = f"Not run: {reason}"
        if work.refusal is not None:
            self._end(work, self._failure(work.refusal))
            return
        assert work.tool is not None
        if work.tool.parallel:
            async with self._slots:
                await self._execute(work, work.tool)
        else:
            async with self._one_at_a_time, self._slots:
                await self._execute(work, work.tool)
        if len(self._works) > 1 and work.result is not None:  # that of a call alone is told at once
            await self._finished(work.result)

    async def _ask(self, work: _Work, question: Question) -> Decision:
        assert work.tool is not None
        self._emit("approval_request", _question_payload(work))
        try:
            with self._deadline.paused():
                decision = await self._desk.ask(question, self._context(work), self._told)
        except Exception as error:  # noqa: BLE001 - the user's own approval function
            decision = Decision(False, f"asking failed: {_describe(error)}", by="policy")
        payload = {
            "id": work.call.id,
            "name": work.call.name,
            "allowed": decision.allowed,
            "reason": decision.reason,
            "by": decision.by,
            "remember": decision.remember,
        }
        self._emit("approval_result", payload)
        return decision

    async def _execute(self, work: _Work, tool: Tool) -> None:
        await self._starting(work.call)
        self._start(work)
        work.executed = True
        for attempt in range(tool.retries + 1):
            try:
                self._end(work, await self._call(work, tool))
            except (ToolError, TimedOut) as error:
                self._end(work, self._failure(str(error)))
            except Exception as error:  # noqa: BLE001 - a tool's crash is a result for the model
                crash = f"Tool crashed: {_describe(error)}"
                if attempt < tool.retries and not work.token.is_set() and not self._deadline.passed:
                    self._tell_progress(work, f"{crash}. Trying again ({attempt + 1} of {tool.retries})")
                    continue
                self._end(work, self._failure(crash))
            return

    async def _call(self, work: _Work, tool: Tool) -> ToolResult:
        own = tool.timeout if tool.timeout is not None else self._tool_timeout
        # A tool that bounds itself is left to the run's deadline, whose clock stops while an agent within it asks.
        limit = None if own == math.inf else self._deadline.shortest(own)
        ctx = replace(self._context(work), allowed=work.question.reason if work.question else None)
        plain = getattr(tool, "call", None)
        if plain is None or getattr(tool, "is_async", True):
            coroutine = tool.execute(work.input, ctx)
            return self._take(work, await in_time(coroutine, work.call.name, limit, tool.grace, work.token))

        def call() -> ToolResult:
            # Figures and tables are turned into a result where they were made, not on the loop.
            return self._take(work, plain(work.input, ctx))

        if tool.thread == "main":
            settling = await MAIN.call(call)
            give_up = settling.strike  # the main thread is needed
        else:
            settling = call_in_thread(call, tool.name)
            give_up = partial(abandon, settling)
        result: ToolResult = await settled_in_time(settling, limit, work.token, give_up)
        return result

    def _take(self, work: _Work, value: Any) -> ToolResult:
        """What a tool returned, and what of it is shown to a person."""
        result = to_result(value, outputs=self._outputs)
        work.rich = rich_of(result)
        return result

    # -- telling --------------------------------------------------------------------------------------------------

    def _context(self, work: _Work) -> ToolContext:
        def report(message: str, fraction: float | None) -> None:
            try:
                self._loop.call_soon_threadsafe(self._tell_progress, work, str(message), fraction)
            except RuntimeError:  # the loop is closed: nobody listens any more
                return

        return self._make_context(work.call, work.token, report)

    def _tell_progress(self, work: _Work, message: str, fraction: float | None = None) -> None:
        if work.result is None:
            text = cap_text(redact_known(message))
            self._emit("tool_progress", {"id": work.call.id, "message": text, "fraction": fraction})

    def _failure(self, message: str) -> ToolResult:
        """An error may quote anything, at any length: it is cut as an output is."""
        return ToolResult(cap_text(message, outputs=self._outputs), is_error=True)

    def _start(self, work: _Work) -> None:
        work.started = time.perf_counter()
        payload = {"id": work.call.id, "name": work.call.name, "input": dict(work.call.input)}
        work.start_seq = self._emit("tool_start", payload).seq

    def _end(self, work: _Work, result: ToolResult) -> None:
        """The one place where a call gets its result: exactly one, and a `tool_end` for its `tool_start`."""
        if work.result is not None:
            return
        if work.started is None:
            self._start(work)
        assert work.started is not None
        call = work.call
        duration = (time.perf_counter() - work.started) * 1000
        text, data = redact_known(result.text), clean_data(result.data)
        if result.is_error and not text.strip():
            text = _NO_REASON
        work.result = ToolResult(text, data, result.images, result.display, call.id, call.name, result.is_error)
        error = text if result.is_error else None
        structured = cap_data(data)
        payload = {
            "id": call.id,
            "name": call.name,
            "duration_ms": round(duration, 3),
            "error": error,
            "output": text,
            "structured": structured,
            "executed": work.executed,
        }
        if work.rich and not result.is_error:
            payload["rich"] = work.rich
        event = self._emit("tool_end", payload)
        work.record = ToolRecord(
            call.id, call.name, call.input, text, error, structured, work.executed, duration, work.start_seq, event.seq
        )


def _question_payload(work: _Work) -> dict[str, Any]:
    call = work.call
    reason = work.question.reason if work.question else None
    return {"id": call.id, "name": call.name, "input": dict(call.input), "reason": reason}


def _describe(error: BaseException) -> str:
    text = str(error)
    name = type(error).__name__
    if isinstance(error, GuestCrash):
        return text
    return f"{name}: {text}" if text else name
