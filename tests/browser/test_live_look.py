"""How the live cell looks: as the frozen form that takes its place, in each theme and width; and who works by keys."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from .asking import Asking
from .lab import Lab
from .page import Page

CELL = "%%alloy -m model -t bash -o answer\nGo on."
MARKDOWN = """# Title

Revenue fell **34 %**, with `code` and a [link](https://example.com), in *one* region of three.

- one
- two
  1. deeper

| month | revenue |
|-------|--------:|
| Jan   |       1 |

```python
def f(x): return x + 1  # a comment
```

> quoted

The end‖."""
SCRIPT: list[Any] = [
    {
        "thinking": "Let me think.",
        "text": MARKDOWN,
        "tool_calls": [{"name": "bash", "input": {"command": "echo hi; echo there", "timeout": 30}}],
    },
    "Thanks ‖for that.",
]
# Each block and what is in it, all unfolded, from the corner of the run: tag, left, top, width, height.
PLACES = """async selector => {
  const root = document.querySelector(selector), found = [];
  for (const fold of root.querySelectorAll('details')) fold.open = true;
  await new Promise(done => setTimeout(done, 300));
  const from = root.getBoundingClientRect();
  for (const one of root.querySelectorAll('details, summary, div, p, h1, ul, ol, li, table, td, th, pre, blockquote')) {
    if (one.matches('.alloy-foot, :empty') || !one.checkVisibility()) continue;
    const box = one.getBoundingClientRect();
    found.push([one.tagName, ...[box.left - from.left, box.top - from.top, box.width, box.height].map(Math.round)]);
  }
  return found;
}"""
#: Whether a press in the middle of an element meets it, and nothing that lies over it.
ON_TOP = """one => { const {left, top, width, height} = one.getBoundingClientRect();
  return one.contains(document.elementFromPoint(left + width / 2, top + height / 2)); }"""
FIT = "selector => (root => [root.scrollWidth, root.clientWidth])(document.querySelector(selector))"


def test_nothing_moves_when_the_frozen_form_takes_its_place(page: Page, lab: Lab) -> None:
    asking = Asking(page, lab, "still", SCRIPT, CELL)
    page.run(1, wait=False)
    page.await_text(1, "The end")
    asking.let_go()
    page.press("Allow once")
    page.await_text(1, "Thanks")
    page.raw.locator(".alloy-run-live .alloy-foot").wait_for()
    page.raw.wait_for_function("document.querySelector('.alloy-run-live .hljs-keyword')")
    live = page.raw.evaluate(PLACES, ".alloy-run-live")
    asking.let_go()
    assert page.finish(1) == "ok"
    page.raw.locator(".alloy-run").wait_for()
    frozen = page.raw.evaluate(PLACES, ".alloy-run")
    assert [place[0] for place in live] == [place[0] for place in frozen]
    assert len(live) > 20
    for before, after in zip(live, frozen, strict=True):
        assert all(abs(one - other) <= 1 for one, other in zip(before[1:], after[1:], strict=True)), (before, after)


def test_it_can_be_read_in_each_theme_and_in_a_narrow_window(page: Page, lab: Lab) -> None:
    asking = Asking(page, lab, "read", SCRIPT, CELL)
    page.run(1, wait=False)
    page.await_text(1, "The end")
    asking.let_go()
    page.raw.locator(".alloy-primary:enabled").wait_for()
    for theme in ("light", "dark"):
        page.theme(theme)
        seen = page.legible(1)
        assert seen.contrast >= 4.5, (theme, seen.lowest)
        assert seen.overflowing == []
    page.theme("light")
    page.resize(560)
    needed, given = page.raw.evaluate(FIT, ".alloy-run-live")
    assert needed <= given + 1
    assert page.button("Deny…").is_visible()
    page.resize(1280)
    page.press("Allow once")
    page.await_text(1, "Thanks")
    asking.let_go()
    assert page.finish(1) == "ok"


def test_all_of_it_is_done_with_the_keys(page: Page, lab: Lab) -> None:
    """And none of them is a shortcut of the notebook."""
    asking = Asking(page, lab, "keys", SCRIPT, CELL)
    page.run(1, wait=False)
    page.await_text(1, "The end")
    asking.let_go()
    page.raw.locator(".alloy-primary:enabled").wait_for()
    cells = page.raw.locator(".jp-Cell").count()
    page.raw.locator(".alloy-run-live summary").first.focus()
    page.raw.keyboard.press("Enter")
    page.raw.locator(".alloy-run-live .alloy-thinking").wait_for()
    # The card has moved, which the page finds out in one of its next frames, and rests.
    page.await_frames()
    page.raw.locator(".alloy-primary:enabled").wait_for()
    for _ in range(20):
        page.raw.keyboard.press("Tab")
        if page.raw.evaluate("document.activeElement.textContent") == "Deny…":
            break
    page.raw.keyboard.press("Enter")
    page.raw.keyboard.type("add, dd, x and b: no")
    page.raw.keyboard.press("Escape")
    page.raw.keyboard.press("Enter")
    page.raw.keyboard.press("Enter")
    page.await_text(1, "Thanks")
    assert page.raw.locator(".jp-Cell").count() == cells
    asking.let_go()
    assert page.finish(1) == "ok"
    page.await_text(1, "add, dd, x and b: no")


LONG = "\n\n".join(f"Paragraph {number}." for number in range(120)) + "‖ The end."
TEAM = "team = alloy.Team({'one': {'model': model}, 'two': {'model': model}})\nteam.broadcast('Go on.')"


@pytest.mark.parametrize(
    ("cell", "stop"), [("%%alloy -m model\nGo on.", "Stop"), (TEAM, "Stop all")], ids=["question", "team"]
)
def test_stop_is_in_reach_wherever_one_reads_in_a_long_answer(page: Page, lab: Lab, cell: str, stop: str) -> None:
    Asking(page, lab, f"reach-{len(cell)}", [LONG] * 2, cell)
    page.run(1, wait=False)
    page.await_text(1, "Paragraph 119.")
    for text in ("Paragraph 2.", "Paragraph 60."):
        page.raw.get_by_text(text, exact=True).first.scroll_into_view_if_needed()
        page.await_frames()
        expect(page.button(stop)).to_be_in_viewport(ratio=1)
        assert page.raw.evaluate(ON_TOP, page.button(stop).element_handle())
        expect(page.raw.get_by_text("Paragraph 119.").first).not_to_be_in_viewport()
    page.press(stop)
    assert page.finish(1) == "ok"
    page.await_text(1, "stopped; what was said so far is kept")
