"""`/attach` in a kernel whose cells are live: which run it shows."""

from __future__ import annotations

import pytest

from .conftest import Kernel

pytestmark = pytest.mark.kernel

SETTLED = """
import time
from alloy_nb.notebook.live.hub import find_hub
live, end = find_hub(get_ipython()).runs[-1], time.monotonic() + 30
while not live.settled and time.monotonic() < end:
    time.sleep(0.05)
print(live.settled)
"""


def test_a_background_run_that_is_over_is_newer_than_the_last_cells_answer(kernel: Kernel) -> None:
    """It showed the cell's answer: nothing had shown the other one yet."""
    kernel.run("m = alloy.Scripted(['of the cell', 'in the background'])")
    kernel.run("%alloy -m m first", allow_stdin=True)
    assert kernel.run("run = alloy.start('second', model=m)\nprint(run.result().text)").status == "ok"
    for line in ("%alloy /attach", "%alloy /attach run", "%alloy /attach"):
        ran = kernel.run(line, allow_stdin=True)
        assert ran.status == "ok", ran.error
        assert "in the background" in ran.shown[-1]["text/plain"]
        assert "of the cell" not in ran.shown[-1]["text/plain"]


def test_what_was_stopped_before_a_word_is_told_to_be_stopped_and_nothing_more(kernel: Kernel) -> None:
    kernel.run("m = alloy.Scripted([{'text': 'never', 'delay_ms': 600_000}])")
    kernel.run("run = alloy.start('go', model=m)\nrun", allow_stdin=True)
    assert kernel.run("%alloy /stop run", allow_stdin=True).stdout.startswith("Stopped 1 run: ")
    assert kernel.run(SETTLED).stdout == "True\n"
    (html,) = {shown["text/html"] for shown in kernel.run("%alloy /attach", allow_stdin=True).shown}
    assert "stopped" in html
    assert "is kept" not in html


def test_a_command_after_two_percent_signs_is_written_with_one(kernel: Kernel) -> None:
    ran = kernel.run("%%alloy /usage")
    assert ran.status == "error"
    assert "%alloy /usage" in "".join(ran.error["traceback"])
