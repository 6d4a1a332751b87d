"""The `fetch` tool, against servers on this machine."""

from __future__ import annotations

import asyncio
import gzip
import http.server
import ssl
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.errors import ToolError
from alloy_nb.providers import _environment
from alloy_nb.tools import fetch as module
from alloy_nb.tools.approval import Decision, Memory, Question
from alloy_nb.tools.context import ToolContext
from alloy_nb.tools.fetch import Fetch

pytestmark = pytest.mark.thorough

CERTIFICATE = Path(__file__).parents[1] / "providers/fixtures/localhost.pem"


@dataclass
class Site:
    """A server, its answers by path (status, headers, body), and what it was asked."""

    port: int = 0
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def says(self, path: str, body: str | bytes = b"", kind: str = "text/plain", status: int = 200, **more: str) -> str:
        headers = {"content-type": kind, **{name.replace("_", "-"): value for name, value in more.items()}}
        self.answers[path] = (status, headers, body.encode() if isinstance(body, str) else body)
        return f"{self.url}{path}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


@pytest.fixture
def site() -> Iterator[Site]:
    yield from serve()


def serve(certificate: Path | None = None) -> Iterator[Site]:
    site = Site()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            status, headers, body = site.answers.get(self.path, (404, {"content-type": "text/plain"}, b"not here"))
            self.send_response(status)
            for name, value in headers.items():
                if name != "content-type" or value:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:  # whoever asked has enough
                return

        def log_message(self, *_: Any) -> None:
            """Nothing on stderr."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    site.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def result_of(url: str, tool: Fetch | None = None, **ctx: Any) -> alloy.ToolResult:
    tool = tool or Fetch(allow_private=["127.0.0.0/8"])
    return asyncio.run(tool.execute(tool.validate({"url": url}), ToolContext(**ctx)))


def fetch(url: str, tool: Fetch | None = None, **ctx: Any) -> str:
    return result_of(url, tool, **ctx).text


def refusal(url: str, tool: Fetch | None = None, **ctx: Any) -> str:
    with pytest.raises(ToolError) as caught:
        fetch(url, tool, **ctx)
    return str(caught.value)


# What comes back


def test_text_comes_as_it_is_with_its_address(site: Site) -> None:
    url = site.says("/a.txt", "größe\n", "text/plain; charset=utf-8")
    assert fetch(url) == f"{url} (text/plain)\n\ngröße\n"
    assert fetch(site.says("/l", "größe".encode("latin-1"), "text/plain; charset=latin-1")).endswith("\n\ngröße")
    assert fetch(site.says("/j", '{"a": 1}', "application/vnd.x+json")).endswith('{"a": 1}')
    assert fetch(site.says("/u", "x = 1", "application/octet-stream")).endswith("x = 1")
    assert fetch(site.says("/n", "plain", "")).endswith("plain")


def test_html_comes_as_markdown_without_scripts(site: Site) -> None:
    page = """<html><head><title>The  Title</title><style>p{}</style><script>steal()</script></head><body>
    <h1>Head</h1><p>Some <b>bold</b> <a href="/b">link</a>.</p><ul><li>one</li></ul><script>steal()</script></body>"""
    text = fetch(site.says("/", page, "text/html"))
    assert "Title: The Title\n\n# Head\n\nSome **bold** [link](/b).\n\n- one" in text
    assert "steal" not in text
    assert "p{}" not in text


def test_html_stays_as_it_is_where_no_library_reads_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    text = fetch(site.says("/", "<p>Hi</p>", "text/html"))
    assert text.endswith("\n\n<p>Hi</p>")
    assert "pip install 'justhtml<4'" in text


def test_pictures_come_as_pictures(site: Site) -> None:
    url = site.says("/a.png", b"\x89PNG\r\n\x1a\n\0", "image/png")
    result = result_of(url)
    assert (result.text, result.images[0].mime_type) == ("(image: image/png, 9 bytes)", "image/png")


def test_other_types_are_told_in_a_clear_word(site: Site) -> None:
    assert "is application/pdf, 4 bytes: fetch reads text and pictures only" in refusal(
        site.says("/a.pdf", "%PDF", "application/pdf")
    )
    assert "is application/octet-stream" in refusal(site.says("/b", b"\0\1\2", "application/octet-stream"))


def test_an_error_of_the_server_is_told_with_what_it_says(site: Site) -> None:
    assert refusal(f"{site.url}/x") == f"{site.url}/x answers 404 Not Found: not here"
    html = site.says("/h", "<p>a page full of markup</p>", "text/html", 503)
    assert refusal(html) == f"{html} answers 503 Service Unavailable"
    assert refusal(site.says("/o", "odd", status=599)).endswith("answers 599: odd")


def test_nothing_is_sent_but_the_address(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password hidden")
    monkeypatch.setenv("HOME", str(tmp_path))
    site.says("/a", "", status=302, location="/b", set_cookie="id=1; Path=/")
    site.says("/b", "x", set_cookie="id=2; Path=/")
    for _ in range(2):
        fetch(f"{site.url}/a")
    for _, headers in site.asked:
        assert set(headers) == {"host", "user-agent", "accept", "accept-encoding", "connection"}
        assert headers["user-agent"] == f"alloy-nb/{alloy.__version__}"
        assert headers["host"] == f"127.0.0.1:{site.port}"


# Limits


def test_what_is_longer_is_cut_and_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 2_000_000)
    text = fetch(site.says("/a", "x" * 3_000_000))
    assert "(only its first 2 MB were read)" in text
    assert text.count("x") == 2_000_000 + text.partition("\n\n")[0].count("x")
    assert "more than 2 MB" in refusal(site.says("/p", b"x" * 3_000_000, "image/png"))


@pytest.mark.thorough
@pytest.mark.parametrize("packing", ["gzip", "deflate", "raw"])
def test_packed_answers_are_unpacked_and_bombs_are_not(site: Site, packing: str) -> None:
    def pack(data: bytes) -> bytes:
        if packing == "gzip":
            return gzip.compress(data)
        return zlib.compress(data) if packing == "deflate" else zlib.compress(data)[2:-4]

    encoding = "deflate" if packing == "raw" else packing
    small = site.says("/a", pack(b"small"), content_encoding=encoding)
    assert fetch(small).endswith("\n\nsmall")
    bomb = site.says("/b", pack(b"\n" * 200_000_000), content_encoding=encoding)
    import tracemalloc

    tracemalloc.start()
    text = fetch(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(text) < module.MAX_BYTES + 200
    assert "were read" in text
    assert peak < 40_000_000


def test_what_is_packed_otherwise_or_wrongly_is_refused(site: Site) -> None:
    assert "packed as 'br'" in refusal(site.says("/a", b"x", content_encoding="br"))
    assert "cannot be unpacked" in refusal(site.says("/b", b"nonsense", content_encoding="gzip"))


def test_a_server_that_never_ends_is_left(site: Site) -> None:
    """Also one that sends a byte now and then: the seconds count in all."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        done = threading.Event()

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 100000\r\n\r\n")
                while not done.wait(0.05):
                    try:
                        connection.sendall(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        assert "took longer than" in refusal(f"http://127.0.0.1:{server.getsockname()[1]}/", time_limit=2.0)
        done.set()
        thread.join()


def test_nobody_there_and_what_speaks_no_http_is_told(site: Site) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def babble() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"220 mail ready\r\n")

        thread = threading.Thread(target=babble, daemon=True)
        thread.start()
        assert "127.0.0.1 could not be asked" in refusal(f"http://127.0.0.1:{port}/")
        thread.join()
    assert "127.0.0.1 could not be asked" in refusal(f"http://127.0.0.1:{port}/")


