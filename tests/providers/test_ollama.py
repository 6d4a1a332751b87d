"""Ollama, end to end: where it answers, what is asked of it first, and what its errors mean."""

from __future__ import annotations

import asyncio
import json
import socket
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from alloy_nb.errors import (
    AuthError,
    BadRequestError,
    ConfigError,
    ContextOverflowError,
    ProviderError,
    ServerError,
    StreamError,
)
from alloy_nb.messages import Message
from alloy_nb.providers.answer import Answer
from alloy_nb.providers.base import Request
from alloy_nb.providers.ollama import ContextWarning, Ollama, complete_address, running_models
from alloy_nb.providers.registry import resolve_model
from alloy_nb.providers.vendors import VENDORS

from .wire import ask, provider_error

DONE = {"model": "llama4", "message": {"content": "Hi"}, "done": True, "done_reason": "stop"}
SHORT = Request((Message.user("Hello"),), request_timeout=20)
LONG = Request((Message.user("x" * 35_000),), max_output_tokens=100)


class Server:
    """Answers by path, and remembers what it was asked."""

    def __init__(self, answers: Mapping[str, Any] | None = None, status: int = 200) -> None:
        self.answers = {"/api/chat": DONE, **(answers or {})}
        self.status = status
        self.asked: list[tuple[str, Any]] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        self.asked.append((path, json.loads(request.content) if request.content else None))
        answer = self.answers.get(path)
        if answer is None:
            return httpx2.Response(404, json={"error": "not here"})
        if isinstance(answer, Exception):
            raise answer
        status = self.status if path == "/api/chat" else 200
        if isinstance(answer, str):
            return httpx2.Response(status, content=answer.encode(), headers={"content-type": "application/x-ndjson"})
        return httpx2.Response(status, json=answer)

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]

    @property
    def sent(self) -> list[Any]:
        return [body for path, body in self.asked if path == "/api/chat"]


def ollama(reply: Callable[..., Any] | None = None, model: str = "llama4", **settings: Any) -> Ollama:
    client = (lambda: httpx2.AsyncClient(transport=httpx2.MockTransport(reply))) if reply else None
    return Ollama(model, http_client=client, **settings)


def collected(deltas: Iterable[Any]) -> Answer:
    answer = Answer("ollama")
    for delta in deltas:
        answer.feed(delta)
    return answer


# Where it answers


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:9000", "http://127.0.0.1:9000"),
        (":9000", "http://127.0.0.1:9000"),
        ("[::]", "http://127.0.0.1:11434"),
        ("::1", "http://[::1]:11434"),
        ("[::1]:9000", "http://[::1]:9000"),
        ("myhost", "http://myhost:11434"),
        (" myhost:9000/ ", "http://myhost:9000"),
        ("http://myhost:9000", "http://myhost:9000"),
        ("http://myhost:9000/v1", "http://myhost:9000"),
        ("http://myhost:9000/v1/chat/completions", "http://myhost:9000"),
        ("http://myhost:9000/api/", "http://myhost:9000"),
        ("http://myhost:9000/api/chat", "http://myhost:9000"),
        # With a scheme the scheme's own port is meant, as by Ollama itself.
        ("http://myhost", "http://myhost"),
        ("https://proxy.test/ollama", "https://proxy.test/ollama"),
        ("https://me:pw@proxy.test:8443/ollama/v1?a=b", "https://me:pw@proxy.test:8443/ollama"),
        ("ollama.com", "https://ollama.com"),
        ("https://ollama.com", "https://ollama.com"),
    ],
)
def test_the_forms_of_an_address(given: str, address: str) -> None:
    """PRV-15"""
    whole = complete_address(given)
    base, _, query = whole.partition("?")
    assert base == f"{address}/api"
    assert query == ("a=b" if "?" in given else "")


@pytest.mark.parametrize("given", ["myhost:port", "http://[::1", "ftp://myhost"])
def test_an_address_that_is_none(given: str) -> None:
    """A ConfigError, never a bare ValueError."""
    with pytest.raises(ConfigError, match="base_url"):
        complete_address(given)


