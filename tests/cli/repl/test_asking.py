"""Questions about calls, put and answered in a real terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from ..terminals import Terminal, bash
from .conftest import QUESTION, READY

pytestmark = pytest.mark.thorough  # each starts a terminal, and waits for it

Talk = Callable[..., Terminal]
Script = Callable[..., str]


def test_a_call_is_asked_about_with_all_it_would_do_and_a_yes_lets_it_run(
    talk: Talk, script: Script, tmp_path: Path
) -> None:
    """CLI-w1: no tool display, no permission prompts."""
    alloy = talk("-m", script(bash("touch made; " + "true; " * 60 + "echo end", "I will."), "Made."))
    alloy.send("go\r")
    asked = alloy.expect(QUESTION)
    assert "I will.\n" in asked
    assert "echo end`" in asked
    assert not (tmp_path / "made").exists()
    alloy.send("y\n")
    said = alloy.expect(READY)
    assert "✓ bash touch made" in said
    assert "allowed once by you" in said
    assert "Made." in said
    assert (tmp_path / "made").exists()


@pytest.mark.parametrize("dumb", [False, True])
def test_a_question_begins_on_a_line_of_its_own(talk: Talk, script: Script, dumb: bool) -> None:
    """Where the cursor cannot be moved it stood behind the last words."""
    alloy = talk("-m", script(bash("touch made", "I will."), "All right."), dumb=dumb)
    alloy.send("go\n" if dumb else "go\r")
    assert "I will.\n? bash wants" in alloy.expect(QUESTION)
    alloy.send("\x04")
    assert "denied: the user said no" in alloy.expect("All right.")


def test_what_is_allowed_always_is_not_asked_again_in_this_conversation(talk: Talk, script: Script) -> None:
    alloy = talk("-m", script(bash("echo a"), "One.", bash("echo b"), "Two."))
    alloy.send("go\r")
    alloy.expect(QUESTION)
    alloy.send("t\n")
    alloy.expect(READY)
    alloy.send("go\r")
    said = alloy.expect(READY)
    assert "Two." in said
    assert QUESTION not in said


def test_words_at_a_question_are_the_reason_why_not(talk: Talk, script: Script, tmp_path: Path) -> None:
    alloy = talk("-m", script(bash("touch made"), "All right."))
    alloy.send("go\r")
    alloy.expect(QUESTION)
    alloy.send("not in this folder\n")
    assert "denied: not in this folder" in alloy.expect(READY)
    assert not (tmp_path / "made").exists()


def test_what_was_typed_before_a_question_is_no_answer_to_it(talk: Talk, script: Script, tmp_path: Path) -> None:
    """A `y` and Enter while an answer came would have allowed whatever came next."""
    os.mkfifo(tmp_path / "gate")
    alloy = talk("-m", script(bash("echo began; cat gate"), bash("touch made"), "Done."))
    alloy.send("go\r")
    alloy.expect(QUESTION)
    alloy.send("y\n")
    alloy.expect("● bash")
    alloy.send("y\n")
    alloy.wait_until_typed(2)
    (tmp_path / "gate").write_text("open\n")
    alloy.expect("touch made")
    alloy.expect(QUESTION)
    alloy.send("n\n")
    assert "Done." in alloy.expect(READY)
    assert not (tmp_path / "made").exists()
