"""What hands do at a live cell: they press twice, hold, slip off and think better of it, and unfold what they read."""

from __future__ import annotations

from typing import Any

import pytest

from .asking import Asking
from .lab import Lab
from .page import Page
from .test_live import AWAITS

CARD = {"block": "approval", "id": "a", "name": "bash", "key": "ls", "input": {"command": "ls"}}
#: Longer than a card rests, and than a double click takes.
SETTLED = 600
#: Where a button that is gone, or stands elsewhere, was.
Place = tuple[float, float]


@pytest.fixture
def page(bare: tuple[Any, list[str]]) -> Any:
    """A card that takes presses, without JupyterLab."""
    page = bare[0]
    page.evaluate("show('r')")
    change(page, ["f", {"asks": "page"}], ["b", 0, CARD])
    button(page, "Allow once").click(trial=True)
    return page


def change(page: Any, *ops: Any) -> None:
    page.evaluate("ops => change('r', ops)", list(ops))


def button(page: Any, name: str) -> Any:
    return page.get_by_role("button", name=name, exact=True)


def told(page: Any) -> list[dict[str, Any]]:
    """What the page asked of the kernel, once all that a press could have done is done."""
    page.wait_for_timeout(SETTLED)
    return [control for control in page.evaluate("controls") if control["do"] in ("stop", "decide")]


def middle(found: Any) -> Place:
    box = found.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def press(page: Any, place: Place, key: Any = "left") -> None:
    page.mouse.move(*place)
    page.mouse.down(button=key)
    page.mouse.up(button=key)


def test_the_second_half_of_a_double_click_presses_no_other_button(page: Any) -> None:
    """Below a narrow card's Back comes what always allows."""
    page.set_viewport_size({"width": 470, "height": 600})
    below = button(page, "Always for bash").bounding_box()
    button(page, "Deny…").click()
    page.wait_for_timeout(SETTLED)
    back = button(page, "Back").bounding_box()
    place = (back["x"] + 5, back["y"] + back["height"] / 2)
    assert below["x"] < place[0] < below["x"] + below["width"]
    assert below["y"] < place[1] < below["y"] + below["height"]
    press(page, place)
    button(page, "Always for bash").wait_for()
    press(page, place)
    assert told(page) == []
    press(page, place)
    assert [(control["do"], control["remember"]) for control in told(page)] == [("decide", "tool")]


def test_a_double_click_that_allows_does_not_stop_the_run(page: Any) -> None:
    """Where the card was, Stop comes."""
    x, y = middle(button(page, "Allow once"))
    place = (x - 20, y)
    press(page, place)
    change(page, ["b", 0, {"state": "allowed", "by": "user"}], ["b", 1, {"block": "text", "markdown": "Yes."}])
    page.locator(".alloy-approval").wait_for(state="detached")
    shift(page, y - middle(stop(page))[1])
    assert abs(middle(stop(page))[1] - y) < 2
    press(page, place)
    assert [control["do"] for control in told(page)] == ["decide"]
    press(page, place)
    assert [control["do"] for control in told(page)] == ["decide", "stop"]


def stop(page: Any) -> Any:
    return page.locator(".alloy-stop")


def shift(page: Any, by: float) -> None:
    """Something above the run grows."""
    page.evaluate("by => { document.querySelector('.alloy-view').style.marginTop = `${by}px`; }", by)


@pytest.mark.parametrize("far", [15, 28])
def test_a_pointer_that_goes_up_below_a_button_does_not_press_it(page: Any, far: float) -> None:
    """However near: who thinks better of it slips off."""
    x, y = middle(button(page, "Allow once"))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + far, steps=4)
    page.mouse.up()
    assert told(page) == []
    assert button(page, "Allow once").is_enabled()


def test_a_pointer_that_slides_along_a_button_presses_it(page: Any) -> None:
    box = button(page, "Always for this command").bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 5, box["y"] + box["height"] - 5, steps=4)
    page.mouse.up()
    assert [control["remember"] for control in told(page)] == ["command"]


@pytest.mark.parametrize("key", ["right", "middle"])
def test_other_keys_of_a_mouse_press_nothing(page: Any, key: str) -> None:
    press(page, middle(button(page, "Allow once")), key)
    press(page, middle(stop(page)), key)
    assert told(page) == []


def test_a_press_that_has_opened_a_menu_is_none(page: Any) -> None:
    """As a long touch does, and Control with a click on a Mac."""
    page.mouse.move(*middle(button(page, "Allow once")))
    page.mouse.down()
    button(page, "Allow once").dispatch_event("contextmenu")
    page.mouse.up()
    assert told(page) == []


def test_a_touch_that_scrolls_presses_nothing_and_one_that_does_not_does(browser: Any, page: Any) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    page.evaluate("document.body.style.paddingBottom = '2000px'")
    x, y = middle(button(page, "Allow once"))

    def touch(kind: str, *points: Place) -> None:
        session.send(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": px, "y": py} for px, py in points]}
        )

    touch("touchStart", (x, y))
    for step in range(1, 9):
        touch("touchMove", (x, y - 10 * step))
    touch("touchEnd")
    page.wait_for_function("scrollY > 0")
    assert told(page) == []
    page.evaluate("scrollTo(0, 0)")
    for name in ("Deny…", "Back", "Allow once"):
        place = middle(button(page, name))
        touch("touchStart", place)
        touch("touchEnd")
        page.wait_for_timeout(SETTLED)
    assert [control["allow"] for control in told(page)] == [True]


