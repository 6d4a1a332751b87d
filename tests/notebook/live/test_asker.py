"""Who puts a question: the card, as long as a page is heard; else the input box."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from alloy_nb.asking import PumpAsker
from alloy_nb.messages import ToolCall
from alloy_nb.notebook.live import asker as askers
from alloy_nb.notebook.live import run as runs
from alloy_nb.notebook.live.asker import CardAsker
from alloy_nb.pump import Pump
from alloy_nb.tools.approval import Decision, Question, Wanted

from .test_run import live_run

QUESTION = Question(ToolCall("c", "bash", {"command": "ls"}), "bash wants to run `ls`", "ls", "ls")


class Box:
    """The input box, which answers at once."""

    def __init__(self) -> None:
        self.asked = 0

    async def ask(self, question: Question, wanted: Wanted) -> Decision:
        self.asked += 1
        return Decision(False, "by the box")


def facts(live: Any) -> dict[str, Any]:
    return dict(live.snapshot()["facts"])


def test_a_page_that_is_heard_is_left_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(askers, "PATIENCE", 0.05)
    live, box = live_run(), Box()
    live.hear()

    async def go() -> None:
        asking = asyncio.ensure_future(CardAsker(live, box, page_known=True).ask(QUESTION, lambda: True))
        await asyncio.sleep(0.3)
        assert not asking.done()
        asking.cancel()

    asyncio.run(go())
    assert (box.asked, facts(live)["asks"]) == (0, "page")


@pytest.mark.thorough
def test_a_page_that_comes_to_be_heard_no_more_leaves_it_to_the_box(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tab was closed."""
    monkeypatch.setattr(runs, "HEARD_SECONDS", 0.2)
    live, box = live_run(), Box()
    live.hear()
    decision = asyncio.run(CardAsker(live, box, page_known=True).ask(QUESTION, lambda: True))
    assert (decision.reason, box.asked) == ("by the box", 1)


def test_without_a_page_the_box_asks_and_a_page_that_comes_later_may_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(askers, "PATIENCE", 0.05)
    live, box = live_run(), Box()
    asker = CardAsker(live, box, page_known=True)
    asyncio.run(asker.ask(QUESTION, lambda: True))
    assert facts(live)["asks"] == "input"
    live.hear()
    assert facts(live)["asks"] == "page"


def test_while_a_cell_blocks_in_its_input_box_the_card_has_no_buttons(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cell would not go on before the box is answered."""
    monkeypatch.setattr(askers, "PATIENCE", 0.05)

    class Blocking(PumpAsker):
        async def ask(self, question: Question, wanted: Wanted) -> Decision:
            return await asyncio.get_running_loop().create_future()

    live, blocking = live_run(), Blocking(Pump())

    async def go() -> None:
        asking = asyncio.ensure_future(CardAsker(live, blocking, page_known=True).ask(QUESTION, lambda: True))
        while not live.input_only:
            await asyncio.sleep(0.01)
        live.hear()
        assert facts(live)["asks"] == "input"
        asking.cancel()

    asyncio.run(go())


def test_nobody_at_all_is_a_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(askers, "PATIENCE", 0.05)
    decision = asyncio.run(CardAsker(live_run(), None, page_known=True).ask(QUESTION, lambda: True))
    assert not decision.allowed
    assert "nobody could be asked" in (decision.reason or "")
