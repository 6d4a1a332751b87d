"""Jupyter Notebook 7 shows the live cell as JupyterLab does, and its buttons work there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from .asking import Asking, html_of
from .conftest import SCREENSHOTS
from .lab import Lab, serve
from .notebook7 import NotebookPage, command, front_ends
from .page import Page
from .test_live import AWAITS, TOLD, WIDGET, bash, told

if not front_ends().exists():
    pytest.skip("no Notebook 7 here; make test brings it", allow_module_level=True)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Notebook 7's server."""
    with serve(tmp_path_factory.mktemp("notebook7"), command=command) as running:
        yield running


@pytest.fixture(scope="module")
def only_page(browser: Any, lab: Lab) -> Iterator[Page]:
    page = NotebookPage(browser, lab, SCREENSHOTS)
    page.start()
    yield page
    page.leave()


def test_notebook7_streams_an_answer_and_keeps_it(page: Page, lab: Lab) -> None:
    lines = [{"thinking": "Let me think.", "text": "The first **half** ‖and the *second*."}]
    asking = Asking(page, lab, "stream", lines, AWAITS.format(options=""))
    page.run(1, wait=False)
    page.await_text(1, "The first half")
    assert WIDGET in page.outputs(1)[0]["data"]
    assert page.raw.locator(".alloy-run-live strong").inner_text() == "half"
    asking.let_go()
    assert page.finish(1) == "ok"
    page.await_text(1, "and the second.")
    (saved,) = page.save()["cells"][1]["outputs"]
    assert "application/vnd.alloy.run+json" in saved["data"]
    assert "second" in html_of(saved)
    page.reopen()
    page.await_text(1, "and the second.")
    assert page.raw.locator(".alloy-run-live").count() == 0
    assert page.foreign == []


def test_notebook7_stop_ends_a_question(page: Page, lab: Lab) -> None:
    lines = [{"text": "The first half is easy, ‖and here is the second."}, "It works."]
    after = "after = %alloy -m model And now?\nprint(after.text)"
    Asking(page, lab, "stop", lines, AWAITS.format(options=""), TOLD, after)
    page.run(1, wait=False)
    page.await_text(1, "easy,")
    page.press("Stop")
    assert page.finish(1) == "ok"
    page.await_text(1, "stopped; what was said so far is kept")
    assert told(page, 2)[:2] == ["cancelled", "The first half is easy, "]
    assert page.run(3) == "ok"
    assert "It works." in page.text(3)


def test_notebook7_interrupts_by_its_own_button(page: Page, lab: Lab) -> None:
    Asking(page, lab, "interrupt", [{"text": "The first half, ‖the second."}], AWAITS.format(options=""))
    page.run(1, wait=False)
    page.await_text(1, "The first half,")
    page.interrupt()
    assert page.finish(1) == "error"
    page.await_text(1, "stopped; what was said so far is kept")


def test_notebook7_asks_for_an_approval_by_a_card(page: Page, lab: Lab) -> None:
    lines = [{"text": "May I?", "tool_calls": [bash("echo one"), bash("echo two")]}, "Thanks."]
    Asking(page, lab, "card", lines, AWAITS.format(options="-t bash"), TOLD)
    page.run(1, wait=False)
    cards = page.raw.locator(".alloy-approval")
    cards.filter(has_text="echo one").get_by_role("button", name="Allow once").click()
    denied = cards.filter(has_text="echo two")
    denied.get_by_role("button", name="Deny…").click()
    denied.locator("input").fill("not this one")
    denied.locator("input").press("Enter")
    assert page.finish(1) == "ok"
    (_, _, first), (_, _, second) = told(page, 2)[2]
    assert first is None
    assert "not this one" in second


def test_notebook7_brings_the_live_view_back_after_a_reload(page: Page, lab: Lab) -> None:
    lines = [{"text": "The first half, ‖and the end."}]
    asking = Asking(page, lab, "reload", lines, "run = alloy.start('go', model=model)\nrun", "import json")
    assert page.run(1) == "ok"
    page.await_text(1, "The first half,")
    page.save()
    page.reload()
    page.await_text(1, "The first half,")
    asking.let_go()
    page.await_text(1, "and the end.")
    assert json.loads(page.path.read_text("utf-8"))["cells"][1]["outputs"]  # type: ignore[union-attr]
