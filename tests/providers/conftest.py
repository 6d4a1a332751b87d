"""A real HTTP server on the loopback, which answers what a test tells it to, also when that is nonsense."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

FIXTURES = Path(__file__).parent / "fixtures"


@dataclass
class Reply:
    """What to answer. `end`: "whole"; "cut" closes in the middle, "reset" not even politely; "hang" stays silent until
    the other side goes, and "silent" gives no answer at all."""

    body: str | bytes | Sequence[bytes] = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    end: str = "whole"

    @property
    def pieces(self) -> list[bytes]:
        body = self.body.encode() if isinstance(self.body, str) else self.body
        return [body] if isinstance(body, bytes) else list(body)


@dataclass
class Received:
    """A request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Service:
    """Answers each request with the next reply; the last one is given again and again."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.received: list[Received] = []
        self.connections = 0
        #: Set when the other side closed a connection that was still being answered.
        self.left = threading.Event()
        #: Connections that the other side has not closed.
        self.open = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def answers(self, *replies: Reply) -> Service:
        self.replies = list(replies)
        return self

    def close(self) -> None:
        with suppress(OSError):  # Linux: who waits for a connection is not woken by closing; elsewhere it is
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self.open += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as stream:
                while request := _read_request(stream):
                    self.received.append(request)
                    reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
                    if not self._send(connection, reply):
                        return
        except (OSError, ValueError):
            return
        finally:
            self.open -= 1

    def _send(self, connection: socket.socket, reply: Reply) -> bool:
        """Whether the connection may be used again."""
        if reply.end == "silent":
            return False
        headers = {"content-type": "text/event-stream", **reply.headers, "transfer-encoding": "chunked"}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        connection.sendall(f"HTTP/1.1 {reply.status} X\r\n{head}\r\n".encode())
        for piece in reply.pieces:
            if piece:
                connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        if reply.end == "whole":
            connection.sendall(b"0\r\n\r\n")
            return True
        if reply.end == "reset":
            # Without lingering, closing is a reset.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if reply.end == "hang" and connection.recv(1) == b"":
            self.left.set()
        return False


def _read_request(stream: Any) -> Received | None:
    line = stream.readline().decode()
    if not line:
        return None
    method, target, _ = line.split(" ", 2)
    headers: dict[str, str] = {}
    while (line := stream.readline().decode().strip()) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Received(method, target, headers, stream.read(int(headers.get("content-length", 0))))


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.close()


@pytest.fixture
def reply() -> type[Reply]:
    return Reply


@pytest.fixture
def fixtures() -> Path:
    return FIXTURES
