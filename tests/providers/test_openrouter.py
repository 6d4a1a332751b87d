"""OpenRouter: what is sent, what is understood, what its errors mean."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from alloy_nb.errors import (
    AuthError,
    BadRequestError,
    ConfigError,
    ContentFilterError,
    OverloadedError,
    ProviderError,
    ProviderTimeout,
    RateLimitError,
    ServerError,
    StreamError,
)
from alloy_nb.messages import Message, Opaque, Text, Thinking, ToolCall
from alloy_nb.providers.answer import Answer
from alloy_nb.providers.base import Request, TextDelta
from alloy_nb.providers.openrouter import OpenRouter, RoutedModel
from alloy_nb.usage import Usage

from .wire import KEY, ask, provider_error

HELLO = Request((Message.user("Hi"),), system_prompt="Be brief.")


def openrouter(
    model: str = "anthropic/claude-sonnet-4-6", reply: Callable[..., Any] | None = None, **settings: Any
) -> OpenRouter:
    client = (lambda: httpx2.AsyncClient(transport=httpx2.MockTransport(reply))) if reply else None
    return OpenRouter(model, api_key=KEY, http_client=client, **settings)


def messages_of(provider: OpenRouter, *messages: Message, **fields: Any) -> list[dict[str, Any]]:
    body = provider.wire.encode(Request(messages, **fields), provider.model, provider=provider.name)
    encoded: list[dict[str, Any]] = body["messages"]
    return encoded


def answering(body: str, status: int = 200, kind: str = "text/event-stream") -> Callable[..., httpx2.Response]:
    return lambda _: httpx2.Response(status, content=body.encode(), headers={"content-type": kind})


def sse(*events: dict[str, Any], done: bool = True) -> str:
    body = ": OPENROUTER PROCESSING\n\n" + "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    return body + ("data: [DONE]\n\n" if done else "")


def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"role": "assistant", "content": "", **delta}, "finish_reason": finish}
    return {"id": "gen-1", "provider": "Host", "model": "anthropic/claude-4.6-sonnet", "choices": [choice]}


def collected(provider: OpenRouter) -> Answer:
    answer = Answer(provider.name, provider.model)
    for delta in ask(provider):
        answer.feed(delta)
    return answer


# What is sent


@pytest.mark.parametrize(
    "base_url",
    [None, "https://openrouter.ai", "https://openrouter.ai/api/v1/", "https://openrouter.ai/api/v1/responses"],
)
def test_the_address(base_url: str | None) -> None:
    """PRV-16"""
    provider = openrouter(base_url=base_url)
    assert provider.url(provider.encode(HELLO)[0]) == "https://openrouter.ai/api/v1/chat/completions"
    assert openrouter(base_url=base_url, api="responses").encode(HELLO)[0] == "/responses"


def test_who_asks_is_said_by_name_only() -> None:
    """PRV-16, bettered: no address is told that nobody gave."""
    assert openrouter().encode(HELLO)[1] == {"x-title": "alloy_nb"}
    own = openrouter(app_name="Mine", app_url="https://mine.test")
    assert own.encode(HELLO)[1] == {"x-title": "Mine", "http-referer": "https://mine.test"}
    assert openrouter(app_name=None).encode(HELLO)[1] == {}
    with pytest.raises(ConfigError, match="x-title"):
        openrouter(app_name="a\nb")


def test_a_name_for_the_app_is_no_key() -> None:
    with pytest.raises(AuthError, match="openrouter"):
        OpenRouter("a/b", app_name="Mine")


def test_routing() -> None:
    """PRV-w1; the request's own extra_body counts for more."""
    provider = openrouter(
        provider={"order": ["Host"], "allow_fallbacks": False}, models=["openai/gpt-5.2"], transforms=[]
    )
    body = provider.encode(HELLO)[2]
    assert body["provider"] == {"order": ["Host"], "allow_fallbacks": False}
    assert body["models"] == ["openai/gpt-5.2"]
    assert body["transforms"] == []
    assert not {"provider", "models", "transforms"} & set(openrouter().encode(HELLO)[2])
    other = Request((Message.user("Hi"),), extra_body={"provider": {"sort": "price"}})
    assert provider.encode(other)[2]["provider"] == {"sort": "price"}


@pytest.mark.parametrize(
    ("thinking", "sent"),
    [
        (True, {"enabled": True}),
        (False, {"enabled": False}),
        ("high", {"effort": "high"}),
        (2000, {"max_tokens": 2000}),
        (0, {"effort": "none"}),
    ],
)
def test_thinking_is_asked_for_as_reasoning(thinking: bool | str | int, sent: dict[str, Any]) -> None:
    body = openrouter().encode(Request((), thinking=thinking))[2]
    assert body["reasoning"] == sent
    assert "reasoning_effort" not in body


