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


# -- what a pointer means by it ---------------------------------------------------------------------------------------


@pytest.fixture
def card(page: Any) -> Any:
    """A card that takes a press."""
    change(page, ["f", {"asks": "page"}], ["b", 0, CARD])
    page.locator(".alloy-primary:enabled").wait_for()
    return page


def middle(page: Any, name: str) -> tuple[float, float]:
    box = page.get_by_role("button", name=name, exact=True).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def touch(page: Any, *steps: tuple[str, tuple[float, float] | None]) -> None:
    finger = page.context.new_cdp_session(page)
    for kind, at in steps:
        points = [] if at is None else [{"x": at[0], "y": at[1]}]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def decided(page: Any) -> list[bool]:
    """What was decided, once whatever follows a press has come, too."""
    page.wait_for_timeout(SETTLED)
    return [control["allow"] for control in page.evaluate("controls") if control["do"] == "decide"]


def test_a_tap_presses_no_button_that_comes_in_place_of_the_one_it_meant(card: Any) -> None:
    """The click after a finger falls on what is there by then: who went back from denying had allowed it."""
    card.get_by_role("button", name="Deny…").click()
    # Narrow, so that what allows comes where this is.
    card.evaluate("document.querySelector('.alloy-actions').style.width = '90px'")
    touch(card, ("touchStart", middle(card, "Back")), ("touchEnd", None))
    assert decided(card) == []
    assert card.get_by_role("button", name="Allow once").is_visible()


def test_a_press_that_began_while_the_card_rested_is_none(card: Any) -> None:
    card.mouse.move(*middle(card, "Allow once"))
    card.evaluate("document.querySelector('.alloy-primary').disabled = true")
    card.mouse.down()
    card.evaluate("document.querySelector('.alloy-primary').disabled = false")
    card.mouse.up()
    assert decided(card) == []


def test_after_a_scroll_that_began_on_a_button_another_button_of_the_mouse_presses_nothing(card: Any) -> None:
    at = middle(card, "Allow once")
    touch(card, ("touchStart", at), ("touchCancel", None))
    card.mouse.click(*at, button="right")
    assert decided(card) == []


@pytest.mark.parametrize(("x", "y", "is_pressed"), [(60, 0, True), (0, 20, False)])
def test_a_pointer_presses_as_long_as_it_is_over_the_button(card: Any, x: int, y: int, is_pressed: bool) -> None:
    card.evaluate("document.querySelector('.alloy-primary').style.width = '200px'")
    at = middle(card, "Allow once")
    card.mouse.move(*at)
    card.mouse.down()
    card.mouse.move(at[0] + x, at[1] + y, steps=4)
    card.mouse.up()
    assert decided(card) == ([True] if is_pressed else [])


def test_one_press_is_one_decision_by_a_pointer_a_finger_the_keys_and_by_a_script(page: Any) -> None:
    change(page, ["f", {"asks": "page"}], *(["b", place, {**CARD, "id": f"{place}"}] for place in range(4)))
    for place in range(4):
        button = page.locator(".alloy-approval").nth(place).locator(".alloy-primary:enabled")
        button.wait_for()  # what is told on the card above moved it
        box = button.bounding_box()
        match place:
            case 0:
                button.click()
            case 1:
                touch(page, ("touchStart", (box["x"] + 9, box["y"] + 9)), ("touchEnd", None))
            case 2:
                button.press("Enter")
            case 3:
                button.evaluate("button => button.click()")
        assert decided(page) == [True] * (place + 1)
