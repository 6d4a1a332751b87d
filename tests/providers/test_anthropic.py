"""The Anthropic provider: where it asks, with which headers, and what its failures are."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from alloy_nb.errors import (
    AuthError,
    BadRequestError,
    ConfigError,
    ContextOverflowError,
    OverloadedError,
    ProviderError,
    ProviderTimeout,
    RateLimitError,
    ServerError,
    StreamError,
)
from alloy_nb.messages import Message
from alloy_nb.providers.answer import Answer
from alloy_nb.providers.anthropic import Anthropic
from alloy_nb.providers.base import Provider, Request, TextDelta, ToolSpec
from alloy_nb.providers.registry import resolve_model
from alloy_nb.usage import Usage

from .wire import KEY, ask, failing, provider_error

REQUEST = Request((Message.user("Hello"),), request_timeout=20)
ANSWER = {"type": "message", "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn"}
JSON = {"content-type": "application/json"}
READ = ToolSpec("read", "", {"type": "object"})


def at(service: Any, **settings: Any) -> Anthropic:
    return Anthropic("claude-haiku-4-5", base_url=service.url, api_key=KEY, **settings)


def said(answer: Answer, deltas: Any) -> Answer:
    for delta in deltas:
        answer.feed(delta)
    return answer


@pytest.fixture
def no_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


# Where, and with which headers


@pytest.mark.parametrize(
    ("base_url", "asked"),
    [
        ("https://x.test", "https://x.test/v1/messages"),
        ("https://x.test/v1/", "https://x.test/v1/messages"),
        ("https://x.test/v1/messages", "https://x.test/v1/messages"),
        ("https://x.test/proxy/v1", "https://x.test/proxy/v1/messages"),
        ("https://x.test/anthropic", "https://x.test/anthropic/v1/messages"),
        ("https://x.test/anthropic/v1/messages", "https://x.test/anthropic/v1/messages"),
        ("https://x.test/anthropic?key=1", "https://x.test/anthropic/v1/messages?key=1"),
    ],
)
def test_the_address_is_completed(base_url: str, asked: str) -> None:
    """PRV-11"""
    assert Anthropic("m", base_url=base_url).url("/messages") == asked


def test_the_vendors_own_address_needs_a_key(no_keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AuthError) as caught:
        Anthropic("m", headers={"anthropic-beta": "x"})
    assert "ANTHROPIC_API_KEY" in str(caught.value.hint)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    provider = Anthropic("m")
    assert provider.url("/messages") == "https://api.anthropic.com/v1/messages"
    assert provider.auth_headers() == {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "https://gate.test/anthropic")
    assert Anthropic("m").url("/messages") == "https://gate.test/anthropic/v1/messages"


def test_it_is_found_by_name_and_keeps_the_contract(no_keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    provider = resolve_model("anthropic:claude-sonnet-4-6")
    assert isinstance(provider, Anthropic)
    assert isinstance(provider, Provider)
    assert KEY not in repr(provider) + repr(vars(provider))


def test_a_call_as_it_goes_out(service: Any, reply: Any) -> None:
    """PRV-11"""
    service.answers(reply(json.dumps(ANSWER), headers=JSON))
    assert ask(at(service), REQUEST)[0] == TextDelta("Hi")
    (call,) = service.received
    assert (call.method, call.target) == ("POST", "/v1/messages")
    assert (call.headers["x-api-key"], call.headers["anthropic-version"]) == (KEY, "2023-06-01")
    assert call.headers["content-type"] == "application/json"
    assert not {"authorization", "anthropic-beta"} & set(call.headers)
    assert (call.json["stream"], call.json["cache_control"]) == (True, {"type": "ephemeral"})


def test_a_whole_answer_is_asked_for_without_a_stream(service: Any, reply: Any) -> None:
    """ANT-w1: no clock of its own ends it."""
    service.answers(reply(json.dumps(ANSWER), headers=JSON))
    deltas = asyncio.run(at(service, cache=False).complete(REQUEST))
    assert said(Answer("anthropic"), deltas).message().text == "Hi"
    assert not {"stream", "cache_control"} & set(service.received[0].json)


def test_beta_features_are_merged_and_each_is_named_once(service: Any, reply: Any) -> None:
    """ANT-8: the name of the header is matched in any case."""
    service.answers(reply(json.dumps(ANSWER), headers=JSON))
    interleaved = "interleaved-thinking-2025-05-14"
    mine = {"Anthropic-Beta": f"a, {interleaved},b", "anthropic-beta": "b,c", "anthropic-version": "2026-10-21"}
    request = Request(REQUEST.messages, tools=(READ,), thinking=True)
    ask(at(service, headers=mine), request)
    ask(at(service), request)
    assert [call.headers["anthropic-beta"] for call in service.received] == [f"a,{interleaved},b,c", interleaved]
    assert service.received[0].headers["anthropic-version"] == "2026-10-21"


def test_a_header_that_cannot_be_sent_is_said_at_once() -> None:
    with pytest.raises(ConfigError):
        Anthropic("m", base_url="http://x.test", headers={"anthropic-beta": "a\nb"})


def test_one_dialogue_is_encoded_once(service: Any, reply: Any) -> None:
    """Law 15"""
    service.answers(reply(json.dumps(ANSWER), headers=JSON))
    provider = at(service)
    for _ in range(2):
        ask(provider, REQUEST)
    first, second = service.received
    assert first.body == second.body


# What fails


def error(kind: str, message: str, request_id: str | None = None) -> str:
    return json.dumps({"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id})


@pytest.mark.parametrize(
    ("status", "kind", "message", "expected", "retryable"),
    [
        (400, "invalid_request_error", "max_tokens: too large", BadRequestError, False),
        (400, "invalid_request_error", "prompt is too long: 213462 tokens > 200000", ContextOverflowError, False),
        (400, "invalid_request_error", "input and `max_tokens` exceed context limit: 9", ContextOverflowError, False),
        (400, "invalid_request_error", "Your credit balance is too low to access the API.", RateLimitError, False),
        (400, "invalid_request_error", "You have reached your specified API usage limits.", RateLimitError, False),
        (401, "authentication_error", "invalid x-api-key", AuthError, False),
        (402, "billing_error", "There is an issue with billing.", RateLimitError, False),
        (403, "permission_error", "no", AuthError, False),
        (404, "not_found_error", "model: claude-haiku-4-6", BadRequestError, False),
        (413, "request_too_large", "Request exceeds the maximum size", ContextOverflowError, False),
        (429, "rate_limit_error", "slow down", RateLimitError, True),
        (500, "api_error", "oops", ServerError, True),
        (504, "timeout_error", "too slow", ProviderTimeout, True),
        (529, "overloaded_error", "Overloaded", OverloadedError, True),
    ],
)  # fmt: skip
def test_each_failure_is_what_it_is(
    service: Any, reply: Any, status: int, kind: str, message: str, expected: type[ProviderError], retryable: bool
) -> None:
    """PRV-3 to PRV-5, PRV-22"""
    service.answers(reply(error(kind, message), status=status, headers={**JSON, "request-id": "req_1"}))
    failure = provider_error(at(service), REQUEST)
    assert type(failure) is expected
    assert (failure.status, failure.retryable, failure.request_id) == (status, retryable, "req_1")
    assert message in failure.message


def test_failures_say_what_to_do(service: Any, reply: Any) -> None:
    for status, kind, message, hint in (
        (400, "invalid_request_error", "Your credit balance is too low", "Billing"),
        (404, "not_found_error", "model: claude-haiku-4-6", "claude-haiku-4"),
        (413, "request_too_large", "Request exceeds the maximum size", "smaller files"),
    ):
        service.answers(reply(error(kind, message), status=status, headers=JSON))
        assert hint in str(provider_error(Anthropic("claude-haiku-4-6", base_url=service.url), REQUEST).hint)


def test_the_service_says_when_to_try_again(service: Any, reply: Any) -> None:
    headers = {**JSON, "retry-after": "7", "x-should-retry": "false"}
    service.answers(reply(error("rate_limit_error", "slow down"), status=429, headers=headers))
    failure = provider_error(at(service), REQUEST)
    assert (failure.retry_after, failure.retryable) == (7.0, False)


def test_the_id_of_a_failed_call_may_stand_in_the_body_alone(service: Any, reply: Any) -> None:
    service.answers(
        reply(error("api_error", "oops", request_id="req_2"), status=500, headers=JSON),
        reply("oops", status=500),
    )
    assert [provider_error(at(service), REQUEST).request_id for _ in range(2)] == ["req_2", None]


def test_an_error_after_a_good_beginning_keeps_what_came_before(service: Any, reply: Any) -> None:
    """SSE-w2"""
    begun = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}}
    frames = f"event: content_block_delta\ndata: {json.dumps(begun)}\n\nevent: error\ndata: "
    service.answers(reply(frames + error("overloaded_error", "Overloaded") + "\n\n"))
    answer = Answer("anthropic")

    async def go() -> None:
        async for delta in at(service).stream(REQUEST):
            answer.feed(delta)

    with pytest.raises(OverloadedError):
        asyncio.run(go())
    assert answer.message().text == "Hel"


def test_a_line_separator_inside_a_text_is_no_end_of_line(service: Any, reply: Any) -> None:
    """It is legal in JSON, and many libraries cut there."""
    text = "a\u2028b\u2029c\x85d"
    begun = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    frames = f'data: {json.dumps(begun, ensure_ascii=False)}   \n\ndata: {{"type": "message_stop"}}\n\n'.encode()
    service.answers(reply([frames[place : place + 1] for place in range(len(frames))]))
    assert said(Answer("anthropic"), ask(at(service), REQUEST)).message().text == text


def test_a_cut_is_no_success(service: Any, reply: Any, fixtures: Path) -> None:
    """PRV-w2"""
    body = (fixtures / "anthropic-llamacpp-text.sse").read_bytes()
    service.answers(reply(body[: len(body) // 2]))
    assert isinstance(failing(at(service), REQUEST), StreamError)


# Recorded from llama.cpp, which speaks the same API


def test_another_service_that_speaks_the_same_api(service: Any, reply: Any, fixtures: Path) -> None:
    service.answers(reply((fixtures / "anthropic-llamacpp-text.sse").read_bytes()))
    streamed = said(Answer("anthropic"), ask(at(service), REQUEST))
    service.answers(reply((fixtures / "anthropic-llamacpp-text.json").read_bytes(), headers=JSON))
    complete = said(Answer("anthropic"), asyncio.run(at(service).complete(REQUEST)))
    assert streamed.message() == complete.message()
    assert streamed.message().text.startswith("Hello!")
    assert (streamed.usage.input_tokens, streamed.usage.cached_tokens) == (20, 19)
    assert complete.usage == Usage(20, 21)


# Models


def test_the_models_are_listed_page_by_page(service: Any, reply: Any) -> None:
    pages = [
        {"data": [{"id": "claude-b"}, {"name": "?"}, "?"], "has_more": True, "last_id": "claude/b"},
        {"data": [{"id": "claude-a"}], "has_more": True, "last_id": None},
    ]
    service.answers(*(reply(json.dumps(page), headers=JSON) for page in pages))
    assert asyncio.run(at(service).models()) == ["claude-a", "claude-b"]
    first, second = service.received
    assert (first.method, first.target) == ("GET", "/v1/models?limit=1000")
    assert second.target == "/v1/models?limit=1000&after_id=claude%2Fb"
    assert (first.headers["x-api-key"], first.headers["anthropic-version"]) == (KEY, "2023-06-01")


@pytest.mark.thorough
def test_a_list_without_end_is_not_read_for_ever(service: Any, reply: Any) -> None:
    page = {"data": [{"id": "claude-a"}], "has_more": True, "last_id": "claude-a"}
    service.answers(reply(json.dumps(page), headers=JSON))
    assert asyncio.run(at(service).models()) == ["claude-a"]


def test_what_is_no_list_of_models_is_said(service: Any, reply: Any) -> None:
    for body in ("[]", '{"data": null}'):
        service.answers(reply(body, headers=JSON))
        with pytest.raises(StreamError, match="no list of models"):
            asyncio.run(at(service).models())
