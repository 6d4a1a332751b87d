"""What a provider sends."""

from __future__ import annotations

import unittest
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from typing_extensions import TypedDict

from ...errors import OutputError
from ...history import open_calls
from ...messages import Message, ToolResult
from ...providers.base import Provider, Request, ToolSpec
from ...result import Result
from ...tools.base import Tool
from ..loopback import Loopback, Reply
from .asking import REQUEST, ask_all, expect, strings_of
from .bench import Bench
from .damage import events_of
from .histories import TOOL, UNSENT, WORDS, foreign_history

__all__ = ["RequestTests"]

_OPTIONS: dict[str, tuple[Any, ...]] = {
    "temperature": (0.5,),
    "top_p": (0.9,),
    "max_output_tokens": (512,),
    "stop_sequences": (("END",),),
    "tool_choice": ("auto", "required", "none", TOOL.name),
    "thinking": (True, False, "low", "medium", "high", 2048),
    "extra_body": ({"conformance": 1},),
}


class RequestTests(Bench):
    """All that was said is sent, in a form that the service takes, and nothing that it must not see."""

    def test_the_request_says_it_all(self) -> None:
        """The prompt, the system prompt, the tools with their descriptions and schemas."""
        request = replace(REQUEST, system_prompt="Be brief, please.", tools=(TOOL,))
        sent = self.sent(request)
        for words in ("What is a fjord?", "Be brief, please.", TOOL.name, TOOL.description, "word", "The word."):
            assert words in sent, f"{words!r} was not sent"

    def test_the_same_request_is_the_same_bytes(self) -> None:
        """No clock and no chance: services keep a prompt that begins as the one before, and cassettes find it."""
        for history in ((Message.user("Hi"),), foreign_history()):
            with self.asked() as (service, provider):
                bodies = []
                for _ in range(2):
                    tools = (ToolSpec(TOOL.name, TOOL.description, TOOL.input_schema),)
                    request = Request(tuple(Message.from_dict(message.to_dict()) for message in history), tools=tools)
                    self.ask(service, provider, request)
                    bodies.append(service.received[-1].body)
                assert bodies[0] == bodies[1], "the same request was sent in two ways"

    def test_each_option_is_taken(self) -> None:
        """In some form; a value that the model cannot have is a `ConfigError` before anything is sent."""
        with self.asked() as (service, provider):
            for name in sorted(provider.options):
                taken = [value for value in _OPTIONS[name] if self._takes(service, provider, name, value)]
                assert taken, f"`{name}` is among its options, and no value of it is taken"

    def _takes(self, service: Loopback, provider: Provider, name: str, value: Any) -> bool:
        tools = (TOOL,) if name == "tool_choice" else ()
        outcome = self.ask(service, provider, replace(REQUEST, tools=tools, **{name: value}), may_refuse=True)
        if outcome.refusal is not None:
            assert not service.received, f"{name}={value!r} was refused after something was sent"
            return False
        expect(outcome, self.cases.text, f"with {name}={value!r}")
        if name == "extra_body":
            assert '"conformance"' in service.received[-1].body.decode(), "extra_body was not sent"
        return True

    def test_an_output_schema_is_taken(self) -> None:
        schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "title": "City"}
        with self.asked() as (service, provider):
            expect(
                self.ask(service, provider, replace(REQUEST, output_schema=schema)), self.cases.text, "with a schema"
            )

    def test_a_run_says_what_type_the_answer_has(self) -> None:
        """In whichever form: its fields are sent, alone and beside tools, and prose ends as an `OutputError`."""
        ((name, _),) = self.cases.call.calls
        for tools in ([], [_AnyTool(name)]):
            with self.asked() as (service, provider):
                result = _run(provider, "Which city?", name, tools=tools, output=_City, output_retries=0)
                assert isinstance(result.error, OutputError), f"prose passed for a city: {result.error!r}"
                sent = service.received[-1].body.decode()
                for field in _City.__annotations__:
                    assert field in sent, f"the answer's `{field}` was not asked for, with {len(tools)} tools"

    def test_an_answer_by_a_tool(self) -> None:
        """Where it is asked for so: the call is the answer, and has a result that goes back; what is wrong is told."""
        ((name, input),) = self.cases.call.calls
        answer = self.cases.reply(self.cases.call.stream.replace(name.encode(), b"answer"))
        with self.asked() as (service, provider):
            forms = getattr(provider, "output_forms", None)
            schema = {"type": "object", "additionalProperties": True}
            if forms is None or forms.form(schema, tools=True) != "tool":
                raise unittest.SkipTest("it is not asked by a tool")
            service.answer(answer)
            result = _run(provider, "Which word?", name, output=dict[str, Any])
            assert result.output == dict(input), f"the answer was {result.output!r}, not {dict(input)!r}"
            assert not open_calls(result.messages), "law 1: the answer's call was left without a result"
            service.answer(answer)
            result = _run(provider, "Which city?", name, output=_City, output_retries=1)
            assert isinstance(result.error, OutputError), f"{dict(input)!r} passed for a city: {result.error!r}"
            assert "Field required" in strings_of(service.received[-1]), "what was wrong with the answer was not sent"

    def test_a_conversation_with_another_provider_goes_on(self) -> None:
        """Law 9: its words are sent; its signatures, its own items and its thoughts are not."""
        sent = self.sent(Request(foreign_history(), tools=(TOOL,)))
        for words in WORDS:
            assert words in sent, f"law 9: {words!r} was left out"
        for words in UNSENT:
            assert words not in sent, f"law 9: {words!r} is another provider's, and was sent"

    def test_that_a_tool_failed_is_told(self) -> None:
        failed, well = (self.sent(Request(foreign_history(failed=it), tools=(TOOL,)), raw=True) for it in (True, False))
        assert failed != well, "a result that is an error is sent like one that is none"

    def test_its_own_answers_go_back(self) -> None:
        """Each answer in the history, with results for its calls."""
        with self.asked() as (service, provider):
            for case in self.cases.all:
                (outcome,) = ask_all(service, provider, [self.cases.reply(case.stream)])
                assert outcome.message is not None, f"it was no answer: {outcome}"
                results = [ToolResult("the result", call_id=c.id, name=c.name) for c in outcome.message.tool_calls]
                after = Message("user", tuple(results)) if results else Message.user("the result")
                self.ask(service, provider, Request((*REQUEST.messages, outcome.message, after), tools=(TOOL,)))
                sent = strings_of(service.received[-1])
                for words in (case.text, "the result", *(name for name, _ in case.calls)):
                    assert words in sent, f"{words!r} of its own answer was not sent back"

    def test_a_run_with_a_tool(self) -> None:
        ((name, input),) = self.cases.call.calls
        with self.asked() as (service, provider):
            service.answer(*(self.cases.reply(case.stream) for case in (self.cases.call, self.cases.text)))
            result = _run(provider, "Look it up.", name)
            assert result.text == self.cases.text.text, f"the run said {result.text!r}"
            assert [(r.name, dict(r.input)) for r in result.tool_calls] == [(name, dict(input))], "the call differs"
            assert "the tool's result" in strings_of(service.received[-1]), "the result was not sent"

    def test_after_an_error_the_conversation_goes_on(self) -> None:
        """Law 1: whatever ended a run, its messages can be sent again."""
        ((name, _),) = self.cases.call.calls
        events = events_of(self.cases.calls.stream, self.cases)
        with self.asked() as (service, provider):
            broken = [
                Reply(b"{}", 500),
                *(self.cases.reply(*events[:count], end="cut") for count in range(len(events))),
            ]
            for reply in broken:
                service.answer(self.cases.reply(self.cases.call.stream), reply)
                result = _run(provider, "Look it up.", name, max_turns=2)
                assert not open_calls(result.messages), "law 1: a call was left without a result"
                service.answer(self.cases.reply(self.cases.text.stream))
                after = _run(provider, "Go on.", name, messages=result.messages)
                assert after.text == self.cases.text.text, f"law 1: after {result.error!r} came {after.error!r}"


class _City(TypedDict):
    city_name: str
    inhabitants: int


class _AnyTool(Tool):
    """A tool of any name that takes anything."""

    description = "Takes anything."
    input_schema: Mapping[str, Any] = {"type": "object", "properties": {}}

    def __init__(self, name: str) -> None:
        self.name = name

    async def execute(self, input: Mapping[str, Any], ctx: Any) -> str:
        return "the tool's result"


def _run(provider: Provider, prompt: str, tool: str, **options: Any) -> Result:
    from ...runs import run

    given: dict[str, Any] = {"tools": [_AnyTool(tool)], "approval": "auto", "max_retries": 0, "display": None}
    return run(prompt, model=provider, check=False, **{**given, **options})
