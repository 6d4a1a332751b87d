"""A wheel from the index without pip, from an index on this machine."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from steps import index
from steps.failure import Failure

WHEEL = b"the newest wheel"
DIGEST = hashlib.sha256(WHEEL).hexdigest()
NAMES = ["pip-9.0.1-py3-none-any.whl", "pip-26.3-py3-none-any.whl", "pip-27.0rc1-py3-none-any.whl", "pip-28.0.tar.gz"]


class Index(BaseHTTPRequestHandler):
    kind = "json"
    digest = DIGEST
    seen: list = []  # noqa: RUF012 - a fresh one each test

    def do_GET(self):
        self.seen.append((self.path, self.headers.get("Authorization")))
        if self.path.endswith(".whl"):
            return self.answer(WHEEL, "application/zip")
        if self.path != "/simple/pip/":
            return self.send_error(404)
        if self.kind == "json":
            files = [
                {"filename": n, "url": f"../../files/{n}", "hashes": {"sha256": self.digest}, "yanked": False}
                for n in NAMES
            ]
            files.append({"filename": "pip-99.0-py3-none-any.whl", "url": "x", "hashes": {}, "yanked": "bad"})
            return self.answer(json.dumps({"files": files}).encode(), "application/vnd.pypi.simple.v1+json")
        links = "".join(f'<a href="../../files/{n}#sha256={self.digest}">{n}</a>' for n in NAMES)
        links += f'<a href="x/pip-99.0-py3-none-any.whl#sha256={self.digest}" data-yanked="bad">no</a>'
        return self.answer(f"<html>{links}</html>".encode(), "text/html")

    def answer(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Index, "seen", [])
    running = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.mark.parametrize("kind", ["json", "html"])
def test_the_newest_released_wheel_is_fetched_and_its_digest_checked(kind, server, tmp_path, monkeypatch):
    monkeypatch.setattr(Index, "kind", kind)
    env = {"PIP_INDEX_URL": f"http://{server}/simple"}
    wheel = index.fetch("pip", tmp_path, env, tmp_path / "log")
    assert wheel.name == "pip-26.3-py3-none-any.whl"
    assert wheel.read_bytes() == WHEEL


def test_a_wheel_that_is_not_what_the_index_says_is_refused(server, tmp_path, monkeypatch):
    monkeypatch.setattr(Index, "digest", "0" * 64)
    with pytest.raises(Failure, match="SHA-256 differs"):
        index.fetch("pip", tmp_path / "w", {"PIP_INDEX_URL": f"http://{server}/simple"}, tmp_path / "log")
    assert not (tmp_path / "w").exists()


def test_the_password_in_the_index_address_is_sent(server, tmp_path):
    index.fetch("pip", tmp_path, {"PIP_INDEX_URL": f"http://me:p%40ss@{server}/simple/"}, tmp_path / "log")
    assert Index.seen[0] == ("/simple/pip/", "Basic bWU6cEBzcw==")


def test_no_index_there_is_explained(tmp_path):
    env = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple"}
    with pytest.raises(Failure, match="cannot be reached") as caught:
        index.fetch("pip", tmp_path, env, tmp_path / "log")
    assert "PIP_INDEX_URL" in caught.value.remedy
    assert "127.0.0.1:9" in (tmp_path / "log").read_text()


@pytest.mark.parametrize("proxy", ["http://host:port", "http://127.0.0.1:9", "nonsense"])
def test_a_proxy_that_does_not_work_is_explained(proxy, tmp_path):
    env = {"PIP_INDEX_URL": "http://index.test/simple", "PIP_PROXY": proxy}
    with pytest.raises(Failure) as caught:
        index.fetch("pip", tmp_path, env, tmp_path / "log")
    assert caught.value.log == tmp_path / "log"


def test_certificates_that_are_not_there_are_explained(server, tmp_path):
    env = {"PIP_INDEX_URL": f"http://{server}/simple", "PIP_CERT": str(tmp_path / "missing.pem")}
    with pytest.raises(Failure) as caught:
        index.fetch("pip", tmp_path, env, tmp_path / "log")
    assert "PIP_CERT" in caught.value.remedy
