"""ipykernel 7.4: a comm's message that is still in work when the cell which awaited has ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import Kernel, kernel_env

pytestmark = pytest.mark.kernel

#: The first that takes a comm's message while a cell awaits.
NEW = "alloy-newest"

# A comm's message stays in work until a second cell has begun.
SETUP = """
%load_ext alloy_nb
import asyncio
came, begun = asyncio.Event(), asyncio.Event()
kernel = get_ipython().kernel
take = kernel.shell_handlers["comm_msg"]

async def take_its_time(*arguments):
    take(*arguments)
    came.set()
    await begun.wait()

kernel.shell_handlers["comm_msg"] = take_its_time
"""

# The first waits for the message, the second lets it end and goes on a while: it is the second that speaks and ends.
FIRST = "print('first'); await came.wait()"
SECOND = """
begun.set()
for _ in range(100):
    await asyncio.sleep(0)
print('second')
"""


def test_a_cell_that_begins_while_a_comm_message_is_in_work_is_told_as_its_own(tmp_path: Path) -> None:
    """Of a Run All in JupyterLab one cell stayed at [*], one time in thirty, and its neighbour ended twice."""
    from jupyter_client.kernelspec import KernelSpecManager

    if NEW not in KernelSpecManager().find_kernel_specs():
        pytest.skip(f"no kernel {NEW}; make test makes it")
    kernel = Kernel(kernel_env(), tmp_path, NEW)
    try:
        assert kernel.run(SETUP).status == "ok"
        if not kernel.run(
            "import inspect; 'concurrent' in inspect.signature(kernel.dispatch_shell).parameters or None"
        ).shown:
            pytest.skip("this ipykernel takes no comm's message while a cell awaits")
        cells = [kernel.send(FIRST), kernel.send(SECOND)]
        message = kernel.client.session.msg("comm_msg", {"comm_id": "nobody", "data": {}})
        kernel.client.shell_channel.send(message)
        assert [kernel.reply_to(cell)["status"] for cell in cells] == ["ok", "ok"]
        assert _told(kernel, len(cells)) == {
            cells[0]["header"]["msg_id"]: ["busy", "first\n", "idle"],
            cells[1]["header"]["msg_id"]: ["busy", "second\n", "idle"],
        }
    finally:
        kernel.close()


def _told(kernel: Kernel, cells: int) -> dict[str, list[str]]:
    """What was said of each cell, until as many have ended as were run."""
    told: dict[str, list[str]] = {}
    while sum(texts.count("idle") for texts in told.values()) < cells:
        message: dict[str, Any] = kernel.client.get_iopub_msg(timeout=10)
        if message["parent_header"].get("msg_type") != "execute_request":
            continue
        content = message["content"]
        text = content.get("execution_state") or content.get("text")
        if text:
            told.setdefault(message["parent_header"]["msg_id"], []).append(text)
    return told
