"""Attempts at one answer: asked for again after errors that may pass, as long as nothing was emitted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from typing import Any

from .candidates import Candidate
from .errors import ProviderError, ProviderTimeout, RateLimitError, StreamError
from .events import Event
from .providers import retry
from .providers._filling import whole_answer
from .providers.answer import Answer
from .providers.base import Delta, Request, TextDelta, ThinkingDelta, ToolCallDelta, ToolSpec
from .redaction import redact
from .state import RunState
from .usage import Usage

__all__ = ["Burst", "Tried", "attempts", "count_failed", "spend", "usage_payload"]

Burst = list[Event]
Tried = list[tuple[Candidate, Answer]]

#: Seconds after which the loop has its turn, however fast a provider is.
_LONGEST_WITHOUT_WAITING = 0.05


def spend(state: RunState, candidate: Candidate, answer: Answer) -> float | None:
    """Count what an answer used; what it cost."""
    cost = candidate.cost(answer.usage, answer.model)
    state.spend(answer.usage, cost)
    return cost


def count_failed(state: RunState, candidate: Candidate, answer: Answer) -> Burst:
    """What an attempt used that came to nothing is paid for all the same; once, however often it is asked for."""
    if answer.usage == Usage():
        return []
    told = {**usage_payload(answer), "cost": spend(state, candidate, answer)}
    answer.usage = Usage()
    return [state.event("usage", told)]


def usage_payload(answer: Answer) -> dict[str, Any]:
    usage = answer.usage.to_dict()
    usage.pop("cache_write_tokens")
    return usage


async def attempts(
    state: RunState, candidate: Candidate, tried: Tried, request: Request | None = None
) -> AsyncGenerator[Burst, None]:
    """Ask again after errors that may pass, as long as nothing was emitted and there is time; each try is in `tried`.

    With a `request` of its own the answer is no part of the conversation: nothing is told of its words.
    """
    provider, health = candidate.provider, candidate.health
    # One that failed many times has one attempt, when there is another model to go to.
    failing = health.resting or health.on_trial
    retries = 0 if failing and len(state.candidates) > 1 else state.options.max_retries
    attempt = 0
    if (pause := health.pause) > 0:
        if not _in_time(state, pause):
            raise RateLimitError(f"{provider.name} asked for a pause of {pause:.0f} s, longer than the run has left")
        reason = f"{provider.name} asked for a pause"
        yield [state.event("retry", {"attempt": attempt, "delay_s": pause, "reason": reason})]
        await retry.sleep(pause)
    while True:
        if state.budget is not None:
            state.budget.check()
        answer = Answer(getattr(provider, "own", provider.name), provider.model, state.call_ids)
        tried.append((candidate, answer))
        try:
            async with aclosing(_one_attempt(state, candidate, answer, request)) as bursts:
                async for burst in bursts:
                    yield burst
            health.succeeded()
            return
        except ProviderError as error:
            health.failed(error)
            if answer.emitted:
                raise
            attempt += 1
            delay = retry.delay_before(attempt, error, max_retries=retries)
            if delay is None or not _in_time(state, delay):
                error.hint = retry.why_not(error, attempt, max_retries=retries) or error.hint
                raise
            if burst := count_failed(state, candidate, answer):
                yield burst
            reason = redact(error.message)
            yield [state.event("retry", {"attempt": attempt, "delay_s": delay, "reason": reason})]
        await retry.sleep(delay)


def _in_time(state: RunState, delay: float) -> bool:
    left = state.deadline.remaining()
    return left is None or left > delay


async def _one_attempt(
    state: RunState, candidate: Candidate, answer: Answer, request: Request | None
) -> AsyncGenerator[Burst, None]:
    """Feed the answer with what the provider sends, and tell it; silence and a cut are errors."""
    provider = candidate.provider
    # A provider that tells its own signs of life knows better than a clock whether it is silent.
    patience = None if getattr(provider, "watches_silence", False) else state.options.request_timeout
    bursts = _bursts(request or state.request(candidate), candidate, whole=not state.options.stream)
    waited = time.monotonic()
    async with aclosing(bursts):
        # What comes after the end of an answer is nobody's, and waiting for it would be in vain.
        while not answer.done:
            limit = state.deadline.shortest(patience)
            try:
                async with asyncio.timeout(limit) as clock:
                    burst = await anext(bursts, None)
            except TimeoutError:
                if not clock.expired():  # a time limit of the provider's own
                    raise
                if state.deadline.passed:
                    raise state.too_late() from None
                raise ProviderTimeout(f"{provider.name} sent nothing for {limit:g} s") from None
            if burst is None:
                break
            told = _told(answer, burst, state.answer_tool)
            events = state.events(told if request is None else _untold(told))
            if events:
                yield events
            if (now := time.monotonic()) - waited > _LONGEST_WITHOUT_WAITING:
                # A provider that floods never waits: others have their turn, and a stop or the deadline lands here.
                await asyncio.sleep(0)
                waited = now
                if state.deadline.passed:
                    raise state.too_late()
    if not answer.done:
        raise StreamError(
            f"{provider.name} ended its answer before it was complete",
            hint="the connection was cut: try again; or it is a provider of your own, whose answer ends in no Done",
        )


async def _bursts(request: Request, candidate: Candidate, *, whole: bool) -> AsyncGenerator[Sequence[Delta], None]:
    """The provider's deltas; a whole answer comes through the same way as a stream."""
    provider: Any = candidate.provider
    if whole and hasattr(provider, "complete"):
        yield await whole_answer(provider, request)
        return
    if hasattr(provider, "bursts"):
        async with aclosing(provider.bursts(request)) as bursts:
            async for burst in bursts:
                yield burst
        return
    stream = provider.stream(request)
    try:
        async for delta in stream:
            yield (delta,)
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()


def _told(answer: Answer, burst: Sequence[Delta], answer_tool: ToolSpec | None) -> Iterator[tuple[str, Any]]:
    """Type and payload of the events that deltas amount to; the answer is fed with them on the way.

    What is given by the `answer_tool` is told as the text that it stands for: no tool runs.
    """
    feed = answer.feed
    for delta in burst:
        feed(delta)
        kind = type(delta)
        if kind is TextDelta:
            if delta[0]:
                yield "text_delta", delta[0]
        elif kind is ThinkingDelta:
            if delta[0]:
                yield "thinking_delta", delta[0]
        elif isinstance(delta, ToolCallDelta):
            call_id, name = answer.call_name(delta.key)
            if answer_tool is not None and name == answer_tool.name:
                if delta.arguments:
                    if answer.begins_after_words(delta.key):
                        yield "text_delta", "\n\n"
                    yield "text_delta", delta.arguments
                continue
            yield "tool_call_delta", {"id": call_id, "name": name, "delta": delta.arguments}


def _untold(told: Iterator[tuple[str, Any]]) -> Sequence[tuple[str, Any]]:
    """The answer is fed all the same."""
    for _ in told:
        pass
    return ()
