"""The loop: provider -> tools -> provider, until the model is done. The only one there is.

An async generator of events. Whoever consumes it (a blocking run, an awaited one, one in the background) sees the
same stream; when it is cancelled it still yields what closes the run, and leaves a history that can be sent on.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from .errors import (
    AlloyError,
    Cancelled,
    DeadlineExceeded,
    Halted,
    OutputError,
    ProviderError,
    ProviderTimeout,
    StreamError,
)
from .events import Event
from .messages import Message, ToolCall
from .middleware.base import Block, HookContext, call_hooks
from .providers.answer import Answer
from .providers.base import Delta, TextDelta, ThinkingDelta, ToolCallDelta
from .providers.retry import delay_before
from .redaction import redact
from .state import RunState, open_calls
from .tools.executor import ToolPhase

__all__ = ["run_loop"]

logger = logging.getLogger("alloy_nb")

#: How often an answer that does not match the `output` type is sent back.
MAX_REPAIRS = 2


async def run_loop(state: RunState) -> AsyncGenerator[Event, None]:
    """All events of one run, `run_start` first and `run_end` last, whatever happens in between."""
    prompt = state.prompt.text if state.prompt is not None else ""
    opening = {"prompt": prompt, "model": state.provider.model}
    if notice := getattr(state.provider, "notice", None):
        opening["notice"] = notice  # what whoever reads the answer should know of the model
    yield state.event("run_start", opening)
    try:
        async with aclosing(_turns(state)) as events:
            async for event in events:
                yield event
    except asyncio.CancelledError:
        state.finish("cancelled", Cancelled("the run was cancelled", hint="the partial answer is kept"))
    except Halted as error:
        state.finish("halted", error)
    except AlloyError as error:
        await _fail(state, error)
    except Exception as error:  # noqa: BLE001 - a crash: told as such, with its cause, and the run still closes
        crash = AlloyError(
            f"the run crashed: {type(error).__name__}: {redact(str(error))}",
            hint="this is a bug in a provider, a middleware or alloy_nb itself: please report it",
        )
        crash.__cause__ = error
        state.finish("error", crash)
    message = None if state.error is None else redact(state.error.message)
    yield state.event(
        "run_end",
        {
            "status": state.status,
            "error": message,
            "error_type": None if state.error is None else type(state.error).__name__,
            "hint": None if state.error is None else state.error.hint,
            "turns": state.turns,
            "usage": state.usage.to_dict(),
        },
    )


async def _fail(state: RunState, error: AlloyError) -> None:
    """An error ends the run; a hook may make a halt of it."""
    state.finish("error", error)
    try:
        await _hooks(state, "on_error", in_time=False)
    except Halted as halted:
        state.finish("halted", halted)
    except Exception:  # the error that it was called for is the one to tell
        logger.exception("an on_error hook raised")
    except asyncio.CancelledError:
        state.finish("cancelled", Cancelled("the run was cancelled"))


async def _turns(state: RunState) -> AsyncGenerator[Event, None]:
    """Turn after turn; returns when the model is done or may not go on."""
    waiting = open_calls(state.history) if state.prompt is None else ()
    if waiting:  # a paused run goes on with them
        async for event in _tools(state, waiting):
            yield event
    while state.status == "running":
        if state.turns >= state.options.max_turns:
            state.finish("max_turns")
            return
        await asyncio.sleep(0)  # a provider that never waits still lets a cancellation land here
        for message in state.take_steering():
            state.history.append(message)
            yield state.event("message", message)
        hooks = state.hook_context()
        await _hooks(state, "before_completion", ctx=hooks)
        state.system_prompt = hooks.system_prompt
        async for event in _provider_call(state):
            yield event
        answer = state.history[-1]
        async for event in _after_answer(state, answer):
            yield event
        if answer.tool_calls:
            async for event in _tools(state, answer.tool_calls):
                yield event
        elif state.stop_reason != "pause_turn":
            _conclude(state, answer)


async def _hooks(
    state: RunState, hook: str, *arguments: Any, ctx: HookContext | None = None, in_time: bool = True
) -> Block | None:
    """Call a hook of the chain, within the run's deadline."""
    try:
        async with asyncio.timeout(state.deadline.remaining() if in_time else None) as limit:
            return await call_hooks(state.options.middleware, hook, ctx or state.hook_context(), *arguments)
    except TimeoutError:
        if limit.expired():
            raise _too_late(state) from None
        raise


def _too_late(state: RunState) -> DeadlineExceeded:
    return DeadlineExceeded(f"the run's timeout of {state.options.timeout:g} s passed")


