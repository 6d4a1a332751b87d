"""``%%alloy`` as an awaiting cell, in a real kernel."""

from __future__ import annotations

import pytest

from .conftest import Kernel

pytestmark = pytest.mark.kernel

TICKING = """
import asyncio
ticks = []
async def tick():
    while True:
        ticks.append(1)
        await asyncio.sleep(0.01)
task = asyncio.ensure_future(tick())
m = alloy.Scripted([{"text": "slow", "delay_ms": 1000}] * 5)
"""


def test_the_kernels_loop_stays_free_while_a_cell_awaits(kernel: Kernel) -> None:
    kernel.run(TICKING)
    kernel.run("before = len(ticks)")
    assert "slow" in kernel.run("%%alloy -m m\nhi\n", allow_stdin=True).shown[-1]["text/plain"]
    assert kernel.run("print(len(ticks) - before > 20)").stdout == "True\n"
    assert "slow" in kernel.run("%alloy -m m hi").shown[-1]["text/plain"]


def test_where_it_cannot_await_the_magic_blocks_and_answers(kernel: Kernel) -> None:
    kernel.run(TICKING)
    assert "slow" in kernel.run("%%time\n%%alloy -m m\nhi\n").shown[-1]["text/plain"]
    assert kernel.run("x = %alloy -m m hi\nprint(x.text)").stdout.strip().endswith("slow")
    function = "def f():\n    x = %alloy -m m hi\n    return x.text\nprint(f())"
    assert kernel.run(function).stdout.strip().endswith("slow")


def test_a_tool_for_the_main_thread_runs_there_while_the_cell_awaits(kernel: Kernel) -> None:
    kernel.run(
        "import threading\n"
        "@alloy.tool(thread='main')\n"
        "def where() -> str:\n"
        "    'Where.'\n"
        "    return str(threading.current_thread() is threading.main_thread())\n"
        "m = alloy.Scripted([{'tool_calls': [{'name': 'where', 'input': {}}]}, 'done'])\n"
    )
    kernel.run("%%alloy -m m -t where -o r\nhi\n", allow_stdin=True)
    assert kernel.run("print(r.tool_calls[0].output)").stdout == "True\n"
