"""Questions among the other cells of a notebook: which form is taken, what the cell's end says, where output goes."""

from __future__ import annotations

import json
import re

import pytest

from .asking import Asking, await_file, html_of
from .lab import Lab
from .page import Page

TICKING = """
import asyncio, sys
ticks = 0
async def tick():
    global ticks
    while True:
        ticks += 1
        if bed.probed and ticks - bed.probed[0] == 5:
            bed.Path("{free}").touch()
        await asyncio.sleep(0.005)
ticking = asyncio.ensure_future(tick())
bed = sys.modules[Held.__module__]
bed.probe = lambda: ticks
"""


FORMS = [
    ("%%alloy -m model\nGo on.", True),
    ("\n\n%%alloy -m model\nGo on.", True),
    ("%alloy -m model Go on.", True),
    ("# a comment\n%alloy -m model Go on?", True),
    ("%%time\n%%alloy -m model\nGo on.", False),
    ("x = %alloy -m model Go on.", False),
    ("if True:\n    %alloy -m model Go on.", False),
    ("get_ipython().run_cell_magic('alloy', '-m model', 'Go on.')", False),
]


@pytest.mark.parametrize(("code", "awaits"), FORMS)
def test_a_lone_question_awaits_and_any_other_blocks(page: Page, lab: Lab, code: str, awaits: bool) -> None:
    name = f"form-{FORMS.index((code, awaits))}"
    question = [code, "print(bed.probed[1] - bed.probed[0])"]
    setup = TICKING.replace("{free}", f"{name}.free")
    asking = Asking(page, lab, name, [{"text": "half ‖whole"}], *question, setup=setup)
    page.run(1, wait=False)
    page.await_text(1, "half")
    if awaits:
        await_file(lab.root / f"{name}.free")  # made on the kernel's loop, while the cell waits
    asking.let_go()
    assert page.finish(1) == "ok", page.text(1)
    assert "half whole" in page.text(1)
    page.run(2)
    ticks = int(page.text(2))
    assert ticks >= 5 if awaits else ticks <= 1


def test_captured_output_is_shown_by_the_one_who_captured_it(page: Page, lab: Lab) -> None:
    cells = ["%%capture kept\n%%alloy -m model -o answer\nGo on.", "print(answer.text)", "kept.show()"]
    Asking(page, lab, "form-capture", ["One **bold** answer."], *cells)
    assert page.run(1) == "ok"
    assert page.text(1) == ""
    assert page.run(2) == "ok"
    assert page.text(2).strip() == "One **bold** answer."
    assert page.run(3) == "ok"
    assert "One bold answer." in page.text(3)


STATUS = "print(answer.status, '|', answer.text, '|', type(answer.error).__name__)"
ENDS = [
    ([{"text": "Well."}], "", "ok", "completed | Well. | NoneType"),
    ([{"text": "Half", "error": {"type": "AuthError", "message": "no"}}], "", "error", "error | Half | AuthError"),
    (
        [{"text": "Look.", "tool_calls": [{"name": "wind", "input": {"place": "x"}}]}] * 3,
        "-t wind --approval auto --max-turns 2",
        "ok",
        "max_turns | Look. | NoneType",
    ),
]


@pytest.mark.parametrize(("lines", "options", "status", "told"), ENDS)
def test_the_cells_end_and_its_result_say_how_the_run_ended(
    page: Page, lab: Lab, lines: list[dict[str, object]], options: str, status: str, told: str
) -> None:
    question = f"%%alloy -m model -o answer {options}\nGo on."
    Asking(page, lab, f"end-{told.split()[0]}", lines, question, STATUS)
    assert page.run(1) == status
    assert page.run(2) == "ok", page.text(2)
    assert page.text(2).strip() == told


MANY = 30


def test_run_all_answers_each_of_many_questions_in_its_own_cell(page: Page, lab: Lab, kernel: str) -> None:
    lines = [{"on": f"Question {number}?", "text": f"Answer {number}."} for number in range(MANY)]
    cells = [f"%%alloy -m model\nQuestion {number}?" for number in range(MANY)]
    Asking(page, lab, f"many-{kernel}", lines, *cells, "print(len(model.requests[-1].messages))", kernel=kernel)
    assert set(page.run_all()) == {"ok"}
    saved = page.save()["cells"]
    for number in range(MANY):
        outputs = saved[number + 1]["outputs"]
        assert len(outputs) == 1
        assert re.findall(r"Answer \d+\.", html_of(outputs[0])) == [f"Answer {number}."]
    assert page.text(MANY + 1).strip() == str(2 * MANY - 1)


