"""What every wire shares, against a real server: clients, failures, secrets, ends."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import pickle
import socket
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing
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
from alloy_nb.messages import Message
from alloy_nb.providers import _clients
from alloy_nb.providers._clients import client_for, is_loopback
from alloy_nb.providers._failures import make_error, read_failure, retry_after
from alloy_nb.providers._http import HTTPProvider
from alloy_nb.providers._payload import load_json, parse_body, parse_event, to_json
from alloy_nb.providers.base import Delta, Done, Provider, Request, TextDelta

KEY = "sk-test-0123456789abcdefghij"
REQUEST = Request((Message.user("Hello"),), request_timeout=20)
ANSWER = 'data: {"text": "a"}\n\ndata: {"text": "b"}\n\ndata: {"done": true}\n\n'


class Echo:
    """The smallest wire: ``{"text": …}`` and ``{"done": true}``."""

    def __init__(self) -> None:
        self.done = False

    def feed(self, event: Mapping[str, Any]) -> Iterable[Delta]:
        if "error" in event:
            raise make_error(None, {}, event)
        self.done = self.done or bool(event.get("done"))
        return [TextDelta(event["text"])] if "text" in event else []

    def end(self) -> Iterable[Delta]:
        if not self.done:
            raise StreamError("cut")
        return [Done("end_turn")]


class Wire(HTTPProvider):
    name = "wire"

    def encode(self, request: Request) -> tuple[str, dict[str, str], dict[str, Any]]:
        return "/ask", {"x-wire": "1"}, {"model": self.model, "say": request.messages[-1].text}

    def decoder(self) -> Echo:
        return Echo()


class Lines(Wire):
    framing = "ndjson"


@pytest.fixture
def wire(service: Any) -> Wire:
    return Wire("m", base_url=service.url + "/base", api_key=KEY)


async def streamed(provider: HTTPProvider, request: Request = REQUEST) -> list[Delta]:
    return [delta async for delta in provider.stream(request)]


def ask(provider: HTTPProvider, request: Request = REQUEST) -> list[Delta]:
    return asyncio.run(streamed(provider, request))


def failing(provider: HTTPProvider, request: Request = REQUEST) -> AlloyError:
    """The error of a call, after a look at whether it shows the key anywhere."""
    with pytest.raises(AlloyError) as caught:
        ask(provider, request)
    check_no_key(caught.value)
    return caught.value


def provider_error(provider: HTTPProvider, request: Request = REQUEST) -> ProviderError:
    error = failing(provider, request)
    assert isinstance(error, ProviderError)
    return error


def check_no_key(error: BaseException) -> None:
    shown = "".join(traceback.format_exception(error)) + repr(error) + repr(error.args) + repr(vars(error))
    shown += repr(getattr(error, "__notes__", ""))
    assert KEY not in shown
    for other in (error.__cause__, error.__context__):
        if other is not None:
            check_no_key(other)


# Asking and answering


def test_a_streamed_answer(wire: Wire, service: Any, reply: Any) -> None:
    """PRV-1"""
    service.answers(reply(ANSWER))
    assert ask(wire) == [TextDelta("a"), TextDelta("b"), Done("end_turn")]
    received = service.received[0]
    assert (received.method, received.target) == ("POST", "/base/ask")
    assert received.json == {"model": "m", "say": "Hello", "stream": True}
    assert received.headers["authorization"] == f"Bearer {KEY}"
    assert received.headers["content-type"] == "application/json"
    assert received.headers["x-wire"] == "1"
    assert received.headers["user-agent"].startswith("alloy-nb/")


def test_a_whole_answer(wire: Wire, service: Any, reply: Any) -> None:
    """PRV-1"""
    service.answers(reply('\n\n {"text": "ab", "done": true}', headers={"content-type": "text/plain"}))
    assert asyncio.run(wire.complete(REQUEST)) == [TextDelta("ab"), Done("end_turn")]
    assert "stream" not in service.received[0].json


def test_the_answers_type_decides_how_it_is_read(wire: Wire, service: Any, reply: Any) -> None:
    """Services ignore `stream`, in both directions."""
    service.answers(reply('{"text": "ab", "done": true}', headers={"content-type": "application/json; x=y"}))
    assert ask(wire) == [TextDelta("ab"), Done("end_turn")]
    service.answers(reply(ANSWER))
    assert len(asyncio.run(wire.complete(REQUEST))) == 3


def test_lines_of_json(service: Any, reply: Any) -> None:
    service.answers(reply('{"text": "a"}\n{"done": true}', headers={"content-type": "application/x-ndjson"}))
    assert ask(Lines("m", base_url=service.url)) == [TextDelta("a"), Done("end_turn")]


def test_the_providers_protocol_is_met(wire: Wire) -> None:
    assert isinstance(wire, Provider)
    assert wire.options == frozenset()
    assert not wire.constrains_arguments


def test_a_bare_provider_says_what_is_missing() -> None:
    with pytest.raises(NotImplementedError):
        HTTPProvider("m", base_url="http://x.test").encode(REQUEST)
    with pytest.raises(NotImplementedError):
        HTTPProvider("m", base_url="http://x.test").decoder()


def test_own_headers_win_and_the_query_is_kept(service: Any, reply: Any) -> None:
    service.answers(reply(ANSWER))
    headers = {"Authorization": "Basic abc", "X-Title": "Mine"}
    ask(Wire("m", base_url=service.url + "/v1/?api-version=3", api_key=KEY, headers=headers))
    assert service.received[0].target == "/v1/ask?api-version=3"
    assert service.received[0].headers["authorization"] == "Basic abc"
    assert service.received[0].headers["x-title"] == "Mine"


def test_without_a_key_no_authorization_is_sent(service: Any, reply: Any) -> None:
    service.answers(reply(ANSWER))
    ask(Wire("m", base_url=service.url, api_key="  "))
    assert "authorization" not in service.received[0].headers


def test_cookies_are_not_kept(wire: Wire, service: Any, reply: Any) -> None:
    """A call depends on nothing that an earlier one left."""
    service.answers(reply(ANSWER, headers={"set-cookie": "a=b; Path=/"}))

    async def twice() -> None:
        await streamed(wire)
        await streamed(wire)

    asyncio.run(twice())
    assert "cookie" not in service.received[1].headers


def test_get_json(wire: Wire, service: Any, reply: Any) -> None:
    service.answers(reply("[1]"), reply("no", status=500))
    assert asyncio.run(wire.get_json("/list")) == [1]
    assert service.received[0].method == "GET"
    with pytest.raises(ServerError):
        asyncio.run(wire.get_json("/list"))
    service.answers(reply("<html>"))
    with pytest.raises(StreamError):
        asyncio.run(wire.get_json("/list"))


# Ends


def test_done_ends_the_answer_though_the_line_stays_open(wire: Wire, service: Any, reply: Any) -> None:
    service.answers(reply(ANSWER + "data: [DONE]\n\n", end="hang"))
    assert ask(wire)[-1] == Done("end_turn")


def test_the_connection_is_used_again(wire: Wire, service: Any, reply: Any) -> None:
    service.answers(reply(ANSWER + "data: [DONE]\n\n"))

    async def several() -> None:
        for _ in range(5):
            await streamed(wire)

    asyncio.run(several())
    assert (len(service.received), service.connections) == (5, 1)


def test_a_cut_answer_is_an_error(wire: Wire, service: Any, reply: Any) -> None:
    """PRV-w2, SSE-w2: never a success."""
    service.answers(reply('data: {"text": "a"}\n\n', end="cut"))
    error = provider_error(wire)
    assert isinstance(error, StreamError)
    assert error.retryable
    service.answers(reply('data: {"text": "a"}\n\n'))
    assert isinstance(failing(wire), StreamError)


def test_what_came_before_a_cut_was_given(wire: Wire, service: Any, reply: Any) -> None:
    service.answers(reply('data: {"text": "a"}\n\n', end="cut"))

    async def collect() -> list[Delta]:
        deltas = []
        try:
            async for delta in wire.stream(REQUEST):
                deltas.append(delta)
        except StreamError:
            deltas.append(TextDelta("!"))
        return deltas

    assert asyncio.run(collect()) == [TextDelta("a"), TextDelta("!")]


def test_the_last_event_needs_no_blank_line(wire: Wire, service: Any, reply: Any) -> None:
    """SSE-w1"""
    service.answers(reply(ANSWER.rstrip()))
    assert ask(wire)[-1] == Done("end_turn")


def test_closing_early_closes_the_connection(wire: Wire, service: Any, reply: Any) -> None:
    service.answers(reply('data: {"text": "a"}\n\n', end="hang"))

    async def first() -> None:
        async with aclosing(wire.stream(REQUEST)) as deltas:  # type: ignore[type-var]
            assert await anext(aiter(deltas)) == TextDelta("a")

    asyncio.run(first())
    assert service.left.wait(20)


def test_cancelling_closes_the_connection(wire: Wire, service: Any, reply: Any) -> None:
    service.answers(reply('data: {"text": "a"}\n\n', end="hang"))

    async def cancelled() -> None:
        begun = asyncio.Event()

        async def read() -> None:
            async for _ in wire.stream(REQUEST):
                begun.set()

        task = asyncio.create_task(read())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(service.left.wait, 20)

    asyncio.run(cancelled())


# Failures


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
    assert "running" in str(error.hint)


def test_a_connection_closed_without_an_answer(wire: Wire, service: Any, reply: Any) -> None:
    service.answers(reply(end="silent"))
    error = provider_error(wire)
    assert isinstance(error, ServerError)
    assert error.retryable


def test_tls_that_fails_is_said_so(service: Any, reply: Any) -> None:
    service.answers(reply(ANSWER))
    error = provider_error(Wire("m", base_url=service.url.replace("http", "https"), api_key=KEY))
    assert isinstance(error, ServerError)


def test_a_certificate_nobody_trusts(tmp_path: Any) -> None:
    def reply(_: httpx2.Request) -> httpx2.Response:
        import ssl

        raise httpx2.ConnectError(KEY) from ssl.SSLCertVerificationError(1, "unknown authority")

    error = provider_error(mocked(reply))
    assert isinstance(error, ServerError)
    assert not error.retryable
    assert "SSL_CERT_FILE" in str(error.hint)


def mocked(reply: Callable[[httpx2.Request], httpx2.Response]) -> Wire:
    return Wire(
        "m",
        base_url="https://service.test",
        api_key=KEY,
        http_client=lambda: httpx2.AsyncClient(transport=httpx2.MockTransport(reply)),
    )


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


def test_a_body_that_is_no_json_is_an_error(wire: Wire, service: Any, reply: Any) -> None:
    """PRV-4"""
    service.answers(reply("[1]", headers={"content-type": "application/json"}))
    with pytest.raises(StreamError, match="no JSON object"):
        asyncio.run(wire.complete(REQUEST))


def test_an_answer_without_end_is_refused(
    wire: Wire, service: Any, reply: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alloy_nb.providers._http.LARGEST_ANSWER", 100)
    service.answers(reply([b"x" * 64] * 4, headers={"content-type": "application/json"}))
    with pytest.raises(StreamError, match="larger"):
        asyncio.run(wire.complete(REQUEST))


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


def test_retry_after_is_read_on_errors_only(wire: Wire, service: Any, reply: Any) -> None:
    service.answers(reply(ANSWER, headers={"retry-after": "60"}))
    assert ask(wire)[-1] == Done("end_turn")


def test_a_request_json_cannot_hold_is_a_config_error(service: Any, reply: Any) -> None:
    class Bad(Wire):
        def encode(self, request: Request) -> tuple[str, dict[str, str], dict[str, Any]]:
            return "/", {}, {"x": object()}

    error = failing(Bad("m", base_url=service.url, api_key=KEY))
    assert isinstance(error, ConfigError)
    assert service.received == []


# Classification

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


# JSON


def test_an_event_that_is_no_object_is_passed_over() -> None:
    """SSE-4"""
    assert parse_event(None, "ping") is None
    assert parse_event(None, "") is None
    assert parse_event(None, "[1]") is None


def test_an_object_that_cannot_be_read_is_an_error() -> None:
    """SSE-4, bettered: a piece of the answer would be missing without a word."""
    with pytest.raises(StreamError):
        parse_event(None, '{"text": "half')


def test_halves_of_characters_are_replaced() -> None:
    """A lone surrogate would break whatever stores the answer."""
    assert load_json('{"a": "\\ud83d\\ude42 \\ud83d"}') == {"a": "🙂 \ufffd"}
    assert load_json('{"a": "line\nbreak"}') == {"a": "line\nbreak"}
    assert load_json("nonsense") is None
    assert load_json("[" * 100_000) is None


def test_a_body_that_is_no_object() -> None:
    with pytest.raises(StreamError):
        parse_body(b"")


def test_what_json_cannot_hold() -> None:
    assert json.loads(to_json({"a": (1, 2), "b": {3}, "c": "é\ud83d"})) == {"a": [1, 2], "b": [3], "c": "é?"}
    from types import MappingProxyType

    assert to_json({"a": MappingProxyType({"b": 1})}) == b'{"a": {"b": 1}}'
    for body in ({"a": float("nan")}, {"a": object()}):
        with pytest.raises(ConfigError, match="JSON"):
            to_json(body)


# Configuration


@pytest.mark.parametrize("base_url", ["", "example.com/v1", "ftp://example.com", "http://", None])
def test_an_address_that_is_none(base_url: Any) -> None:
    with pytest.raises(ConfigError, match="base_url"):
        Wire("m", base_url=base_url)


@pytest.mark.parametrize("model", ["", None])
def test_a_model_that_is_none(model: Any) -> None:
    with pytest.raises(ConfigError, match="model"):
        Wire(model, base_url="http://x.test")


@pytest.mark.parametrize("header", ["line\nbreak-of-a-key", "smart\u201dquote-of-a-key", None])
def test_a_header_that_is_none_is_refused_unseen(header: Any) -> None:
    with pytest.raises(ConfigError, match="x-api-key") as caught:
        Wire("m", base_url="http://x.test", headers={"x-api-key": header})
    assert "of-a-key" not in str(caught.value)
    with pytest.raises(ConfigError, match="api_key"):
        Wire("m", base_url="http://x.test", api_key="a\x00b")


def test_a_client_that_is_none(wire: Wire, service: Any) -> None:
    with pytest.raises(ConfigError, match="http_client"):
        Wire("m", base_url="http://x.test", http_client=7)  # type: ignore[arg-type]
    error = failing(Wire("m", base_url=service.url, http_client=lambda: 7))  # type: ignore[arg-type,return-value]
    assert isinstance(error, ConfigError)

    def broken() -> httpx2.AsyncClient:
        raise RuntimeError(KEY)

    error = failing(Wire("m", base_url=service.url, http_client=broken, api_key=KEY))
    assert isinstance(error, ConfigError)
    assert "RuntimeError" in error.message


def test_nothing_shows_the_key(caplog: pytest.LogCaptureFixture, service: Any, reply: Any) -> None:
    """CFG-w3"""
    url = service.url.replace("http://", f"http://user:{KEY}@") + f"/v1?key={KEY}"
    provider = Wire("m", base_url=url, api_key=KEY, headers={"x-api-key": KEY})
    assert repr(provider) == f"Wire('m', base_url='{service.url}/v1')"
    assert KEY not in repr({name: value for name, value in vars(provider).items() if name != "base_url"})
    caplog.set_level(logging.DEBUG, logger="alloy_nb")
    service.answers(reply(f"bad key {KEY}", status=400))
    failing(provider)
    assert KEY not in caplog.text


def test_an_ordinary_header_is_not_taken_for_a_secret(service: Any, reply: Any) -> None:
    Wire("m", base_url=service.url, headers={"x-title": "quite ordinary"})
    assert make_error(400, {}, "quite ordinary").body == "quite ordinary"


def test_a_provider_can_be_pickled(wire: Wire, service: Any, reply: Any) -> None:
    service.answers(reply(ANSWER))
    copy = pickle.loads(pickle.dumps(wire))
    assert ask(copy)[-1] == Done("end_turn")
    assert service.received[0].headers["authorization"] == f"Bearer {KEY}"


# Clients


def test_loopback_addresses() -> None:
    for url in ("http://localhost:1", "http://a.localhost", "http://127.9.9.9", "http://[::1]:2", "http://0.0.0.0"):
        assert is_loopback(url)
    for url in ("http://localhost.example.com", "http://10.0.0.1", "https://api.example.com", "nonsense"):
        assert not is_loopback(url)


def test_this_machine_is_never_reached_through_a_proxy(
    wire: Wire, service: Any, reply: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    service.answers(reply(ANSWER))
    assert ask(wire)[-1] == Done("end_turn")


def test_other_machines_are_reached_through_the_proxy(
    service: Any, reply: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_proxies(monkeypatch)
    monkeypatch.setenv("HTTP_PROXY", service.url)
    service.answers(reply(ANSWER))
    assert ask(Wire("m", base_url="http://service.test/v1"))[-1] == Done("end_turn")
    assert service.received[0].target == "http://service.test/v1/ask"


def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize("proxy", ["nonsense://user:hunter2secret@host", "http://user:hunter2secret@host:port"])
def test_a_proxy_that_cannot_be_used(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without_proxies(monkeypatch)
    monkeypatch.setenv("ALL_PROXY", proxy)
    error = failing(Wire("m", base_url="https://service.test"))
    assert isinstance(error, ConfigError)
    assert "PROXY" in str(error.hint)
    assert "hunter2secret" not in f"{error.message} {error.hint}"


def test_a_socks_proxy_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    without_proxies(monkeypatch)
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    monkeypatch.setitem(__import__("sys").modules, "socksio", None)
    error = failing(Wire("m", base_url="https://service.test"))
    assert isinstance(error, ConfigError)
    assert "socks" in error.message.lower()


def test_certificates_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    error = failing(Wire("m", base_url="https://service.test"))
    assert isinstance(error, ConfigError)
    assert "SSL_CERT_FILE" in error.message
    (tmp_path / "broken.pem").write_text("nonsense")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "broken.pem"))
    assert isinstance(failing(Wire("m", base_url="https://service.test")), ConfigError)


def test_one_client_a_loop_whatever_the_provider(service: Any, reply: Any) -> None:
    async def two() -> tuple[Any, Any, Any]:
        first = await client_for("http://127.0.0.1:1", None)
        second = await client_for("http://127.0.0.1:2", None)
        return first, second, await client_for("https://service.test", None)

    first, second, other = asyncio.run(two())
    assert first is second
    assert first is not other
    assert first.is_closed
    assert other.is_closed
    assert asyncio.run(two())[0] is not first


def test_a_factory_is_called_once_a_loop(service: Any, reply: Any) -> None:
    service.answers(reply(ANSWER))
    made: list[httpx2.AsyncClient] = []

    def factory() -> httpx2.AsyncClient:
        made.append(httpx2.AsyncClient())
        return made[-1]

    provider = Wire("m", base_url=service.url, http_client=factory)

    async def twice() -> None:
        await asyncio.gather(streamed(provider), streamed(provider))

    asyncio.run(twice())
    asyncio.run(twice())
    assert len(made) == 2
    assert all(client.is_closed for client in made)


def test_a_factorys_client_goes_when_it_goes(service: Any, reply: Any) -> None:
    """A cell that is run again and again on a long-lived loop would leave a client behind each time."""
    service.answers(reply(ANSWER))
    made: list[httpx2.AsyncClient] = []

    async def one() -> None:
        def factory() -> httpx2.AsyncClient:
            made.append(httpx2.AsyncClient())
            return made[-1]

        await streamed(Wire("m", base_url=service.url, http_client=factory))

    async def several() -> None:
        await one()
        gc.collect()
        while not made[0].is_closed:
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(several(), 20))


def test_a_factory_that_cannot_be_referred_to_weakly(service: Any, reply: Any) -> None:
    class Factory:
        __slots__ = ()

        def __call__(self) -> httpx2.AsyncClient:
            return httpx2.AsyncClient()

    service.answers(reply(ANSWER))
    assert ask(Wire("m", base_url=service.url, http_client=Factory()))[-1] == Done("end_turn")


def test_a_factory_may_outlive_its_loop(service: Any, reply: Any) -> None:
    service.answers(reply(ANSWER))

    def factory() -> httpx2.AsyncClient:
        return httpx2.AsyncClient()

    ask(Wire("m", base_url=service.url, http_client=factory))
    loop = asyncio.new_event_loop()
    loop.run_until_complete(streamed(Wire("m", base_url=service.url, http_client=factory)))
    loop.close()
    del factory
    gc.collect()


def open_files() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


def test_many_loops_leak_nothing(wire: Wire, service: Any, reply: Any) -> None:
    """A thousand `asyncio.run` leave no client, file or thread; a quarter of it shows the same."""
    service.answers(reply(ANSWER, headers={"connection": "close"}))
    ask(wire)
    gc.collect()
    files, threads = open_files(), threading.active_count()
    for _ in range(250):
        ask(wire)
    gc.collect()
    assert open_files() <= files + 8  # the server's side closes in its own time
    assert threading.active_count() <= threads + 4
    assert not [held for held in _clients._loops.values() if not held.loop.is_closed()]


def test_a_loop_that_was_just_dropped_is_let_go(wire: Wire, service: Any, reply: Any) -> None:
    """Without `shutdown_asyncgens` nothing closes the client; the next loop forgets it."""
    service.answers(reply(ANSWER + "data: [DONE]\n\n"))
    loop = asyncio.new_event_loop()
    loop.run_until_complete(streamed(wire))
    loop.close()
    assert any(held.loop is loop for held in _clients._loops.values())
    ask(wire)
    assert not any(held.loop is loop for held in _clients._loops.values())


def test_loops_in_several_threads_do_not_meet(wire: Wire, service: Any, reply: Any) -> None:
    service.answers(reply(ANSWER))
    answers: list[Delta] = []
    threads = [threading.Thread(target=lambda: answers.append(ask(wire)[-1])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == [Done("end_turn")] * 8


@pytest.fixture(autouse=True)
def _certificates_are_read_anew() -> Iterator[None]:
    yield
    _clients._certificates.cache_clear()
