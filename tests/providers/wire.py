"""The smallest wire, and ways to ask it: what the tests of HTTP share."""

from __future__ import annotations

import asyncio
import http.server
import socket
import ssl
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from alloy_nb.errors import AlloyError, ProviderError, StreamError
from alloy_nb.messages import Message
from alloy_nb.providers._failures import make_error
from alloy_nb.providers.base import Delta, Done, Request, TextDelta
from alloy_nb.providers.http import HTTPProvider

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


def mocked(reply: Callable[[httpx2.Request], httpx2.Response]) -> Wire:
    return Wire(
        "m",
        base_url="https://service.test",
        api_key=KEY,
        http_client=lambda: httpx2.AsyncClient(transport=httpx2.MockTransport(reply)),
    )


class _Answer(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self.wfile.write(ANSWER.encode())

    def log_message(self, *_: Any) -> None:
        """Nothing on stderr."""


@contextmanager
def answering(host: str, certificate: Path | None = None) -> Iterator[int]:
    """A service at `host` that gives every request the same answer, over TLS with a `certificate`: its port."""

    class Server(http.server.ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

    with Server((host, 0), _Answer) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_port
        server.shutdown()