def test_what_runs_in_the_background_is_shown_where_it_was_started(page: Page, lab: Lab, kernel: str) -> None:
    lines = [{"on": "slow", "text": "The slow ‖answer."}, {"on": "quick", "text": "The quick answer."}]
    cells = [
        "run = alloy.start('slow', model=model)\nrun",
        "%%alloy -m model\nquick",
        "import sys\nprint('out')\nprint('err', file=sys.stderr)\ndisplay('shown')",
        "print(run.result().text)",
    ]
    asking = Asking(page, lab, f"background-{kernel}", lines, *cells, kernel=kernel)
    assert page.run(1) == "ok"
    page.await_text(1, "The slow")
    assert page.button("Stop").is_visible()
    assert page.run(2) == "ok"
    assert page.run(3) == "ok"
    asking.let_go()
    page.await_text(1, "The slow answer.")
    assert page.run(4) == "ok"
    assert page.text(4).strip() == "The slow answer."
    assert "quick" not in page.text(1)
    assert "quick" in page.text(2)
    assert "slow" not in page.text(2)
    assert "slow" not in page.text(3)
    assert {"out", "err", "'shown'"} <= set(page.text(3).split("\n"))


def test_what_tools_and_tasks_print_stays_in_the_cell_that_asked(page: Page, lab: Lab, kernel: str) -> None:
    """A tool prints on its worker thread while another cell runs, after its own has returned."""
    setup = """
def shout(word: str) -> str:
    "Says it aloud."
    look_up("x")
    print(f"aloud: {word}")
    return word
"""
    lines = [{"tool_calls": [{"name": "shout", "input": {"word": "hey"}}]}, "Done."]
    cells = [
        "run = alloy.start('go', model=model, tools=[shout], approval='auto')",
        "print('other')",
        "print(run.result().text)",
    ]
    asking = Asking(page, lab, f"printing-{kernel}", lines, *cells, kernel=kernel, setup=setup)
    assert page.run(1) == "ok"
    assert page.run(2) == "ok"
    asking.let_go()
    assert page.run(3) == "ok"
    assert "Done." in page.text(3)
    assert page.text(2).strip() == "other"
    assert "aloud: hey" in page.text(1)


def test_while_a_cell_awaits_another_waits_for_its_turn(page: Page, lab: Lab, kernel: str) -> None:
    lines = [{"text": "The first ‖answer."}]
    asking = Asking(page, lab, f"turn-{kernel}", lines, "%%alloy -m model\nGo.", "print('second')", kernel=kernel)
    page.run(1, wait=False)
    page.await_text(1, "The first")
    page.run(2, wait=False)
    assert page.status(1) == "running"
    assert page.text(2) == ""
    asking.let_go()
    assert page.finish(1) == "ok"
    assert page.finish(2) == "ok"
    assert page.text(1).count("The first answer.") == 1
    assert page.text(2).strip() == "second"


def test_plain_python_shows_the_same(page: Page, lab: Lab, kernel: str) -> None:
    cells = ["r = alloy.run('a', model=model)", "s = await alloy.arun('b', model=model)\ns", "r", "r.text"]
    Asking(page, lab, f"plain-{kernel}", ["First **one**.", "Second **one**."], *cells, kernel=kernel)
    for cell in (1, 2, 3, 4):
        assert page.run(cell) == "ok", page.text(cell)
    assert "First one." in page.text(1)
    assert "Second one." in page.text(2)
    assert "First one." in page.text(3)
    assert page.text(4).strip().endswith("'First **one**.'")


def test_a_cell_that_is_run_again_replaces_its_answer(page: Page, lab: Lab) -> None:
    cells = ["%%alloy -m model\nAgain.", "print([message.text for message in model.requests[-1].messages])"]
    Asking(page, lab, "again", ["one", "two", "three"], *cells)
    for answer in ("one", "two", "three"):
        assert page.run(1) == "ok"
        assert answer in page.text(1)
    assert "one" not in page.text(1)
    page.run(2)
    assert page.text(2).strip() == "['Again.']"


def test_updates_stay_within_the_limit_and_their_size_grows_with_the_text(page: Page, lab: Lab) -> None:
    """Beyond 10 kB only the end is sent: 100 kB of text cost less than 20 times that, not its square."""
    setup = """
sizes = []
from ipykernel.zmqshell import ZMQDisplayPublisher
publish = get_ipython().display_pub.publish
def counting(data, *args, **kwargs):
    sizes.append(len(data.get("text/html", "")))
    return publish(data, *args, **kwargs)
get_ipython().display_pub.publish = counting
"""
    text = "nothing is lost here, " * 4500
    cells = [
        "%%alloy -m model\nGo.",
        "import json; print(json.dumps([len(sizes), max(sizes[:-1]), sizes[-1], sum(sizes)]))",
    ]
    Asking(page, lab, "limits", [{"text": text, "chunks": 2000}], *cells, setup=setup)
    assert page.run(1) == "ok"
    assert page.run(2) == "ok", page.text(2)
    _, largest, last, total = json.loads(page.text(2))
    assert largest < 40_000
    assert last > len(text)
    assert total < 20 * len(text)
