"""The test bed itself, and the slice that all other browser tests stand on: a cell asks, streams and is frozen."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

from .asking import Asking, html_of
from .lab import Lab
from .page import PATIENCE, Page

ASK = "%%alloy -m model -t look_up --approval auto -o answer\nWhat is the weather in Graz?"
ANSWERS = [
    {
        "thinking": "The user wants the weather, so I look it up.",
        "text": "Let me look that up.",
        "tool_calls": [{"name": "look_up", "input": {"city": "Graz"}}],
    },
    {"text": "It is **21 degrees** in Graz."},
]


def ask(page: Page, lab: Lab, name: str, kernel: str = "python3") -> Asking:
    """A question whose tool waits."""
    return Asking(page, lab, name, ANSWERS, ASK, "print(answer.status, len(answer.messages))", kernel=kernel)


def test_every_kernel_runs_its_own_ipykernel(page: Page, kernel: str) -> None:
    page.open("import ipykernel, alloy_nb; print(ipykernel.__version__)", kernel=kernel)
    assert page.run(0) == "ok"
    version, wanted = page.text(0).strip(), kernel.removeprefix("alloy-")
    assert version.startswith("7." if wanted == "newest" else f"{wanted}.")


def test_a_question_streams_and_ends_in_a_frozen_output(page: Page, lab: Lab, kernel: str) -> None:
    asking = ask(page, lab, f"stream-{kernel}", kernel)
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
    asking = ask(page, lab, "frozen")
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
    end = time.monotonic() + PATIENCE
    while not page.foreign:  # the text may be there before the image is asked for
        assert time.monotonic() < end
        page.text(0)
    # A moment later JupyterLab's table of contents reads the output for headings, and asks for the image once more.
    assert set(page.foreign) == {"http://example.invalid/x.png"}


def test_nothing_of_the_person_who_runs_the_tests_is_in_the_kernel(page: Page, tmp_path: Path) -> None:
    page.open("import os, json; print(json.dumps(dict(os.environ)))")
    page.run(0)
    found = json.loads(page.text(0))
    assert not [name for name in found if name.endswith("_API_KEY")]
    assert found["JUPYTER_CONFIG_DIR"].startswith(str(page.lab.state))
    assert found["ALLOY_MODEL"] == ""
