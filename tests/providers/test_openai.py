"""OpenAI, end to end over real connections."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from alloy_nb.errors import (
    AuthError,
    BadRequestError,
    ConfigError,
    ContextOverflowError,
    ProviderError,
    RateLimitError,
    StreamError,
)
from alloy_nb.messages import Message, Opaque, Text, Thinking, ToolCall, ToolResult
from alloy_nb.providers.answer import Answer
from alloy_nb.providers.base import Request, ToolSpec
from alloy_nb.providers.http import HTTPProvider
from alloy_nb.providers.openai import OpenAI
from alloy_nb.providers.registry import resolve_model

REQUEST = Request((Message.user("Hello"),), request_timeout=20)
KEY = "sk-test-0123456789abcdef"
CLOCK = ToolSpec("clock", "The time.", {"type": "object", "properties": {}, "additionalProperties": False})

REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "e-done"}
MESSAGE = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "phase": "commentary",
    "content": [{"type": "output_text", "text": "One moment.", "annotations": []}],
}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "clock", "arguments": "{}"}
USAGE = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3},
    "output_tokens": 6,
    "output_tokens_details": {"reasoning_tokens": 2},
}


def sse(*events: dict[str, Any]) -> str:
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)


def item_events(*items: dict[str, Any]) -> list[dict[str, Any]]:
    kinds = ("response.output_item.added", "response.output_item.done")
    return [{"type": kind, "output_index": at, "item": item} for at, item in enumerate(items) for kind in kinds]


TURN = sse(
    {"type": "response.created", "response": {"status": "in_progress", "model": "gpt-5.2-2025-12-11", "output": []}},
    {"type": "keepalive", "sequence_number": 1},
    *item_events(REASONING, MESSAGE, CALL),
    {"type": "response.completed", "response": {"status": "completed", "output": [], "usage": USAGE}},
)


async def streamed(provider: HTTPProvider, request: Request = REQUEST) -> Answer:
    answer = Answer(provider.name)
    async for delta in provider.stream(request):
        answer.feed(delta)
    return answer


def test_a_turn_with_thoughts_and_a_call_and_the_next_one(service: Any, reply: Any) -> None:
    """RSP-1 to RSP-3, RSP-w1: everything goes back in its place, and the thoughts word for word."""
    service.answers(reply(TURN))
    provider = OpenAI("gpt-5.2", api_key=KEY, base_url=service.url)
    answer = asyncio.run(streamed(provider, Request(REQUEST.messages, tools=(CLOCK,), system_prompt="Be brief.")))
    message = answer.message()
    assert (message.text, answer.stop_reason, answer.model) == ("One moment.", "tool_use", "gpt-5.2-2025-12-11")
    assert [call.id for call in message.tool_calls] == ["call_1"]
    assert answer.usage.to_dict() == {
        "input_tokens": 10,
        "output_tokens": 6,
        "cached_tokens": 4,
        "cache_write_tokens": 3,
        "reasoning_tokens": 2,
    }
    history = (*REQUEST.messages, message, Message.user([ToolResult("12:00", call_id="call_1", name="clock")]))
    asyncio.run(streamed(provider, Request(history, tools=(CLOCK,), system_prompt="Be brief.")))
    first, second = (received.json for received in service.received)
    assert service.received[0].target == "/v1/responses"
    assert service.received[0].headers["authorization"] == f"Bearer {KEY}"
    assert (first["store"], first["stream"], first["instructions"]) == (False, True, "Be brief.")
    assert second["input"] == [
        {"role": "user", "content": "Hello"},
        REASONING,
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "One moment."}],
            "phase": "commentary",
        },
        {"type": "function_call", "call_id": "call_1", "name": "clock", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "12:00"},
    ]


def test_a_whole_answer(service: Any, reply: Any) -> None:
    """RSP-2"""
    body = {"object": "response", "status": "completed", "model": "m", "output": [MESSAGE], "error": None}
    service.answers(reply(json.dumps(body), headers={"content-type": "application/json"}))
    answer = Answer("openai")
    for delta in asyncio.run(OpenAI("m", api_key=KEY, base_url=service.url).complete(REQUEST)):
        answer.feed(delta)
    assert (answer.message().text, answer.stop_reason) == ("One moment.", "end_turn")
    assert "stream" not in service.received[0].json


def test_a_real_server_that_numbers_nothing(service: Any, reply: Any, fixtures: Any) -> None:
    """llama.cpp gives its events neither a place in the output nor one in the item."""
    service.answers(reply((fixtures / "responses-llamacpp-text.sse").read_bytes()))
    answer = asyncio.run(streamed(OpenAI("m", base_url=service.url)))
    assert (answer.message().text, answer.stop_reason) == ("Hello! I'm here", "end_turn")
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (20, 5)
    body = (fixtures / "responses-llamacpp-text.json").read_bytes()
    service.answers(reply(body, headers={"content-type": "application/json"}))
    assert asyncio.run(streamed(OpenAI("m", base_url=service.url))).message().text == "Hello! I'm here"


def test_an_answer_without_its_end_is_cut(service: Any, reply: Any) -> None:
    """PRV-w2, RSP-3: not an answer of so many words."""
    delta = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Hal"}
    service.answers(reply(sse(delta)))
    with pytest.raises(StreamError, match="before it was complete"):
        asyncio.run(streamed(OpenAI("m", api_key=KEY, base_url=service.url)))


@pytest.mark.parametrize(
    ("status", "error", "kind", "retryable"),
    [
        (
            400,
            {"code": "model_not_found", "message": "The requested model 'm' does not exist."},
            BadRequestError,
            False,
        ),
        (404, {"code": "model_not_found", "message": "The model `m` does not exist"}, BadRequestError, False),
        (400, {"code": "context_length_exceeded", "message": "Your input exceeds"}, ContextOverflowError, False),
        (400, {"message": "Your input exceeds the context window of this model"}, ContextOverflowError, False),
        (400, {"code": "unsupported_parameter", "message": "Unsupported parameter: 'stop'"}, BadRequestError, False),
        (400, {"code": "invalid_function_parameters", "message": "Invalid schema"}, BadRequestError, False),
        (401, {"code": "invalid_api_key", "message": "Incorrect API key provided"}, AuthError, False),
        (403, {"code": "unsupported_country_region_territory", "message": "no"}, AuthError, False),
        (429, {"code": "insufficient_quota", "message": "You exceeded your quota"}, RateLimitError, False),
        (429, {"code": "rate_limit_exceeded", "message": "Rate limit reached"}, RateLimitError, True),
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_an_error(
    service: Any, reply: Any, status: int, error: Any, kind: type[ProviderError], retryable: bool, content_type: str
) -> None:
    """RSP-3, PRV-3, PRV-22: whatever type its body claims to have."""
    headers = {"content-type": content_type, "x-request-id": "req_1"}
    service.answers(reply(json.dumps({"error": {"type": "invalid_request_error", **error}}), status, headers))
    with pytest.raises(ProviderError) as caught:
        asyncio.run(streamed(OpenAI("m", api_key=KEY, base_url=service.url)))
    assert type(caught.value) is kind
    assert (caught.value.retryable, caught.value.status, caught.value.request_id) == (retryable, status, "req_1")
    assert error["message"] in caught.value.message
    if error.get("code") == "model_not_found":
        assert "model" in str(caught.value.hint)


@pytest.mark.parametrize("nested", [True, False])
def test_an_error_inside_a_stream(service: Any, reply: Any, nested: bool) -> None:
    """RSP-3: nested as it is sent, flat as it is documented."""
    error = {"code": "rate_limit_exceeded", "message": "slow down", "param": None}
    event = {"type": "error", "sequence_number": 2, **({"error": error} if nested else error)}
    service.answers(reply(sse({"type": "response.created", "response": {}}, event)))
    with pytest.raises(RateLimitError, match="slow down") as caught:
        asyncio.run(streamed(OpenAI("m", api_key=KEY, base_url=service.url)))
    assert caught.value.retryable


def test_summaries_are_for_verified_organizations() -> None:
    body = {"error": {"code": "unsupported_value", "message": "must be verified to generate reasoning summaries"}}
    error = OpenAI("o3", api_key=KEY).classify(400, {}, body)
    assert "summary" in str(error.hint)


def test_a_service_that_knows_no_responses() -> None:
    provider = OpenAI("m", base_url="http://x.test")
    assert 'api="chat"' in str(provider.classify(404, {}, {"detail": "Not Found"}).hint)
    unknown = {"error": {"code": "model_not_found", "message": "The model `m` does not exist"}}
    assert 'api="chat"' not in str(provider.classify(404, {}, unknown).hint)


@pytest.mark.parametrize("ending", ["", "/v1", "/v1/", "/v1/responses", "/v1/chat/completions"])
@pytest.mark.parametrize(("api", "path"), [(None, "/responses"), ("chat", "/chat/completions")])
def test_the_address_is_completed(ending: str, api: str | None, path: str) -> None:
    """PRV-12, PRV-13, RSP-4."""
    provider = OpenAI("m", api=api, base_url=f"https://x.test{ending}")
    assert provider.url(provider.encode(REQUEST)[0]) == f"https://x.test/v1{path}"


def test_chat_completions_in_openais_own_manner() -> None:
    """PRV-12: newer models refuse `max_tokens`, ids of more than 40 characters, and thoughts of another wire."""
    history = (
        Message.assistant(
            [Thinking("t", None, "openai"), Opaque("openai", REASONING), Text("a"), ToolCall("x" * 41, "clock")]
        ),
        Message.user([ToolResult("r", call_id="x" * 41)]),
    )
    provider = OpenAI("gpt-5", api="chat", api_key=KEY)
    body = provider.wire.encode(Request(history, max_output_tokens=9), "gpt-5", provider="openai")
    assert body["max_completion_tokens"] == 9
    said, result = body["messages"]
    assert set(said) == {"role", "content", "tool_calls"}
    assert result["tool_call_id"] == said["tool_calls"][0]["id"]
    assert len(result["tool_call_id"]) <= 40
    assert provider.encode(Request((), thinking=False))[2]["reasoning_effort"] == "minimal"
    assert "stop_sequences" in provider.options


def test_thinking_goes_by_the_model() -> None:
    def reasoning(model: str, thinking: Any) -> Any:
        return OpenAI(model, api_key=KEY).encode(Request((), thinking=thinking))[2].get("reasoning")

    assert reasoning("gpt-5", False) == {"effort": "minimal"}
    assert reasoning("gpt-5.2", True) == {"effort": "medium", "summary": "auto"}
    assert reasoning("ft:gpt-4o:acme", False) is None
    assert reasoning("gpt-4o", None) is None


def test_the_key_and_the_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    provider = resolve_model("openai:gpt-5.2")
    assert isinstance(provider, OpenAI)
    assert provider.auth_headers() == {"authorization": f"Bearer {KEY}"}
    assert repr(provider) == "OpenAI('gpt-5.2', base_url='https://api.openai.com/v1')"


def test_an_api_that_it_does_not_speak() -> None:
    with pytest.raises(ConfigError, match="api is 'respones'") as caught:
        OpenAI("m", api="respones", api_key=KEY)
    assert "'responses'" in str(caught.value.hint)