@pytest.mark.parametrize(
    ("model", "marked"),
    [("anthropic/claude-sonnet-4-6", True), ("~anthropic/claude-latest", True), ("openai/gpt-5.2", False)],
)
def test_what_is_worth_caching_is_marked_where_that_is_needed(model: str, marked: bool) -> None:
    (system, _) = messages_of(openrouter(model), Message.user("Hi"), system_prompt="Long.")
    text = {"type": "text", "text": "Long.", "cache_control": {"type": "ephemeral"}}
    assert system["content"] == ([text] if marked else "Long.")


def test_what_was_thought_goes_back_to_models_of_its_maker() -> None:
    """Law 9: the others refuse the signatures, though the service is the same."""
    details = [{"type": "reasoning.text", "index": 0, "text": "hm", "signature": "sig"}]
    parts = [
        Thinking("hm", None, "openrouter"),
        ToolCall("c", "read"),
        Opaque("openrouter", {"reasoning_details": details}),
        Opaque("openrouter", {"annotations": [{"type": "url_citation"}]}),
        Opaque("openrouter", {"type": "reasoning", "id": "rs_1"}),
    ]
    claude = Message.assistant(parts, model="anthropic/claude-4.6-sonnet-20260217")
    (sent,) = messages_of(openrouter(), claude)
    assert sent["reasoning_details"] == details
    assert set(sent) == {"role", "content", "tool_calls", "reasoning_details"}
    for model, goes in [("openai/gpt-5.2", False), ("openrouter/auto", True), ("~anthropic/x", True)]:
        assert ("reasoning_details" in messages_of(openrouter(model), claude)[0]) == goes
    assert "reasoning_details" in messages_of(openrouter("openai/x", models=["anthropic/y"]), claude)[0]
    assert "reasoning_details" in messages_of(openrouter("openai/x"), Message.assistant(parts))[0]


# What is understood


def test_a_streamed_answer_of_a_model_that_signs() -> None:
    """OAI-5, OAI-6, PRV-w5: words once, null arguments, a finish twice, and what must be handed back."""
    text = {"type": "reasoning.text", "index": 0, "format": "anthropic-claude-v1"}
    usage = {
        "prompt_tokens": 20,
        "completion_tokens": 9,
        "cost": 0.01,
        "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 4},
    }
    answer = collected(
        openrouter(
            reply=answering(
                sse(
                    chunk(reasoning="Two", reasoning_details=[{**text, "text": "Two"}]),
                    chunk(reasoning=None, reasoning_details=[{**text, "text": " files."}]),
                    chunk(reasoning_details=[{**text, "signature": "sig"}]),
                    chunk(content="I read"),
                    chunk(content=" both", annotations=[{"type": "url_citation", "url": "u"}]),
                    chunk(tool_calls=[{"index": 0, "id": "toolu_1", "function": {"name": "f", "arguments": None}}]),
                    chunk(tool_calls=[{"index": 0, "function": {"arguments": '{"a": 1}'}}]),
                    chunk("tool_calls"),
                    {**chunk("stop"), "usage": usage},
                )
            )
        )
    )
    message = answer.message()
    assert message.thinking == "Two files."
    assert message.text == "I read both"
    assert [(call.id, dict(call.input)) for call in message.tool_calls] == [("toolu_1", {"a": 1})]
    assert [part.data for part in message.parts if isinstance(part, Opaque)] == [
        {"reasoning_details": [{**text, "text": "Two files.", "signature": "sig"}]},
        {"annotations": [{"type": "url_citation", "url": "u"}]},
    ]
    assert answer.stop_reason == "tool_use"
    assert answer.usage == Usage(20, 9, cached_tokens=5, cache_write_tokens=3, reasoning_tokens=4)
    assert messages_of(openrouter(), message)[0]["reasoning_details"][0]["signature"] == "sig"


def test_a_whole_answer_with_encrypted_thoughts() -> None:
    details = [{"type": "reasoning.encrypted", "data": "blob", "id": "rs_1", "index": 0}]
    message = {"role": "assistant", "content": "Hi", "reasoning": None, "reasoning_details": details}
    body = json.dumps({"model": "openai/x", "choices": [{"message": message, "finish_reason": "stop"}]})
    parts = collected(openrouter(reply=answering(body, kind="application/json"))).message().parts
    assert parts == (Text("Hi"), Opaque("openrouter", {"reasoning_details": details}))


