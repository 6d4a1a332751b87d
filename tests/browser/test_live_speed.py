"""What a long answer costs the page, by its own count, against the plain way of showing it: `make bench`.

The plain way is `update_display(Markdown(text so far))` at each piece, its cost is the square of the text's length.
Both show the same 100 kB in 2,000 pieces, in one page, until it is idle again; the widget's cost includes the frozen
form that takes its place. The plain way is given the time that it needs: it sends about 100 MB, and Jupyter's server
drops what is beyond 1 MB a second.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.long_texts import SIZE, mixed

from .asking import Asking
from .lab import Lab
from .page import Page

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1_500)]

PIECES = 2_000
#: The plain way costs more than so many times as much.
LESS = 5
TEN, TENTH = 10, 20_000
#: Of the time while an answer streams, the part for which its page is busy.
BUSY = 0.5

SETUP = """
import asyncio, json, time
from pathlib import Path
from IPython.display import Markdown, display
from alloy_nb.notebook.live.hub import hub_of
from alloy_nb.providers.base import TextDelta

class Paced(alloy.Scripted):
    async def stream(self, request):
        async for delta in super().stream(request):
            yield delta
            if isinstance(delta, TextDelta):
                await asyncio.sleep(0.005)

text = Path("{text}").read_text("utf-8")
pieces = [text[at:at + len(text) // {pieces}] for at in range(0, len(text), len(text) // {pieces})]
model = Paced([dict(text=text, chunks=pieces)])
hub, sent = hub_of(get_ipython()), []
send = hub.courier._send
hub.courier._send = lambda content, buffers: (sent.append(content), send(content, buffers))

def size(value):
    return len(json.dumps(value, ensure_ascii=False).encode())
"""
OURS = "%%alloy -m model -o answer\nGo on."
PLAIN = """
shown, said = display(Markdown(""), display_id=True), ""
for piece in pieces:
    said += piece
    shown.update(Markdown(said))
    time.sleep(max(0.005, 1.3e-6 * size(said)))
"""
TEN_AT_ONCE = f"""
text = text[:{TENTH}]
agents = [alloy.Agent(name=f"agent-{{n}}", model=Paced([dict(text=text, chunks=pieces[:{TENTH} * {PIECES} // {SIZE}])]))
          for n in range({TEN})]
runs = [agent.send('go') for agent in agents]
for run in runs: display(run)
results = [await run for run in runs]
None
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of the page's main thread, in all and of them in scripts and for layout; and seconds by the clock."""

    busy: float
    script: float
    layout: float
    clock: float

    def __str__(self) -> str:
        parts = f"script {self.script:.2f} s, layout and style {self.layout:.2f} s"
        return f"busy {self.busy:.2f} s ({parts}) of {self.clock:.0f} s"


class Meter:
    """Reads the browser's own count of what the page's main thread does, in time that it has the processor."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._session = page.raw.context.new_cdp_session(page.raw)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def read(self) -> Cost:
        found = {item["name"]: item["value"] for item in self._session.send("Performance.getMetrics")["metrics"]}
        layout = found["LayoutDuration"] + found["RecalcStyleDuration"]
        clock = self._page.raw.evaluate("performance.now() / 1000")
        return Cost(found["TaskDuration"], found["ScriptDuration"], layout, clock)

    def cost(self, cell: int, last: str, seconds: float) -> Cost:
        """Run a cell; its cost until all is shown and the page has nothing more to do."""
        self._idle()
        before = self.read()
        self._page.run(cell, wait=False)
        assert self._page.finish(cell, seconds) == "ok", self._page.text(cell)
        self._page.await_text(cell, last, seconds)
        after = self._idle()
        return Cost(
            after.busy - before.busy,
            after.script - before.script,
            after.layout - before.layout,
            after.clock - before.clock,
        )

    def _idle(self) -> Cost:
        """Until a second has gone by in which it did next to nothing; as it was before that second."""
        while True:
            before = self.read()
            self._page.wait_ms(1_000)
            if self.read().busy - before.busy < 0.05:
                return before


@pytest.fixture(autouse=True)
def _motion(page: Page) -> Iterator[None]:
    """As most people see it, with whatever moves."""
    page.raw.emulate_media(reduced_motion="no-preference")
    yield
    page.raw.emulate_media(reduced_motion="reduce")


def ask(page: Page, lab: Lab, name: str, *cells: str) -> Meter:
    (lab.root / f"{name}.md").write_text(mixed(SIZE) + "\n\nThe very end.", "utf-8")
    Asking(page, lab, name, ["x"], *cells, setup=SETUP.format(text=f"{name}.md", pieces=PIECES))
    return Meter(page)


def told(page: Page, cell: int) -> list[Any]:
    assert page.run(cell) == "ok", page.text(cell)
    found: list[Any] = json.loads(page.text(cell))
    return found


def test_a_long_answer_costs_a_fraction_of_the_plain_way(
    page: Page, lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = "print(json.dumps([size(text), sum(map(size, sent)), sum(size(''.join(pieces[:n])) for n in range(2001))]))"
    meter = ask(page, lab, "long", OURS, PLAIN, sizes)
    ours = meter.cost(1, "The very end.", 120)
    (frozen,) = [output["data"] for output in page.outputs(1) if output["output_type"] == "display_data"]
    page.raw.evaluate("window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    plain = meter.cost(2, "The very end.", 1_200)
    text, streamed, repeated = told(page, 3)
    kept = len(json.dumps(frozen, ensure_ascii=False).encode())
    with capsys.disabled():
        print(f"\n{text / 1000:.0f} kB in {PIECES} pieces: the live cell {ours}")
        print(f"the plain way: {plain}; {plain.busy / ours.busy:.0f} times as much")
        print(
            f"sent while it streams: {streamed / text:.2f} times the text, by the plain way {repeated / text:.0f} times"
        )
        print(f"what stays in the notebook: {kept / text:.2f} times the text")
    assert ours.busy < plain.busy / LESS
    assert streamed <= 1.3 * text
    assert kept <= 4 * text


def test_ten_answers_at_once_leave_the_page_time(page: Page, lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    last = mixed(SIZE)[TENTH - 20 : TENTH].split("\n")[-1].strip(" |`*")
    meter = ask(page, lab, "ten-long", TEN_AT_ONCE)
    cost = meter.cost(1, last, 120)
    with capsys.disabled():
        print(f"\n{TEN} answers at once, each {TENTH / 1000:.0f} kB: {cost}")
    assert cost.busy < BUSY * cost.clock
