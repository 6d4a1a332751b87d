"""Making what is sent fit into the window of the model that is asked: before each call, and after a refusal.

The history stays as it is; what changes is the view of it that is sent (`context/`). Whatever goes wrong with a
summary changes nothing: then messages are left out without one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from .attempts import Burst, Tried, attempts, count_failed
from .candidates import Candidate
from .context.compactor import Compactor
from .context.condensed import Condensed, opened
from .context.estimate import history_tokens, text_tokens
from .context.gauge import Room
from .context.shrinking import Plan, make_plan
from .context.summary import SYSTEM_PROMPT, cap_summary, note_text, summary_prompt
from .errors import ConfigError, ContextOverflowError, ProviderError
from .events import Event
from .guests import call_guest
from .messages import Message
from .providers.base import Request
from .redaction import redact
from .state import RunState
from .tools.kept import KeptOutputs

__all__ = ["fit", "may_shrink"]

logger = logging.getLogger("alloy_nb")

#: What a summary comes to at most: so many tokens, or this share of what is left of the conversation.
SUMMARY_MOST, SUMMARY_SHARE = 1500, 1 / 4
#: A summary is worth a call from so many times its own size on.
WORTH = 2
#: How much of the summarising model's window is filled, and how often it is asked with less where that is too much.
FILLED, TRIES = 0.6, 3
#: Tokens that a model may use on a summary, its thoughts included.
SUMMARY_ANSWER = 8000


@dataclass(slots=True)
class _Summary:
    """What a model made of messages; `problem` says why there is none."""

    text: str = ""
    problem: str | None = None


def may_shrink(state: RunState, candidate: Candidate) -> bool:
    """A service has refused a request as too long: that is noted. False where nothing may be done about it."""
    state.gauge.overflowed(candidate.label, state.sent_tokens(candidate))
    return state.options.compactor is not None


async def fit(state: RunState, candidate: Candidate) -> AsyncGenerator[Burst, None]:
    """Have less sent, where the model's window is filled; the event that tells it, and what a summary used."""
    compactor = state.options.compactor
    if compactor is None:
        return
    room = _room(state, candidate, compactor)
    view = state.sending.view
    if view is not None and not view.whole and state.sending.whole_tokens(state.history) <= room.target:
        state.sending.take(opened(state.history))  # it was made for a model that reads less
    size = state.sending.tokens(state.history)
    if size < room.most:
        return
    plan, most = _plan(state, compactor, room, summed_up=compactor.summarize is not None)
    if not (touched := plan.touched) or plan.tokens >= size:
        return
    await _call_back(state, compactor, touched, plan.before)
    old = state.sending.view
    made, summary = _Summary(), old.summary if old is not None else ""
    if plan.left_out and state.summarizer is not None:
        if history_tokens(plan.left_out) >= WORTH * most:
            asked = _sum_up(state, state.summarizer, plan.left_out, summary, most, made)
            async with aclosing(asked) as bursts:
                async for burst in bursts:
                    yield burst
        if not made.text:
            plan, _ = _plan(state, compactor, room, summed_up=False)
    before = state.sent_tokens(candidate)
    _take(state, plan, made.text or summary)
    yield [_told(state, candidate, plan, made, before)]


def _take(state: RunState, plan: Plan, summary: str) -> None:
    """Have sent what the plan says."""
    if (outputs := state.outputs) is not None:
        plan.keep_outputs(_keeper(outputs))
    messages, place = plan.build(note_text(plan.omitted, summary) if plan.left_out else None)
    state.sending.take(Condensed(len(state.history), messages, plan.omitted, place, summary))


def _told(state: RunState, candidate: Candidate, plan: Plan, made: _Summary, before: int) -> Event:
    factor = state.gauge.factor(candidate.label)
    told: dict[str, object] = {
        "before_tokens": round(before * factor),
        "after_tokens": round(state.sent_tokens(candidate) * factor),
        "messages": len(plan.touched),
        "kind": "summary" if made.text else "left_out" if plan.left_out else "shortened",
        "omitted": plan.omitted,
    }
    if made.problem is not None:
        told["problem"] = made.problem
    return state.event("compaction", told)