# Errors, of every shape


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (json.dumps({"error": {"code": 502, "message": "down"}, "user_id": "u"}), ServerError),
        (
            json.dumps(
                {
                    "choices": [
                        {
                            "message": {"content": "half"},
                            "finish_reason": None,
                            "error": {"code": 503, "message": "down"},
                        }
                    ]
                }
            ),
            OverloadedError,
        ),
    ],
)
def test_a_whole_answer_of_status_200_that_is_an_error(body: str, kind: type[ProviderError]) -> None:
    """PRV-w2"""
    error = provider_error(openrouter(reply=answering(body, kind="application/json")))
    assert type(error) is kind
    assert "down" in error.message
    assert error.retryable


def test_a_stream_that_is_an_error() -> None:
    """SSE-w2: comments, one error, and nothing to say that it is the end."""
    error = provider_error(openrouter(reply=answering(sse({"error": {"code": 429, "message": "slow"}}, done=False))))
    assert type(error) is RateLimitError


def test_an_error_beside_the_usage_after_a_finish() -> None:
    last = {**chunk("error"), "error": {"code": 502, "message": "lost"}, "usage": {"prompt_tokens": 5}}
    seen: list[Any] = []

    async def stream() -> None:
        provider = openrouter(reply=answering(sse(chunk(content="half"), chunk("length"), last)))
        async for delta in provider.stream(HELLO):
            seen.append(delta)

    with pytest.raises(ServerError, match="lost"):
        asyncio.run(stream())
    assert seen == [TextDelta("half")]


def failing(status: int, message: str = "no", **error: Any) -> Any:
    body = json.dumps({"error": {"code": status, "message": message, **error}, "user_id": "u"})
    return provider_error(openrouter(reply=answering(body, status, "application/json")))


def test_what_the_service_behind_it_said_is_told() -> None:
    """PRV-22"""
    raw = json.dumps({"error": {"message": "max_output_tokens is too small", "code": "integer_below_min_value"}})
    error = failing(400, "Provider returned error", metadata={"provider_name": "Host", "raw": raw})
    assert type(error) is BadRequestError
    assert "max_output_tokens is too small" in error.message


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (401, "No auth credentials found", AuthError),
        (403, "x/y requires moderation. Your input was flagged for harassment.", ContentFilterError),
        (408, "Timed out", ProviderTimeout),
        (429, "Rate limited", RateLimitError),
        (502, "Bad gateway", ServerError),
        (503, "No available provider", OverloadedError),
        (400, "a/b is not a valid model ID", BadRequestError),
    ],
)
def test_its_errors(status: int, message: str, kind: type[ProviderError]) -> None:
    error = failing(status, message)
    assert type(error) is kind
    assert error.status == status


def test_credit_that_is_used_up_does_not_come_back() -> None:
    error = failing(402, "Insufficient credits")
    assert type(error) is RateLimitError
    assert not error.retryable
    assert "credit" in error.hint


def test_no_host_takes_what_was_asked() -> None:
    error = failing(404, "No endpoints found that support tool use.")
    assert type(error) is BadRequestError
    assert "provider=" in error.hint
    assert "base_url" in failing(404, "Not found").hint


def test_when_to_come_back_is_said_in_the_body() -> None:
    error = failing(429, metadata={"headers": {"X-RateLimit-Reset": "1000"}})
    assert error.retry_after == 0.0


# Its models


def test_what_it_says_of_its_models_today() -> None:
    answer = {
        "data": [
            {
                "id": "a/b",
                "context_length": 200_000,
                "top_provider": {"max_completion_tokens": 64_000},
                "pricing": {
                    "prompt": "0.000003",
                    "completion": "0.000015",
                    "input_cache_read": "0.0000003",
                    "input_cache_write": "0.00000375",
                },
            },
            {"id": "openrouter/auto", "context_length": None, "pricing": {"prompt": "-1", "completion": "x"}},
            {"name": "no id"},
            "odd",
        ]
    }
    provider = openrouter(reply=answering(json.dumps(answer), kind="application/json"))
    assert asyncio.run(provider.metadata()) == {
        "a/b": RoutedModel("a/b", 200_000, 64_000, 3e-06, 1.5e-05, 3e-07, 3.75e-06),
        "openrouter/auto": RoutedModel("openrouter/auto"),
    }


def test_no_list_of_models_is_an_error() -> None:
    for body in ("[]", '{"data": null}'):
        with pytest.raises(StreamError, match="models"):
            asyncio.run(openrouter(reply=answering(body, kind="application/json")).metadata())


def test_the_names_of_its_models() -> None:
    provider = openrouter(reply=answering('{"data": [{"id": "b/b"}, {"id": "a/a"}]}', kind="application/json"))
    assert asyncio.run(provider.models()) == ["a/a", "b/b"]
