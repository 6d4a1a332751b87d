"""How each provider is asked for an answer of a type, over real connections."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pydantic import BaseModel

import alloy_nb as alloy
from alloy_nb.providers import Provider
from alloy_nb.testing.loopback import Loopback
from tests.histories import assert_law_1
from tests.providers.wire import Wire
from tests.testing import wires


class City(BaseModel):
    name: str
    people: int


OSLO = City(name="Oslo", people=7)
OSLO_TEXT = '{"name": "Oslo", "people": 7}'


@alloy.tool
def population(city: str) -> int:
    """How many live there."""
    return 7


def checked(result: alloy.Result) -> alloy.Result:
    assert_law_1(result)
    return result


@contextmanager
def service(*bodies: bytes) -> Iterator[Loopback]:
    cases = wires.OPENAI_CHAT.cases()
    with Loopback(*map(cases.reply, bodies)) as loopback:
        yield loopback


def said(chat: wires.Chat, text: str) -> bytes:
    return chat.case([{"content": piece} for piece in wires.halves(text)], text).stream


def called(chat: wires.Chat, name: str, input: Any) -> bytes:
    return chat.case(chat.call(0, name, input), calls=[(name, input)]).stream


def bodies(loopback: Loopback) -> list[Any]:
    return [received.json for received in loopback.received]


def test_openai_is_given_the_schema_also_beside_tools() -> None:
    chat = wires.OPENAI_CHAT
    with service(called(chat, "population", {"city": "Oslo"}), said(chat, OSLO_TEXT)) as loopback:
        model = alloy.OpenAI("gpt-5.2", api="chat", api_key="k", base_url=loopback.url)
        assert checked(alloy.run("Which?", model=model, output=City, tools=[population])).output == OSLO
        for body in bodies(loopback):
            assert body["response_format"]["json_schema"]["schema"]["required"] == ["name", "people"]
            assert [tool["function"]["name"] for tool in body["tools"]] == ["population"]


def test_deepseek_answers_by_a_tool_and_is_told_what_is_wrong() -> None:
    chat = wires.DEEPSEEK
    wrong, right = (called(chat, "answer", {"name": "Oslo", "people": people}) for people in ("many", 7))
    with service(wrong, right) as loopback:
        model = alloy.DeepSeek("deepseek-chat", api_key="k", base_url=loopback.url)
        result = checked(alloy.run("Which?", model=model, output=City))
        first, second = bodies(loopback)
    assert result.output == OSLO
    assert first["tool_choice"] == {"type": "function", "function": {"name": "answer"}}
    assert "response_format" not in first
    assert [message["role"] for message in second["messages"]] == ["user", "assistant", "tool"]
    assert second["messages"][-1]["content"].startswith("Error: The answer does not match City: people:")


def test_deepseek_is_not_forced_while_it_thinks() -> None:
    with service(called(wires.DEEPSEEK, "answer", OSLO.model_dump())) as loopback:
        model = alloy.DeepSeek("deepseek-reasoner", api_key="k", base_url=loopback.url)
        assert alloy.run("Which?", model=model, output=City).output == OSLO
        (body,) = bodies(loopback)
    assert "tool_choice" not in body
    assert "`answer`" in body["messages"][0]["content"]


@pytest.mark.parametrize(("name", "by_tool"), [("claude-sonnet-4-6", False), ("claude-3-7-sonnet-latest", True)])
def test_older_claude_models_answer_by_a_tool(name: str, by_tool: bool) -> None:
    messages = wires.Messages()
    text = ({"type": "text", "text": ""}, [{"type": "text_delta", "text": OSLO_TEXT}])
    block = messages.call("answer", OSLO.model_dump()) if by_tool else text
    with Loopback(messages.cases().reply(messages.case([block]).stream)) as loopback:
        model = alloy.Anthropic(name, api_key="k", base_url=loopback.url)
        assert checked(alloy.run("Which?", model=model, output=City)).output == OSLO
        (body,) = bodies(loopback)
    assert body.get("tool_choice") == ({"type": "tool", "name": "answer"} if by_tool else None)
    assert ("output_config" in body) is not by_tool


@pytest.mark.parametrize(
    ("form", "beside"), [(None, "tool"), ("tool", "tool"), ("words", "words"), ("native", "native")]
)
def test_any_compatible_server_can_be_asked_in_each_form(form: Any, beside: str) -> None:
    chat = wires.COMPATIBLE
    last = called(chat, "answer", OSLO.model_dump()) if beside == "tool" else said(chat, OSLO_TEXT)
    with service(called(chat, "population", {"city": "Oslo"}), last) as loopback:
        model = alloy.OpenAICompatible("m", base_url=loopback.url, output_form=form)
        assert checked(alloy.run("Which?", model=model, output=City, tools=[population])).output == OSLO
        body = bodies(loopback)[-1]
    assert ("response_format" in body) is (beside == "native")
    assert (len(body["tools"]) == 2) is (beside == "tool")
    assert ("JSON schema" in str(body["messages"][0])) is (beside == "words")


def test_a_server_that_heeds_no_schema_is_told_it_with_the_repair() -> None:
    chat = wires.COMPATIBLE
    with service(said(chat, "It is Oslo."), said(chat, OSLO_TEXT)) as loopback:
        model = alloy.OpenAICompatible("m", base_url=loopback.url)
        assert alloy.run("Which?", model=model, output=City).output == OSLO
        first, second = bodies(loopback)
    assert "response_format" in first
    assert '"people"' in second["messages"][-1]["content"]


def test_a_form_that_is_none_is_refused() -> None:
    with pytest.raises(alloy.ConfigError, match="output_form is 'nativ'"):
        alloy.OpenAICompatible("m", base_url="http://x.test", output_form="nativ")  # type: ignore[arg-type]


def test_a_wire_of_ones_own_that_says_nothing_is_told_in_words() -> None:
    class Plain(Wire):
        def encode(self, request: Any) -> Any:
            path, headers, body = super().encode(request)
            return path, headers, {**body, "rules": request.system_prompt}

    answer = (
        b'data: {"text": "{\\"name\\": \\"Oslo\\", "}\n\ndata: {"text": "\\"people\\": 7}"}\n\ndata: {"done": true}\n\n'
    )
    with service(answer) as loopback:
        assert alloy.run("Which?", model=Plain("m", base_url=loopback.url), output=City).output == OSLO
        (body,) = bodies(loopback)
    assert '"people"' in body["rules"]


def forms(provider: Any) -> tuple[str, str]:
    return provider.output_forms.alone, provider.output_forms.beside_tools


@pytest.mark.parametrize(
    ("provider", "alone", "beside_tools"),
    [
        (lambda: alloy.OpenAI("gpt-5.2", api_key="k"), "native", "native"),
        (lambda: alloy.OpenAI("gpt-4o", api_key="k"), "native", "native"),
        (lambda: alloy.OpenAI("gpt-4-turbo", api_key="k"), "tool", "tool"),
        (lambda: alloy.Google("gemini-3-flash", api_key="k"), "native", "native"),
        (lambda: alloy.Google("gemini-2.5-flash", api_key="k"), "native", "tool"),
        (lambda: alloy.Mistral("mistral-large-latest", api_key="k"), "native", "tool"),
        (lambda: alloy.XAI("grok-4.3", api_key="k"), "native", "native"),
        (lambda: alloy.XAI("grok-3", api_key="k"), "native", "tool"),
        (lambda: alloy.Ollama("llama4"), "native", "tool"),
        (lambda: alloy.DeepSeek("deepseek-chat", api_key="k"), "tool", "tool"),
        (lambda: alloy.OpenRouter("a/b", api_key="k"), "native", "native"),
        (lambda: alloy.OpenAICompatible("m", base_url="http://127.0.0.1:1"), "native", "tool"),
        (lambda: alloy.OpenAICompatible("m", base_url="https://api.openai.com"), "native", "native"),
    ],
)
def test_each_provider_says_how_it_is_asked(provider: Any, alone: str, beside_tools: str) -> None:
    made: Provider = provider()
    assert forms(made) == (alone, beside_tools)


def test_a_schema_that_claude_cannot_be_held_to_is_given_as_a_tools() -> None:
    model = alloy.Anthropic("claude-sonnet-4-6", api_key="k")
    assert model.output_forms is not None
    closed = {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}
    assert model.output_forms.form(closed, tools=True) == "native"
    assert (
        model.output_forms.form({"type": "object", "additionalProperties": {"type": "integer"}}, tools=True) == "tool"
    )