async def _after_answer(state: RunState, answer: Message) -> AsyncGenerator[Event, None]:
    """The hooks between an answer and its tools; a halt here still leaves every call with a result."""
    try:
        await _hooks(state, "after_completion")
        if answer.tool_calls:
            await _hooks(state, "after_tool_request")
    except (Exception, asyncio.CancelledError) as error:
        if answer.tool_calls:
            queue = _WakingQueue()
            for event in _give_up(state, _phase(state, answer.tool_calls, queue), queue, error):
                yield event
        raise


def _give_up(state: RunState, phase: ToolPhase, queue: deque[Event], error: BaseException) -> list[Event]:
    """Every call that has no result gets one that says why; the events that tell it."""
    phase.give_up(_reason_of(error))
    return _settle(state, phase, queue)


def _settle(state: RunState, phase: ToolPhase, queue: deque[Event]) -> list[Event]:
    """What came of the calls into the history; the events that were not told yet."""
    kept = _keep_results(state, phase)
    events = list(queue)
    queue.clear()
    return [*events, state.event("message", state.history[-1])] if kept else events


def _conclude(state: RunState, answer: Message) -> None:
    """The model is done, unless somebody steered meanwhile or its answer has the wrong shape."""
    steered = state.take_steering(last=True)
    if steered:
        state.history.extend(steered)
        return
    if state.output_type is not None:
        try:
            state.output = state.output_type.parse(answer.text)
        except OutputError as error:
            if state.stop_reason == "max_tokens":
                raise OutputError(
                    f"the answer was cut at the output limit before it was a whole {state.output_type.name}",
                    hint="raise max_output_tokens, ask for less, or use a simpler type or a stronger model",
                ) from error
            if state.repairs >= MAX_REPAIRS:
                raise
            state.repairs += 1
            state.history.append(Message.user(f"{error.message}\n\nAnswer again with JSON that matches."))
            return
    state.finish("completed")


# -- the provider -----------------------------------------------------------------------------------------------------


async def _provider_call(state: RunState) -> AsyncGenerator[Event, None]:
    """One answer: its events as they come, and the finished message in the history."""
    yield state.event("turn_start", {"model": state.provider.model})
    answer = Answer(state.provider.name, state.provider.model)
    try:
        async for event in _with_retries(state, answer):
            yield event
    except (Exception, asyncio.CancelledError):
        # What was said before the cut is the user's: it is kept, and marked.
        message = answer.message()
        state.usage += answer.usage
        if message.parts:
            state.history.append(message)
            yield state.event("message", message)
        raise
    message = answer.message()
    state.turns += 1
    state.usage += answer.usage
    state.stop_reason = message.stop_reason
    state.model = message.model or state.model
    state.history.append(message)
    # The envelope's turn of these two is that of the answer they belong to, which is counted by now.
    yield state.event("usage", {**_usage_payload(answer), "cost": None})
    yield state.event("message", message)


def _usage_payload(answer: Answer) -> dict[str, Any]:
    usage = answer.usage.to_dict()
    usage.pop("cache_write_tokens")
    return usage


async def _with_retries(state: RunState, answer: Answer) -> AsyncGenerator[Event, None]:
    """Ask again after errors that may pass, as long as nothing was emitted and there is time."""
    attempt = 0
    while True:
        try:
            async for event in _one_attempt(state, answer):
                yield event
            return
        except ProviderError as error:
            if answer.emitted:
                raise
            attempt += 1
            delay = delay_before(attempt, error, max_retries=state.options.max_retries)
            left = state.deadline.remaining()
            if delay is None or (left is not None and left <= delay):
                raise
            reason = redact(error.message)
            yield state.event("retry", {"attempt": attempt, "delay_s": delay, "reason": reason})
        await asyncio.sleep(delay)


async def _one_attempt(state: RunState, answer: Answer) -> AsyncGenerator[Event, None]:
    deltas = _deltas(state)
    async with aclosing(deltas):
        while True:
            # A provider that tells its own signs of life knows better than a clock whether it is silent.
            watched = not getattr(state.provider, "watches_silence", False)
            limit = state.deadline.shortest(state.options.request_timeout if watched else None)
            try:
                async with asyncio.timeout(limit):
                    delta = await anext(deltas, None)
            except TimeoutError:
                if state.deadline.passed:
                    raise _too_late(state) from None
                raise ProviderTimeout(f"{state.provider.name} sent nothing for {limit:g} s") from None
            if delta is None:
                break
            answer.feed(delta)
            event = _delta_event(state, answer, delta)
            if event is not None:
                yield event
    if not answer.done:
        raise StreamError(f"{state.provider.name} ended its answer before it was complete")


