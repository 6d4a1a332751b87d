"""The live cell: what streams is seen, its buttons reach the kernel at work, and nothing is lost on the way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import expect

from .asking import Asking, html_of
from .lab import Lab
from .page import Page

AWAITS = "%%alloy -m model {options} -o answer\nGo on."
BLOCKS = "%%time\n%%alloy -m model {options} -o answer\nGo on."
FORMS = {"awaits": AWAITS, "blocks": BLOCKS}
TOLD = """
import json
print(json.dumps([answer.status, answer.text, [
    [record.name, record.input.get("command"), record.error] for record in answer.tool_calls]]))
"""
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def told(page: Page, cell: int) -> list[Any]:
    assert page.run(cell) == "ok", page.text(cell)
    found: list[Any] = json.loads(page.text(cell))
    return found


def bash(command: str) -> dict[str, Any]:
    return {"name": "bash", "input": {"command": command}}


def test_it_streams_in_a_widget_and_is_frozen(page: Page, lab: Lab, kernel: str, form: str) -> None:
    lines = [{"thinking": "Let me think.", "text": "The first **half** ‖and the *second*."}]
    asking = Asking(page, lab, f"live-{form}-{kernel}", lines, FORMS[form].format(options=""), kernel=kernel)
    page.run(1, wait=False)
    page.await_text(1, "The first half")
    first = page.outputs(1)[0]["data"]
    assert WIDGET in first
    assert "this run did not finish here" in html_of({"data": first})
    assert "/attach" in html_of({"data": first})
    assert page.raw.locator(".alloy-run-live strong").inner_text() == "half"
    assert page.button("Stop").is_visible()
    asking.let_go()
    assert page.finish(1) == "ok"
    page.await_text(1, "and the second.")
    shown = [output for output in page.outputs(1) if output["output_type"] == "display_data"]
    assert [sorted(output["data"]) for output in shown] == [
        ["application/vnd.alloy.run+json", "text/html", "text/markdown", "text/plain"]
    ]
    assert page.raw.locator(".alloy-run-live").count() == 0
    assert page.foreign == []


@pytest.mark.parametrize("button", ["Allow once", "Always for this command"])
def test_a_card_allows(page: Page, lab: Lab, form: str, button: str) -> None:
    """And what is always allowed is not asked about again, nor in a later question."""
    always = button.startswith("Always")
    lines = [
        {"text": "May I?", "tool_calls": [bash("echo done-1")]},
        {"text": "Once more?", "tool_calls": [bash("echo done-1")]},
        "Thanks.",
    ]
    name = f"allow-{always}-{form}"
    Asking(page, lab, name, lines, FORMS[form].format(options="-t bash"), TOLD)
    page.run(1, wait=False)
    page.press(button)
    if not always:
        page.await_text(1, "Once more?")
        page.press(button)
    assert page.finish(1) == "ok"
    assert told(page, 2)[2] == [["bash", "echo done-1", None]] * 2
    page.await_text(1, "allowed for this command by you" if always else "allowed once by you")


def test_a_card_denies_with_a_reason(page: Page, lab: Lab, form: str) -> None:
    lines = [{"text": "May I?", "tool_calls": [bash("rm -rf build")]}, "Then not."]
    name = f"deny-{form}"
    Asking(page, lab, name, lines, FORMS[form].format(options="-t bash"), TOLD)
    page.run(1, wait=False)
    page.press("Deny…")
    field = page.raw.locator(".alloy-run-live input")
    field.fill("not without a backup")
    field.press("Enter")
    assert page.finish(1) == "ok"
    (call,) = told(page, 2)[2]
    assert "not without a backup" in call[2]
    page.await_text(1, "not without a backup")


def test_several_cards_at_once_each_for_its_own_call(page: Page, lab: Lab) -> None:
    calls = [bash(f"echo card-{number}") for number in range(4)]
    lines = [{"text": "May I?", "tool_calls": calls}, "Thanks."]
    Asking(page, lab, "cards", lines, AWAITS.format(options="-t bash"), TOLD)
    page.run(1, wait=False)
    page.button("Allow once", 3).wait_for()
    assert page.raw.locator(".alloy-approval").count() == 4
    cards = page.raw.locator(".alloy-approval")

    def press(number: int, name: str) -> None:
        cards.filter(has_text=f"card-{number}").get_by_role("button", name=name).click()

    def until_left(count: int) -> None:
        # A card that moves, as the one before it is gone, takes no press for a moment.
        expect(cards).to_have_count(count)
        page.await_frames()

    press(2, "Allow once")
    until_left(3)
    press(1, "Deny…")
    cards.filter(has_text="card-1").locator("input").press("Enter")
    until_left(2)
    press(0, "Allow once")
    until_left(1)
    press(3, "Allow once")
    assert page.finish(1) == "ok"
    errors = {command: error for _, command, error in told(page, 2)[2]}
    assert [bool(errors[f"echo card-{number}"]) for number in range(4)] == [False, True, False, False]


def test_an_agents_chat_in_a_cell_has_the_same_buttons(page: Page, lab: Lab) -> None:
    lines = [{"text": "May I?", "tool_calls": [bash("echo hi")]}, "Thanks."]
    cell = "agent = alloy.Agent(model=model, tools=['bash'])\nanswer = agent.chat('Go on.')"
    Asking(page, lab, "chat", lines, cell, TOLD)
    page.run(1, wait=False)
    page.press("Allow once")
    assert page.finish(1) == "ok"
    assert told(page, 2)[2] == [["bash", "echo hi", None]]


def test_where_no_page_is_heard_the_input_box_asks(page: Page, lab: Lab, form: str) -> None:
    """As in a front end whose messages do not reach a kernel at work."""
    setup = """
