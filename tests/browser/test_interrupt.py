"""JupyterLab's stop button on each kernel, in both forms of a question: a cell that awaits, and one that blocks."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from .asking import Asking, await_file
from .lab import Lab
from .page import Page

AWAITS = "%%alloy -m model {options} -o answer\nGo on."
BLOCKS = "%%time\n%%alloy -m model {options} -o answer\nGo on."
FORMS = {"awaits": AWAITS, "blocks": BLOCKS}
LATE = "late.txt"

TOLD = """
import json
said = model.requests[-1].messages if model.requests else []
calls = [call.id for message in said for call in message.tool_calls]
results = [result.call_id for message in said for result in message.tool_results]
print(json.dumps([answer.status, answer.text, calls == results, len(calls)]))
"""


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def cells(form: str, options: str = "") -> list[str]:
    """A question that is stopped, another one, and what the model was told of the first."""
    return [FORMS[form].format(options=options), "after = %alloy -m model And now?", TOLD]


def told(page: Page, cell: int) -> list[object]:
    assert page.run(cell) == "ok", page.text(cell)
    found: list[object] = json.loads(page.text(cell))
    return found


def await_text(page: Page, cell: int, text: str) -> None:
    page.await_text(cell, text)
    assert page.status(cell) == "running"


def test_a_stop_in_mid_sentence_keeps_what_was_said(page: Page, lab: Lab, kernel: str, form: str) -> None:
    lines = [{"text": "The first half is easy, ‖and here is the second."}, "It works."]
    Asking(page, lab, f"stop-text-{form}-{kernel}", lines, *cells(form), kernel=kernel)
    page.run(1, wait=False)
    await_text(page, 1, "easy,")
    page.interrupt()
    assert page.finish(1) == "error"
    assert "easy," in page.text(1)
    assert "stopped; what was said so far is kept" in page.text(1)
    assert "second" not in page.text(1)
    assert [output["ename"] for output in page.outputs(1) if output["output_type"] == "error"] == ["KeyboardInterrupt"]
    assert page.run(2) == "ok", page.text(2)
    assert "It works." in page.text(2)
    assert told(page, 3) == ["cancelled", "The first half is easy, ", True, 0]


FAST = """
import asyncio
from alloy_nb.providers.base import TextDelta
class Fast(Held):
    "Says a word every few milliseconds, so that each wake-up of the waiting cell has news."
    async def stream(self, request):
        if len(self.requests):
            async for delta in super().stream(request):
                yield delta
            return
        self.requests.append(request)
        while True:
            yield TextDelta("word ")
            await asyncio.sleep(0.005)
model = Fast("{script}")
"""


def test_a_stop_in_a_fast_answer(page: Page, lab: Lab, kernel: str, form: str) -> None:
    """The interrupt arrives together with a wake-up; it must not be forgotten."""
    name = f"stop-fast-{form}-{kernel}"
    setup = FAST.replace(
        "{script}", f"{name}.jsonl".replace("-", "_").replace("_6.31", "_6_31").replace("_7.3", "_7_3")
    )
    Asking(page, lab, name, ["It works."], *cells(form), kernel=kernel, setup=setup)
    for _ in range(3):
        page.run(0)
        page.run(1, wait=False)
        await_text(page, 1, "word word word")
        page.interrupt()
        assert page.finish(1) == "error"
        assert "stopped; what was said so far is kept" in page.text(1)
    assert page.run(2) == "ok", page.text(2)
    assert "It works." in page.text(2)


def test_a_stop_ends_a_tool_with_its_processes(page: Page, lab: Lab, kernel: str, form: str) -> None:
    late = lab.root / f"{form}-{kernel}-{LATE}"
    command = f"touch {late.name}.begun; sleep 300; touch {late.name}"
    lines = [{"text": "I wait.", "tool_calls": [{"name": "bash", "input": {"command": command}}]}, "It works."]
    name = f"stop-tool-{form}-{kernel}"
    Asking(page, lab, name, lines, *cells(form, "-t bash --approval auto"), kernel=kernel)
    page.run(1, wait=False)
    await_file(late.with_name(f"{late.name}.begun"))
    assert sleeping(late) or sys.platform != "linux"
    page.interrupt()
    assert page.finish(1) == "error"
    assert sleeping(late) == []
    assert page.run(2) == "ok", page.text(2)
    assert "It works." in page.text(2)
    assert not late.exists()
    assert told(page, 3) == ["cancelled", "I wait.", True, 1]


def test_a_stop_at_the_question_denies_it(page: Page, lab: Lab, kernel: str, form: str) -> None:
    late = lab.root / f"{form}-{kernel}-asked"
    call = {"name": "bash", "input": {"command": f"touch {late.name}"}}
    lines = [{"text": "May I?", "tool_calls": [call]}, "It works."]
    name = f"stop-question-{form}-{kernel}"
    Asking(page, lab, name, lines, *cells(form, "-t bash"), kernel=kernel)
    page.run(1, wait=False)
    page.button("Allow once").wait_for()
    page.interrupt()
    assert page.finish(1) == "error"
    assert page.run(2) == "ok", page.text(2)
    assert "It works." in page.text(2)
    assert not late.exists()
    assert told(page, 3) == ["cancelled", "May I?", True, 1]


def test_a_stop_ends_run_all(page: Page, lab: Lab, kernel: str) -> None:
    lines = [{"text": "The first half ‖and the second."}]
    cells = [AWAITS.format(options=""), "print('never')"]
    Asking(page, lab, f"stop-all-{kernel}", lines, *cells, kernel=kernel)
    page.run_all(wait=False)
    await_text(page, 1, "first half")
    page.interrupt()
    assert [page.finish(cell) for cell in (1, 2)] == ["error", "new"]


def sleeping(late: Path) -> list[str]:
    """The processes whose command line names this file, where there is a /proc."""
    found = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = line.read_bytes().decode("utf-8", "replace")
        except OSError:  # it has just ended
            continue
        if late.name in words:
            found.append(words)
    return found
