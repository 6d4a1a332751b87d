"""What the rendering tests share: a run to be told, hostile texts, and a judge of HTML that knows none of our code."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from alloy_nb.events import Event
from alloy_nb.render.blocks import Transcript

VECTORS = runpy.run_path(str(Path(__file__).with_name("xss_vectors.py")))["VECTORS"]


#: Of each twenty, of every theme, `make check` tries the first one and `make test` five; `make soak` tries all.
OF = 20
MARKS = {0: [], **{number: [pytest.mark.thorough] for number in range(1, 5)}}


#: As `-m` of those two says it. The slow cases are 10,000: to make them, only to leave them out, takes seconds.
NOT_SLOW = re.compile(r"not (\(slow or |slow\b)")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "vector" in metafunc.fixturenames:
        not_slow = NOT_SLOW.match(metafunc.config.getoption("markexpr")) is not None
        tried = [
            pytest.param(text, id=name, marks=MARKS.get(number % OF, [pytest.mark.slow]))
            for number, (name, text) in enumerate(VECTORS)
            if number % OF in MARKS or not not_slow
        ]
        metafunc.parametrize("vector", tried)


class Telling:
    """A run told event by event, 10 ms apart unless said otherwise."""

    def __init__(self, transcript: Transcript | None = None, run_id: str = "r1") -> None:
        self.transcript = transcript or Transcript()
        self.events: list[Event] = []
        self.run_id = run_id
        self.ts_ms = 1_000_000

    def __call__(self, type: str, payload: Any = None, *, after: int = 10, turn: int = 1) -> Telling:
        self.ts_ms += after
        event = Event(len(self.events) + 1, self.run_id, type, {} if payload is None else payload, turn, self.ts_ms)
        self.events.append(event)
        self.transcript.feed(event)
        return self

    def tool(self, id: str = "1", name: str = "read", input: Any = None, **end: Any) -> Telling:
        """A call from its start to its end."""
        self("tool_start", {"id": id, "name": name, "input": {"file_path": "note.txt"} if input is None else input})
        result = {"duration_ms": 3.0, "error": None, "output": "12345", "structured": None, **end}
        return self("tool_end", {"id": id, "name": name, **result})

    def end(self, status: str = "completed", **facts: Any) -> Telling:
        usage = {"input_tokens": 4100, "output_tokens": 312}
        return self("run_end", {"status": status, "error": None, "turns": 1, "usage": usage, **facts})


@pytest.fixture
def tell() -> Telling:
    return Telling()


@pytest.fixture
def new_telling() -> Callable[..., Telling]:
    return Telling


TAGS = set(
    "a blockquote br code details div em h1 h2 h3 h4 h5 h6 hr li ol p pre s span strong summary table tbody td th "
    "thead tr ul".split()
)
BLOCKS = TAGS - set("a code em s span strong".split())
ATTRIBUTES = {"class", "style", "href", "rel", "target", "start", "open"}
#: A tool's picture, which lies in the page itself.
PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}")
#: The smallest PNG: one pixel.
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SCHEMES = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
BAD_STYLE = re.compile(r"url\s*\(|var\s*\(|expression|@import|javascript|position\s*:\s*(?:fixed|absolute)|\\", re.I)


class Judge(HTMLParser):
    """Reads HTML as it is and notes everything that the static form may not hold."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.text = ""
        self.links: list[str] = []
        self.pictures: list[str] = []
        self.feed(html)
        self.close()

    def handle_endtag(self, tag: str) -> None:
        if tag in BLOCKS:
            self.text += "\n"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in BLOCKS:
            self.text += "\n"
        if tag == "img":
            given = {name: value or "" for name, value in attrs}
            self.pictures.append(given.get("src", ""))
            self.text += given.get("alt", "")
            if set(given) != {"src", "alt", "style"} or not PICTURE.fullmatch(given["src"]):
                self.faults.append(f"<img {given}>")
            attrs = [(name, value) for name, value in attrs if name == "style"]
        elif tag not in TAGS:
            self.faults.append(f"<{tag}>")
        for name, value in attrs:
            if name not in ATTRIBUTES:
                self.faults.append(f"<{tag} {name}={value!r}>")
            elif name == "style" and BAD_STYLE.search(value or ""):
                self.faults.append(f"style {value!r}")
            elif name == "href":
                self.links.append(value or "")
                if not SCHEMES.match(value or ""):
                    self.faults.append(f"href {value!r}")
        if tag == "a" and dict(attrs).get("rel") != "noopener noreferrer nofollow":
            self.faults.append("a link without rel")

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"comment {data!r}")

    def handle_decl(self, decl: str) -> None:
        self.faults.append(f"declaration {decl!r}")

    def handle_pi(self, data: str) -> None:
        self.faults.append(f"processing instruction {data!r}")


@pytest.fixture
def judge() -> Callable[[str], Judge]:
    return Judge


def tell_everywhere(text: str, *, ended: bool = True) -> Telling:
    """A run in which every field that comes from outside is `text`."""
    tell = Telling(Transcript(inputs=[text], notice=text))
    asked = {"id": "2", "name": text, "input": {"command": text, text: [text, {text: text}]}, "reason": text}
    tell("run_start", {"prompt": text, "model": text})
    tell("turn_start", {"model": text})
    tell("retry", {"attempt": 1, "delay_s": 0.5, "reason": text})
    tell("fallback", {"from": text, "to": text, "reason": text})
    tell("thinking_delta", text)
    tell("text_delta", text)
    tell.tool("1", text, {"file_path": text, text: text}, output=text, structured={"diff": f"-{text}\n+{text}"})
    pictures = [
        {"image": text, "mime": "image/png"},
        {"image": PIXEL, "mime": text},
        {"image": f'{PIXEL}" onerror="{text}', "mime": "image/png"},
        {"image": PIXEL, "mime": "image/png"},
    ]
    table = {"columns": [text, "b"], "rows": [[text, text]], "more": 3, "numeric": [False, True]}
    tell.tool("7", text, {"x": 1}, rich=[*pictures, {"table": table}, {"words": text}])
    tell.tool("4", "edit", {"old_string": text, "new_string": text + "\nx"}, output=text)
    tell.tool("5", "write", {"file_path": text, "content": text + "\n" + text}, error=text, output=text)
    tell("approval_request", asked)
    tell("approval_result", {"id": "2", "allowed": False, "reason": text, "by": text})
    tell.tool("2", text, asked["input"], error=f"Denied: {text}")
    tell("approval_request", {**asked, "id": "3"})
    tell("tool_start", {"id": "6", "name": text, "input": {"x": text}})
    tell("tool_progress", {"id": "6", "message": text, "fraction": 0.5})
    if ended:
        tell.end("error", error=text, hint=text, error_type=text)
    return tell


@pytest.fixture
def everywhere() -> Callable[..., Telling]:
    return tell_everywhere
