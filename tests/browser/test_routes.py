"""Every way by which a press of Stop, or an answer to a question, may reach a kernel at work.

Of the ways that there are, a page is left the one that is tried. Moments are random, by a seed that is printed.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Route

from .asking import Asking, await_file
from .lab import Lab
from .page import Page
from .test_interrupt import sleeping
from .test_live import FORMS, bash

#: By ipykernel, what arrives while a cell blocks or awaits, in JupyterLab 4 with its own settings. The last is the
#: interrupt that the page asks of Jupyter's server, when nothing else was heard.
ARRIVES = {
    "alloy-6.31": ("control", "interrupt"),
    "alloy-7.3": ("control", "comm", "message", "interrupt"),
    "alloy-newest": ("control", "comm", "message", "interrupt"),
}
TIMES = 3
#: Rounds of the soak: each stops by every way, in both forms, on each kernel: 20 stops.
ROUNDS = 5
LONGEST_MS = 800
#: What is promised from the press to the end of the text, in seconds.
PROMISED = 1.0
#: Beside other work on the machine a test allows more.
LENIENT = 10.0

SETUP = """
import asyncio, json
from alloy_nb.notebook.live.hub import hub_of
from alloy_nb.providers.base import TextDelta
hub = hub_of(get_ipython())

class Endless(alloy.Scripted):
    "Talks for ever, or (every other time) begins a command that takes for ever."
    asked = 0
    async def stream(self, request):
        self.asked += 1
        if self.asked % 2 == 0:
            async for delta in super().stream(request):
                yield delta
            return
        while True:
            yield TextDelta("word ")
            await asyncio.sleep(0.005)

