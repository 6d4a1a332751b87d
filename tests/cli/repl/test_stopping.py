"""What stops an answer of the conversation, and what ends it: Ctrl-C at any moment, words, signals."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from ..conftest import environment
from ..terminals import LONGEST, Terminal, bash, pid_of, process_is_gone
from .conftest import QUESTION, READY, leave

pytestmark = pytest.mark.thorough  # each starts a terminal, and waits for it

Talk = Callable[..., Terminal]
Script = Callable[..., str]


SLOW = """
import asyncio
from alloy_nb.providers.base import TextDelta


class Slow:
    name, model, options, constrains_arguments, output_forms = "slow", "slow", frozenset(), False, None

    def __init__(self):
        self.asked = 0

    async def stream(self, request):
        self.asked += 1
        yield TextDelta("Half an answer.\\n\\n" if self.asked == 1 else "A whole one.")
        if self.asked == 1:
            await asyncio.Event().wait()
        from alloy_nb.providers.base import Done
        yield Done("end_turn")

    complete = models = None


def make(model):
    return Slow()
"""


@pytest.fixture
def slow(tmp_path: Path) -> dict[str, str]:
    """An environment with a model that begins its first answer and never ends it."""
    facts = tmp_path / "site" / "slow_model-1.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: slow-model\nVersion: 1\n")
    (facts / "entry_points.txt").write_text("[alloy_nb.providers]\nslow = slow_model:make\n")
    (tmp_path / "site" / "slow_model.py").write_text(SLOW)
    return {"PYTHONPATH": f"{environment()['PYTHONPATH']}{os.pathsep}{tmp_path / 'site'}"}


def test_ctrl_c_stops_the_answer_keeps_what_was_said_and_the_conversation_goes_on(
    talk: Talk, slow: dict[str, str]
) -> None:
    """CLI-w1: no Ctrl-C interrupt of a turn."""
    alloy = talk("-m", "slow:slow", env=slow)
    alloy.send("go\r")
    alloy.expect("Half an answer.\n")
    alloy.send("\x03")
    assert "stopped; what was said so far is kept" in alloy.expect(READY)
    alloy.send("again\r")
    assert "A whole one." in alloy.expect(READY)
    alloy.send("/history\r")
    assert "assistant: Half an answer." in alloy.expect(READY)
    leave(alloy)


def test_ctrl_c_in_a_tool_kills_its_children_and_the_conversation_goes_on(
    talk: Talk, script: Script, tmp_path: Path
) -> None:
    alloy = talk("--approval", "auto", "-m", script(bash("echo $$ > pid; sleep 600"), "Here I am."))
    alloy.send("go\r")
    pid = pid_of(tmp_path)
    for _ in range(3):  # a person who does not wait to see what the first one does
        alloy.send("\x03")
    alloy.expect(READY)
    assert process_is_gone(pid)
    alloy.send("are you there?\r")
    alloy.expect("Here I am.")
    alloy.expect(READY)
    leave(alloy)


def ask_until_answered(alloy: Terminal) -> None:
    """Whatever still stands on the line is asked of nobody; what was begun meanwhile is stopped."""
    end = time.monotonic() + LONGEST
    answered = alloy.screen.count("Yes, I am.")
    while alloy.screen.count("Yes, I am.") == answered:
        alloy.send("\x15alive?\r")
        alloy.look(2.0, "Yes, I am.")
        assert alloy.process.poll() is None, alloy.screen[-2000:]
        assert time.monotonic() < end, alloy.screen[-2000:]
        if alloy.screen.count("Yes, I am.") == answered:
            alloy.send("\x03")


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(3))
def test_however_often_and_whenever_ctrl_c_is_pressed_the_conversation_goes_on(
    seed: int, talk: Talk, script: Script
) -> None:
    """The second one fell between an answer and the next prompt, and ended all."""
    chance = random.Random(seed)
    waits = [bash("sleep 60", "Wait.")] * 40
    alloy = talk("--approval", "auto", "-m", script({"on": "alive?", "text": "Yes, I am."}, *waits))
    for _ in range(10):
        alloy.send("go\r")
        alloy.look(chance.random() * 0.3)
        for _ in range(chance.randint(1, 6)):
            alloy.send("\x03")
            alloy.look(chance.random() * 0.05)
        ask_until_answered(alloy)
    place = alloy.screen.find("Traceback")
    assert place < 0, alloy.screen[max(0, place - 500) : place + 3000]


def test_ctrl_c_at_a_question_ends_the_answer_alone(talk: Talk, script: Script) -> None:
    alloy = talk("-m", script({"text": "Yes, I am.", "on": "alive?"}, bash("touch made")))
    alloy.send("go\r")
    alloy.expect(QUESTION)
    while READY not in alloy.screen[alloy.screen.rindex(QUESTION) :]:
        alloy.send("\x03")
        alloy.look(1.0, READY)
    ask_until_answered(alloy)


def test_ctrl_c_at_an_empty_prompt_says_how_to_leave(talk: Talk, script: Script) -> None:
    alloy = talk("-m", script("Here I am."))
    alloy.send("\x03")
    assert "Ctrl-D or /exit leaves" in alloy.expect(READY)
    alloy.send("are you there?\r")
    assert "Here I am." in alloy.expect(READY)


@pytest.mark.parametrize("word", ["exit", "quit", "bye", "q", "/exit", "/quit", "Exit "])
def test_words_that_leave(word: str, talk: Talk, script: Script) -> None:
    """CLI-7: exit, quit, bye, q; a blank line is no question."""
    alloy = talk("-m", script("never"))
    alloy.send("  \r")
    alloy.expect(READY)
    alloy.send(f"{word}\r")
    code, screen = alloy.finish()
    assert (code, "Goodbye!" in screen, "never" in screen) == (0, True, False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["term", "hup"])
def test_a_signal_ends_it_and_leaves_the_terminal_as_it_was(number: signal.Signals, talk: Talk, script: Script) -> None:
    alloy = talk("-m", script("never"))
    assert not alloy.echoes
    alloy.process.send_signal(number)
    assert alloy.process.wait(LONGEST) == 128 + number
    assert alloy.echoes


@pytest.mark.parametrize("hang_up", [True, False], ids=["with its signal", "the terminal alone"])
def test_an_idle_conversation_ends_with_its_terminal(hang_up: bool, talk: Talk, script: Script) -> None:
    """One stayed for a quarter of an hour after its terminal was gone."""
    alloy = talk("-m", script("never"))
    if hang_up:
        alloy.process.send_signal(signal.SIGHUP)
    alloy.hang_up()
    assert alloy.process.wait(LONGEST) is not None
