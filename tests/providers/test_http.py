"""What every wire shares, against a real server: asking, answering, ends, configuration, secrets."""

from __future__ import annotations

import asyncio
import logging
import pickle
from contextlib import aclosing
from typing import Any

import pytest

from alloy_nb.errors import ConfigError, ServerError, StreamError
from alloy_nb.providers._failures import make_error
from alloy_nb.providers.anthropic import Anthropic
from alloy_nb.providers.base import Delta, Done, Provider, TextDelta
from alloy_nb.providers.http import HTTPProvider
from alloy_nb.providers.ollama import Ollama
from alloy_nb.providers.openai import OpenAI
from tests.providers.wire import ANSWER, KEY, REQUEST, Lines, Wire, ask, failing, provider_error, streamed


@pytest.fixture
def wire(service: Any) -> Wire:
    return Wire("m", base_url=service.url + "/base", api_key=KEY)


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
    """PRV-10"""
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


def test_a_body_that_is_no_json_is_an_error(wire: Wire, service: Any, reply: Any) -> None:
    """PRV-4"""
    service.answers(reply("[1]", headers={"content-type": "application/json"}))
    with pytest.raises(StreamError, match="no JSON object"):
        asyncio.run(wire.complete(REQUEST))


def test_an_answer_without_end_is_refused(
    wire: Wire, service: Any, reply: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alloy_nb.providers.http.LARGEST_ANSWER", 100)
    service.answers(reply([b"x" * 64] * 4, headers={"content-type": "application/json"}))
    with pytest.raises(StreamError, match="larger"):
        asyncio.run(wire.complete(REQUEST))


def test_retry_after_is_read_on_errors_only(wire: Wire, service: Any, reply: Any) -> None:
    service.answers(reply(ANSWER, headers={"retry-after": "60"}))
    assert ask(wire)[-1] == Done("end_turn")


@pytest.mark.parametrize("base_url", ["", "example.com/v1", "ftp://example.com", "http://", None])
def test_an_address_that_is_none(base_url: Any) -> None:
    with pytest.raises(ConfigError, match="base_url"):
        Wire("m", base_url=base_url)


@pytest.mark.parametrize("model", ["", " ", None])
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


@pytest.mark.parametrize(
    ("model", "body", "kind"),
    [
        (
            Anthropic,
            'data: {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}\n\n'
            'data: {"type": "message_stop"}\n\n',
            "text/event-stream",
        ),
        (
            OpenAI,
            'data: {"type": "response.completed", "response": {"status": "completed", "output": []}}\n\n',
            "text/event-stream",
        ),
        (Ollama, '{"message": {"content": ""}, "done": true, "done_reason": "stop"}\n', "application/x-ndjson"),
    ],
)
def test_an_answer_is_over_when_the_service_says_so_though_the_line_stays_open(
    model: Any, body: str, kind: str, service: Any, reply: Any
) -> None:
    """Behind some proxies it is never closed."""
    service.answers(reply(body, headers={"content-type": kind}, end="hang"))
    assert ask(model("m", base_url=service.url, api_key=KEY))[-1] == Done("end_turn", None)
    assert service.left.wait(10)


@pytest.mark.parametrize(
    ("provider", "own"),
    [
        (Anthropic("m", api_key=KEY), "anthropic"),
        (Anthropic("m", api_key=KEY, base_url="https://API.anthropic.com"), "anthropic"),
        (
            Anthropic("m", api_key=KEY, base_url="https://me:pw@api.deepseek.com/anthropic"),
            "anthropic@api.deepseek.com",
        ),
        (OpenAI("m", api_key=KEY, base_url="http://localhost:8000"), "openai@localhost:8000"),
        (Ollama("m", base_url="http://localhost:11434"), "ollama"),
    ],
)
def test_a_service_elsewhere_owns_nothing_of_the_vendors(provider: HTTPProvider, own: str) -> None:
    """Law 9: what one can read alone is not sent to another of the same name; no password is in that name."""
    assert provider.own == own