command = {{"name": "bash", "input": {{"command": "touch {flag}; sleep 300; touch {flag}.late"}}}}
model = Endless([dict(text="word word word", tool_calls=[command])] * 1000)
calm = alloy.Scripted(["It works."] * 1000)
"""
OPTIONS = "-t bash --approval auto --fresh"
CHECK = """
said = answer.messages
calls = [call.id for message in said for call in message.tool_calls]
results = [result.call_id for message in said for result in message.tool_results]
print(json.dumps([answer.status, calls == results, len(calls), answer.text.startswith("word word word")]))
"""
NEXT = "after = %alloy -m calm --fresh And now?\nprint(after.text)"


class Stopping:
    """A notebook with a question that never ends by itself, in one form, on one kernel."""

    def __init__(self, page: Page, lab: Lab, form: str, kernel: str) -> None:
        self.page, self.kernel = page, kernel
        # Its name is looked for among the commands of this machine's processes.
        self.flag = lab.root / f"routes-{form}-{kernel}-{os.getpid()}"
        routes = [f"hub.widget.routes = {list(_left(route))}" for route in ARRIVES[kernel]]
        self.cells = {route: 4 + number for number, route in enumerate(ARRIVES[kernel])}
        name, setup = f"routes-{form}-{kernel}", SETUP.format(flag=self.flag.name)
        Asking(
            page,
            lab,
            name,
            ["x"],
            FORMS[form].format(options=OPTIONS),
            CHECK,
            NEXT,
            *routes,
            kernel=kernel,
            setup=setup,
        )
        self._talks = True
        self._interrupts = False
        page.raw.route("**/api/kernels/*/interrupt", self._pass)

    def _pass(self, route: Route) -> None:
        """The page that heard nothing in time interrupts the kernel: a way of its own, which is not always tried."""
        if self._interrupts:
            route.continue_()
        else:
            route.abort()

    def choose(self, route: str) -> None:
        self._interrupts = route == "interrupt"
        assert self.page.run(self.cells[route]) == "ok"

    def stop(self, wait_ms: int, route: str) -> float:
        """One question, stopped after so long; the seconds from the press to the end of the cell."""
        self.flag.unlink(missing_ok=True)
        talks, self._talks = self._talks, not self._talks
        self.page.run(1, wait=False)
        self.page.await_text(1, "word word word")
        if not talks:
            await_file(self.flag)
        self.page.wait_ms(wait_ms)
        began = time.monotonic()
        self.page.press("Stop")
        status = self.page.finish(1)
        took = time.monotonic() - began
        # Whoever interrupts the kernel ends Run All, too; the button ends a question, and no more.
        assert status == ("error" if route == "interrupt" else "ok"), self.page.text(1)
        self.page.await_text(1, "stopped; what was said so far is kept")
        self.check(talks)
        return took

    def check(self, talks: bool) -> None:
        """No process is left, the history can be sent on, the next question works."""
        assert sleeping(self.flag) == []
        assert self.page.run(2) == "ok", self.page.text(2)
        assert json.loads(self.page.text(2)) == ["cancelled", True, 0 if talks else 1, True]
        assert self.page.run(3) == "ok", self.page.text(3)
        assert "It works." in self.page.text(3)
        assert not self.flag.with_name(f"{self.flag.name}.late").exists()


def _left(route: str) -> tuple[str, ...]:
    return () if route == "interrupt" else (route,)


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def stopping(page: Page, lab: Lab, form: str, kernel: str) -> Iterator[Stopping]:
    return Stopping(page, lab, form, kernel)


def seeded(capsys: pytest.CaptureFixture[str]) -> random.Random:
    seed = random.randrange(10**6)
    with capsys.disabled():
        print(f"\nseed {seed}", end="")
    return random.Random(seed)


def test_a_stop_arrives_by_each_way(stopping: Stopping, capsys: pytest.CaptureFixture[str]) -> None:
    moments = seeded(capsys)
    for route in ARRIVES[stopping.kernel]:
        stopping.choose(route)
        for _ in range(TIMES):
            assert stopping.stop(moments.randrange(LONGEST_MS), route) < LENIENT


@pytest.mark.slow
@pytest.mark.timeout(3_000)
def test_a_hundred_stops_at_random_moments(stopping: Stopping, capsys: pytest.CaptureFixture[str]) -> None:
    """A hundred over all kernels and forms, each within what is promised."""
    moments, took = seeded(capsys), {}
    for route in ARRIVES[stopping.kernel]:
        stopping.choose(route)
        took[route] = [stopping.stop(moments.randrange(LONGEST_MS), route) for _ in range(ROUNDS)]
    with capsys.disabled():
        for route, seconds in took.items():
            longest = max(seconds)
            print(f"\n{stopping.kernel}, {route}: {len(seconds)} stops, the longest {longest:.2f} s", end="")
            assert longest < PROMISED


def test_an_answer_arrives_by_each_way(page: Page, lab: Lab, form: str, kernel: str) -> None:
    """Allowed, and refused; by the card's buttons, while the cell waits for nothing else."""
    routes = [route for route in ARRIVES[kernel] if route != "interrupt"]
    told = "print(json.dumps([[r.executed for r in answer.tool_calls]]))"
    choose = [f"hub.widget.routes = {[route]}" for route in routes]
    lines = [{"text": "May I?", "tool_calls": [bash("echo one"), bash("echo two")]}, "Thanks."] * len(routes)
    setup = "import json\nfrom alloy_nb.notebook.live.hub import hub_of\nhub = hub_of(get_ipython())\n"
    question = FORMS[form].format(options="-t bash --fresh")
    Asking(page, lab, f"answers-{form}-{kernel}", lines, question, told, *choose, kernel=kernel, setup=setup)
    for number in range(len(routes)):
        assert page.run(3 + number) == "ok"
        page.run(1, wait=False)
        cards = page.raw.locator(".alloy-approval")
        cards.filter(has_text="echo one").get_by_role("button", name="Allow once").click()
        denied = cards.filter(has_text="echo two")
        denied.get_by_role("button", name="Deny…").click()
        denied.locator("input").press("Enter")
        assert page.finish(1) == "ok"
        assert page.run(2) == "ok", page.text(2)
        assert json.loads(page.text(2)) == [[True, False]]