KEY = "sk-test-0123456789"
BEARER = {"authorization": f"Bearer {KEY}"}


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A port of this machine in place of Ollama's own; nobody listens there once it is closed."""
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/api"
        monkeypatch.setitem(VENDORS, "ollama", replace(VENDORS["ollama"], address=address))
        yield listener


def both(model: str = "llama4") -> list[Any]:
    """The provider by its class, and by its name."""
    return [Ollama(model), resolve_model(f"ollama:{model}")]


def test_without_a_key_this_machine_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """PRV-15"""
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    for local in both():
        assert local.url(local.encode(SHORT)[0]) == "http://localhost:11434/api/chat"
        assert local.auth_headers() == {}


def test_a_key_alone_means_the_cloud(home: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key was sent to this machine, where nobody was."""
    home.close()
    monkeypatch.setenv("OLLAMA_API_KEY", KEY)
    for cloud in both():
        assert cloud.base_url == "https://ollama.com/api"
        assert cloud.auth_headers() == BEARER


def test_a_server_here_goes_before_the_cloud_and_gets_no_key(
    home: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has both meant the server for models of its own, and the key for something else."""
    monkeypatch.setenv("OLLAMA_API_KEY", KEY)
    for here in both():
        assert here.base_url == VENDORS["ollama"].address
        assert here.auth_headers() == {}
    home.close()
    assert both()[1].base_url == "https://ollama.com/api"


def test_a_key_that_was_found_goes_over_https_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", KEY)
    monkeypatch.setenv("OLLAMA_HOST", "0.0.0.0:9000")
    for plain in both():
        assert plain.base_url == "http://127.0.0.1:9000/api"
        assert plain.auth_headers() == {}
    monkeypatch.setenv("OLLAMA_HOST", "https://proxy.test")
    assert [it.auth_headers() for it in both()] == [BEARER, BEARER]


def test_a_key_that_is_given_goes_where_it_is_given_for(home: socket.socket) -> None:
    assert ollama(api_key=KEY, base_url="http://10.0.0.1").auth_headers() == BEARER
    cloud = ollama(api_key=KEY)
    assert (cloud.base_url, cloud.auth_headers()) == ("https://ollama.com/api", BEARER)
    assert ollama(base_url="https://ollama.com").base_url == "https://ollama.com/api"


# Asking


def test_a_streamed_answer(service: Any, reply: Any) -> None:
    lines = [
        {"model": "llama4", "message": {"content": "Hel"}, "done": False},
        {"model": "llama4", "message": {"content": "lo\u2028é"}, "done": False},
        {"model": "llama4", "message": {"content": ""}, "done": True, "done_reason": "stop", "eval_count": 2},
    ]
    body = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode()
    service.answers(reply([body[:50], body[50:]], headers={"content-type": "application/x-ndjson"}))
    answer = collected(ask(ollama(base_url=service.url), SHORT))
    assert answer.message().text == "Hello\u2028é"
    assert answer.stop_reason == "end_turn"
    assert service.received[0].target == "/api/chat"
    assert service.received[0].json["stream"] is True


def test_an_answer_in_one_piece() -> None:
    """Without a word about it, the server would stream."""
    server = Server()
    assert collected(asyncio.run(ollama(server).complete(SHORT))).message().text == "Hi"
    assert server.sent[0]["stream"] is False


def test_a_stream_that_ends_too_early() -> None:
    """PRV-w2"""
    server = Server({"/api/chat": '{"message": {"content": "half"}, "done": false}\n'})
    assert type(provider_error(ollama(server), SHORT)) is StreamError


def test_the_models_that_are_installed() -> None:
    server = Server({"/api/tags": {"models": [{"name": "b"}, {"model": "a"}, {}, "odd"]}})
    assert asyncio.run(ollama(server).models()) == ["a", "b"]
    for odd in ([], {"models": None}):
        with pytest.raises(StreamError, match="models"):
            asyncio.run(ollama(Server({"/api/tags": odd})).models())


# The window

SHOWN = {"parameters": "num_ctx 2048", "model_info": {"llama.context_length": 32768}}


def asked_window(server: Server, request: Request = LONG) -> Any:
    collected(ask(ollama(server), request))
    return server.sent[-1].get("options", {}).get("num_ctx")


def test_a_short_conversation_asks_for_nothing() -> None:
    server = Server({"/api/show": SHOWN})
    assert asked_window(server, Request((Message.user("Hi"),), max_output_tokens=10)) is None
    assert server.paths == ["/api/chat"]


def test_a_long_conversation_gets_a_window_that_holds_it() -> None:
    """The server would cut its beginning without a word."""
    server = Server({"/api/show": SHOWN})
    assert asked_window(server) == 16384
    assert ("/api/show", {"model": "llama4"}) in server.asked
    own = Request(LONG.messages, temperature=0.5, extra_body={"keep_alive": 1, "options": {"seed": 1}})
    assert asked_window(server, own) == 16384
    assert server.sent[-1]["options"] == {"temperature": 0.5, "seed": 1, "num_ctx": 16384}
    assert server.sent[-1]["keep_alive"] == 1


def test_a_window_that_is_large_enough_is_left_alone() -> None:
    assert asked_window(Server({"/api/show": {**SHOWN, "parameters": "num_ctx 32768"}})) is None


def test_the_users_own_window_counts() -> None:
    server = Server({"/api/show": SHOWN})
    own = Request(LONG.messages, extra_body={"options": {"num_ctx": 1234}})
    assert asked_window(server, own) == 1234
    assert server.paths == ["/api/chat"]


def test_what_is_known_of_a_model_is_asked_once() -> None:
    server = Server({"/api/show": SHOWN})
    provider = ollama(server)
    assert provider.context_window is None
    for _ in range(3):
        ask(provider, LONG)
    assert server.paths.count("/api/show") == 1
    assert provider.context_window == 32768


@pytest.mark.parametrize("shown", [None, [], "no JSON", httpx2.ConnectError("gone")])
def test_not_to_know_the_model_is_no_error(shown: Any) -> None:
    """And the conversation still gets its window: the server itself knows the limit."""
    assert asked_window(Server({"/api/show": shown})) == 16384


def test_the_cloud_has_windows_of_its_own() -> None:
    server = Server({"/api/show": SHOWN})
    collected(ask(ollama(server, base_url="https://ollama.com"), LONG))
    assert server.paths == ["/api/chat"]


def test_a_conversation_that_no_window_holds_is_said_to_be_too_long() -> None:
    """Before it is sent, and once as long as it does not grow much."""
    server = Server({"/api/show": {"model_info": {"llama.context_length": 8192}}})
    provider = ollama(server)
    with pytest.warns(ContextWarning, match=r"about \d+ tokens, and llama4 reads 8192"):
        ask(provider, LONG)
    assert server.sent[-1]["options"]["num_ctx"] == 8192
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ask(provider, LONG)
    with pytest.warns(ContextWarning):
        ask(provider, Request((Message.user("x" * 90_000),)))


# Errors


def failing(message: Any, status: int, **more: Any) -> ProviderError:
    answers = {"/api/chat": {"error": message}, **more.pop("answers", {})}
    return provider_error(ollama(Server(answers, status), **more), SHORT)


@pytest.mark.parametrize(
    ("message", "status", "kind", "hint"),
    [
        ('"llama4" does not support thinking', 400, BadRequestError, "thinking"),
        ("registry.ollama.ai/library/llama4 does not support tools", 400, BadRequestError, "tools"),
        ('"nomic" does not support chat', 400, BadRequestError, "another model"),
        ("unauthorized", 401, AuthError, "OLLAMA_API_KEY"),
        ("the input length exceeds the context length", 400, ContextOverflowError, "window"),
        ("prompt too long; exceeded max context length by 9 tokens", 400, ContextOverflowError, "window"),
    ],
)
def test_its_errors(message: str, status: int, kind: type[ProviderError], hint: str) -> None:
    """PRV-3, PRV-22, each with what to do."""
    error = failing(message, status)
    assert type(error) is kind
    assert message in error.message
    assert hint in str(error.hint)


def test_a_server_that_breaks_may_recover_but_memory_does_not_grow() -> None:
    assert failing("llama runner process has terminated", 500).retryable
    memory = failing("model requires more system memory (9 GiB) than is available (8 GiB)", 500)
    assert type(memory) is ServerError
    assert not memory.retryable
    assert "smaller" in str(memory.hint)


MISSING = "model 'llama4' not found"


@pytest.mark.parametrize(
    ("tags", "hint"),
    [
        (None, "`ollama pull llama4` fetches it"),
        ({"models": []}, "`ollama pull llama4` fetches it"),
        ({"models": [{"name": "qwen3:4b"}]}, "`ollama pull llama4` fetches it; installed are qwen3:4b"),
        (
            {"models": [{"name": "llama3"}, {"name": "x"}]},
            "`ollama pull llama4` fetches it; or did you mean 'llama3', which is installed?",
        ),
    ],
)
def test_a_model_that_is_not_there(tags: Any, hint: str) -> None:
    error = failing(MISSING, 404, answers={"/api/tags": tags})
    assert type(error) is BadRequestError
    assert error.hint == hint


def test_an_error_line_in_a_stream() -> None:
    """SSE-w2: with status 200, and no line that says it is done."""
    error_line = '{"error": "an error was encountered while running the model"}\n'
    body = '{"message": {"content": "half"}, "done": false}\n' + error_line
    error = provider_error(ollama(Server({"/api/chat": body})), SHORT)
    assert type(error) is ServerError
    assert "an error was encountered" in error.message


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def test_nobody_there() -> None:
    error = provider_error(ollama(base_url=f"127.0.0.1:{closed_port()}"), SHORT)
    assert type(error) is ServerError
    assert "`ollama serve`" in str(error.hint)


# The choice of a model

TAGS = {
    "models": [
        {"name": "old:7b", "modified_at": "2025-01-01T10:00:00Z", "details": {"family": "llama"}},
        {"name": "new:7b", "modified_at": "2026-01-01T10:00:00Z", "details": None},
        {"name": "vectors", "modified_at": "2026-02-01T10:00:00Z", "details": {"family": "nomic-bert"}},
        {"name": "bge-m3:latest", "modified_at": "2026-02-01T10:00:00Z"},
        {"name": "mxbai-embed-large", "modified_at": "2026-02-01T10:00:00Z"},
        {"name": "told", "modified_at": "2026-02-01T10:00:00Z", "capabilities": ["embedding"]},
        {"name": "embedded-but-chats", "capabilities": ["completion", "tools"]},
        "odd",
    ]
}


def test_the_running_servers_models_the_newest_first(service: Any, reply: Any) -> None:
    """Without those that make vectors: they cannot be talked to."""
    service.answers(reply(json.dumps(TAGS), headers={"content-type": "application/json"}))
    assert running_models(service.url) == ["new:7b", "old:7b", "embedded-but-chats"]
    assert running_models(f"{service.url}/v1?a=b") == ["new:7b", "old:7b", "embedded-but-chats"]
    assert [request.target for request in service.received] == ["/api/tags", "/api/tags?a=b"]


def test_no_server_has_no_models(service: Any, reply: Any) -> None:
    for answer in (reply("no JSON"), reply("[]"), reply('{"models": 3}'), reply("{}", status=500)):
        service.answers(answer)
        assert running_models(service.url) == []
    service.answers(reply(end="silent"))
    assert running_models(service.url) == []
    assert running_models(f"https://127.0.0.1:{closed_port()}") == []
    assert running_models("http://[") == []


def test_a_question_about_the_model_that_failed_is_not_asked_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may take seconds to fail, and did so before every turn."""
    server = Server({"/api/show": httpx2.ConnectError("gone")})
    provider = ollama(server)
    for _ in range(3):
        ask(provider, LONG)
    assert server.paths.count("/api/show") == 1
    now = time.monotonic()
    monkeypatch.setattr("alloy_nb.providers.ollama.time.monotonic", lambda: now + 61)
    server.answers["/api/show"] = SHOWN
    for _ in range(2):
        ask(provider, LONG)
    assert server.paths.count("/api/show") == 2


def test_a_window_of_thousands_of_digits_is_none() -> None:
    assert asked_window(Server({"/api/show": {"parameters": "num_ctx " + "9" * 5000}})) is not None