from alloy_nb.notebook.live import asker, widgets
widgets.ROUTES, asker.FIRST_PATIENCE = (), 0.5
"""
    lines = [{"text": "May I?", "tool_calls": [bash("echo hi")]}, "Thanks."]
    name = f"input-box-{form}"
    Asking(page, lab, name, lines, FORMS[form].format(options="-t bash"), TOLD, setup=setup)
    page.run(1, wait=False)
    page.await_answer()
    page.await_text(1, "answer in the input box")
    assert page.button("Allow once").count() == 0
    page.answer("y")
    assert page.finish(1) == "ok"
    assert told(page, 2)[2] == [["bash", "echo hi", None]]


def test_a_reload_in_mid_run_brings_the_live_view_back(page: Page, lab: Lab, kernel: str) -> None:
    lines = [{"text": "The first half, ‖the second ‖and the end."}]
    cells = ["run = alloy.start('go', model=model)\nrun", "%alloy /attach", "print(run.result().text)"]
    asking = Asking(page, lab, f"reload-{kernel}", lines, *cells, kernel=kernel)
    assert page.run(1) == "ok"
    page.await_text(1, "The first half,")
    page.save()
    page.reload()
    page.await_text(1, "The first half,")
    asking.let_go()
    page.await_text(1, "the second")
    assert page.run(2) == "ok"
    page.await_text(2, "The first half, the second")
    asking.let_go()
    page.await_text(1, "and the end.")
    page.await_text(2, "and the end.")
    assert page.run(3) == "ok"
    assert page.text(3).strip() == "The first half, the second and the end."


def test_a_reload_while_the_cell_runs_loses_nothing(page: Page, lab: Lab, kernel: str) -> None:
    """The live view comes back as soon as this kernel answers, at the latest when the cell is over."""
    lines = [{"text": "The first half, ‖and the end."}]
    cells = [AWAITS.format(options=""), "%alloy /attach", "print(answer.text)"]
    asking = Asking(page, lab, f"reload-cell-{kernel}", lines, *cells, kernel=kernel)
    page.run(1, wait=False)
    page.await_text(1, "The first half,")
    page.save()
    page.reload(idle=False)
    asking.let_go()
    page.await_text(1, "and the end.")
    page.await_idle()
    assert page.run(3) == "ok"
    assert page.text(3).strip() == "The first half, and the end."
    assert page.run(2) == "ok"
    page.await_text(2, "The first half, and the end.")
    saved = page.save()["cells"][2]["outputs"]
    assert "The first half, and the end." in html_of(saved[0])


def test_a_notebook_saved_in_mid_run_says_so_without_a_kernel(page: Page, lab: Lab) -> None:
    asking = Asking(page, lab, "mid-run", [{"text": "The first half, ‖and the end."}], AWAITS.format(options=""))
    page.run(1, wait=False)
    page.await_text(1, "The first half,")
    saved = page.save()["cells"][1]["outputs"]
    assert "this run did not finish here" in html_of(saved[0])
    asking.let_go()
    assert page.finish(1) == "ok"
    page.untrust()
    page.await_text(1, "this run did not finish here")


def test_when_the_kernel_dies_the_cell_says_so(page: Page, lab: Lab) -> None:
    lines = [{"text": "The first half, ‖and the end."}]
    setup = "import os, threading\n"
    cells = ["run = alloy.start('go', model=model)\nrun", "os._exit(1)"]
    Asking(page, lab, "death", lines, *cells, setup=setup)
    assert page.run(1) == "ok"
    page.await_text(1, "The first half,")
    page.run(2, wait=False)
    page.await_text(1, "this run did not finish here")
    assert "The first half," in page.text(1)
    assert page.button("Stop").count() == 0
    page.raw.locator(".jp-Dialog .jp-mod-accept").click()  # JupyterLab says so, too


def test_two_tabs_on_one_kernel_show_and_stop_the_same_run(page: Page, lab: Lab) -> None:
    lines = [{"text": "The first half, ‖the second ‖and the end."}]
    cells = ["run = alloy.start('go', model=model)\nrun", "%alloy /attach", "print(run.result(check=False).status)"]
    asking = Asking(page, lab, "tabs", lines, *cells)
    page.run(1)
    page.await_text(1, "The first half,")
    other = page.second()
    try:
        assert other.run(2) == "ok"
        other.await_text(2, "The first half,")
        asking.let_go()
        for tab, cell in ((page, 1), (other, 2)):
            tab.await_text(cell, "the second")
        other.press("Stop")
        for tab, cell in ((page, 1), (other, 2)):
            tab.await_text(cell, "stopped; what was said so far is kept")
            assert "The first half, the second" in tab.text(cell)
        assert page.run(3) == "ok"
        assert page.text(3).strip() == "cancelled"
    finally:
        other.leave()


def test_a_tab_that_was_closed_in_mid_run_loses_nothing(page: Page, lab: Lab) -> None:
    lines = [{"text": "The first half, ‖and the end."}]
    cells = ["run = alloy.start('go', model=model)\nrun", "%alloy /attach"]
    asking = Asking(page, lab, "closed", lines, *cells)
    other = page.second()
    other.run(1)
    other.await_text(1, "The first half,")
    other.leave()
    assert page.run(2) == "ok"
    page.await_text(2, "The first half,")
    asking.let_go()
    page.await_text(2, "The first half, and the end.")
    assert "this run did not finish here" not in page.text(2)
    assert page.button("Stop").count() == 0


def test_a_run_id_that_is_given_twice_is_two_runs(page: Page, lab: Lab) -> None:
    """The page keeps what it was told of the first one."""
    lines = [{"text": "The first ‖answer."}, {"text": "Another ‖answer."}]
    asking = Asking(page, lab, "twice", lines, "run = alloy.start('go', model=model, run_id='r-1')\nrun")
    for words in ("The first", "Another"):
        assert page.run(1) == "ok"
        page.await_text(1, words)
        asking.let_go()
        page.await_text(1, f"{words} answer.")


TEN = 10


def test_ten_agents_stream_at_once_and_none_loses_a_word(page: Page, lab: Lab) -> None:
    setup = f"""
