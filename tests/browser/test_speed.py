"""How long the stop button takes in JupyterLab: `make bench`."""

from __future__ import annotations

import statistics
import time

import pytest

from .asking import Asking
from .lab import Lab
from .page import Page
from .test_interrupt import FORMS

pytestmark = pytest.mark.bench

TIMES = 5
SECONDS = 1.0


@pytest.mark.parametrize("form", FORMS)
def test_a_stop_takes_less_than_a_second(
    page: Page, lab: Lab, kernel: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the press of the button to the end of the cell, the answer frozen; in mid-sentence and in a tool."""
    call = {"name": "bash", "input": {"command": "sleep 300"}}
    lines = [{"text": "I begin ‖ and end."}, {"text": "I begin", "tool_calls": [call]}] * TIMES
    question = FORMS[form].format(options="-t bash --approval auto --fresh")
    Asking(page, lab, f"speed-{form}-{kernel}", lines, question, kernel=kernel)
    took: dict[str, list[float]] = {"text": [], "tool": []}
    for number in range(2 * TIMES):
        page.run(1, wait=False)
        page.await_text(1, "I begin" if number % 2 == 0 else "sleep 300")
        page.wait_ms(37 * number)  # not always at the same moment of the loop's heartbeat
        begun = time.perf_counter()
        page.interrupt()
        assert page.finish(1) == "error"
        took["tool" if number % 2 else "text"].append(time.perf_counter() - begun)
    with capsys.disabled():
        for kind, seconds in took.items():
            print(
                f"\nstop in {kind}, cell {form}, {kernel}: median {statistics.median(seconds):.2f} s, "
                f"longest {max(seconds):.2f} s of {TIMES}",
                end="",
            )
    assert max(took["text"] + took["tool"]) < SECONDS
