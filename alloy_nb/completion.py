"""The provider's part of a turn: one answer, asked for again after errors that may pass."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from .errors import ProviderError, ProviderTimeout, StreamError
from .events import Event
from .providers.answer import Answer
from .providers.base import Delta, TextDelta, ThinkingDelta, ToolCallDelta
from .providers.retry import delay_before
from .redaction import redact
from .state import RunState

__all__ = ["call_provider"]


async def call_provider(state: RunState) -> AsyncGenerator[Event, None]:
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
    """Feed the answer with what the provider sends, and tell it; silence and a cut are errors."""
    deltas = _deltas(state)
    async with aclosing(deltas):
        while True:
            # A provider that tells its own signs of life knows better than a clock whether it is silent.
            watched = not getattr(state.provider, "watches_silence", False)
            limit = state.deadline.shortest(state.options.request_timeout if watched else None)
            try:
                async with asyncio.timeout(limit) as clock:
                    delta = await anext(deltas, None)
            except TimeoutError:
                if not clock.expired():  # a time limit of the provider's own
                    raise
                if state.deadline.passed:
                    raise state.too_late() from None
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
