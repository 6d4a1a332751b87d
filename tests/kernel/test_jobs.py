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

    @property
    def state(self) -> dict[str, Any]:
        """What the page is told of the jobs."""
        (state,) = [one for one in self.widgets("AnyModel").values() if "rows" in one]
        return state

    def press(self, action: Any, job: Any = "<b>news</b>") -> None:
        (widget,) = [name for name, one in self.widgets("AnyModel").items() if "rows" in one]
        content = {"comm_id": widget, "data": {"method": "custom", "content": {"do": action, "job": job}}}
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
    (row,) = page.state["rows"]
    assert (row["job"], row["cells"][:2], row["paused"]) == ("<b>news</b>", ["<b>news</b>", "hi"], False)
    page.press("trigger")
    page.hear(lambda: "Nothing new." in page.table)
    page.hear(lambda: "Nothing new." in page.state["rows"][0]["cells"][4])
    page.press("pause")
    page.hear(lambda: "paused" in page.table)
    page.hear(lambda: page.state["rows"][0]["paused"])
    assert kernel.run("print(len(scheduler.jobs()), scheduler.jobs()[0].status)").stdout == "1 paused\n"
    page.press("resume")
    page.hear(lambda: not page.state["rows"][0]["paused"])
    page.press("remove")
    page.hear(lambda: "no job yet" in page.table)
    page.hear(lambda: page.state["rows"] == [])
    assert kernel.run("print(scheduler.jobs())").stdout == "()\n"


def test_a_press_that_cannot_be_done_says_why(kernel: Kernel) -> None:
    page = Page(kernel)
    for action, job in (("stop", "<b>news</b>"), (["trigger"], "x"), ("trigger", 3), (None, None)):
        page.press(action, job)  # no button says so
    page.press("trigger", "nobody")
    page.hear(lambda: page.state["told"] == "there is no job 'nobody'")
    page.press("pause")
    page.hear(lambda: page.state["told"] == "")
    assert kernel.run("print(scheduler.history('<b>news</b>'))").stdout == "()\n"


def test_a_stopped_scheduler_has_no_buttons(kernel: Kernel) -> None:
    page = Page(kernel)
    kernel.client.execute("scheduler.stop()")
    page.hear(lambda: "stopped" in page.table)
    page.hear(lambda: {"text/html": "", "text/plain": ""} in page.ran.shown)
    (widget,) = [name for name, one in page.widgets("AnyModel").items() if "rows" in one]
    parts = {widget, page.state["layout"].removeprefix("IPY_MODEL_")}
    page.hear(
        lambda: parts <= {one["content"]["comm_id"] for one in page.ran.messages if one["msg_type"] == "comm_close"}
    )


def test_nothing_is_shown_but_the_table_and_its_buttons(kernel: Kernel) -> None:
    """rich displayed an empty output before the table, which JupyterLab made a blank strip of."""
    assert [sorted(data) for data in Page(kernel).ran.shown] == [
        ["text/html", "text/plain"],
        ["application/vnd.jupyter.widget-view+json", "text/plain"],
    ]


def test_text_for_a_terminal_displays_nothing_in_a_kernel(kernel: Kernel) -> None:
    code = "from alloy_nb.render.terminal import to_terminal\nprint(to_terminal('*hi*', 40, color=False))"
    ran = kernel.run(code)
    assert (ran.status, ran.shown) == ("ok", [])
