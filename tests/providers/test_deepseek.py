"""DeepSeek's own service: what is sent, what is understood, what its errors mean."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from alloy_nb.errors import (
    AuthError,
    BadRequestError,
    ConfigError,
    ContextOverflowError,
    OverloadedError,
    RateLimitError,
)
from alloy_nb.messages import Document, Image, Message, Text, Thinking, ToolCall, ToolResult
from alloy_nb.providers.answer import Answer
from alloy_nb.providers.base import Request, ToolSpec
from alloy_nb.providers.chat import ChatDialect
from alloy_nb.providers.deepseek import DeepSeek
from alloy_nb.usage import Usage

from .wire import ask, provider_error

READ = ToolSpec("read", "Read a file.", {"type": "object"})
KEY = "sk-test-0123456789abcdefghij"


def deepseek(model: str = "deepseek-v4-flash", reply: Callable[..., Any] | None = None, **settings: Any) -> DeepSeek:
    client = (lambda: httpx2.AsyncClient(transport=httpx2.MockTransport(reply))) if reply else None
    return DeepSeek(model, api_key=KEY, http_client=client, **settings)


def body_of(*messages: Message, provider: DeepSeek | None = None, **fields: Any) -> dict[str, Any]:
    provider = provider or deepseek()
    assert isinstance(provider.wire, ChatDialect)
    return provider.wire.encode(Request(messages, **fields), provider.model, provider=provider.name)


def answering(body: str, status: int = 200, kind: str = "text/event-stream") -> Callable[..., httpx2.Response]:
    return lambda _: httpx2.Response(status, content=body.encode(), headers={"content-type": kind})


def test_there_is_no_version_in_the_address() -> None:
    """PRV-18"""
    provider = deepseek()
    assert (
        provider.url(provider.encode(Request((Message.user("Hi"),)))[0]) == "https://api.deepseek.com/chat/completions"
    )
    for pasted in ("https://api.deepseek.com/chat/completions", "https://api.deepseek.com/"):
        assert deepseek(base_url=pasted).base_url == "https://api.deepseek.com"


def test_its_other_wire() -> None:
    provider = deepseek(api="responses")
    assert provider.encode(Request((Message.user("Hi"),)))[0] == "/responses"


def test_every_answer_goes_back_with_its_thinking() -> None:
    """PRV-w3, PRV-w5: without it the service refuses the history; "" stands for none."""
    sent = body_of(
        Message.user("Hi"),
        Message.assistant([Thinking("hm", None, "deepseek"), Text("Hello")]),
        Message.assistant([Thinking("foreign", "sig", "anthropic"), ToolCall("c", "read")]),
        Message.user([ToolResult("fine", call_id="c", name="read")]),
        Message.assistant("Done."),
    )["messages"]
    assert [message.get("reasoning_content") for message in sent] == [None, "hm", "", None, ""]


@pytest.mark.parametrize(
    ("thinking", "sent"),
    [
        (True, {"thinking": {"type": "enabled"}}),
        (False, {"thinking": {"type": "disabled"}}),
        ("none", {"thinking": {"type": "disabled"}}),
        (0, {"thinking": {"type": "disabled"}}),
        ("max", {"thinking": {"type": "enabled"}, "reasoning_effort": "max"}),
        (1000, {"thinking": {"type": "enabled"}, "reasoning_effort": "low"}),
        (50_000, {"thinking": {"type": "enabled"}, "reasoning_effort": "high"}),
    ],
)
def test_thinking_is_a_mode_and_an_effort(thinking: bool | str | int, sent: dict[str, Any]) -> None:
    body = body_of(Message.user("Hi"), thinking=thinking)
    del body["messages"], body["model"]
    assert body == sent


@pytest.mark.parametrize("choice", ["required", "read"])
def test_no_tool_is_forced_while_it_thinks(choice: str) -> None:
    """It would be refused: said before anything is sent, and how to have it."""
    forced = Request((Message.user("Hi"),), tools=(READ,), tool_choice=choice)
    with pytest.raises(ConfigError, match="while it thinks") as caught:
        deepseek().encode(forced)
    assert "thinking=False" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("deepseek-v4-flash", {"thinking": False}),
        ("deepseek-v4-flash", {"extra_body": {"thinking": {"type": "disabled"}}}),
        ("deepseek-chat", {}),
    ],
)
def test_a_tool_is_forced_when_it_does_not_think(model: str, fields: dict[str, Any]) -> None:
    request = Request((Message.user("Hi"),), tools=(READ,), tool_choice="required", **fields)
    assert deepseek(model).encode(request)[2]["tool_choice"] == "required"


def test_a_tool_is_forced_by_the_other_wire_too() -> None:
    request = Request((Message.user("Hi"),), tools=(READ,), tool_choice="required")
    with pytest.raises(ConfigError):
        deepseek(api="responses").encode(replace(request, thinking="high"))
    quiet = replace(request, extra_body={"reasoning": {"effort": "none"}})
    assert deepseek(api="responses").encode(quiet)[2]["tool_choice"] == "required"


def test_a_schema_is_told_and_json_is_asked_for() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    body = body_of(Message.user("Hi"), output_schema=schema, system_prompt="Be brief.")
    assert body["response_format"] == {"type": "json_object"}
    assert json.dumps(schema) in body["messages"][0]["content"]
    assert "JSON" in body["messages"][0]["content"]


def test_pictures_are_said_in_words() -> None:
    """OAI-3: the service answers 400 to a part that is no text."""
    parts = [Text("See:"), Image("image/png", b"x"), Document("text/plain", b"note"), Document("application/pdf", b"x")]
    content = body_of(Message.user(parts))["messages"][0]["content"]
    assert {part["type"] for part in content} == {"text"}
    assert "image that this service cannot be given" in content[1]["text"]
    assert content[2]["text"].endswith("note")
    seeing = deepseek("deepseek-v4-flash-vision-exp")
    assert body_of(Message.user(parts), provider=seeing)["messages"][0]["content"][1]["type"] == "image_url"


STREAM = """: keep-alive

