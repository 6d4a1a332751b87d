"""The test bed itself, and the slice that all other browser tests stand on: a cell asks, streams and is frozen."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from .lab import Lab
from .page import Page

SETUP = """
import os, pathlib, time
%load_ext alloy_nb
os.environ["ALLOY_MODEL"] = "scripted:{script}"

def look_up(city: str) -> str:
    \"\"\"The weather in a city.\"\"\"
    while not pathlib.Path("{gate}").exists():
        time.sleep(0.02)
    return f"{{city}}: 21 degrees, light wind"
"""
ASK = "%%alloy -t look_up --approval auto -o answer\nWhat is the weather in Graz?"
ANSWERS = [
    {
        "thinking": "The user wants the weather, so I look it up.",
        "text": "Let me look that up.",
        "tool_calls": [{"name": "look_up", "input": {"city": "Graz"}}],
    },
    {
        "text": "It is **21 degrees** in Graz.\n\n| wind | rain |\n|---|---|\n| light | none |\n\n"
        "```python\nprint(21)\n```"
    },
]


class Asking:
    """A notebook with a question whose tool waits until `let_go` is called."""

    def __init__(self, page: Page, lab: Lab, name: str, kernel: str = "python3") -> None:
        self.page = page
        self.gate = lab.root / f"{name}.gate"
        script = lab.root / f"{name}.jsonl"
        script.write_text("".join(json.dumps(line) + "\n" for line in ANSWERS))
        setup = SETUP.format(script=script.name, gate=self.gate.name)
        page.open(setup, ASK, "print(answer.status, len(answer.messages))", kernel=kernel, name=f"{name}.ipynb")
        assert page.run(0) == "ok", page.text(0)

    def let_go(self) -> None:
        self.gate.touch()


def html_of(output: dict[str, Any]) -> str:
    html = output["data"]["text/html"]
    return html if isinstance(html, str) else "".join(html)


def test_every_kernel_runs_its_own_ipykernel(page: Page, kernel: str) -> None:
    page.open("import ipykernel, alloy_nb; print(ipykernel.__version__)", kernel=kernel)
    assert page.run(0) == "ok"
    version, wanted = page.text(0).strip(), kernel.removeprefix("alloy-")
    assert version.startswith("7." if wanted == "newest" else f"{wanted}.")


def test_a_question_streams_and_ends_in_a_frozen_output(page: Page, lab: Lab, kernel: str) -> None:
    asking = Asking(page, lab, f"stream-{kernel}", kernel)
    page.run(1, wait=False)
    page.await_text(1, "Let me look that up.")
    page.await_text(1, "look_up")
    assert page.status(1) == "running"
    assert "21 degrees" not in page.text(1)
    asking.let_go()
    assert page.finish(1) == "ok"
    assert "21 degrees" in page.text(1)
    assert page.run(2) == "ok"
    assert page.text(2).split() == ["completed", "4"]
    saved = page.save()["cells"][1]["outputs"]
    assert [output["output_type"] for output in saved] == ["display_data"]
    assert re.search("<strong[^>]*>21 degrees</strong>", html_of(saved[0]))
    assert page.foreign == []


def test_a_frozen_output_is_there_without_a_kernel_and_untrusted(page: Page, lab: Lab) -> None:
    asking = Asking(page, lab, "frozen")
    asking.let_go()
    page.run(1)
    page.save()
    page.reopen()
    assert "21 degrees" in page.text(1)
    assert page.trusted(1)
    page.untrust()
    assert not page.trusted(1)
    assert "21 degrees" in page.text(1)
    assert "<style" not in page.html(1)
    page.trust()
    assert page.trusted(1)


@pytest.mark.parametrize("width", [1280, 480])
def test_pictures_of_a_question_while_it_runs_and_frozen(page: Page, lab: Lab, width: int) -> None:
    asking = Asking(page, lab, f"pictures-{width}")
    page.resize(width)
    page.run(1, wait=False)
    page.await_text(1, "look_up")
    pictures = page.screenshot(f"smoke-running-{width}", cell=1)
    asking.let_go()
    page.finish(1)
    pictures += page.screenshot(f"smoke-frozen-{width}", cell=1)
    assert len({picture.read_bytes() for picture in pictures}) == 4


def test_an_interrupt_ends_a_cell_in_error(page: Page) -> None:
    page.open("import time\nprint('on')\ntime.sleep(600)")
    page.run(0, wait=False)
    page.await_text(0, "on")
    page.interrupt()
    assert page.finish(0) == "error"


def test_run_all_stops_at_the_first_error(page: Page) -> None:
    page.open("print(1)", "1 / 0", "print(3)")
    assert page.run_all() == ["ok", "error", "new"]


def test_a_cell_that_asks_is_answered(page: Page) -> None:
    page.open("print('Hello', input('Your name? '))")
    page.run(0, wait=False)
    page.answer("Ada")
    assert page.finish(0) == "ok"
    assert "Hello Ada" in page.text(0)


def test_a_reloaded_page_finds_its_kernel_again(page: Page) -> None:
    page.open("x = 21", "print(2 * x)")
    page.run(0)
    page.reload()
    assert page.run(1) == "ok"
    assert page.text(1).strip() == "42"


def test_what_a_page_asks_of_others_is_refused_and_noted(page: Page) -> None:
    page.open("from IPython.display import HTML\nHTML('<img src=\"http://example.invalid/x.png\"><p>shown</p>')")
    page.run(0)
    page.await_text(0, "shown")
    assert page.foreign == ["http://example.invalid/x.png"]


def test_nothing_of_the_person_who_runs_the_tests_is_in_the_kernel(page: Page, tmp_path: Path) -> None:
    page.open("import os, json; print(json.dumps(dict(os.environ)))")
    page.run(0)
    found = json.loads(page.text(0))
    assert not [name for name in found if name.endswith("_API_KEY")]
    assert found["JUPYTER_CONFIG_DIR"].startswith(str(page.lab.state))
    assert found["ALLOY_MODEL"] == ""
