"""Hostile texts in a real JupyterLab: none of them does anything but be read, in any form of a run.

A page of vectors is said by a model, its thinking, its tools, its errors and its names, each time with a mark that a
reader must be able to see. The same page of the browser shows in the end that its canaries sing.
"""

from __future__ import annotations

import json
import re
import runpy
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error

from . import ROOT
from .asking import convert
from .conftest import SCREENSHOTS
from .lab import Lab, write_settings
from .xss_page import WatchedPage

VECTORS: list[tuple[str, str]] = runpy.run_path(str(ROOT / "tests/render/xss_vectors.py"))["VECTORS"]
KERNEL_SIDE = Path(__file__).with_name("xss_kernel.py")
#: So many vectors on one page at most: with more, what a run of all shows of each call is too short, and a page takes
#: too long for a usual test. A page takes from the whole list; the first two are usual tests.
SIZE = 64
PAGES = -(-len(VECTORS) // SIZE)
USUAL = 2
#: How runs are shown while they go on, the usual way first.
DISPLAYS = ("widget", "html")
#: JupyterLab shows the first 50 outputs of a cell, unless it is told otherwise.
ALL_OUTPUTS = {"@jupyterlab/notebook-extension:tracker": {"maxNumberOutputs": 1000}}
#: Where in a vector the stream stands still.
CUTS = (0.3, 0.55, 0.8)

SAID = ("retry", "thinking", "text", "output", "odd", "rich", "failure", "name", "key", "value", "file", "diff")
SPOKEN_TO = ("said", "error", "hint", "model")
CHANNELS = (*SAID, "progress", "reason", "asked", *SPOKEN_TO, "split", "tail", "raised", "inputs", "id")

SETUP = """
import os
import alloy_nb as alloy
from IPython.display import Math, display
from alloy_nb.notebook import shows
from alloy_nb.tools import executor
shows.LARGEST_LIVE = 10**7  # all of a long run is to be looked at while it goes on
executor.MAX_PARALLEL = 100  # and all of its tools at once
%load_ext alloy_nb
from xss_kernel import *
load("{name}")
os.environ |= {{"ALLOY_MODEL": "scripted:none", "ALLOY_DISPLAY": "{display}"}}
everything, cards, failure, careful = say_everything(), ask_everything(), raising(), Careful()
again = say_everything()
tools = [speak, look, odd, rich, fail, edit, linger]
names = dict.fromkeys(TEXTS["inputs"], 1)
"""
EVERYTHING, ASKED, MANY, SPLIT, RAISED, PLAIN, MARKDOWN, FORMULA, DOCUMENT = range(1, 10)
CELLS = {
    EVERYTHING: "%%alloy -m everything -t speak,look,odd,rich,fail,edit,linger --max-turns 100 -o answer\ngo",
    ASKED: "%%alloy -m cards -t careful --fresh\ngo",
    MANY: "runs = [failing(n) for n in range(len(TEXTS['said']))]\nfor run in runs: display(run)",
    SPLIT: f"for run in all_halting({CUTS}): display(run)",
    RAISED: "%%alloy -m failure --fresh\nPROMPT",
    PLAIN: "os.environ['ALLOY_DISPLAY'] = 'text'\n_ = alloy.run('go', model=again, tools=tools, max_turns=100)",
    MARKDOWN: "show_markdown([answer, *(run.result(check=False) for run in runs)])",
    FORMULA: "Math(r'\\alpha')",
}
#: What is still to be read when the runs are over. The reason why a call was asked about is told while it is.
FROZEN = {
    EVERYTHING: SAID,
    ASKED: ("asked",),
    MANY: SPOKEN_TO,
    SPLIT: ("split", "tail"),
    RAISED: ("raised", "inputs"),
    PLAIN: ("text", "file"),
    MARKDOWN: ("text", "retry", "name", "value", "file", *SPOKEN_TO),
    DOCUMENT: ("text", "retry", "name", "value", "file"),
}
BY_HOST = (MARKDOWN, DOCUMENT)

#: What each canary must sing to, in a cell that shows HTML as it is. The page's own eyes are tried too.
CONTROLS = {
    "alert": "<script>alert(1)</script>",
    "confirm": "<img src=x onerror=confirm(1)>",
    "prompt": "<b onmouseover=prompt(1)>x</b>",
    "window: about:blank": "<a href='javascript:1'>x</a>",
    "open": "<b onclick=window.open('x')>x</b>",
    "print": "<details ontoggle=print()>x</details>",
    "command": '<button data-commandlinker-command="canary:command">x</button>',
    "navigation": "<iframe srcdoc='x'></iframe>",
    "socket": "<script>new WebSocket('wss://evil.example/')</script>",
    "request: https://evil.example/image": "<img src=https://evil.example/image>",
    "request: https://evil.example/style": "<b style='background:url(https://evil.example/style)'>x</b>",
    "request: https://evil.example/sheet": "<style>@import 'https://evil.example/sheet'</style>",
    "request: https://evil.example/fetch": "<script>fetch('https://evil.example/fetch')</script>",
}
#: The same in a frame, beside the vectors.
FRAMED = (
    "<img src=x onerror=confirm('framed')>",
    "<a href=\"javascript:prompt('framed')\">x</a>",
    "<img src=https://evil.example/framed>",
)
#: What a reader would not see.
HIDDEN = {
    "h1dden": "<b style='display:none'>h1dden</b>",
    "cl3ar": "<b style='opacity:0'>cl3ar</b>",
    "t1ny": "<b style='font-size:0'>t1ny</b>",
    "n0where": "",
}


#: What may stand between quotes as a key in a prompt.
_SIGN = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\\`$%s]"
KEY = re.compile(f"{_SIGN % chr(34)}+|{_SIGN % chr(39)}+")


def quoted(text: str) -> str:
    return f"'{text}'" if '"' in text else f'"{text}"'


def mark(channel: str, number: int) -> str:
    """A word of letters and digits, so that no renderer cuts it."""
    return f"Q{CHANNELS.index(channel):02}x{number:03}Z"


class Hostile:
    """A notebook whose runs say `vectors`; `wrong` is what was found, with the form it was found in."""

    def __init__(
        self, page: WatchedPage, lab: Lab, name: str, vectors: Sequence[tuple[str, str]], display: str
    ) -> None:
        self.page, self.name, self.vectors, self.display = page, name, vectors, display
        self.wrong: list[str] = []
        self._gate = lab.root / f"{name}.gate"
        texts = {channel: self._texts(channel) for channel in CHANNELS}
        # What goes into a prompt is named as it stands there: here, a key between quotes on one line.
        self._inputs = [n for n, text in enumerate(texts["inputs"]) if KEY.fullmatch(text)]
        inputs = [texts["inputs"][n] for n in self._inputs]
        texts["inputs"] = inputs
        (lab.root / f"{name}.json").write_text(json.dumps(texts), "utf-8")
        shutil.copy(KERNEL_SIDE, lab.root)
        prompt = "\n".join(f"{{names[{quoted(text)}]}}" for text in inputs)
        cells = [SETUP.format(name=name, display=display), *(cell.replace("PROMPT", prompt) for cell in CELLS.values())]
        document = {"cell_type": "markdown", "id": "document", "metadata": {}, "source": "-"}
        page.open(*cells, document, name=f"{name}.ipynb")
        assert page.run(0) == "ok", page.text(0)

    def _texts(self, channel: str) -> list[str]:
        return [text.replace("MARK", mark(channel, number)) for number, (_, text) in enumerate(self.vectors)]

    def marks(self, *channels: str) -> list[str]:
        every: Sequence[int] = range(len(self.vectors))
        return [mark(channel, n) for channel in channels for n in (self._inputs if channel == "inputs" else every)]

    def step(self) -> None:
        """All that waits may go on."""
        with self._gate.open("a") as gate:
            gate.write(".")

    def judge(self, form: str, cell: int, *channels: str) -> None:
        self.note(form, self.page.judge({cell: self.marks(*channels)}))

    def judge_all(self, form: str) -> None:
        """Every cell, when nothing goes on any more."""
        cells = {cell: self.marks(*channels) for cell, channels in FROZEN.items()}
        self.note(form, self.page.judge({**cells, FORMULA: ["α"]}, BY_HOST))

    def note(self, form: str, wrong: Sequence[str]) -> None:
        """Keep what is wrong, and what the page noticed meanwhile."""
        self.wrong += [f"{form}: {self._named(item)}" for item in [*wrong, *self.page.noticed]]
        self.page.forget()

    def _named(self, item: str) -> str:
        """Whose mark it is says more than the mark."""
        return re.sub(
            r"Q(\d\d)x(\d{3})Z", lambda found: f"{CHANNELS[int(found[1])]} of {self.vectors[int(found[2])][0]}", item
        )


def say_everything(hostile: Hostile) -> None:
    page = hostile.page
    page.run(EVERYTHING, wait=False)
    hostile.judge("live", EVERYTHING, *SAID, "progress")
    assert page.status(EVERYTHING) == "running"
    hostile.step()
    assert page.finish(EVERYTHING) == "ok"


def ask_about_everything(hostile: Hostile) -> None:
    page = hostile.page
    page.run(ASKED, wait=False)
    hostile.judge("asked", ASKED, "reason", "asked")
    assert page.status(ASKED) == "running"
    page.interrupt()
    assert page.finish(ASKED) != "running"


def stand_still_within_words(hostile: Hostile) -> None:
    page = hostile.page
    page.run(SPLIT, wait=False)
    for number in range(len(CUTS)):
        page.await_text(SPLIT, f"piece {number}")
        assert f"piece {number + 1}" not in page.text(SPLIT)
        if hostile.display == "html":
            page.await_text(SPLIT, "characters so far")
        hostile.judge(f"cut {number}", SPLIT)
        hostile.step()
    assert page.finish(SPLIT) == "ok"


def show_the_rest(hostile: Hostile) -> None:
    """The other forms of the same runs, and a formula of the user's own that no text may have changed."""
    page = hostile.page
    assert page.run(RAISED) == "error"
    for cell in (PLAIN, MARKDOWN, FORMULA):
        assert page.run(cell) == "ok", page.text(cell)
    page.write(DOCUMENT, "".join(page.outputs(MARKDOWN)[0]["data"]["text/markdown"]))


def look_at_contents(hostile: Hostile) -> None:
    """The headings of answers are repeated in JupyterLab's side bar."""
    contents = hostile.page.contents()
    headings = [mark("text", n) for n, (name, _) in enumerate(hostile.vectors) if name.startswith("md-heading")]
    hostile.note("table of contents", [heading for heading in headings if heading not in contents])


def judge_converted(hostile: Hostile, path: Path, empty: str) -> None:
    """What the document loads of nbconvert's own is in an `empty` one too."""
    page = hostile.page
    channels = [channel for channels in FROZEN.values() for channel in channels]
    wrong = page.judge_document(convert(path), hostile.marks(*dict.fromkeys(channels)))
    page.foreign[:] = [url for url in page.foreign if url not in empty]
    hostile.note("converted", wrong)


@pytest.fixture(scope="module")
def the_watched(browser: Any, lab: Lab) -> Iterator[WatchedPage]:
    write_settings(lab.state / "settings", ALL_OUTPUTS)
    page = WatchedPage(browser, lab, SCREENSHOTS)
    page.start()
    yield page
    page.raw.context.close()
    write_settings(lab.state / "settings", {plugin: {} for plugin in ALL_OUTPUTS})


@pytest.fixture
def watched(the_watched: WatchedPage) -> Iterator[WatchedPage]:
    yield the_watched
    try:
        the_watched.reset()
    except Error:
        the_watched.renew()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What nbconvert makes of a notebook without cells."""
    path = tmp_path_factory.mktemp("empty") / "empty.ipynb"
    path.write_text(json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return convert(path)


def pages() -> Iterator[Any]:
    """Each page in each display; a usual test is the page of that number in the display of that number."""
    for number in range(PAGES):
        for place, display in enumerate(DISPLAYS):
            usual = number < USUAL and number % len(DISPLAYS) == place
            yield pytest.param(number, display, id=f"{display}-{number}", marks=[] if usual else [pytest.mark.slow])


@pytest.mark.parametrize(("number", "display"), list(pages()))
def test_hostile_texts_are_read_and_do_nothing_else(
    watched: WatchedPage, lab: Lab, empty: str, number: int, display: str
) -> None:
    page, vectors = watched, VECTORS[number::PAGES]
    hostile = Hostile(page, lab, f"xss-{display}-{number}", vectors, display)
    say_everything(hostile)
    ask_about_everything(hostile)
    assert page.run(MANY) == "ok"
    stand_still_within_words(hostile)
    show_the_rest(hostile)
    hostile.judge_all("frozen")
    if number == 0:
        page.screenshot(f"hostile-{display}", themes=("light",), cell=EVERYTHING)
        hostile.note("frozen again", [])
    look_at_contents(hostile)
    page.save()
    page.reopen()
    hostile.judge_all("reopened")
    page.untrust()
    hostile.judge_all("untrusted")
    judge_converted(hostile, lab.root / f"{hostile.name}.ipynb", empty)
    assert hostile.wrong == []
    come_alive_unguarded(page, vectors)


def come_alive_unguarded(page: WatchedPage, vectors: Sequence[tuple[str, str]]) -> None:
    """The control: the same texts through a renderer that lets everything through, in frames of the same page."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    page.unguarded([*(parser.render(text) for _, text in vectors), *FRAMED])
    alive = [item for item in page.noticed if not item.startswith("navigation")]
    assert {"confirm: framed", "prompt: framed", "request: https://evil.example/framed"} <= set(alive)
    assert len(alive) > len(vectors) // 3, alive
    page.forget()


def test_every_canary_sings(watched: WatchedPage) -> None:
    """What should be noticed is: in a cell that shows HTML as it is, each control does its one thing."""
    page = watched
    shown = "\n".join(f"display(HTML({text!r}))" for text in [*CONTROLS.values(), *HIDDEN.values()])
    page.open(f"from IPython.display import HTML, display\n{shown}")
    page.run(0)
    wrong = page.judge({0: list(HIDDEN)}, seconds=0.2)
    for _ in range(50):
        silent = [canary for canary in CONTROLS if not any(item.startswith(canary) for item in page.noticed)]
        if not silent:
            break
        page.raw.wait_for_timeout(100)
    assert silent == [], page.noticed
    assert [item for item in wrong if "unseen" in item] == [f"cell 0: unseen: {name}" for name in HIDDEN]
    for fault in ("<script>", "<img onerror=confirm(1)>", "<a href=javascript:1>", "<iframe>", "<style>"):
        assert f"cell 0: {fault}" in wrong