data: {"model": "deepseek-v4-flash", "choices": [{"index": 0, "delta": {"role": "assistant", "content": null, \
"reasoning_content": ""}, "finish_reason": null}], "usage": null}

data: {"choices": [{"index": 0, "delta": {"content": null, "reasoning_content": "Two."}}], \
"usage": {"prompt_tokens": 9, "completion_tokens": 1}}

: keep-alive

data: {"choices": [{"index": 0, "delta": {"content": "Both", "reasoning_content": null}}], \
"usage": {"prompt_tokens": 9, "completion_tokens": 2}}

data: {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "call_00_a", "type": "function", \
"function": {"name": "read", "arguments": ""}}]}}]}

data: {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": "{\\"a\\": 1}"}}]}}]}

data: {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 1, "id": "call_01_b", \
"function": {"name": "read", "arguments": "{\\"a\\": "}}]}}]}

data: {"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "length"}], "usage": {"prompt_tokens": 9, \
"completion_tokens": 12, "total_tokens": 21, "prompt_cache_hit_tokens": 8, "prompt_cache_miss_tokens": 1, \
"completion_tokens_details": {"reasoning_tokens": 4}}}

data: [DONE]

"""


def collected(provider: DeepSeek) -> Answer:
    answer = Answer(provider.name)
    for delta in ask(provider):
        answer.feed(delta)
    return answer


def test_a_streamed_answer_that_was_cut_by_its_cap() -> None:
    """Counts are replaced, not added; the call that is whole stays whole, and the cut one is kept as it is."""
    answer = collected(deepseek(reply=answering(STREAM)))
    message = answer.message()
    assert (message.thinking, message.text) == ("Two.", "Both")
    assert [(call.id, dict(call.input), call.raw) for call in message.tool_calls] == [
        ("call_00_a", {"a": 1}, None),
        ("call_01_b", {}, '{"a": '),
    ]
    assert answer.stop_reason == "max_tokens"
    assert answer.usage == Usage(9, 12, cached_tokens=8, reasoning_tokens=4)
    assert answer.model == "deepseek-v4-flash"


def test_blank_lines_before_a_body() -> None:
    """The service sends them while a request waits for its turn."""
    body = "\n\n\n" + json.dumps(
        {"choices": [{"message": {"content": "Hi", "reasoning_content": "hm"}, "finish_reason": "stop"}]}
    )
    message = collected(deepseek(reply=answering(body, kind="application/json"))).message()
    assert (message.thinking, message.text) == ("hm", "Hi")


def failing(message: str, status: int, **more: Any) -> Any:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": "invalid_request_error"}
    body = json.dumps({"error": {**error, **more}})
    return provider_error(deepseek(reply=answering(body, status, "application/json")))


def test_its_errors() -> None:
    """PRV-3, PRV-22."""
    unknown = failing("The supported API model names are deepseek-x or deepseek-y, but you passed deepseek-z.", 400)
    assert type(unknown) is BadRequestError
    assert "model" in unknown.hint
    assert type(failing("Authentication Fails", 401, type="authentication_error")) is AuthError
    broke = failing("Insufficient Balance", 402, type="unknown_error")
    assert type(broke) is RateLimitError
    assert not broke.retryable
    assert "credit" in broke.hint
    assert failing("Rate limit reached", 429).retryable
    assert type(failing("Service is too busy", 503)) is OverloadedError
    assert type(failing("This model's maximum context length is 9 tokens", 400)) is ContextOverflowError
    assert type(failing("Thinking mode does not support this tool_choice", 400)) is BadRequestError


def test_a_history_without_thinking_has_a_way_out() -> None:
    error = failing("The reasoning_content in the thinking mode must be passed back to the API.", 400)
    assert "thinking=False" in error.hint
