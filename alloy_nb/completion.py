"""The provider's part of a turn: one answer, asked for again after errors that may pass, or from another model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from .attempts import Burst, Tried, attempts, count_failed, spend, usage_payload
from .candidates import Candidate, fitted, in_order_of_promise, may_fall_back
from .errors import ConfigError, ContextOverflowError, ProviderError
from .fitting import fit, may_shrink
from .providers.answer import Answer
from .redaction import redact
from .state import RunState
from .usage import Usage

__all__ = ["call_provider"]

#: How often a service may find one request too long: each time it gets less than half of it.
_REFUSALS = 6


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
    state.gauge.learn(candidate.label, state.sent_tokens(candidate), answer.usage.input_tokens)
    cost = spend(state, candidate, answer)
    state.stop_reason = message.stop_reason
    state.model = message.model or state.model
    state.answered = answer.arguments(state.answer_tool.name) if state.answer_tool else []
    state.append(message)
    # The envelope's turn of these two is that of the answer they belong to, which is counted by now.
    yield [
        state.event("usage", {**usage_payload(answer), "cost": cost}),
        state.event("message", message),
    ]


def _keep_words(state: RunState, candidate: Candidate, answer: Answer) -> Burst:
    """What was said before the cut is the user's: it is kept, and marked. What was used is counted."""
    told: list[tuple[str, Any]] = []
    cost = spend(state, candidate, answer)
    if answer.usage != Usage():
        told.append(("usage", {**usage_payload(answer), "cost": cost}))
    message = answer.words()
    if message.parts:
        state.model = message.model or state.model
        state.append(message)
        told.append(("message", message))
    return state.events(told)


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
            async for burst in _within_window(state, candidate, tried):
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
            if tried and (burst := count_failed(state, *tried[-1])):
                yield burst
            before, reason, failure = candidate, redact(error.message), error
    assert failure is not None
    raise failure


def _fallback(state: RunState, one: Candidate, other: Candidate, reason: str) -> Burst:
    dropped = [state.event("dropped_option", {"name": name, "model": other.label}) for name in other.lacks]
    return [state.event("fallback", {"from": one.label, "to": other.label, "reason": reason}), *dropped]


async def _within_window(state: RunState, candidate: Candidate, tried: Tried) -> AsyncGenerator[Burst, None]:
    """Ask with a conversation that fits; with a shorter one where the service finds that it does not."""
    async with aclosing(fit(state, candidate)) as bursts:
        async for burst in bursts:
            yield burst
    for refusals in range(_REFUSALS + 1):
        try:
            async with aclosing(attempts(state, candidate, tried)) as bursts:
                async for burst in bursts:
                    yield burst
            return
        except ContextOverflowError as error:
            failed = tried[-1]
            if failed[1].emitted or refusals == _REFUSALS or not may_shrink(state, candidate):
                raise
            before = state.sending.view
            async with aclosing(fit(state, candidate)) as bursts:
                async for burst in bursts:
                    yield burst
            if state.sending.view is before:
                raise error
            if burst := count_failed(state, *failed):
                yield burst
