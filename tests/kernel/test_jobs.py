"""A scheduler's table in a kernel: it changes by itself, and its buttons reach the jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import PATIENCE, Kernel

pytestmark = pytest.mark.kernel

SHOWN = """
model = alloy.Scripted([{"text": "Nothing new.", "on": "hi"}])
scheduler = alloy.Scheduler()
scheduler.every("1h", {"model": model}, "hi", name="<b>news</b>")
scheduler
"""


class Page:
    """What a page knows of the cell: its tables and its widgets, as messages come."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.ran = kernel.run(SHOWN, allow_stdin=True)
        assert self.ran.status == "ok", self.ran.error

    def widgets(self, model: str) -> dict[str, dict[str, Any]]:
        """Those of a kind, by their ids, with their state as it was told last."""
        state: dict[str, dict[str, Any]] = {}
        for message in self.ran.messages:
            content = message["content"]
            if message["msg_type"] == "comm_open":
                state[content["comm_id"]] = dict(content["data"]["state"])
            elif message["msg_type"] == "comm_msg" and content["data"].get("method") == "update":
                state.setdefault(content["comm_id"], {}).update(content["data"]["state"])
        return {name: traits for name, traits in state.items() if traits.get("_model_name") == model}

    def press(self, words: str) -> None:
        (button,) = [name for name, state in self.widgets("ButtonModel").items() if state["description"] == words]
        content = {"comm_id": button, "data": {"method": "custom", "content": {"event": "click"}}}
        client = self.kernel.client
        client.shell_channel.send(client.session.msg("comm_msg", content))

    def hear(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self.ran.messages.append(self.kernel.client.get_iopub_msg(timeout=PATIENCE))

    @property
    def table(self) -> str:
        return str(next(data["text/html"] for data in self.ran.shown if "<table" in data.get("text/html", "") or
                        "no job yet" in data.get("text/html", "")))  # fmt: skip


def test_its_buttons_run_pause_and_remove_a_job(kernel: Kernel) -> None:
    page = Page(kernel)
    assert "&lt;b&gt;news&lt;/b&gt;" in page.table
    assert "none yet" in page.table
    names = [state["value"] for state in page.widgets("HTMLModel").values() if state["value"]]
    assert names == ['<span class="tex2jax_ignore mathjax_ignore">&lt;b&gt;news&lt;/b&gt;</span>']
    page.press("Run now")
    page.hear(lambda: "Nothing new." in page.table)
    page.press("Pause")
    page.hear(lambda: "paused" in page.table)
    page.hear(lambda: any(state["description"] == "Resume" for state in page.widgets("ButtonModel").values()))
    assert kernel.run("print(len(scheduler.jobs()), scheduler.jobs()[0].status)").stdout == "1 paused\n"


def test_a_press_to_remove_is_asked_about(kernel: Kernel) -> None:
    page = Page(kernel)
    page.press("Remove")
    page.hear(lambda: any(state["description"] == "Remove: sure?" for state in page.widgets("ButtonModel").values()))
    assert "news" in page.table
    page.press("Remove: sure?")
    page.hear(lambda: "no job yet" in page.table)
    assert kernel.run("print(scheduler.jobs())").stdout == "()\n"


def test_a_press_that_cannot_be_done_says_why(kernel: Kernel) -> None:
    page = Page(kernel)
    assert kernel.run("scheduler._engine.tasks['<b>news</b>'].running = True").status == "ok"
    page.press("Run now")
    page.hear(lambda: any("is at work" in state["value"] for state in page.widgets("HTMLModel").values()))
    assert kernel.run("scheduler._engine.tasks['<b>news</b>'].running = False").status == "ok"


def test_a_stopped_scheduler_has_no_buttons(kernel: Kernel) -> None:
    page = Page(kernel)
    kernel.client.execute("scheduler.stop()")
    page.hear(lambda: "stopped" in page.table)
    page.hear(lambda: {"text/plain": ""} in page.ran.shown)