from alloy_nb.notebook.live import hub as hubs
texts = [" ".join(f"a{{n}}w{{i}}" for i in range(400)) for n in range({TEN})]
agents = [alloy.Agent(name=f"agent-{{n}}",
                      model=alloy.Scripted([dict(text=texts[n], chunks=200, delay_ms=5)])) for n in range({TEN})]
sent = []
"""
    cells = [
        "hub = hubs.hub_of(get_ipython())\n"
        "send = hub.courier._send\n"
        "hub.courier._send = lambda content, buffers: (sent.append(content), send(content, buffers))\n"
        "import time; began = time.monotonic()\n"
        "runs = [agent.send('go') for agent in agents]\nfor run in runs: display(run)",
        "results = [run.result() for run in runs]\ntook = time.monotonic() - began\n"
        "print(json.dumps([[r.text == t for r, t in zip(results, texts)], len(sent), took]))",
    ]
    Asking(page, lab, "ten", ["x"], *cells, setup=setup + "import json\n")
    assert page.run(1) == "ok", page.text(1)
    assert page.run(2) == "ok", page.text(2)
    whole, messages, took = json.loads(page.text(2))
    assert whole == [True] * TEN
    assert messages <= 20 * (took + 1) + 5
    page.await_text(1, f"a{TEN - 1}w399")
    shown = page.text(1)
    for number in range(TEN):
        words = " ".join(f"a{number}w{i}" for i in range(400))
        assert words in " ".join(shown.split())


def test_stop_from_another_cell(page: Page, lab: Lab) -> None:
    lines = [{"on": "one", "text": "One goes ‖on."}, {"on": "two", "text": "Two goes ‖on."}]
    cells = [
        "one = alloy.start('one', model=model, run_id='r-one')\ntwo = alloy.start('two', model=model, run_id='r-two')\n"
        "display(one)\ndisplay(two)",
        "%alloy /stop r-one",
        "%alloy /stop",
        "%alloy /stop",
        "print(one.status, two.status)",
        "%alloy /stop r-none",
        "%alloy /attach r-one",
    ]
    Asking(page, lab, "stop-cell", lines, *cells)
    page.run(1)
    page.await_text(1, "One goes")
    page.await_text(1, "Two goes")
    told = []
    for cell in (2, 3, 4, 5):
        assert page.run(cell) == "ok", page.text(cell)
        told.append(page.text(cell).strip())
    assert told[0] == "Stopped 1 run: r-one"
    assert told[1] == "Stopped 1 run: r-two"
    assert told[2] == "Nothing goes on."
    assert page.run(6) == "error"
    assert "no run 'r-none' goes on here" in page.text(6)
    page.run(5)
    assert page.text(5).strip() == "cancelled cancelled"
    assert page.run(7) == "ok"
    page.await_text(7, "One goes")
    page.await_text(7, "stopped; what was said so far is kept")


def test_a_button_that_moves_away_under_the_pointer_is_pressed(page: Page, lab: Lab, form: str) -> None:
    """A text that grows while the mouse is down: the browser calls that no click."""
    lines = ["The first line. ‖" + "More of it.\n\n" * 6 + "‖ And on."]
    asking = Asking(page, lab, f"moving-{form}", lines, FORMS[form].format(options=""), TOLD)
    page.run(1, wait=False)
    page.await_text(1, "The first line.")
    stop = page.button("Stop")
    stop.hover()
    page.raw.mouse.down()
    before = stop.bounding_box()
    asking.let_go()
    page.await_text(1, "More of it.\nMore of it.")
    page.await_frames()
    after = stop.bounding_box()
    assert before is not None
    assert after is not None
    assert after["y"] > before["y"] + before["height"]
    page.raw.mouse.up()
    assert page.finish(1) == "ok"
    status, text, _ = told(page, 2)
    assert status == "cancelled"
    assert "And on." not in text


def test_a_pointer_that_leaves_a_button_does_not_press_it(page: Page, lab: Lab) -> None:
    """Who has thought better of it moves away, and lets go there."""
    lines = [{"text": "May I?", "tool_calls": [bash("echo no")]}, "Thanks."]
    Asking(page, lab, "slipping", lines, AWAITS.format(options="-t bash"), TOLD)
    page.run(1, wait=False)
    allow = page.button("Allow once")
    allow.click(trial=True)  # waits until it can be pressed
    page.raw.mouse.down()
    page.raw.mouse.move(*_beside(allow.bounding_box()), steps=4)
    page.raw.mouse.up()
    page.await_frames()
    assert allow.is_enabled()
    assert page.raw.locator(".alloy-approval").count() == 1
    allow.click()
    assert page.finish(1) == "ok"
    assert told(page, 2)[2] == [["bash", "echo no", None]]


def _beside(box: Any) -> tuple[float, float]:
    return box["x"] + box["width"] / 2, box["y"] + box["height"] + 60
