"""A service on this machine that answers what a test tells it to, also when that is nonsense."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal

__all__ = ["Loopback", "Received", "Reply"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer. The pieces of `body` are sent one by one.

    `end`: "whole"; "cut" closes the connection in the middle; "hang" says no more until the other side goes.
    """

    body: bytes | Sequence[bytes] = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "text/event-stream"})
    end: Literal["whole", "cut", "hang"] = "whole"


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it arrived; names of headers in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Loopback:
    """A real HTTP/1.1 service on a port of its own, each connection in a thread; a context manager.

    Each request gets the next of the `replies`; the last one is given again and again. A request for one of the
    paths of `beside` gets that reply. `received` lists the other requests.

    >>> import httpx2
    >>> with Loopback(Reply(b"Hello")) as service:
    ...     httpx2.get(service.url, trust_env=False).text
    'Hello'
    """

    def __init__(self, *replies: Reply, beside: Mapping[str, Reply] | None = None) -> None:
        self.received: list[Received] = []
        self._beside = dict(beside or {})
        #: Set while an answer hangs, and when the other side left one that did.
        self.hangs = threading.Event()
        self.left = threading.Event()
        self._replies = list(replies)
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, name="loopback", daemon=True).start()

    def answer(self, *replies: Reply) -> None:
        """What comes next, from a clean sheet."""
        with self._lock:
            self._replies = list(replies)
            self.received.clear()
        self.hangs.clear()
        self.left.clear()

    def close(self) -> None:
        with self._lock:
            connections = list(self._open)
        for opened in (self._listener, *connections):
            try:
                # A thread that waits on it hears of it only this way.
                opened.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            opened.close()

    def __enter__(self) -> Loopback:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), name="loopback", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as stream:
                while (request := _read(stream)) is not None:
                    if not self._send(connection, self._reply_to(request)):
                        return
        except (OSError, ValueError):
            return
        finally:
            with self._lock:
                self._open.discard(connection)

    def _reply_to(self, request: Received) -> Reply:
        beside = self._beside.get(request.target.partition("?")[0])
        if beside is not None:
            return beside
        with self._lock:
            self.received.append(request)
            return self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]

    def _send(self, connection: socket.socket, reply: Reply) -> bool:
        """Whether the connection may be used again."""
        pieces = [reply.body] if isinstance(reply.body, bytes) else reply.body
        headers = {**reply.headers, "transfer-encoding": "chunked"}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        chunks = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece]
        end = b"0\r\n\r\n" if reply.end == "whole" else b""
        connection.sendall(f"HTTP/1.1 {reply.status} -\r\n{head}\r\n".encode("latin-1") + b"".join(chunks) + end)
        if reply.end == "hang":
            self.hangs.set()
            if connection.recv(1) == b"":
                self.left.set()
        return reply.end == "whole"


def _read(stream: BinaryIO) -> Received | None:
    line = stream.readline().decode("latin-1")
    if not line:
        return None
    method, target, _ = line.split(" ", 2)
    headers: dict[str, str] = {}
    while (line := stream.readline().decode("latin-1").strip()) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Received(method, target, headers, stream.read(int(headers.get("content-length", 0))))
