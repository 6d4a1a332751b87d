"""The live cell for who does not see it, works by keys, or has colours and motion of their own: axe, and keys."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from .asking import Asking
from .lab import Lab
from .page import THEMES, Page

#: Everything that WCAG 2.2 AA asks and a machine can see, and what else axe advises. No rule is left out.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LIVE, FROZEN = ".alloy-view", ".jp-OutputArea .alloy-run"
CELL = "%%alloy -m model -t look_up,wind,bash -o answer\nGo on."
MARKDOWN = """# Title

Revenue fell **34 %**, with `code` and a [link](https://example.com).

- one
- two

| month | revenue |
|-------|--------:|
| Jan   |       1 |

```python
def f(x): return f"{x}" if x else None  # a comment
```

> quoted

The end‖."""
COMMANDS = ["echo one", "echo two", 'for x in *.csv; do\n  rm "$x"  # all of it\ndone']
LINES: list[dict[str, Any]] = [
    {
        "thinking": "First the weather.\n\nThen the rest.",
        "text": "I look.",
        "tool_calls": [{"name": "look_up", "input": {"city": "Graz"}}, {"name": "wind", "input": {"place": "Schöckl"}}],
    },
    {
        "text": MARKDOWN,
        "tool_calls": [{"name": "bash", "input": {"command": command, "timeout": 30}} for command in COMMANDS],
    },
    {
        "text": "And ‖then",
        "error": {"type": "ServerError", "message": "it broke", "hint": "mend it", "retryable": False},
    },
]


def violations(page: Page, selector: str) -> list[str]:
    """What axe finds in the live or the frozen form, light and dark, all unfolded."""
    found = []
    page.unfold(1)
    for theme in THEMES:
        page.theme(theme)
        told = Axe().run(page.raw, selector, {"runOnly": {"type": "tag", "values": RULES}}).response
        assert len(told["passes"]) > 3, told
        for rule in told["violations"]:
            for node in rule["nodes"]:
                found.append(f"{theme}: {rule['id']}: {node['html'][:200]}: {node['failureSummary']}")
    page.theme("light")
    return found


def test_no_rule_of_wcag_is_broken_in_any_state(page: Page, lab: Lab) -> None:
    asking = Asking(page, lab, "access", LINES, CELL)
    found: dict[str, list[str]] = {}
    page.run(1, wait=False)
    page.await_text(1, "look_up")
    found["a tool runs"] = violations(page, LIVE)
    asking.let_go()
    page.await_text(1, "The end")
    found["streaming"] = violations(page, LIVE)
    asking.let_go()
    cards = page.raw.locator(".alloy-approval")
    cards.nth(2).locator(".alloy-primary:enabled").wait_for()
    found["questions"] = violations(page, LIVE)
    cards.nth(0).get_by_role("button", name="Deny…").click()
    cards.nth(0).locator("input").wait_for()
    found["a reason"] = violations(page, LIVE)
    cards.nth(0).locator("input").press("Enter")
    for words in ("echo two", "all of it"):
        cards.filter(has_text=words).get_by_role("button", name="Allow once").click()
    page.await_text(1, "And")
    found["answered"] = violations(page, LIVE)
    asking.let_go()
    assert page.finish(1) == "error"
    page.raw.locator(FROZEN).wait_for()
    found["failed, frozen"] = violations(page, FROZEN)
    assert {state: told for state, told in found.items() if told} == {}


# -- by keys alone -------------------------------------------------------------------------------------------------

ASKING: list[dict[str, Any]] = [
    {
        "thinking": "May I?",
        "text": "I ask.",
        "tool_calls": [{"name": "bash", "input": {"command": command}} for command in ("echo one", "echo two")],
    },
    {"text": "Thanks ‖for that."},
]
CARD = ["Allow once", "Always for this command", "Always for bash", "Deny…"]
#: What has the focus: what is written on it where it is in the live cell, else the classes of its element.
FOCUSED = """() => {
  const one = document.activeElement;
  return one.closest('.alloy-view') ? one.innerText || one.placeholder || one.className : `outside: ${one.className}`;
}"""
#: What of a notebook a shortcut could change: the cells, their kinds, the chosen one, what is hidden; questions.
NOTEBOOK = """() => {
  const marks = ['jp-CodeCell', 'jp-mod-active', 'jp-mod-selected', 'jp-mod-noOutputs'];
  const cells = [...document.querySelectorAll('.jp-Cell')].map(cell => [
    ...marks.map(mark => cell.classList.contains(mark)),
    cell.querySelector('.jp-InputArea-editor').innerText,
    cell.querySelectorAll('.jp-Placeholder').length,
  ]);
  return [document.querySelectorAll('.jp-Dialog').length, ...cells];
}"""
#: JupyterLab's own keys in command mode: new cells, cut, copy, paste, delete, kinds of cells, find, restart.
SHORTCUTS = ["a", "b", "x", "c", "v", "d", "d", "z", "m", "y", "r", "1", "l", "o", "k", "j", "0", "0"]


@pytest.fixture
def asking(page: Page, lab: Lab, request: pytest.FixtureRequest) -> Asking:
    """Two questions wait for an answer; the cell has the focus."""
    name = f"keys-{request.node.name[5:30]}".replace("_", "-")
    asking = Asking(page, lab, name, ASKING, "%%alloy -m model -t bash -o answer\nGo on.", "print('the last cell')")
    page.run(1, wait=False)
    page.raw.locator(".alloy-approval").nth(1).locator(".alloy-primary:enabled").wait_for()
    return asking


def focused(page: Page) -> str:
    return str(page.raw.evaluate(FOCUSED))


def tab_to(page: Page, words: str) -> list[str]:
    """Press Tab until what is called so has the focus; what had it on the way, in the live cell."""
    passed: list[str] = []
    for _ in range(30):
        page.raw.keyboard.press("Tab")
        passed += [name] if not (name := focused(page)).startswith("outside") else []
        if passed and passed[-1] == words:
            return passed
    raise AssertionError(f"{words} was never come to: {passed}")


def end(page: Page, asking: Asking) -> None:
    asking.let_go()
    assert page.finish(1) == "ok"
    page.raw.locator(FROZEN).wait_for()


def test_tab_leads_from_the_cell_through_the_questions_to_stop(page: Page, asking: Asking) -> None:
    passed = tab_to(page, "■ Stop")
    assert "Thought" in passed[0]
    assert passed[1:] == [*CARD, *CARD, "■ Stop"]
    page.raw.keyboard.press("Shift+Tab")
    assert focused(page) == "Deny…"
    for _ in range(8):
        page.raw.keyboard.press("Shift+Tab")
    assert "Thought" in focused(page)
    for key in ("Enter", "Space"):
        page.raw.keyboard.press(key)
        page.raw.locator(".alloy-thinking").wait_for(state="visible" if key == "Enter" else "hidden")
    tab_to(page, "■ Stop")
    page.raw.keyboard.press("Space")
    assert focused(page).startswith("Stopping…")
    assert page.finish(1) == "ok"
    page.await_text(1, "stopped; what was said so far is kept")


def test_who_answers_by_keys_is_never_lost(page: Page, asking: Asking) -> None:
    """A card that goes, and the frozen form that takes the place of all, leave the focus where it was in the page."""
    tab_to(page, "Allow once")
    page.raw.keyboard.press("Enter")
    page.raw.wait_for_function("document.querySelectorAll('.alloy-approval').length === 1")
    assert not focused(page).startswith("outside")
    # The other card has moved, and takes no press for a moment.
    page.raw.wait_for_function("document.querySelectorAll('.alloy-approval button:enabled').length > 0")
    assert tab_to(page, "Deny…") == CARD
    page.raw.keyboard.press("Space")
    assert focused(page) == "Reason for denying (optional)"
    page.raw.keyboard.press("Escape")
    assert focused(page) == "Deny…"
    page.raw.keyboard.press("Enter")
    page.raw.keyboard.type("no")
    page.raw.keyboard.press("Enter")
    page.await_text(1, "Thanks")
    assert not focused(page).startswith("outside")
    tab_to(page, "■ Stop")
    end(page, asking)
    page.raw.wait_for_function("document.activeElement !== document.body")
    assert "jp-Cell" in focused(page)
    page.raw.keyboard.press("ArrowDown")
    assert page.raw.locator(".jp-Cell.jp-mod-active").inner_text().strip().endswith("print('the last cell')")


def test_no_key_pressed_in_it_is_a_shortcut_of_the_notebook(page: Page, asking: Asking) -> None:
    """On its buttons, on a card after an answer, in the field, and when the field is taken away under one's hands."""
    before = page.raw.evaluate(NOTEBOOK)

    for words in (*CARD, "■ Stop"):
        tab_to(page, words)
        for key in SHORTCUTS:
            page.raw.keyboard.press(key)
        assert page.raw.evaluate(NOTEBOOK) == before, words
        assert focused(page) == words
    page.button("Deny…").focus()
    page.raw.keyboard.press("Enter")
    page.raw.keyboard.type("".join(SHORTCUTS))
    assert page.raw.locator(".alloy-field").input_value() == "".join(SHORTCUTS)
    page.interrupt()
    assert page.finish(1) == "error"
    page.raw.locator(FROZEN).wait_for()
    page.raw.keyboard.type("".join(SHORTCUTS))
    assert page.raw.evaluate(NOTEBOOK) == before


# -- a person's own colours, and less motion -----------------------------------------------------------------------


def test_colours_that_a_person_chose_are_kept_and_nothing_moves_for_who_wants_less(page: Page, asking: Asking) -> None:
    """build/screenshots/state-forced-colors-*.png"""
    try:
        page.raw.emulate_media(forced_colors="active", reduced_motion="reduce")
        page.button("Deny…").click()
        page.screenshot("state-forced-colors", cell=1)
        assert page.legible(1).contrast >= 4.5
        edges = page.raw.evaluate(
            "[...document.querySelectorAll('.alloy-view :is(button, input, .alloy-approval)')].map(one => {"
            " const style = getComputedStyle(one); return [style.borderTopWidth, style.borderTopStyle]; })"
        )
        assert set(map(tuple, edges)) == {("1px", "solid")}
        moving = "document.querySelector('.alloy-view').getAnimations({subtree: true}).length"
        assert page.raw.evaluate(moving) == 0
    finally:
        page.raw.emulate_media(forced_colors="none")