def test_a_fold_that_moves_away_under_the_pointer_is_opened(page: Any) -> None:
    """As below a run that goes on in the cell above."""
    change(page, ["b", 0, {"block": "thinking", "text": "hm", "seconds": 2}])
    fold = page.locator("details")
    box = fold.bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 9)
    page.mouse.down()
    shift(page, 99)
    page.mouse.up()
    page.locator("details[open] .alloy-thinking").wait_for()
    page.wait_for_timeout(SETTLED)
    box = fold.bounding_box()
    page.mouse.click(box["x"] + 30, box["y"] + 9)
    page.locator("details:not([open])").wait_for()
    for key in ("Enter", "Space"):
        page.keyboard.press(key)
        page.locator("details[open]" if key == "Enter" else "details:not([open])").wait_for()


def test_text_is_marked_from_the_line_of_a_fold_to_what_is_below_it(page: Any) -> None:
    """It was marked to the end of that line, and no further."""
    text = {"block": "text", "markdown": "Alpha beta"}
    change(page, ["b", 0, {"block": "thinking", "text": "hm", "seconds": 2}], ["b", 1, text])
    fold, words = page.locator("details").bounding_box(), page.get_by_text("Alpha beta").bounding_box()
    page.mouse.move(fold["x"] + 20, fold["y"] + 9)
    page.mouse.down()
    page.mouse.move(words["x"] + 30, words["y"] + 9, steps=4)
    page.mouse.up()
    page.wait_for_timeout(SETTLED)
    assert "Alph" in page.evaluate("getSelection().toString()")
    assert page.locator("details[open]").count() == 0


def test_enter_that_is_held_down_opens_the_field_and_does_not_send_it(page: Any) -> None:
    button(page, "Deny…").focus()
    for _ in range(4):
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    assert told(page) == []
    page.keyboard.type("not now")
    page.keyboard.press("Enter")
    assert [(control["allow"], control["reason"]) for control in told(page)] == [(False, "not now")]


def test_enter_that_ends_a_composition_does_not_send_the_field(page: Any) -> None:
    """Safari says of it only that it is the composition's, by a code."""
    button(page, "Deny…").click()
    page.locator(".alloy-field").evaluate(
        "field => field.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', keyCode: 229, bubbles: true}))"
    )
    assert told(page) == []


def test_a_button_that_the_keys_come_to_is_not_left_under_stop(page: Any) -> None:
    change(page, *(["b", place, {**CARD, "id": str(place), "key": f"ls {place}"}] for place in range(12)))
    page.locator(".alloy-primary:enabled").nth(11).wait_for()
    page.set_viewport_size({"width": 900, "height": 440})
    hidden = page.evaluate("""() => [...document.querySelectorAll(".alloy-actions button")].filter(button => {
      scrollBy(0, button.getBoundingClientRect().bottom + 2 - innerHeight);
      button.focus();
      const box = button.getBoundingClientRect();
      const top = document.elementFromPoint(box.x + box.width / 2, box.bottom - 3);
      return !button.contains(top);
    }).map(button => button.textContent)""")
    assert hidden == []


# -- in JupyterLab -----------------------------------------------------------------------------------------------------

LINES = [{"thinking": "One thought.\n" * 20, "text": "First.\n\n" * 9 + "Read here. ‖The end."}]


@pytest.fixture
def lab_page(request: pytest.FixtureRequest, only_page: Page) -> Any:
    yield only_page
    only_page.reset()


def test_what_was_unfolded_stays_so_when_the_run_is_frozen(lab_page: Page, lab: Lab) -> None:
    """It fell shut, and what was read below it jumped away."""
    asking = Asking(lab_page, lab, "unfolded", LINES, AWAITS.format(options=""), *["print(1)\n" * 9] * 9)
    lab_page.run(1, wait=False)
    lab_page.await_text(1, "Read here.")
    raw = lab_page.raw
    raw.locator(".alloy-view summary").click()
    raw.locator(".alloy-thinking").wait_for()
    words = raw.get_by_text("Read here.")
    words.scroll_into_view_if_needed()
    lab_page.await_frames()
    before = words.bounding_box()
    asking.let_go()
    assert lab_page.finish(1) == "ok"
    raw.locator(".jp-OutputArea .alloy-run").wait_for()
    lab_page.await_frames()
    assert raw.locator(".jp-OutputArea .alloy-run details[open]").count() == 1
    after = words.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(after["y"] - before["y"]) < 3


ALONE = AWAITS.format(options="")
TEAM = "team = alloy.Team({'one': {'model': model}}, name='crew')\nanswer = team.delegate('one', 'Go on.')"


@pytest.mark.parametrize("cell", [ALONE, TEAM], ids=["alone", "team"])
def test_who_clicks_at_the_text_has_the_notebooks_shortcuts(lab_page: Page, lab: Lab, cell: str) -> None:
    """As at any output of a cell."""
    asking = Asking(lab_page, lab, f"clicked-{cell == TEAM}", LINES, cell)
    lab_page.run(1, wait=False)
    lab_page.await_text(1, "Read here.")
    raw = lab_page.raw
    cells = raw.locator(".jp-Cell").count()
    raw.locator(".alloy-view .alloy-text").get_by_text("Read here.").click()
    raw.keyboard.press("b")
    raw.wait_for_function("count => document.querySelectorAll('.jp-Cell').length === count + 1", arg=cells)
    asking.let_go()
    assert lab_page.finish(1) == "ok"
