"""Google, end to end over real connections."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
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
from alloy_nb.messages import Message, Opaque, ToolResult
from alloy_nb.providers.answer import Answer
from alloy_nb.providers.base import Request, ToolSpec
from alloy_nb.providers.google import Google

KEY = "AIza-test-0123456789"
REQUEST = Request((Message.user("Hello"),), request_timeout=20)


def google(service: Any, model: str = "gemini-3-flash", **settings: Any) -> Google:
    return Google(model, api_key=KEY, base_url=service.url, **settings)


async def collected(provider: Google, request: Request = REQUEST) -> Answer:
    answer = Answer(provider.name)
    async for delta in provider.stream(request):
        answer.feed(delta)
    return answer


def streamed(provider: Google, request: Request = REQUEST) -> Answer:
    return asyncio.run(collected(provider, request))


def failure(provider: Google) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        streamed(provider)
    return caught.value


@pytest.mark.parametrize(
    ("base_url", "address"),
    [
        (None, "https://generativelanguage.googleapis.com/v1beta"),
        ("http://x.test", "http://x.test/v1beta"),
        ("http://x.test/v1beta/", "http://x.test/v1beta"),
        ("http://x.test/v1beta/openai/", "http://x.test/v1beta"),
        ("http://x.test/v1beta/models", "http://x.test/v1beta"),
        ("http://x.test/v1/projects/p/locations/l/publishers/google", None),
    ],
)
def test_the_address_is_completed(base_url: str | None, address: str | None) -> None:
    """PRV-14"""
    provider = Google("gemini-2.5-flash", api_key=KEY, base_url=base_url)
    assert provider.url(provider.encode(REQUEST)[0]) == f"{address or base_url}/models/gemini-2.5-flash:generateContent"


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("models/gemini-2.5-pro", "/models/gemini-2.5-pro:generateContent"),
        ("tunedModels/mine", "/tunedModels/mine:generateContent"),
        ("odd name?", "/models/odd%20name%3F:generateContent"),
    ],
)
def test_the_model_is_a_part_of_the_path(model: str, path: str) -> None:
    assert Google(model, api_key=KEY).encode(REQUEST)[0] == path


def test_the_name_of_a_model_is_known_without_its_folder() -> None:
    assert Google("models/gemini-2.5-pro", api_key=KEY).model == "gemini-2.5-pro"
    for nothing in ("", "models/", None):
        with pytest.raises(ConfigError, match="model is"):
            Google(nothing, api_key=KEY)  # type: ignore[arg-type]


def test_a_stream_is_asked_for_by_the_path_alone(service: Any, reply: Any, fixtures: Path) -> None:
    """PRV-14: and the key travels in a header, never in the address."""
    service.answers(reply((fixtures / "gemini-text.sse").read_bytes()))
    answer = streamed(google(service))
    assert answer.message().text == "Grüße aus dem Süden."
    assert answer.message().thinking == "A greeting.\n"
    assert answer.model == "gemini-3-flash-preview"
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (7, 20)
    (request,) = service.received
    assert request.target == "/v1beta/models/gemini-3-flash:streamGenerateContent?alt=sse"
    assert "stream" not in request.json
    assert request.headers["x-goog-api-key"] == KEY
    assert "authorization" not in request.headers


def test_a_conversation_with_tools(service: Any, reply: Any, fixtures: Path) -> None:
    """What came signed goes back as it came, with the results after it."""
    service.answers(
        reply((fixtures / "gemini-tools.sse").read_bytes()), reply((fixtures / "gemini-text.sse").read_bytes())
    )
    provider, tools = google(service), (ToolSpec("look", "Looks.", {"type": "object"}),)
    asked = streamed(provider, Request(REQUEST.messages, tools=tools)).message()
    assert [call.id for call in asked.tool_calls] == ["a1b2c3d4", "e5f6g7h8"]
    results = Message.user([ToolResult("ok", call_id=call.id, name=call.name) for call in asked.tool_calls])
    streamed(provider, Request((*REQUEST.messages, asked, results), tools=tools))
    _, model, user = service.received[1].json["contents"]
    assert model["parts"] == [
        {"functionCall": {"id": "a1b2c3d4", "name": "look", "args": {"at": "sky"}}, "thoughtSignature": "c2lnbmVk"},
        {"functionCall": {"id": "e5f6g7h8", "name": "look", "args": {}}},
        {"text": "", "thoughtSignature": "ZW5k"},
    ]
    assert [part["functionResponse"]["id"] for part in user["parts"]] == ["a1b2c3d4", "e5f6g7h8"]


def test_a_whole_answer(service: Any, reply: Any) -> None:
    body = {"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]}
    service.answers(reply(json.dumps(body), headers={"content-type": "application/json; charset=UTF-8"}))
    answer = Answer("google")
    for delta in asyncio.run(google(service).complete(REQUEST)):
        answer.feed(delta)
    assert answer.message().text == "Hi"
    assert service.received[0].target == "/v1beta/models/gemini-3-flash:generateContent"


def test_a_stream_that_is_one_array(service: Any, reply: Any) -> None:
    """A gateway that drops the query gets the answer so."""
    events = [
        {"candidates": [{"content": {"parts": [{"text": "a"}]}}]},
        {"candidates": [{"content": {"parts": [{"text": "b"}]}, "finishReason": "STOP"}]},
    ]
    service.answers(reply(json.dumps(events), headers={"content-type": "application/json"}))
    assert streamed(google(service)).message().text == "ab"


def test_an_error_in_the_middle_that_is_no_event(service: Any, reply: Any) -> None:
    """SSE-w2"""
    event = 'data: {"candidates": [{"content": {"parts": [{"text": "a"}]}}]}\r\n\r\n'
    error = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
    service.answers(reply(event + json.dumps(error, indent=2)))
    caught = failure(google(service))
    assert isinstance(caught, OverloadedError)
    assert "overloaded" in caught.message


def test_a_cut_stream(service: Any, reply: Any) -> None:
    service.answers(reply('data: {"candidates": [{"content": {"parts": [{"text": "a"}]}}]}\r\n\r\n'))
    assert isinstance(failure(google(service)), StreamError)


def test_a_prompt_that_was_blocked(service: Any, reply: Any) -> None:
    service.answers(reply('data: {"promptFeedback": {"blockReason": "SAFETY"}}\r\n\r\n'))
    answer = streamed(google(service))
    assert answer.stop_reason == "content_filter"
    assert isinstance(answer.message().parts[0], Opaque)


def test_the_other_api(service: Any, reply: Any, fixtures: Path) -> None:
    service.answers(reply((fixtures / "gemini-interaction.sse").read_bytes()))
    provider = google(service, api="interactions")
    answer = streamed(provider)
    assert (answer.message().text, answer.message().thinking) == ("It is noon.", "The clock, then.")
    assert [dict(call.input) for call in answer.message().tool_calls] == [{"in": "Oslo"}]
    (request,) = service.received
    assert request.target == "/v1beta/interactions?alt=sse"
    assert request.json == {
        "model": "gemini-3-flash",
        "input": [{"type": "user_input", "content": [{"type": "text", "text": "Hello"}]}],
        "store": False,
        "stream": True,
    }
    path, _, body = provider.encode(REQUEST)
    assert path == "/interactions"
    assert "stream" not in body


def test_an_api_that_there_is_not() -> None:
    with pytest.raises(ConfigError, match="api is") as caught:
        Google("gemini-3-flash", api_key=KEY, api="interaction")
    assert "'interactions'" in str(caught.value.hint)


# Errors


def error(code: int, status: str, message: str = "Why.", *details: dict[str, Any]) -> str:
    body = {"error": {"code": code, "message": message, "status": status, "details": list(details)}}
    return json.dumps(body, indent=2)


INVALID_KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}


@pytest.mark.parametrize(
    ("code", "status", "message", "details", "cls"),
    [
        (400, "INVALID_ARGUMENT", "Why.", [], BadRequestError),
        (400, "INVALID_ARGUMENT", "API key not valid.", [INVALID_KEY], AuthError),
        (400, "INVALID_ARGUMENT", "API key expired. Please renew the API key.", [], AuthError),
        (400, "FAILED_PRECONDITION", "User location is not supported", [], BadRequestError),
        (400, "INVALID_ARGUMENT", "The input token count exceeds the maximum number of tokens allowed (9).", [], None),
        (401, "UNAUTHENTICATED", "Why.", [], AuthError),
        (403, "PERMISSION_DENIED", "Why.", [], AuthError),
        (404, "NOT_FOUND", "models/x is not found", [], BadRequestError),
        (429, "RESOURCE_EXHAUSTED", "Why.", [], RateLimitError),
        (499, "CANCELLED", "Why.", [], ServerError),
        (500, "INTERNAL", "Why.", [], ServerError),
        (503, "UNAVAILABLE", "Why.", [], OverloadedError),
        (504, "DEADLINE_EXCEEDED", "Why.", [], ProviderTimeout),
    ],
)
def test_errors_by_their_words(
    service: Any, reply: Any, code: int, status: str, message: str, details: Any, cls: type[ProviderError] | None
) -> None:
    """PRV-3, PRV-4, PRV-5, PRV-22: as a body, in whatever type it comes, and within a stream."""
    body = error(code, status, message, *details)
    for made in (reply(body, status=code), reply(f"[{body}]", status=code), reply(body)):
        service.answers(made)
        caught = failure(google(service))
        assert type(caught) is (cls or ContextOverflowError)
        assert message in caught.message
        assert caught.status == code
        assert caught.retryable is (code == 429 or code > 490)
        assert KEY not in f"{caught!r} {caught.body}"


def test_an_error_of_a_stream_may_have_a_word_alone(service: Any, reply: Any) -> None:
    for word, cls in (("RESOURCE_EXHAUSTED", RateLimitError), ("UNAVAILABLE", OverloadedError)):
        service.answers(reply(json.dumps({"error": {"message": "Why.", "status": word}})))
        assert type(failure(google(service))) is cls


def test_the_hint_for_an_unknown_model(service: Any, reply: Any) -> None:
    service.answers(
        reply(error(404, "NOT_FOUND", "models/gemini-2.5-flahs is not found for API version v1beta"), status=404)
    )
    assert "gemini-2.5-flash" in str(failure(google(service, "gemini-2.5-flahs")).hint)


RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "48.5s"}


def violations(quota: str, value: str = "10") -> dict[str, Any]:
    violation = {"quotaMetric": "m", "quotaId": quota, "quotaValue": value}
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}


@pytest.mark.parametrize(
    ("details", "retryable"),
    [
        ([violations("GenerateRequestsPerMinutePerProjectPerModel"), RETRY], True),
        ([violations("GenerateRequestsPerDayPerProjectPerModel-FreeTier"), RETRY], False),
        ([violations("GenerateContentInputTokensPerModelPerMinute-FreeTier", "0"), RETRY], False),
        ([{"reason": "RATE_LIMIT_EXCEEDED", "metadata": {"quota_limit": "RequestsPerDayPerProject"}}, RETRY], False),
    ],
)
def test_a_limit_of_the_minute_passes_and_one_of_the_day_does_not(
    service: Any, reply: Any, details: list[dict[str, Any]], retryable: bool
) -> None:
    """Google tells to wait for seconds in either case."""
    body = error(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", *details)
    for made in (reply(body, status=429), reply(body)):
        service.answers(made)
        caught = failure(google(service))
        assert isinstance(caught, RateLimitError)
        assert caught.retry_after == 48.5
        assert caught.retryable is retryable
        assert ("quota" in str(caught.hint)) is not retryable


# Models


def test_the_models_that_answer(service: Any, reply: Any) -> None:
    """Page by page."""
    generates = ["generateContent", "countTokens"]
    first = {
        "models": [
            {"name": "models/b", "supportedGenerationMethods": generates},
            {"name": "models/embedding", "supportedGenerationMethods": ["embedContent"]},
            {"displayName": "nameless"},
        ],
        "nextPageToken": "a/b=",
    }
    service.answers(reply(json.dumps(first)), reply(json.dumps({"models": [{"name": "models/a"}]})))
    assert asyncio.run(google(service).models()) == ["a", "b"]
    targets = [request.target for request in service.received]
    assert targets == ["/v1beta/models?pageSize=1000", "/v1beta/models?pageSize=1000&pageToken=a%2Fb%3D"]
    assert service.received[0].headers["x-goog-api-key"] == KEY


def test_a_list_that_never_ends_is_left() -> None:
    asked: list[httpx2.Request] = []

    def reply(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200, json={"models": [], "nextPageToken": "again"})

    def client() -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.MockTransport(reply))

    assert asyncio.run(Google("gemini-3-flash", api_key=KEY, http_client=client).models()) == []
    assert len(asked) == 100


@pytest.mark.parametrize("answer", ["[]", '{"models": "nonsense"}'])
def test_no_list_of_models_is_an_error(service: Any, reply: Any, answer: str) -> None:
    service.answers(reply(answer))
    with pytest.raises(StreamError, match="models"):
        asyncio.run(google(service).models())


def test_a_token_instead_of_a_key() -> None:
    """Vertex AI is asked with one."""
    base_url = "https://x-aiplatform.googleapis.com/v1/projects/p/locations/x/publishers/google"
    provider = Google("gemini-2.5-flash", base_url=base_url, headers={"Authorization": "Bearer t0k3n"})
    assert "t0k3n" not in repr(provider)
