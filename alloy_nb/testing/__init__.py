"""For tests of what is built on alloy_nb: deterministic models, and questions about a result."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from ..errors import ProviderError
from ..options import PROVIDER_OPTIONS
from ..providers.base import Delta, Done, Request, TextDelta
from ..providers.scripted import Scripted
from ..result import Result, ToolRecord

__all__ = ["Function", "Scripted", "assert_tool_called", "last_text", "refute_tool_called", "tool_calls"]


class Function:
    """A model made of a function: it gets the `Request` and returns text, or deltas, or raises a `ProviderError`.

    >>> import alloy_nb as alloy
    >>> alloy.run("Hi", model=Function(lambda request: request.messages[-1].text.upper())).text
    'HI'
    """

    name = "function"
    options = frozenset(PROVIDER_OPTIONS)
    constrains_arguments = False

    def __init__(self, function: Callable[[Request], str | Sequence[Delta]], model: str = "function") -> None:
        self.function = function
        self.model = model
        #: What was sent, in order.
        self.requests: list[Request] = []

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        self.requests.append(request)
        answer = self.function(request)
        if isinstance(answer, str):
            answer = [TextDelta(answer), Done("end_turn")]
        for delta in answer:
            if isinstance(delta, ProviderError):
                raise delta
            yield delta

    def __repr__(self) -> str:
        return f"<Function {self.model}>"


def tool_calls(result: Result, name: str | None = None) -> list[ToolRecord]:
    """The calls of a run, or those of one tool."""
    return [record for record in result.tool_calls if name is None or record.name == name]


def last_text(result: Result) -> str | None:
    """The newest words of the assistant in the whole conversation; None when it said nothing at all."""
    return next((m.text for m in reversed(result.messages) if m.role == "assistant" and m.text), None)


def assert_tool_called(result: Result, name: str, input: Mapping[str, Any] | None = None) -> ToolRecord:
    """The first call of `name` whose input has at least these values; `AssertionError` lists what was called."""
    wanted = dict(input or {})
    for record in tool_calls(result, name):
        if all(key in record.input and record.input[key] == value for key, value in wanted.items()):
            return record
    called = ", ".join(f"{record.name}({dict(record.input)})" for record in result.tool_calls) or "nothing"
    raise AssertionError(f"`{name}` was not called{f' with {wanted}' if wanted else ''}; called were: {called}")


def refute_tool_called(result: Result, name: str, input: Mapping[str, Any] | None = None) -> None:
    """`AssertionError` when `name` was called (with at least this input)."""
    try:
        record = assert_tool_called(result, name, input)
    except AssertionError:
        return
    raise AssertionError(f"`{name}` was called with {dict(record.input)}")
