"""Ending a run from outside, when whoever drives it does not come back: its result, and the events that close it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from .errors import AlloyError
from .events import Event, now_ms
from .history import open_calls, repair, with_results
from .loop import closing_payload, opening_payload
from .messages import Message, ToolResult
from .result import Result
from .state import RunState

__all__ = ["abandon"]


def abandon(state: RunState, told: Sequence[Event], error: AlloyError) -> tuple[Result, list[Event]]:
    """What the run came to that has `told` these events, and the events still to tell. From any thread.

    No call is left without a result and no run within it without an end. Who drives it calls no model and no tool more.
    """
    state.fault = error
    state.starting = state.finished = _refusing(error)
    state.desk.close()
    conversation = tuple(state.history)
    state.finish("error", error)
    messages, added = _closed(tuple(state.history), error)
    nothing_came = len(state.history) < len(conversation)
    result = replace(state.result(), messages=messages, output=None, pending=())
    last = list(_last(state, told, error, None if nothing_came else added))
    return replace(result, events=[*told, *last]), last


def _refusing(error: AlloyError) -> Callable[[Any], Awaitable[None]]:
    async def refuse(_: Any) -> None:
        raise error

    return refuse


def _closed(history: tuple[Message, ...], error: AlloyError) -> tuple[tuple[Message, ...], Message | None]:
    """The conversation with a result for each call, and the message that this added."""
    messages = repair(history)
    waiting = open_calls(messages)
    if not waiting:
        return messages, None
    results = [ToolResult(_reason(error), call_id=call.id, name=call.name, is_error=True) for call in waiting]
    messages = with_results(messages, results)
    return messages, messages[-1]


def _reason(error: AlloyError) -> str:
    return f"Given up: {error.message}"


def _last(state: RunState, told: Sequence[Event], error: AlloyError, added: Message | None) -> Iterator[Event]:
    seq = told[-1].seq if told else 0

    def after(event: Event | None, type: str, payload: Any) -> Event:
        """An event of the run that this one is of; of ours, without one."""
        nonlocal seq
        seq += 1
        if event is None:
            return Event(seq, state.run_id, type, payload, state.turns, now_ms(), state.correlation_id, state.path)
        origin = None if event.origin_seq is None else event.origin_seq + 1
        return event._replace(seq=seq, type=type, payload=payload, ts_ms=now_ms(), origin_seq=origin)

    if not told:
        yield after(None, "run_start", opening_payload(state))
    starts, calls, newest = _open(told)
    for run_id in reversed(list(starts)):
        for call in (call for call in calls.values() if call.run_id == run_id):
            newest[run_id] = after(newest[run_id], "tool_end", _tool_end(call, error))
            yield newest[run_id]
        if run_id != state.run_id:
            yield after(newest[run_id], "run_end", _run_end(newest[run_id], error))
    if added is not None:
        yield after(None, "message", added)
    yield after(None, "run_end", closing_payload(state))


def _open(told: Sequence[Event]) -> tuple[dict[str, Event], dict[tuple[str, str], Event], dict[str, Event]]:
    """The runs that have begun and not ended, in order; the calls likewise; and the newest event of each run."""
    starts: dict[str, Event] = {}
    calls: dict[tuple[str, str], Event] = {}
    newest: dict[str, Event] = {}
    for event in told:
        newest[event.run_id] = event
        match event.type:
            case "run_start":
                starts[event.run_id] = event
            case "run_end":
                starts.pop(event.run_id, None)
            case "tool_start":
                calls[(event.run_id, event.payload["id"])] = event
            case "tool_end":
                calls.pop((event.run_id, event.payload["id"]), None)
    return starts, calls, newest


def _run_end(newest: Event, error: AlloyError) -> dict[str, Any]:
    said = {"error": error.message, "error_type": type(error).__name__, "hint": error.hint}
    return {"status": "error", **said, "turns": newest.turn, "usage": {}, "cost": None}


def _tool_end(start: Event, error: AlloyError) -> dict[str, Any]:
    said = _reason(error)
    known = {"id": start.payload["id"], "name": start.payload["name"]}
    return {
        **known,
        "duration_ms": float(now_ms() - start.ts_ms),
        "error": said,
        "output": said,
        "structured": None,
        "executed": True,
    }
