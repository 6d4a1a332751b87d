"""A conversation's calls and their results: which calls are open, and where a result belongs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .messages import Message, ToolCall, ToolResult

__all__ = ["close_open_calls", "open_calls", "with_results"]


def open_calls(messages: Sequence[Message]) -> tuple[ToolCall, ...]:
    """The calls at the end of a history that have no result yet."""
    if not messages:
        return ()
    answered = messages[-1].tool_results if messages[-1].role == "user" else ()
    request = messages[-2] if answered and len(messages) > 1 else messages[-1]
    done = {result.call_id for result in answered}
    return tuple(call for call in request.tool_calls if call.id not in done)


def with_results(messages: Sequence[Message], results: Iterable[ToolResult]) -> tuple[Message, ...]:
    """The history with results of its last calls, in the order of the calls.

    They are a user message of their own, or go into the one that an earlier, paused part of the turn began.
    """
    last = messages[-1]
    if last.role != "user" or not last.tool_results:
        return (*messages, Message("user", tuple(results)))
    by_id = {result.call_id: result for result in (*last.tool_results, *results)}
    ordered = [by_id[call.id] for call in messages[-2].tool_calls if call.id in by_id]
    others = [part for part in last.parts if not isinstance(part, ToolResult)]
    return (*messages[:-1], last.with_parts((*ordered, *others)))


def close_open_calls(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """A history that waits for decisions, when the user goes on without deciding: those calls get a result."""
    waiting = open_calls(messages)
    if not waiting:
        return messages
    why = "Not run: the user went on without deciding"
    return with_results(messages, [ToolResult(why, call_id=call.id, name=call.name, is_error=True) for call in waiting])
