"""`/retry` and `/undo` in a real kernel: a live cell, awaited, of the cell that asked first."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Kernel
from .test_interrupt import once_shown

pytestmark = pytest.mark.kernel

MODEL = """
import asyncio
ticks = []
async def tick():
    while True:
        ticks.append(1)
        await asyncio.sleep(0.01)
task = asyncio.ensure_future(tick())
seen = []
def answer(request):
    seen[:] = [message.text for message in request.messages]
    return f"{request.messages[-1].text}, answer {len(m.requests)}"
m = alloy.testing.Function(answer)
slow = alloy.Scripted([{"text": "slowly", "delay_ms": 1000}])
"""


def test_a_question_is_asked_again_in_a_live_cell_and_taken_back(kernel: Kernel) -> None:
    kernel.run(MODEL)
    kernel.run("%%alloy -m m\nFirst", cell_id="a")
    kernel.run("%%alloy -m m\nSecond", cell_id="b")
    again = kernel.run("%alloy /retry", cell_id="c")
    assert again.status == "ok"
    assert "Second, answer 3" in again.shown[-1]["text/plain"]
    assert "with the last question again: Second" in again.shown[-1]["text/html"]
    assert kernel.run("print(seen)").stdout == "['First', 'First, answer 1', 'Second']\n"
    kernel.run("before = len(ticks)", cell_id="d")
    live = kernel.run("%%alloy -m slow\n/retry", cell_id="e", allow_stdin=True)
    assert "slowly" in live.shown[-1]["text/plain"]
    assert kernel.run("print(len(ticks) - before > 20)").stdout == "True\n"  # the kernel's loop was free meanwhile
    assert kernel.run("%alloy /history").stdout.splitlines()[2:] == ["user: Second", "assistant: slowly"]
    assert "user: Second" in kernel.run("%alloy /undo", cell_id="f").stdout
    assert "answer 4" in kernel.run("%%alloy -m m\nSecond, anew", cell_id="b").shown[-1]["text/plain"]
    assert kernel.run("print(seen)").stdout == "['First', 'First, answer 1', 'Second, anew']\n"


def test_what_was_asked_again_is_kept_when_it_is_stopped(kernel: Kernel, tmp_path: Path) -> None:
    """The partial answer takes the place of the one before, as that of a cell that runs again does."""
    sleep = {"text": "Begun. ", "tool_calls": [{"name": "bash", "input": {"command": "touch begun; sleep 60"}}]}
    kernel.run(f"m = alloy.Scripted(['One.', {sleep!r}, 'Three.'])")
    kernel.run("%%alloy -m m -t bash --approval auto\nSay it", cell_id="a")
    stop = once_shown(kernel, "'state': 'running'", tmp_path / "begun")
    ran = kernel.run("%alloy /retry", cell_id="b", allow_stdin=True, while_running=stop)
    assert ran.error["ename"] == "KeyboardInterrupt"
    told = kernel.run("%alloy /history").stdout.splitlines()
    assert told[:2] == ["user: Say it", "assistant: Begun. [tool_use: bash touch begun; sleep 60]"]
    assert "Three." in kernel.run("%alloy /retry", cell_id="b").shown[-1]["text/plain"]
    assert kernel.run("%alloy /history").stdout == "user: Say it\nassistant: Three.\n"