async def _deltas(state: RunState) -> AsyncGenerator[Delta, None]:
    """The provider's deltas; a whole answer comes through the same way as a stream."""
    request = state.request()
    complete = None if state.options.stream else getattr(state.provider, "complete", None)
    if complete is not None:
        for delta in await complete(request):
            yield delta
        return
    stream = state.provider.stream(request)
    try:
        async for delta in stream:
            yield delta
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()


def _delta_event(state: RunState, answer: Answer, delta: Delta) -> Event | None:
    match delta:
        case TextDelta(text) if text:
            return state.event("text_delta", text)
        case ThinkingDelta(text, _) if text:
            return state.event("thinking_delta", text)
        case ToolCallDelta(key, _, _, arguments):
            call_id, name = answer.call_name(key)
            return state.event("tool_call_delta", {"id": call_id, "name": name, "delta": arguments})
    return None


# -- the tools --------------------------------------------------------------------------------------------------------


def _phase(state: RunState, calls: tuple[ToolCall, ...], queue: deque[Event]) -> ToolPhase:
    def emit(type: str, payload: Any) -> Event:
        event = state.event(type, payload)
        queue.append(event)
        return event

    async def blocker(call: ToolCall) -> str | None:
        answer = await _hooks(state, "before_tool_call", call)
        return answer.reason if isinstance(answer, Block) else None

    return ToolPhase(
        calls,
        state.tools,
        make_context=state.tool_context,
        desk=state.desk,
        blocker=blocker,
        emit=emit,
        deadline=state.deadline,
        tool_timeout=state.options.tool_timeout,
    )


async def _tools(state: RunState, calls: tuple[ToolCall, ...]) -> AsyncGenerator[Event, None]:
    """Run one turn's calls; their events as they happen, their results in the history, in order."""
    queue = _WakingQueue()
    phase = _phase(state, calls, queue)
    work = asyncio.ensure_future(phase.run())
    work.add_done_callback(lambda _: queue.wake.set())
    try:
        while not work.done() and not state.deadline.passed:
            await _wait_for(queue, state)
            while queue:
                yield queue.popleft()
        if not work.done():
            raise _too_late(state)
        work.result()
        for event in _settle(state, phase, queue):
            yield event
        await _hooks(state, "after_tool_execution")
    except (Exception, asyncio.CancelledError) as error:
        # A run that does not end as `waiting` leaves no call open.
        await _stop(work)
        for event in _give_up(state, phase, queue, error):
            yield event
        raise
    finally:
        work.cancel()
    if phase.pending:
        state.pending = phase.pending
        state.finish("waiting")


class _WakingQueue(deque[Event]):
    """Events of tools that run beside each other; `wake` is set when there is something to yield."""

    def __init__(self) -> None:
        super().__init__()
        self.wake = asyncio.Event()

    def append(self, event: Event) -> None:
        super().append(event)
        self.wake.set()


async def _wait_for(queue: Any, state: RunState) -> None:
    """Until there is an event or the deadline may have passed."""
    try:
        async with asyncio.timeout(state.deadline.remaining()):
            await queue.wake.wait()
    except TimeoutError:
        return
    queue.wake.clear()


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


def _keep_results(state: RunState, phase: ToolPhase) -> bool:
    """New results into the history: a new user message, or into the one that an earlier, paused part began."""
    records = phase.take_records()
    state.records.extend(records)
    if not records:
        return False
    results = phase.results
    last = state.history[-1]
    if last.role == "user" and last.tool_results:
        state.history[-1] = _merge_results(state.history[-2], last, results)
    else:
        state.history.append(Message("user", tuple(results)))
    return True


def _merge_results(request: Message, message: Message, results: list[Any]) -> Message:
    """One message with the results of all calls of `request`, in their order."""
    by_id = {result.call_id: result for result in (*message.tool_results, *results)}
    others = [part for part in message.parts if part not in message.tool_results]
    ordered = [by_id[call.id] for call in request.tool_calls if call.id in by_id]
    return replace(message, parts=(*ordered, *others))


def _reason_of(error: BaseException) -> str:
    """What a call's result says when it did not run to its end."""
    if isinstance(error, asyncio.CancelledError):
        return "Cancelled: the user stopped the run before this call finished"
    if isinstance(error, Halted):
        return f"Not run: {error.message}"
    if isinstance(error, DeadlineExceeded):
        return "Cancelled: the run's time was up before this call finished"
    return f"Not run: {type(error).__name__}"
