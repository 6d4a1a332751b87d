"""Questions about a run: what was said, which tools were called, and which of the calls ran."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from ..messages import Message
from ..result import ToolRecord

__all__ = ["assert_tool_called", "last_text", "refute_tool_called", "tool_calls", "was_executed"]


class HasCalls(Protocol):
    """A `Result`, or whatever else keeps records of its calls."""

    @property
    def tool_calls(self) -> Iterable[ToolRecord]: ...


class HasMessages(Protocol):
    """A `Result`, an agent, a session."""

    @property
    def messages(self) -> Iterable[Message]: ...


def last_text(conversation: HasMessages | Iterable[Message]) -> str | None:
    """The newest words of the assistant in a conversation; None when it said nothing at all."""
    said: Any = conversation
    messages: list[Message] = list(said.messages if hasattr(said, "messages") else said)
    return next((m.text for m in reversed(messages) if m.role == "assistant" and m.text), None)


def was_executed(record: ToolRecord) -> bool:
    """Whether the tool itself was called: not so when the call was blocked or denied, or could not run at all.

    A call that was stopped while it ran counts as executed, since it may have had its effect.
    """
    return record.executed


def tool_calls(result: HasCalls, name: str | None = None, *, executed: bool | None = None) -> list[ToolRecord]:
    """The calls of a run, in order; those of one tool; those that were `executed`, or (False) were not."""
    return [
        record
        for record in result.tool_calls
        if name in (None, record.name) and executed in (None, was_executed(record))
    ]


def assert_tool_called(
    result: HasCalls, name: str, input: Mapping[str, Any] | None = None, *, executed: bool | None = None
) -> ToolRecord:
    """The first call of `name` whose input has at least these values; `AssertionError` lists what was called.

    That the model asked for it is enough, unless `executed` says that it must have run (True) or must not (False).
    """
    found = _find(result, name, input, executed)
    if found is not None:
        return found
    raise AssertionError(f"{_wanted(name, input, executed)} was not called; called were: {_called(result)}")


def refute_tool_called(
    result: HasCalls, name: str, input: Mapping[str, Any] | None = None, *, executed: bool | None = None
) -> None:
    """`AssertionError` when `name` was called (with at least this input). With ``executed=True`` asking is allowed."""
    found = _find(result, name, input, executed)
    if found is not None:
        raise AssertionError(f"{_shown(found)} was called; called were: {_called(result)}")


def _find(result: HasCalls, name: str, input: Mapping[str, Any] | None, executed: bool | None) -> ToolRecord | None:
    wanted = dict(input or {})
    for record in tool_calls(result, name, executed=executed):
        # The wanted value is on the left: it may be one that decides for itself, as `pytest.approx` does.
        if all(key in record.input and value == record.input[key] for key, value in wanted.items()):
            return record
    return None


def _wanted(name: str, input: Mapping[str, Any] | None, executed: bool | None) -> str:
    how = {None: "", True: " (executed)", False: " (not executed)"}[executed]
    return f"`{name}`{f' with {dict(input)}' if input else ''}{how}"


def _called(result: HasCalls) -> str:
    return ", ".join(map(_shown, result.tool_calls)) or "nothing"


def _shown(record: ToolRecord) -> str:
    why = "" if was_executed(record) else f" [{(record.error or '')[:100]}]"
    return f"{record.name}({dict(record.input)}){why}"
