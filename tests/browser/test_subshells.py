"""JupyterLab without subshells: no comm is heard while a cell blocks, but the buttons of the live cell are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .asking import Asking
from .conftest import SCREENSHOTS
from .lab import Lab, made_kernels, serve
from .page import Page
from .test_live import FORMS, TOLD, bash, told

SETTINGS = {"@jupyterlab/apputils-extension:kernels-settings": {"commsOverSubshells": "disabled"}}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with serve(tmp_path_factory.mktemp("no-subshells"), made_kernels(), SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def only_page(browser: Any, lab: Lab) -> Iterator[Page]:
    page = Page(browser, lab, SCREENSHOTS)
    page.start()
    yield page
    page.leave()


@pytest.mark.parametrize("form", FORMS)
def test_without_subshells_cards_and_stop_are_heard(page: Page, lab: Lab, kernel: str, form: str) -> None:
    lines = [{"text": "May I?", "tool_calls": [bash("echo one")]}, {"text": "It was one, ‖and two."}]
    Asking(page, lab, f"off-{form}-{kernel}", lines, FORMS[form].format(options="-t bash"), TOLD, kernel=kernel)
    kernels = "jupyterapp.shell.currentWidget.context.sessionContext.session.kernel"
    assert page.raw.evaluate(f"() => {kernels}.commsOverSubshells") == "disabled"
    page.run(1, wait=False)
    page.press("Allow once")
    page.await_text(1, "It was one,")
    page.press("Stop")
    assert page.finish(1) == "ok", page.text(1)
    page.await_text(1, "stopped; what was said so far is kept")
    assert told(page, 2)[0] == "cancelled"
    assert told(page, 2)[2] == [["bash", "echo one", None]]
