"""The moment at which a live cell is frozen: nothing moves, what is marked stays marked, what is open stays open."""

from __future__ import annotations

from typing import Any

import pytest

from .asking import Asking
from .lab import Lab
from .page import Page

CELL = "%%alloy -m model {options}\nGo on."
LOOK = {"name": "look_up", "input": {"city": "Graz"}}
BASH = {"name": "bash", "input": {"command": "echo hi"}}
#: What is asked, by which options, and which of it is seen last; each holds at its very end.
ANSWERS: dict[str, tuple[list[Any], str]] = {
    "plain": (["One line.\n\nAnd a last one.‖"], ""),
    "list": (["# See\n\n- one\n- a last one.‖"], ""),
    "code": (["See\n\n```python\nx = 'a last one.'\n```\n‖"], ""),
    "tool": (
        [{"thinking": "Hm.", "text": "I look.", "tool_calls": [LOOK]}, "A last one.‖"],
        "-t look_up --approval auto",
    ),
    "card": ([{"text": "May I?", "tool_calls": [BASH]}, "A last one.‖"], "-t bash"),
}
ALONE = CELL.format(options="")
#: From the top of the cell, in pixels: where each part begins and how high it is; then the cell's own height.
PLACES = """cell => {
  const from = document.querySelectorAll(".jp-Cell")[cell].getBoundingClientRect(), found = [];
  for (const one of document.querySelectorAll(".jp-Cell")[cell].querySelectorAll(
      ".alloy-fold, .alloy-tool, .alloy-text, .alloy-text > *, .alloy-foot")) {
    const {top, height} = one.getBoundingClientRect();
    found.push([one.className.split(" ")[0] || one.tagName, top - from.top, height]);
  }
  return [...found, ["cell", 0, from.height]];
}"""
FROZEN = ".jp-OutputArea .alloy-run:not(.alloy-view *)"
MARKED = "() => getSelection().toString()"


def await_frozen(page: Page, cell: int = 1) -> None:
    assert page.finish(cell) == "ok", page.text(cell)
    page.raw.locator(FROZEN).wait_for()
    page.await_frames()


@pytest.mark.parametrize("name", ANSWERS)
def test_no_part_and_nothing_below_moves(page: Page, lab: Lab, name: str) -> None:
    """The footer did, by the height of its button: and all that is below the cell."""
    lines, options = ANSWERS[name]
    asking = Asking(page, lab, f"freeze-{name}", lines, CELL.format(options=options), "print(1)")
    if name == "tool":
        asking.let_go()
    page.run(1, wait=False)
    if name == "card":
        page.press("Allow once")
    page.raw.locator(".alloy-run-live").get_by_text("last one.").wait_for()
    page.raw.locator(".alloy-run-live .alloy-stop").wait_for()
    page.await_frames()
    live = page.raw.evaluate(PLACES, 1)
    asking.let_go()
    await_frozen(page)
    frozen = page.raw.evaluate(PLACES, 1)
    assert [part for part, *_ in live] == [part for part, *_ in frozen]
    assert len(live) > 3
    for (part, *before), (_, *after) in zip(live, frozen, strict=True):
        assert after == pytest.approx(before, abs=0.6), part


GAP = """selector => {
  const formula = document.querySelector(selector).closest("p");
  const {bottom} = formula.previousElementSibling.getBoundingClientRect();
  return formula.getBoundingClientRect().top - bottom;
}"""


def test_a_formula_is_as_far_from_the_text_as_mathjax_sets_it(page: Page, lab: Lab) -> None:
    asking = Asking(page, lab, "freeze-formula", ["It is\n\n$$a + b = c$$\n\nThe end.‖"], ALONE)
    page.run(1, wait=False)
    page.raw.locator(".alloy-run-live .alloy-math math").wait_for()
    live = page.raw.evaluate(GAP, ".alloy-math math")
    asking.let_go()
    await_frozen(page)
    page.raw.locator("mjx-container").wait_for()
    page.raw.wait_for_function(f"live => Math.abs(({GAP})('mjx-container') - live) < 1.5", arg=live)