def test_a_page_that_keeps_a_parser_busy_comes_as_it_is(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MARKDOWN_SECONDS", 0.0)
    text = fetch(site.says("/", "<p>Hi</p>", "text/html"))
    assert text.endswith("(HTML as it is: turning it into Markdown took longer than 0 s)\n\n<p>Hi</p>")


# Where it may go


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://2130706433:{port}/", "http://0x7f.1:{port}/",
        "http://127.1:{port}/", "http://[::1]:{port}/", "http://[::ffff:127.0.0.1]:{port}/", "http://0:{port}/",
        "http://127.0.0.1.:{port}/", "http://0.0.0.0:{port}/", "http://017700000001:{port}/",
    ],
)  # fmt: skip
def test_this_machine_is_never_reached_whatever_it_is_called(site: Site, url: str) -> None:
    assert "public hosts only" in refusal(url.format(port=site.port), Fetch())
    assert site.asked == []


@pytest.mark.parametrize("url", ["http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/"])
def test_metadata_is_never_reached(url: str) -> None:
    assert "a cloud's metadata service" in refusal(url, Fetch())


def test_a_literal_that_is_refused_asks_nobody() -> None:
    with pytest.raises(ToolError, match="public hosts only"):
        Fetch().approval_reason({"url": "http://0x7f000001/"}, ToolContext())


