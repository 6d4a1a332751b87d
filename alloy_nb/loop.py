"""The loop: provider -> tools -> provider, until the model is done. The only one there is.

An async generator of events, in bursts. Whoever consumes it (a blocking run, an awaited one, one in the background)
sees the same stream; when it is cancelled it still yields what closes the run, and leaves a history that can be sent
on. What happens inside a turn is told in `completion` (the provider's part) and `calls` (the tools' part).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from .answering import conclude
from .calls import TurnCalls
from .completion import call_provider
from .errors import AlloyError, Cancelled, Crashed, Halted
from .events import Event
from .history import open_calls
from .messages import Message
from .redaction import redact
from .state import RunState

__all__ = ["closing_payload", "opening_payload", "run_loop"]

logger = logging.getLogger("alloy_nb")


async def run_loop(state: RunState) -> AsyncGenerator[list[Event], None]:
    """All events of one run, `run_start` first and `run_end` last, whatever happens in between.

    They come in bursts: what became known at the same moment is told together.
    """
    yield [state.event("run_start", opening_payload(state))]
    try:
        async with aclosing(_turns(state)) as bursts:
            async for burst in bursts:
                yield burst
    except asyncio.CancelledError:
        said = any(message.role == "assistant" for message in state.history[state.own_start :])
        hint = "the partial answer is kept" if said else "nothing was said yet; ask again"
        state.finish("cancelled", Cancelled("the run was cancelled", hint=hint))
    except Halted as error:
        state.finish("halted", error)
    except AlloyError as error:
        await _fail(state, error)
    except Exception as error:  # noqa: BLE001 - a crash: told as such, with its cause, and the run still closes
        crash = Crashed(f"the run crashed: {type(error).__name__}: {redact(str(error))}")
        crash.__cause__ = error
        state.finish("error", crash)
    yield [state.event("run_end", closing_payload(state))]


async def _turns(state: RunState) -> AsyncGenerator[list[Event], None]:
    """Turn after turn; returns when the model is done or may not go on."""
    if state.fault is not None:
        raise state.fault
    waiting = open_calls(state.history) if state.prompt is None else ()
    if waiting:  # a paused run goes on with them
        async for burst in TurnCalls(state, waiting).run():
            yield burst
    while state.status == "running":
        if state.turns >= state.options.max_turns:
            for message in state.steering.take():  # whoever said it was told that it is heard
                state.history.append(message)
                yield [state.event("message", message)]
            state.finish("max_turns")
            return
        await asyncio.sleep(0)  # a provider that never waits still lets a cancellation land here
        for message in state.steering.take():
            state.history.append(message)
            yield [state.event("message", message)]
        await state.call_hooks("before_completion")
        async for burst in call_provider(state):
            yield burst
        answer = state.history[-1]
        calls = TurnCalls(state, answer.tool_calls) if answer.tool_calls else None
        async for burst in _after_answer(state, calls):
            yield burst
        if calls is not None and calls.any_tools:
            async for burst in calls.run():
                yield burst
            if calls.answered_for is None or state.status != "running":
                continue
            # Another agent has answered in this one's place: that is the answer of this run.
            answer = Message.assistant(calls.answered_for)
            state.history.append(answer)
            state.stop_reason = "end_turn"
            yield state.events([("text_delta", answer.text), ("message", answer)])
        elif state.stop_reason == "pause_turn" and calls is None:
            continue
        for message in conclude(state, answer):
            state.history.append(message)
            yield [state.event("message", message)]


async def _after_answer(state: RunState, calls: TurnCalls | None) -> AsyncGenerator[list[Event], None]:
    """The hooks between an answer and its tools; a halt here still leaves every call with a result."""
    try:
        if state.fault is not None:
            raise state.fault
        await state.call_hooks("after_completion")
        if calls is not None and calls.any_tools:
            await state.call_hooks("after_tool_request")
    except (Exception, asyncio.CancelledError) as error:
        if calls is not None:
            yield calls.give_up(error)
        raise


async def _fail(state: RunState, error: AlloyError) -> None:
    """An error ends the run; a hook may make a halt of it."""
    state.finish("error", error)
    try:
        await state.call_hooks("on_error", in_time=False)
    except Halted as halted:
        state.finish("halted", halted)
    except Exception:  # the error that it was called for is the one to tell
        logger.exception("an on_error hook raised")
    except asyncio.CancelledError:
        state.finish("cancelled", Cancelled("the run was cancelled"))


def opening_payload(state: RunState) -> dict[str, Any]:
    """What `run_start` says."""
    prompt = state.prompt.text if state.prompt is not None else ""
    opening: dict[str, Any] = {"prompt": prompt, "model": state.provider.model, "provider": state.provider.name}
    if state.session_id is not None:
        opening["session"] = state.session_id
    if files := state.around.sections:
        opening["context"] = [section.name for section in files]
    if skills := state.around.skills:
        opening["skills"] = [skill.name for skill in skills]
    if (parent := state.parent) is not None:
        opening["parent"] = {"run_id": parent.run_id, "call_id": parent.call_id}
    if notice := getattr(state.provider, "notice", None):
        opening["notice"] = notice  # what whoever reads the answer should know of the model
    return opening


def closing_payload(state: RunState) -> dict[str, Any]:
    """What `run_end` says."""
    error = state.error
    closing: dict[str, Any] = {
        "status": state.status,
        "error": None if error is None else redact(error.message),
        "error_type": None if error is None else type(error).__name__,
        "hint": None if error is None else error.hint,
        "turns": state.turns,
        "usage": state.usage.to_dict(),
        "cost": state.cost,
    }
    if state.output_type is not None and state.output_json is not None:
        closing["output"] = {"type": state.output_type.name, "json": state.output_json}
    return closing
