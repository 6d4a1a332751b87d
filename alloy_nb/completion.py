"""The provider's part of a turn: one answer, asked for again after errors that may pass, or from another model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from typing import Any

from .candidates import Candidate, fitted, in_order_of_promise, may_fall_back
from .errors import ConfigError, ProviderError, ProviderTimeout, RateLimitError, StreamError
from .events import Event
from .providers import retry
from .providers.answer import Answer
from .providers.base import Delta, Request, TextDelta, ThinkingDelta, ToolCallDelta, ToolSpec
from .redaction import redact
from .state import RunState
from .usage import Usage

__all__ = ["call_provider"]

Burst = list[Event]
Tried = list[tuple[Candidate, Answer]]


async def call_provider(state: RunState) -> AsyncGenerator[Burst, None]:
    """One answer: its events as they come, in bursts, and the finished message in the history."""
    yield [state.event("turn_start", {"model": state.provider.model, "provider": state.provider.name})]
    tried: Tried = []
    try:
        async with aclosing(_from_first_that_answers(state, tried)) as bursts:
            async for burst in bursts:
                yield burst
    except (Exception, asyncio.CancelledError):
        if tried and (burst := _keep_words(state, *tried[-1])):
            yield burst
        raise
    candidate, answer = tried[-1]
    message = answer.message()
    state.turns += 1
    cost = _spend(state, candidate, answer)
    state.stop_reason = message.stop_reason
    state.model = message.model or state.model
    state.answered = answer.arguments(state.answer_tool.name) if state.answer_tool else []
    state.append(message)
    # The envelope's turn of these two is that of the answer they belong to, which is counted by now.
    yield [
        state.event("usage", {**_usage_payload(answer), "cost": cost}),
        state.event("message", message),
    ]


def _keep_words(state: RunState, candidate: Candidate, answer: Answer) -> Burst:
    """What was said before the cut is the user's: it is kept, and marked. What was used is counted."""
    told: list[tuple[str, Any]] = []
    cost = _spend(state, candidate, answer)
    if answer.usage != Usage():
        told.append(("usage", {**_usage_payload(answer), "cost": cost}))
    message = answer.words()
    if message.parts:
        state.model = message.model or state.model
        state.append(message)
        told.append(("message", message))
    return state.events(told)


def _spend(state: RunState, candidate: Candidate, answer: Answer) -> float | None:
    cost = candidate.cost(answer.usage, answer.model)
    state.spend(answer.usage, cost)
    return cost


def _count_failed(state: RunState, candidate: Candidate, answer: Answer) -> Burst:
    """What an attempt used that came to nothing is paid for all the same."""
    if answer.usage == Usage():
        return []
    return [state.event("usage", {**_usage_payload(answer), "cost": _spend(state, candidate, answer)})]


def _usage_payload(answer: Answer) -> dict[str, Any]:
    usage = answer.usage.to_dict()
    usage.pop("cache_write_tokens")
    return usage


async def _from_first_that_answers(state: RunState, tried: Tried) -> AsyncGenerator[Burst, None]:
    """Model after model, as long as nothing was emitted; each attempt is added to `tried`."""
    candidates = in_order_of_promise(state.candidates)
    failure: ProviderError | None = None
    before = state.candidates[0]
    reason = "it failed several times, a moment ago" if before.health.resting else "it asked for a pause"
    for place, candidate in enumerate(candidates):
        if candidate is not before:
            candidate = fitted(candidate, state.request)
            yield _fallback(state, before, candidate, reason)
        try:
            async for burst in _with_retries(state, candidate, tried):
                yield burst
            return
        except ConfigError as error:
            # A fallback that cannot be asked so is passed over; what the others said is the error to tell.
            if failure is None:
                raise
            before, reason = candidate, redact(error.message)
        except ProviderError as error:
            emitted = bool(tried) and tried[-1][1].emitted
            if emitted or place + 1 == len(candidates) or not may_fall_back(error) or state.deadline.passed:
                raise
            if tried and (burst := _count_failed(state, *tried[-1])):
                yield burst
            before, reason, failure = candidate, redact(error.message), error
    assert failure is not None
    raise failure


def _fallback(state: RunState, one: Candidate, other: Candidate, reason: str) -> Burst:
    dropped = [state.event("dropped_option", {"name": name, "model": other.label}) for name in other.lacks]
    return [state.event("fallback", {"from": one.label, "to": other.label, "reason": reason}), *dropped]


async def _with_retries(state: RunState, candidate: Candidate, tried: Tried) -> AsyncGenerator[Burst, None]:
    """Ask again after errors that may pass, as long as nothing was emitted and there is time."""
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
            async with aclosing(_one_attempt(state, candidate, answer)) as bursts:
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
            if burst := _count_failed(state, candidate, answer):
                yield burst
            reason = redact(error.message)
            yield [state.event("retry", {"attempt": attempt, "delay_s": delay, "reason": reason})]
        await retry.sleep(delay)


def _in_time(state: RunState, delay: float) -> bool:
    left = state.deadline.remaining()
    return left is None or left > delay


async def _one_attempt(state: RunState, candidate: Candidate, answer: Answer) -> AsyncGenerator[Burst, None]:
    """Feed the answer with what the provider sends, and tell it; silence and a cut are errors."""
    provider = candidate.provider
    # A provider that tells its own signs of life knows better than a clock whether it is silent.
    patience = None if getattr(provider, "watches_silence", False) else state.options.request_timeout
    bursts = _bursts(state.request(candidate), candidate, whole=not state.options.stream)
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
            events = state.events(_told(answer, burst, state.answer_tool))
            if events:
                yield events
    if not answer.done:
        raise StreamError(f"{provider.name} ended its answer before it was complete")


async def _bursts(request: Request, candidate: Candidate, *, whole: bool) -> AsyncGenerator[Sequence[Delta], None]:
    """The provider's deltas; a whole answer comes through the same way as a stream."""
    provider: Any = candidate.provider
    if whole and hasattr(provider, "complete"):
        yield await provider.complete(request)
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