def _room(state: RunState, candidate: Candidate, compactor: Compactor) -> Room:
    """What the messages may fill beside system prompt and tools."""
    window = candidate.window_for(state.options.context_window, first=candidate.label == state.candidates[0].label)
    room = state.gauge.room(candidate.label, window, compactor.at, state.options.max_output_tokens)
    return room.less(state.fixed_tokens(candidate))


def _plan(state: RunState, compactor: Compactor, room: Room, *, summed_up: bool) -> tuple[Plan, int]:
    """The plan, and how many tokens a summary may come to."""
    view = state.sending.view
    most = min(SUMMARY_MOST, max(1, int(room.target * SUMMARY_SHARE)))
    standing = "" if view is None or summed_up else view.summary
    plan = make_plan(
        state.sending.messages(state.history),
        room,
        compactor.keep,
        note=None if view is None else view.note,
        omitted=0 if view is None else view.omitted,
        reserved=history_tokens([Message.user(note_text(10**6, standing))]) + (most if summed_up else 0),
        whole_middle=summed_up,
    )
    return plan, most


async def _call_back(
    state: RunState, compactor: Compactor, messages: tuple[Message, ...], before: tuple[Message, ...]
) -> None:
    if compactor.on_compaction is None:
        return
    try:
        async with asyncio.timeout(state.deadline.remaining()) as limit:
            await call_guest(compactor.on_compaction, messages, before)
    except Exception as error:
        if isinstance(error, TimeoutError) and limit.expired():
            raise state.too_late() from None
        logger.exception("on_compaction raised; the run goes on")


def _keeper(outputs: KeptOutputs) -> Callable[[str], str | None]:
    def keep(text: str) -> str | None:
        kept = outputs.keep(text)
        return kept.handle if kept.path is not None else None

    return keep


async def _sum_up(
    state: RunState, candidate: Candidate, messages: list[Message], earlier: str, most: int, made: _Summary
) -> AsyncGenerator[Burst, None]:
    """Ask the summarising model, again with less where that was too much for it; what it said goes into `made`."""
    for _ in range(TRIES):
        whole = candidate.window_for(None) / state.gauge.factor(candidate.label)
        window = int(min(whole, state.gauge.limit(candidate.label) or whole))
        prompt = summary_prompt(messages, earlier, int(window * FILLED), int(most * 0.6))
        asked = text_tokens(SYSTEM_PROMPT) + text_tokens(prompt)
        tried: Tried = []
        try:
            request = _request(state, candidate, prompt, window)
            async with aclosing(attempts(state, candidate, tried, request)) as bursts:
                async for burst in bursts:
                    yield burst
        except ContextOverflowError as error:
            state.gauge.overflowed(candidate.label, asked)
            made.problem = redact(error.message)
            if burst := _count(state, tried):
                yield burst
            continue
        except (ProviderError, ConfigError) as error:
            made.problem = redact(error.message)
        except (Exception, asyncio.CancelledError):
            if burst := _count(state, tried):
                yield burst
            raise
        if burst := _count(state, tried):
            yield burst
        if tried and (answer := tried[-1][1]).done:
            state.gauge.learn(candidate.label, asked, answer.usage.input_tokens)
            refused = answer.stop_reason in ("refusal", "content_filter")
            made.text = "" if refused else cap_summary(answer.message().text, most)
            made.problem = None if made.text else f"{candidate.label} gave no summary"
        return


def _count(state: RunState, tried: Tried) -> Burst:
    return count_failed(state, *tried[-1]) if tried else []


def _request(state: RunState, candidate: Candidate, prompt: str, window: int) -> Request:
    takes = "max_output_tokens" in getattr(candidate.provider, "options", ())
    most = min(SUMMARY_ANSWER, max(1, window // 4)) if takes else None
    limit = state.options.request_timeout
    return Request((Message.user(prompt),), SYSTEM_PROMPT, max_output_tokens=most, request_timeout=limit)