def mark(page: Page, start: str, end: str) -> None:
    """From before the first words to behind the last, by the mouse."""
    box = """words => {
      const walker = document.createTreeWalker(document.querySelector(".alloy-text"), NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const {data} = walker.currentNode, place = data.indexOf(words), range = document.createRange();
        if (place < 0) continue;
        range.setStart(walker.currentNode, place);
        range.setEnd(walker.currentNode, place + words.length);
        const {left, right, top, height} = range.getBoundingClientRect();
        return [left, right, top + height / 2];
      } }"""
    page.await_frames()
    left, _, top = page.raw.evaluate(box, start)
    _, right, bottom = page.raw.evaluate(box, end)
    page.raw.mouse.move(left, top)
    page.raw.mouse.down()
    page.raw.mouse.move(right, bottom, steps=4)
    page.raw.mouse.up()


ANSWER = "A **first** paragraph.\n\n- a list\n- of two\n\n{}The middle ‖of it, which goes on,‖ and the end."


@pytest.mark.parametrize("start", ["first", "of two", "The middle"])
def test_what_is_marked_stays_so_while_more_comes_and_in_the_frozen_form(page: Page, lab: Lab, start: str) -> None:
    """In the frozen form it was lost: who wanted to copy it had to begin again."""
    name = f"marked-{start.replace(' ', '-')}"
    asking = Asking(page, lab, name, [ANSWER.format("A table:\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n")], ALONE)
    page.run(1, wait=False)
    page.await_text(1, "The middle")
    mark(page, start, "The middle")
    marked = page.raw.evaluate(MARKED)
    assert marked.startswith(start)
    assert marked.endswith("The middle")
    asking.let_go()
    page.await_text(1, "which goes on,")
    assert page.raw.evaluate(MARKED) == marked
    asking.let_go()
    await_frozen(page)
    assert page.raw.evaluate(MARKED).split() == marked.split()
    inside = f"() => !!getSelection().anchorNode.parentElement.closest('{FROZEN}')"
    assert page.raw.evaluate(inside)


def test_who_has_gone_on_to_another_cell_types_there(page: Page, lab: Lab) -> None:
    asking = Asking(page, lab, "marked-elsewhere", [ANSWER.format("")], ALONE, "")
    page.run(1, wait=False)
    page.await_text(1, "The middle")
    mark(page, "first", "The middle")
    page.raw.locator(".jp-CodeCell .cm-content").nth(2).click()
    page.raw.keyboard.type("x =")
    asking.let_go(2)
    await_frozen(page)
    page.raw.keyboard.type(" 1")
    assert page.source(2) == "x = 1"


CREW = """
lines = [{"thinking": "Hm.", "text": "I have the answer, ‖which is short."}]
team = alloy.Team({name: {"model": Held(lines)} for name in ("one", "two")}, name="crew")
results = team.broadcast("Go on.")"""


def test_the_agent_whose_tab_was_chosen_is_unfolded_as_it_was_read(page: Page, lab: Lab) -> None:
    """All were folded, and what somebody read was gone."""
    asking = Asking(page, lab, "freeze-team", ["x"], CREW)
    page.run(1, wait=False)
    page.raw.locator(".alloy-team").get_by_role("tab", name="two").click()
    panel = page.raw.locator(".alloy-team .alloy-panel:not([hidden])")
    panel.get_by_text("I have the answer,").wait_for()
    panel.locator("summary").click()
    panel.locator(".alloy-thinking").wait_for()
    panel.get_by_text("I have the answer,").dblclick(position={"x": 60, "y": 8})
    marked = page.raw.evaluate(MARKED)
    assert marked.strip() in "I have the answer,"
    assert marked
    asking.let_go(2)
    await_frozen(page)
    agents = page.raw.locator(f"{FROZEN} > details")
    assert agents.evaluate_all("all => all.map(one => one.open)") == [False, True]
    assert agents.nth(1).locator("details[open] .alloy-thinking").is_visible()
    assert page.raw.evaluate(MARKED).split() == marked.split()
