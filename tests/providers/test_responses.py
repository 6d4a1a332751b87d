"""Responses: the request as a whole."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alloy_nb.errors import BadRequestError, ConfigError, ContentFilterError, OverloadedError, ProviderError
from alloy_nb.messages import Message, Text
from alloy_nb.providers._failures import make_error
from alloy_nb.providers._payload import JSONArray, to_json
from alloy_nb.providers.base import Request, ToolSpec
from alloy_nb.providers.responses import DEEPSEEK, OPENAI, OPENROUTER, VOCABULARY, XAI, ResponsesDialect, encode

READ = ToolSpec(
    "read",
    "Read a file.",
    {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
)
LOOSE = ToolSpec("list", "", {"type": "object", "properties": {"limit": {"type": "integer"}}})
SEARCH = {"type": "web_search"}


def body_of(
    *messages: Message, dialect: ResponsesDialect = OPENAI, model: str = "gpt-5.2", **fields: Any
) -> dict[str, Any]:
    return encode(Request(messages, **fields), model, dialect, provider=dialect.provider)


def test_a_request() -> None:
    """RSP-1, PRV-9, PRV-13: nothing is stored there, and thoughts come back encrypted."""
    assert body_of(Message.user("Hi")) == {
        "model": "gpt-5.2",
        "store": False,
        "input": [{"role": "user", "content": "Hi"}],
        "include": ["reasoning.encrypted_content"],
    }


def test_the_system_prompt_is_the_instructions() -> None:
    """RSP-1: and what a system message said later stays in its place."""
    body = body_of(Message.user("Hi"), Message("system", (Text("In French."),)), system_prompt="Be brief.")
    assert body["instructions"] == "Be brief."
    assert body["input"][1] == {"role": "system", "content": "In French."}


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4.1-mini", "gpt-5-chat-latest", "ft:gpt-4o:acme::1", "gpt-3.5-turbo"])
def test_a_model_that_does_not_think_is_not_asked_for_thoughts(model: str) -> None:
    """OpenAI answers 400: "Encrypted content is not supported with this model"."""
    assert "include" not in body_of(Message.user("Hi"), model=model)


def test_settings() -> None:
    """PRV-w1"""
    body = body_of(Message.user("Hi"), temperature=0.0, top_p=0.5, max_output_tokens=99)
    assert (body["temperature"], body["top_p"], body["max_output_tokens"]) == (0.0, 0.5, 99)
    assert "stop_sequences" not in OPENAI.options
    assert {"temperature", "top_p", "max_output_tokens", "tool_choice", "thinking", "extra_body"} == OPENAI.options


@pytest.mark.parametrize(
    ("thinking", "reasoning"),
    [
        (True, {"effort": "medium", "summary": "auto"}),
        (False, {"effort": "none"}),
        ("high", {"effort": "high", "summary": "auto"}),
        ("minimal", {"effort": "minimal"}),
        (1000, {"effort": "low", "summary": "auto"}),
    ],
)
def test_thinking_is_an_effort_and_shows_itself(thinking: Any, reasoning: dict[str, str]) -> None:
    """RSP-w1"""
    assert body_of(Message.user("Hi"), thinking=thinking)["reasoning"] == reasoning
    plain = body_of(Message.user("Hi"), thinking=thinking, dialect=XAI)["reasoning"]
    assert plain == {"effort": reasoning["effort"]}


def test_tools_are_flat_and_say_whether_they_are_strict() -> None:
    """PRV-13. Where nothing is said, OpenAI makes every key required."""
    read, loose = body_of(Message.user("Hi"), tools=(READ, LOOSE))["tools"]
    assert read == {
        "type": "function",
        "name": "read",
        "description": "Read a file.",
        "parameters": {**READ.input_schema, "additionalProperties": False},
        "strict": True,
    }
    assert (loose["strict"], loose["parameters"]) == (False, LOOSE.input_schema)
    (said,) = body_of(Message.user("Hi"), tools=(READ,), dialect=DEEPSEEK)["tools"]
    assert "strict" not in said
    assert said["parameters"] == READ.input_schema


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", "auto"),
        ("required", "required"),
        ("none", "none"),
        ("read", {"type": "function", "name": "read"}),
        ("web_search", {"type": "web_search"}),
        ("other", {"type": "custom", "name": "other"}),
    ],
)
def test_the_choice_of_a_tool(choice: str, sent: Any) -> None:
    own = {"tools": [SEARCH, {"type": "custom", "name": "other"}]}
    body = body_of(Message.user("Hi"), tools=(READ,), tool_choice=choice, extra_body=own)
    assert body["tool_choice"] == sent


def test_a_choice_that_is_none() -> None:
    with pytest.raises(ConfigError, match="tool_choice") as caught:
        body_of(Message.user("Hi"), tools=(READ,), tool_choice="raed")
    assert "'read'" in str(caught.value.hint)
    with pytest.raises(ConfigError) as caught:
        body_of(Message.user("Hi"), tools=(READ,), tool_choice="xyzzy")
    assert "auto, required, none, read" in str(caught.value.hint)
    assert "tool_choice" not in body_of(Message.user("Hi"), tool_choice="required")


def test_a_schema_is_a_text_format() -> None:
    schema = {"title": "My Answer!", "type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    body = body_of(Message.user("Hi"), output_schema=schema)
    assert body["text"] == {
        "format": {
            "type": "json_schema",
            "name": "My_Answer_",
            "schema": {**schema, "additionalProperties": False},
            "strict": True,
        }
    }
    loose = {"type": "object", "properties": {"n": {"type": "integer"}}}
    format_ = body_of(Message.user("Hi"), output_schema=loose)["text"]["format"]
    assert (format_["name"], format_["schema"], format_["strict"]) == ("output", loose, False)


def test_what_extra_body_adds_and_what_it_replaces() -> None:
    """PRV-w1"""
    extra = {
        "tools": [SEARCH],
        "include": ["web_search_call.action.sources", "reasoning.encrypted_content"],
        "text": {"verbosity": "low"},
        "reasoning": {"summary": None},
        "store": True,
        "temperature": 2,
        "prompt_cache_key": "k",
    }
    given = json.dumps(extra)
    body = body_of(
        Message.user("Hi"),
        tools=(READ,),
        thinking="low",
        temperature=1.0,
        output_schema={"type": "object"},
        extra_body=extra,
    )
    assert [tool["type"] for tool in body["tools"]] == ["web_search", "function"]
    assert body["include"] == ["reasoning.encrypted_content", "web_search_call.action.sources"]
    assert set(body["text"]) == {"format", "verbosity"}
    assert body["reasoning"] == {"effort": "low", "summary": None}
    assert (body["store"], body["temperature"], body["prompt_cache_key"]) == (True, 2, "k")
    assert json.dumps(extra) == given
    assert body_of(Message.user("Hi"), extra_body={"reasoning": None})["reasoning"] is None


@pytest.mark.parametrize("value", ["web_search", {"type": "web_search"}, 5])
def test_tools_that_are_no_list(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"extra_body\['tools'\]"):
        body_of(Message.user("Hi"), extra_body={"tools": value})


def test_messages_and_tools_are_encoded_once() -> None:
    """What is sent is the same, and the second turn reuses the first one's."""
    message, key = Message.user("Hi"), object()
    request = Request((message, Message("assistant", ())), tools=(READ,), extra_body={"tools": [SEARCH]})
    plain = encode(request, "gpt-5.2", OPENAI, provider="openai")
    kept = encode(request, "gpt-5.2", OPENAI, provider="openai", key=key)
    assert isinstance(kept["input"], JSONArray)
    assert json.loads(to_json(kept)) == plain
    assert message.encoding[0] is key


def test_streaming_is_one_word() -> None:
    assert OPENAI.streamed({"model": "m"}) == {"model": "m", "stream": True}


@pytest.mark.parametrize("dialect", [OPENAI, XAI, DEEPSEEK, OPENROUTER])
def test_each_dialect_names_its_provider(dialect: ResponsesDialect) -> None:
    """What a service gives under its name is what it is handed back."""
    body = {"output": [{"type": "reasoning", "encrypted_content": "e", "content": [], "summary": []}]}
    (delta,) = dialect.decoder().feed(body)
    assert delta.part.provider == dialect.provider  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("invalid_prompt", ContentFilterError),
        ("image_content_policy_violation", ContentFilterError),
        ("server_is_overloaded", OverloadedError),
        ("slow_down", OverloadedError),
        ("invalid_function_parameters", BadRequestError),
        ("failed_to_download_image", BadRequestError),
        ("unsupported_parameter", BadRequestError),
    ],
)
def test_the_services_words_for_what_went_wrong(code: str, kind: type[ProviderError]) -> None:
    """RSP-3: inside a stream there is no status to go by."""
    error = make_error(None, {}, {"error": {"code": code, "message": "no"}}, vocabulary=VOCABULARY)
    assert type(error) is kind