def test_a_name_that_turns_to_this_machine_later_is_not_followed(site: Site) -> None:
    """DNS rebinding: each connection goes to the very address that was checked for it, and nobody asks again."""
    answers = [["93.184.215.14"], ["127.0.0.1"], ["127.0.0.1"]]
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    # Allowed networks stand for public ones here: 127.0.0.2 is "public", 127.0.0.1 is not.
    answers[0] = ["127.0.0.2"]
    tool = Fetch(allow_private=["127.0.0.2/32"], resolver=rebinding)
    refused = refusal(f"http://evil.test:{site.port}/", tool)  # nothing listens at 127.0.0.2
    assert "evil.test could not be asked" in refused
    assert asked == ["evil.test"]
    assert "evil.test is at 127.0.0.1, which is this machine" in refusal(f"http://evil.test:{site.port}/", tool)
    assert site.asked == []


def test_a_redirect_is_checked_anew(site: Site) -> None:
    """The second connection to the same name leads to another address, which is refused."""
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    tool = Fetch(allow_private=["127.0.0.0/8"], resolver=lambda host, port: next(answers))
    site.says("/a", status=302, location="/b")
    assert "evil.test is at 10.0.0.1, which is a private network" in refusal(f"http://evil.test:{site.port}/a", tool)
    assert site.paths == ["/a"]


def test_the_name_stays_in_the_host_header(site: Site) -> None:
    site.says("/", "x")
    tool = Fetch(allow_private=["127.0.0.0/8"], resolver=lambda host, port: ["127.0.0.1"])
    assert fetch(f"http://name.test:{site.port}/", tool).endswith("x")
    assert site.asked[0][1]["host"] == f"name.test:{site.port}"


def test_the_next_address_is_tried_when_one_does_not_answer(site: Site) -> None:
    site.says("/", "x")
    tool = Fetch(allow_private=["127.0.0.0/8"], resolver=lambda host, port: ["127.0.0.2", "127.0.0.1"])
    assert fetch(f"http://name.test:{site.port}/", tool).endswith("x")


def test_certificates_are_checked_against_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection goes to an address, TLS to the name: one certificate fits localhost and no other."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    _environment._context.cache_clear()
    tool = Fetch(allow_private=True, resolver=lambda host, port: ["127.0.0.1"])
    try:
        for site in serve(CERTIFICATE):
            site.says("/", "x")
            assert fetch(f"https://localhost:{site.port}/", tool).endswith("x")
            assert "could not be asked" in refusal(f"https://other.test:{site.port}/", tool)
            assert len(site.asked) == 1
    finally:
        _environment._context.cache_clear()


def test_a_redirect_within_the_host_is_followed(site: Site) -> None:
    site.says("/a", status=301, location="b?q=1")
    site.says("/b?q=1", status=307, location=f"{site.url}/c")
    site.says("/c", "there")
    assert fetch(f"{site.url}/a") == f"{site.url}/c (text/plain)\n\nthere"


@pytest.mark.parametrize(
    "location", ["http://other.test/x", "//other.test/x", "http://127.0.0.1:1/x", "https://127.0.0.1/x"]
)
def test_a_redirect_to_another_place_is_told_not_followed(site: Site, location: str) -> None:
    text = fetch(site.says("/a", status=302, location=location))
    assert "redirects to another place, which was not fetched: http" in text
    assert location.rpartition("//")[2] in text
    assert site.paths == ["/a"]


