"""Whatever breaks what shows a run, the answer is there, and so is what was shown of it."""

from __future__ import annotations

import pytest

from .conftest import Kernel

pytestmark = pytest.mark.kernel

RECORD = "application/vnd.alloy.run+json"


def test_after_all_widgets_were_closed_the_next_cell_is_live_again(kernel: Kernel) -> None:
    kernel.run("import ipywidgets\nm = alloy.Scripted(['one', 'two', 'three'])")
    kernel.run("%alloy -m m Go", allow_stdin=True)
    kernel.run("ipywidgets.Widget.close_all()")
    ran = kernel.run("%alloy -m m Go", allow_stdin=True)
    assert ran.status == "ok"
    assert "Traceback" not in ran.stdout + "".join(content["text"] for content in ran.of("stream"))
    assert any("routes" in content["data"]["state"] for content in ran.of("comm_open"))
    assert "two" in ran.shown[-1]["text/plain"]
    assert "three" in kernel.run("%alloy -m m Go", allow_stdin=True).shown[-1]["text/plain"]


GOING = """
import ipywidgets, threading
may_end = threading.Event()

def wait() -> str:
    "Waits."
    may_end.wait(30)
    return "done"

m = alloy.Scripted([{"text": "the beginning", "tool_calls": [{"name": "wait"}]}, "the end"])
run = alloy.start("go", model=m, tools=[wait])
"""
SAID = """
import time
from alloy_nb.notebook.live.hub import find_hub
(live,), end = find_hub(get_ipython()).runs, time.monotonic() + 30
while "the beginning" not in str(live.snapshot()["blocks"]) and time.monotonic() < end:
    time.sleep(0.05)
ipywidgets.Widget.close_all()
"""


def test_what_goes_on_as_all_widgets_are_closed_is_shown_again_by_attach(kernel: Kernel) -> None:
    kernel.run(GOING)
    kernel.run("run", allow_stdin=True)
    assert kernel.run(SAID).status == "ok"
    ran = kernel.run("%alloy /attach", allow_stdin=True)
    assert ran.status == "ok"
    states = {content["comm_id"]: content["data"]["state"] for content in ran.of("comm_open")}
    stub = states[ran.shown[0]["application/vnd.jupyter.widget-view+json"]["model_id"]]
    assert "the beginning" in str(stub["snapshot"])
    assert states[stub["hub"]]["key"] == stub["key"]
    assert kernel.run("may_end.set()\nprint(run.result().text)").stdout == "the end\n"


def test_a_display_that_cannot_be_updated_costs_neither_the_answer_nor_the_others(kernel: Kernel) -> None:
    kernel.run(
        "m = alloy.Scripted(['one'])\n"
        "from alloy_nb.notebook.live import show\n"
        "display_live = show.display_live\n"
        "class Broken:\n"
        "    def update(self, *_, **__):\n"
        "        raise OSError('gone')\n"
        "def breaking(hub, live):\n"
        "    live.displays.append(Broken())\n"
        "    display_live(hub, live)\n"
        "show.display_live = breaking"
    )
    ran = kernel.run("print(alloy.run('go', model=m).text)", allow_stdin=True)
    assert ran.status == "ok"
    assert ran.stdout == "one\n"
    assert RECORD in ran.shown[-1]


TWICE = """
import os, signal, threading, time, asyncio

@alloy.tool
async def stubborn() -> str:
    "Does not heed a stop for a while."
    threading.Thread(target=twice).start()
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        try:
            await asyncio.sleep(0.1)
        except asyncio.CancelledError:
            pass
    return "x"

def twice():
    for _ in range(2):
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGINT)

m = alloy.Scripted([{"text": "half of it", "tool_calls": [{"name": "stubborn", "input": {}}]}, "done"])
"""


def test_a_cell_that_is_interrupted_twice_is_frozen_when_its_run_is_over(kernel: Kernel) -> None:
    """Nobody waits for the run any more."""
    kernel.run(TWICE)
    ran = kernel.run("alloy.run('go', model=m, tools=[stubborn])", allow_stdin=True)
    assert ran.error["ename"] == "KeyboardInterrupt"
    ended = (
        "from alloy_nb.execution import going\n"
        "from alloy_nb.notebook.live.hub import find_hub\n"
        "live = find_hub(get_ipython()).runs[-1]\n"
        "end = time.monotonic() + 30\n"
        "while not live.settled and time.monotonic() < end:\n"
        "    time.sleep(0.05)\n"
        "print(live.settled, live.transcript.status)"
    )
    assert kernel.run(ended).stdout.strip() == "True cancelled"
    again = kernel.run("%alloy /attach", allow_stdin=True).shown[-1]
    assert "half of it" in again["text/plain"]
    assert "stopped; what was said so far is kept" in again["text/html"]
    assert RECORD in again
