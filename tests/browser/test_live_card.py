"""The card of a question in a browser, without JupyterLab: where it stands, and that all of it can be seen."""

from __future__ import annotations

from typing import Any

import pytest

CARD = {"block": "approval", "id": "a", "name": "bash", "key": "ls", "input": {"command": "ls"}}
#: Longer than a card rests.
SETTLED = 600


@pytest.fixture
def page(bare: tuple[Any, list[str]]) -> Any:
    page = bare[0]
    page.evaluate("show('r')")
    return page


def change(page: Any, *ops: Any) -> None:
    page.evaluate("ops => change('r', ops)", list(ops))


def watch(page: Any) -> None:
    """Note at which height the last button that allows takes a press, whenever that changes."""
    page.evaluate("""() => {
      window.armed = [];
      const look = () => {
        const button = [...document.querySelectorAll(".alloy-primary")].at(-1);
        const top = button && !button.disabled ? Math.round(button.getBoundingClientRect().top) : null;
        if (armed.at(-1) !== top) armed.push(top);
        requestAnimationFrame(look);
      };
      look();
    }""")


@pytest.mark.parametrize("how", ["a card goes", "words grow", "a fold is opened"])
def test_a_card_that_moves_rests_before_it_takes_a_press(page: Any, how: str) -> None:
    blocks = [
        {"block": "text", "markdown": "one", "live": True},
        {"block": "thinking", "text": "hm\\n" * 9, "seconds": 2},
        CARD,
        {**CARD, "id": "b", "key": "rm -rf ~", "input": {"command": "rm -rf ~"}},
    ]
    change(page, ["f", {"asks": "page"}], *(["b", place, block] for place, block in enumerate(blocks)))
    page.locator(".alloy-primary:enabled").nth(1).wait_for()
    watch(page)
    if how == "a card goes":
        change(page, ["b", 2, {"state": "allowed", "by": "user"}])
    elif how == "words grow":
        change(page, ["t", 0, "\n\nmore"])
    else:
        page.locator("summary").click()
    page.wait_for_function("armed.length >= 3")
    page.wait_for_timeout(SETTLED)
    # (Between a press on a fold and the frame that shows it opened, a look may find the new place already.)
    before, *_, resting, after = page.evaluate("armed")
    assert resting is None
    assert before != after


def test_a_long_line_of_a_change_is_seen_to_its_end(page: Any) -> None:
    diff = ["@@ -1 +1 @@", "-a", "+" + "b " * 900 + "; evil()"]
    change(page, ["f", {"asks": "page"}], ["b", 0, {**CARD, "name": "edit", "input": {}, "diff": diff}])
    box = page.locator(".alloy-approval pre.alloy-diff")
    box.wait_for()
    assert box.evaluate("box => box.scrollWidth <= box.clientWidth")


def test_the_keys_stay_on_a_button_of_a_card_that_moves(page: Any) -> None:
    change(page, ["f", {"asks": "page"}], ["b", 0, CARD], ["b", 1, {**CARD, "id": "b", "key": "other"}])
    button = page.locator(".alloy-approval").nth(1).get_by_role("button", name="Always for bash")
    page.locator(".alloy-primary:enabled").nth(1).wait_for()
    button.focus()
    change(page, ["b", 0, {"state": "denied", "by": "user"}])
    page.wait_for_function("document.querySelectorAll('.alloy-approval').length === 1")
    page.locator(".alloy-primary:enabled").wait_for()
    assert page.evaluate("document.activeElement.textContent") == "Always for bash"