def test_redirects_end(site: Site) -> None:
    site.says("/a", status=302, location="/a")
    assert "redirects more than 5 times" in refusal(f"{site.url}/a")
    assert len(site.asked) == 6
    assert "without saying where" in refusal(site.says("/b", status=302))
    assert "is no address of the web" in refusal(site.says("/c", status=302, location="file:///etc/passwd"))
    assert "user name and password" in refusal(site.says("/d", status=302, location="http://a:b@127.0.0.1/"))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("file:///etc/passwd", "no address of the web"), ("ftp://x.test/", "no address of the web"),
        ("example.org", "no address of the web"), ("//x.test", "no address of the web"), ("", "must be an address"),
        ("http://", "names no host"), ("http:///x", "names no host"), ("http://me:pw@x.test/", "no user name"),
        ("http://good.test\\@evil.test/", "user name and password"), ("http://x.test:99999/", "names no host and port"),
        ("http://x\n.test/", "is no address"), ("http://" + "x" * 5000, "must be an address"),
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_before_anybody_is_asked(url: str, why: str) -> None:
    assert why in refusal(url)
    with pytest.raises(ToolError, match=why):
        Fetch().approval_reason({"url": url}, ToolContext())


def test_proxies_of_the_environment_are_not_used_and_that_is_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy resolves names itself: through one, nothing could be checked."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, site.url)
    tool = Fetch(allow_private=["127.0.0.0/8"], resolver=lambda host, port: ["127.0.0.2"])
    assert "does not use the proxy of HTTP_PROXY" in refusal(f"http://name.test:{site.port}/", tool)
    assert site.asked == []


# Who is asked


def test_the_question_names_the_host_that_always_counts_for() -> None:
    reason = Fetch().approval_reason({"url": "https://docs.test/a?b=1"}, ToolContext())
    assert reason == (
        "fetch wants to get `https://docs.test/a?b=1` (allowed always, it may get anything from docs.test)"
    )


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://Example.org/a", "example.org"), ("http://example.org.:80/b", "example.org"),
        ("https://example.org:443", "example.org"), ("http://example.org:8080/", "example.org:8080"),
        ("https://exämple.org/", "xn--exmple-cua.org"), ("http://[2606:4700::1]/x", "[2606:4700::1]"),
    ],
)  # fmt: skip
def test_what_is_remembered_is_the_host(url: str, place: str) -> None:
    assert Fetch().remembered({"url": url}, "") == place


def test_one_host_allowed_is_no_other() -> None:
    def question(url: str) -> Question:
        return Question(alloy.ToolCall("1", "fetch", {"url": url}), "", url, Fetch().remembered({"url": url}, ""))

    memory = Memory()
    memory.note(question("https://example.org/a"), Decision(allowed=True, remember="command"))
    assert memory.knows(question("http://example.org/b"))
    assert not memory.knows(question("https://example.org.evil.test/a"))
    assert not memory.knows(question("https://example.org:8443/a"))


def test_in_a_run_it_asks_once_for_a_host(site: Site) -> None:
    """A reader allows the first page for good: the second of the same host asks nobody, another host is asked about."""
    urls = [site.says("/a", "one"), site.says("/b", "two"), f"http://localhost:{site.port}/a"]
    script = [*({"tool_calls": [{"name": "fetch", "input": {"url": url}}]} for url in urls), {"text": "done"}]
    tool = Fetch(allow_private=True)
    run = alloy.start("x", model=alloy.Scripted(script), tools=[tool])
    asked = []
    decided = []
    for event in run:
        if event.type == "approval_request":
            asked.append(event.payload["input"]["url"])
            if len(asked) == 1:
                run.approve(event.payload["id"], remember="command")
            elif event.payload["input"]["url"] == urls[2]:
                run.deny(event.payload["id"], "no")
        if event.type == "approval_result":
            decided.append((event.payload["allowed"], event.payload["by"]))
    texts = [record.output for record in run.result().tool_calls]
    assert texts[0].endswith("one")
    assert texts[1].endswith("two")
    assert texts[2] == "Denied: no"
    assert decided == [(True, "user"), (True, "remembered"), (False, "user")]


def test_headless_it_is_denied() -> None:
    call = {"name": "fetch", "input": {"url": "https://example.org/"}}
    result = alloy.run("x", model=alloy.Scripted([{"tool_calls": [call]}, {"text": "k"}]), tools=["fetch"])
    assert result.tool_calls[0].output.startswith(
        "Denied: nobody could be asked to approve `fetch https://example.org/`"
    )
