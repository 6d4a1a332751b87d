"""What goes wrong on the wire, and what a service's error means."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator
from email.utils import formatdate
from typing import Any

import httpx2
import pytest

from alloy_nb.errors import (
    AlloyError,
    AuthError,
    BadRequestError,
    ConfigError,
    ContentFilterError,
    ContextOverflowError,
    OverloadedError,
    ProviderError,
    ProviderTimeout,
    RateLimitError,
    ServerError,
    StreamError,
)
from alloy_nb.providers._failures import make_error, read_failure, retry_after
from alloy_nb.providers.base import Request
from tests.providers.wire import KEY, REQUEST, Wire, failing, mocked, provider_error


@pytest.fixture
def wire(service: Any) -> Wire:
    return Wire("m", base_url=service.url + "/base", api_key=KEY)


def test_silence_is_a_timeout(service: Any, reply: Any, wire: Wire) -> None:
    service.answers(reply('data: {"text": "a"}\n\n', end="hang"))
    error = provider_error(wire, Request(REQUEST.messages, request_timeout=0.2))
    assert isinstance(error, ProviderTimeout)
    assert error.retryable


def test_an_address_where_nobody_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    error = provider_error(Wire("m", base_url=url, api_key=KEY))
    assert isinstance(error, ServerError)
    assert url in error.message
    assert error.retryable
    assert f"is the server at {url.removeprefix('http://')} running" in str(error.hint)


def test_a_connection_closed_without_an_answer(wire: Wire, service: Any, reply: Any) -> None:
    service.answers(reply(end="silent"))
    error = provider_error(wire)
    assert isinstance(error, ServerError)
    assert error.retryable


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (httpx2.ConnectTimeout, ProviderTimeout),
        (httpx2.ReadTimeout, ProviderTimeout),
        (httpx2.PoolTimeout, ProviderTimeout),
        (httpx2.ConnectError, ServerError),
        (httpx2.ProxyError, ServerError),
        (httpx2.RemoteProtocolError, ServerError),
        (httpx2.WriteError, ServerError),
        (httpx2.LocalProtocolError, ConfigError),
        (httpx2.UnsupportedProtocol, ConfigError),
        (RuntimeError, StreamError),
        (KeyError, StreamError),
    ],
)
def test_whatever_breaks_is_said_in_our_words(kind: type[Exception], expected: type[AlloyError]) -> None:
    """PRV-3: nothing else escapes, and what the HTTP library quotes does not show."""

    def reply(request: httpx2.Request) -> httpx2.Response:
        raise kind(f"header was {request.headers['authorization']}")

    assert type(failing(mocked(reply))) is expected


def test_an_error_while_the_answer_comes_is_a_cut() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b'data: {"text": "a"}\n\n'
        raise httpx2.ReadError("gone")

    assert isinstance(failing(mocked(lambda _: httpx2.Response(200, content=body()))), StreamError)


def test_a_decoder_that_breaks_ends_in_a_stream_error(wire: Wire, service: Any, reply: Any) -> None:
    service.answers(reply('data: {"text": "a"}\n\n'))

    class Broken(Wire):
        def decoder(self) -> Any:
            return None

    error = provider_error(Broken("m", base_url=service.url, api_key=KEY))
    assert isinstance(error, StreamError)
    assert not error.retryable


def test_an_error_event_inside_the_stream(wire: Wire, service: Any, reply: Any) -> None:
    """SSE-w2"""
    body = 'event: error\ndata: {"message": "busy", "type": "overloaded_error"}\n\n'
    service.answers(reply(body, headers={"x-request-id": "r1", "retry-after": "5"}))
    error = provider_error(wire)
    assert isinstance(error, OverloadedError)
    assert error.request_id == "r1"
    assert "busy" in error.message


def test_a_large_error_body_is_bounded(wire: Wire, service: Any, reply: Any) -> None:
    service.answers(reply([b"x" * 65536] * 20, status=500))
    error = provider_error(wire)
    assert len(error.body or "") == 2048
    assert len(error.message) < 1100


def test_an_echoed_key_is_taken_out(wire: Wire, service: Any, reply: Any) -> None:
    body = json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}", "code": KEY}})
    service.answers(reply(body, status=401))
    error = provider_error(wire)
    assert isinstance(error, AuthError)
    assert "[redacted]" in error.message
    assert "[redacted]" in str(error.body)


def test_an_ordinary_error_names_status_and_reason(wire: Wire, service: Any, reply: Any) -> None:
    """PRV-3, PRV-5, RTY-w1: the status is kept."""
    body = json.dumps({"error": {"message": "slow down", "type": "requests"}})
    headers = {"content-type": "text/plain", "x-request-id": "r2", "retry-after-ms": "1500", "retry-after": "9"}
    service.answers(reply(body, status=429, headers=headers))
    error = provider_error(wire)
    assert isinstance(error, RateLimitError)
    assert (error.status, error.request_id, error.retry_after) == (429, "r2", 1.5)
    assert error.retryable
    assert error.body == body
    assert "slow down" in error.message


def test_a_request_json_cannot_hold_is_a_config_error(service: Any, reply: Any) -> None:
    class Bad(Wire):
        def encode(self, request: Request) -> tuple[str, dict[str, str], dict[str, Any]]:
            return "/", {}, {"x": object()}

    error = failing(Bad("m", base_url=service.url, api_key=KEY))
    assert isinstance(error, ConfigError)
    assert service.received == []


CLASSES: list[tuple[int | None, Any, type[ProviderError], bool]] = [
    (400, {"error": {"message": "no", "type": "invalid_request_error"}}, BadRequestError, False),
    (400, {"error": {"message": "no", "code": "context_length_exceeded"}}, ContextOverflowError, False),
    (400, {"error": {"message": "no", "type": "exceed_context_size_error"}}, ContextOverflowError, False),
    (400, {"error": "This model's maximum context length is 10 tokens"}, ContextOverflowError, False),
    (400, {"error": {"message": "no", "code": "content_policy_violation"}}, ContentFilterError, False),
    (400, {"error": {"code": "content_filter"}}, ContentFilterError, False),
    (
        400,
        {"error": {"code": None, "innererror": {"code": "ResponsibleAIPolicyViolation"}}},
        ContentFilterError,
        False,
    ),
    (400, {"code": "x", "error": "Incorrect API key provided"}, AuthError, False),
    (400, {"error": {"message": "no", "code": "rate_limit_exceeded"}}, BadRequestError, False),
    (401, {"detail": "Invalid API Key"}, AuthError, False),
    (402, {"error": {"message": "Insufficient Balance"}}, RateLimitError, False),
    (403, {}, AuthError, False),
    (404, {"error": {"message": "no", "code": "model_not_found"}}, BadRequestError, False),
    (408, "", ProviderTimeout, True),
    (409, "", ServerError, True),
    (413, "", BadRequestError, False),
    (422, {"detail": [{"loc": ["body"], "msg": "field required"}]}, BadRequestError, False),
    (429, {"error": {"code": "insufficient_quota", "message": "no"}}, RateLimitError, False),
    (429, {"error": {"code": "rate_limit_exceeded", "message": "no"}}, RateLimitError, True),
    (500, "<html>oops</html>", ServerError, True),
    (502, b"\xff".decode("utf-8", "replace"), ServerError, True),
    (503, {"error": {"message": "no", "type": "server_error"}}, OverloadedError, True),
    (504, "", ServerError, True),
    (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, OverloadedError, True),
    (302, "", BadRequestError, False),
    (None, {"error": {"message": "no", "code": 502}}, ServerError, True),
    (None, {"error": {"message": "no", "code": "429"}}, RateLimitError, True),
    (None, {"error": {"message": "no", "type": "rate_limit_error"}}, RateLimitError, True),
    (None, {"error": {"message": "no", "type": "server_error"}}, ServerError, True),
    (None, {"error": {"message": "no", "type": "invalid_request_error"}}, BadRequestError, False),
    (None, {"error": "just words"}, ServerError, True),
    (None, {"error": {"message": "no", "code": "insufficient_quota"}}, RateLimitError, False),
    (None, {"error": None}, ServerError, True),
    (None, [{"error": {"message": "no", "code": 503}}], OverloadedError, True),
    (None, [], ServerError, True),
    (None, None, ServerError, True),
]


@pytest.mark.parametrize(("status", "body", "kind", "retryable"), CLASSES)
def test_an_error_is_classified(status: int | None, body: Any, kind: type[ProviderError], retryable: bool) -> None:
    """RTY-9, RTY-w1, PRV-22, PRV-w2: by status and code; an odd shape is never a crash."""
    as_text = body if isinstance(body, str) else json.dumps(body)
    for form in (body, as_text):
        error = make_error(status, {}, form)
        assert type(error) is kind
        assert error.retryable is retryable


@pytest.mark.parametrize(
    ("status", "body", "word"),
    [
        (404, {"error": {"message": "The model `x` does not exist"}}, "name"),
        (400, {"error": {"message": "x is not a valid model ID"}}, "name"),
        (404, "<html>", "base_url"),
        (307, "", "base_url"),
        (413, "", "large"),
        (402, "", "credit"),
        (429, {"error": {"code": "insufficient_quota"}}, "quota"),
        (401, "", "key"),
        (400, {"error": {"code": "context_length_exceeded"}}, "window"),
        (400, {"error": {"message": "temperature must be at most 2"}}, "--show"),
        (422, "", "options"),
        (500, "", "the service's, not yours"),
        (502, "<html>", "try again"),
        (503, "", "try again"),
        (529, "", "busy"),
        (429, "", "wait"),
        (408, "", "request_timeout"),
        (400, {"error": {"code": "content_filter"}}, "other words"),
    ],
)
def test_a_hint_says_what_to_do(status: int, body: Any, word: str) -> None:
    assert word in str(make_error(status, {}, body).hint)


def test_the_services_word_on_retrying_counts_but_for_quotas() -> None:
    assert make_error(500, {"x-should-retry": "false"}, "").retryable is False
    assert make_error(400, {"x-should-retry": "true"}, "").retryable is True
    assert make_error(402, {"x-should-retry": "true"}, "").retryable is False


def test_a_gateway_hands_on_what_was_said_behind_it() -> None:
    raw = json.dumps({"error": {"message": "too small", "code": "integer_below_min_value"}})
    error = make_error(
        400, {}, {"error": {"code": 400, "message": "Provider returned error", "metadata": {"raw": raw}}}
    )
    assert "Provider returned error: too small" in error.message


def test_an_error_body_of_any_shape_is_read() -> None:
    assert read_failure("plain words").message == "plain words"
    assert read_failure("").message == ""
    assert read_failure([1, 2]).message == "[1, 2]"
    assert read_failure(7).message == "7"
    assert read_failure("[" * 100_000).message.startswith("[[")
    assert read_failure({"error": {"metadata": {"raw": "upstream"}}}).message == "upstream"
    assert read_failure({"object": "error", "message": "m", "raw_status_code": 400}).status == 400


def test_retry_after_in_all_its_forms() -> None:
    assert retry_after({"retry-after": "2.5"}) == 2.5
    soon = retry_after({"retry-after": formatdate(usegmt=True)})
    assert soon is not None
    assert 0 <= soon < 60
    later = retry_after({"retry-after": "Fri, 31 Dec 2100 23:59:59 GMT"})
    assert later is not None
    assert later > 1e6
    for nonsense in ("soon", "-1", "nan", "inf", "Fri, 99 Foo 2100"):
        assert retry_after({"retry-after": nonsense}) is None
    assert retry_after({"retry-after-ms": "x", "retry-after": "3"}) == 3
