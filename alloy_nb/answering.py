"""Answers of a type: how one is asked for, and what becomes of one that came.

A model is held to the schema by its service, or gives its answer by calling a tool of that schema, or is told the
schema in words: `OutputForms` says which. The call of the answer tool runs nothing; it is the answer, and ends the run.
An answer that does not match goes back with what is wrong.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .candidates import Candidate
from .errors import AlloyError, ConfigError, OutputError
from .messages import Message, ToolCall, ToolResult
from .providers._parts import schema_in_words, with_wish
from .providers.base import OutputForms, Request, ToolSpec

if TYPE_CHECKING:
    from .output import OutputType
    from .state import RunState

__all__ = ["answer_results", "answer_tool", "conclude", "with_output"]

_NAMES = ("answer", "final_answer", "give_answer")
_DESCRIPTION = "Gives the final answer and ends the task. Call it once, alone, when you know the answer."
#: How an answer ends that is no whole answer, whatever was asked for.
_REFUSED = {"refusal": "the model refused to answer", "content_filter": "a content filter stopped the answer"}


# Asking


def answer_tool(output: OutputType, taken: Container[str]) -> ToolSpec | None:
    """The tool by whose call an answer is given, under a name that none of the run's own has; None for a mere text."""
    if output.schema is None:
        return None
    names = (*_NAMES, *(f"answer_{number}" for number in range(2, 1000)))
    return ToolSpec(next(name for name in names if name not in taken), _DESCRIPTION, output.schema)


def with_output(request: Request, tool: ToolSpec | None, candidate: Candidate) -> Request:
    """The request that asks this model for an answer of the type, in the form that suits it."""
    if tool is None:
        return request
    schema = tool.input_schema
    forms: OutputForms | None = getattr(candidate.provider, "output_forms", None)
    if forms is None:
        return replace(request, output_schema=schema, system_prompt=schema_in_words(request.system_prompt, schema))
    form = forms.form(schema, tools=bool(request.tools))
    if form == "words":
        return replace(request, system_prompt=schema_in_words(request.system_prompt, schema))
    if form == "native" or request.tool_choice == "none":
        return replace(request, output_schema=schema)
    if request.tool_choice not in (None, "auto"):
        return request  # the user wants another tool called first: this one would do
    if forms.forced and not request.tools and _can_force(request, candidate):
        return replace(request, tools=(tool,), tool_choice=tool.name)
    wish = f"When you know the final answer, give it by calling the tool `{tool.name}`, not in words."
    return replace(request, tools=(*request.tools, tool), system_prompt=with_wish(request.system_prompt, wish))


def _can_force(request: Request, candidate: Candidate) -> bool:
    """Models that think take no forced call; `extra_body` may make them think, too."""
    takes = "tool_choice" in getattr(candidate.provider, "options", ()) and "tool_choice" not in candidate.lacks
    return takes and not request.thinking and not request.extra_body


# Taking


def answer_results(calls: Sequence[ToolCall], text: str, *, is_error: bool = True) -> list[ToolResult]:
    """What calls of the answer tool are told; a call without a result could not be sent on."""
    return [ToolResult(text, call_id=call.id, name=call.name, is_error=is_error) for call in calls]


def conclude(state: RunState, answer: Message) -> Iterator[Message]:
    """The model is done, unless somebody steered meanwhile or its answer has the wrong shape: what it is told then.

    Raises `OutputError` for an answer that does not match and may not be sent back any more.
    """
    calls = state.answer_calls(answer)
    if steered := state.steering.take():
        yield from _superseded(calls, steered)
        return
    try:
        value, told = _value(state, answer, calls)
    except (OutputError, ConfigError) as error:
        failure = _final(state, error)
        if calls:
            advice = "" if failure else f"\n\nCall `{calls[0].name}` again, once, with what matches."
            yield Message.user(answer_results(calls, error.message + advice))
        elif failure is None and state.answer_tool is not None:
            # Whoever heeded no schema reads it here.
            yield Message.user(schema_in_words(error.message, state.answer_tool.input_schema))
        if failure is error:
            raise
        if failure is not None:
            raise failure from error
        state.repairs += 1
        return
    if steered := state.steering.take(last=True):
        yield from _superseded(calls, steered)
        return
    if calls:
        yield Message.user(answer_results(calls, "This is the answer.", is_error=False))
    state.output, state.output_json = value, told
    state.finish("completed")


def _superseded(calls: Sequence[ToolCall], steered: Sequence[Message]) -> Iterator[Message]:
    if calls:
        yield Message.user(answer_results(calls, "Not taken yet: the user has said something more."))
    yield from steered


def _value(state: RunState, answer: Message, calls: Sequence[ToolCall]) -> tuple[Any, str | None]:
    """The answer as a value of the type, and as JSON."""
    if state.output_type is None:
        return None, None
    given = dict.fromkeys(state.answered) if calls else {answer.text: None}
    if refusal := _REFUSED.get(state.stop_reason or ""):
        said = f": {answer.text}" if answer.text else ""
        raise OutputError(f"{refusal}{said}", hint="ask in other words, or choose another model")
    if len(given) > 1:
        raise OutputError(
            f"The answer was given {len(given)} times, each time another one: give one, with all of it",
            hint="ask for a list if there may be several, or choose a stronger model",
        )
    return state.output_type.read(next(iter(given)), cut=state.stop_reason == "max_tokens")


def _final(state: RunState, error: AlloyError) -> AlloyError | None:
    """The error that ends the run; None when the answer may be sent back."""
    name = state.output_type.name if state.output_type is not None else ""
    if isinstance(error, ConfigError) or state.stop_reason in _REFUSED:
        return error
    if state.stop_reason == "max_tokens":
        return OutputError(
            f"the answer was cut at the output limit before it was a whole {name}",
            hint="raise max_output_tokens, ask for less, or use a simpler type or a stronger model",
        )
    if state.repairs >= state.options.output_retries:
        return error
    if state.turns >= state.options.max_turns:
        return OutputError(error.message, hint="no turn was left to send it back: raise max_turns")
    return None
