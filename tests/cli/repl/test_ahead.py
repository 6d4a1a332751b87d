"""What is typed while an answer is written."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from alloy_nb.cli.repl.ahead import split_typed

from ..terminals import Terminal, bash
from .conftest import QUESTION, READY, leave, words

Talk = Callable[..., Terminal]
Script = Callable[..., str]
WAITS = bash("echo began; cat gate; true")


@pytest.mark.parametrize(
    ("typed", "entries", "begun"),
    [
        ("", [], ""),
        ("one\ntwo\n", ["one", "two"], ""),
        ("one\n\n  \ntwo", ["one"], "two"),
        ("\x1b[200~a\n\nb\x1b[201~\nnext\n", ["a\n\nb", "next"], ""),
        ("wo\x1b[Drd\x00\n", ["word"], ""),
        ("one\r\ntwo\r", ["one", "two"], ""),
    ],
)
def test_each_line_is_an_entry_and_a_paste_is_one(typed: str, entries: list[str], begun: str) -> None:
    assert split_typed(typed) == (entries, begun)


@pytest.mark.thorough
def test_lines_typed_ahead_are_done_one_after_another(talk: Talk, script: Script, tmp_path: Path) -> None:
    """They were joined into one question; one of them a command, all were thrown away; each stood in the answer."""
    os.mkfifo(tmp_path / "gate")
    more = [{"text": "I see one.", "on": "typed ahead"}, {"text": "The last.", "on": "last words"}]
    alloy = talk("--approval", "auto", "-m", script({**WAITS, "on": "go"}, {"text": "Gone on."}, *more))
    alloy.send("go\r")
    alloy.expect("● bash")
    alloy.send("typed ahead\r/history\rlast ")
    alloy.wait_until_typed(len("typed ahead\n/history\n"))
    (tmp_path / "gate").write_text("open\n")
    answered = alloy.expect("Gone on.")
    assert "typed" not in answered
    assert "I see one." in alloy.expect("> /history").partition("> typed ahead\n")[2]
    assert "user: typed ahead\nassistant: I see one." in alloy.expect(READY)
    alloy.send("words\r")
    assert "The last." in words(alloy.expect(READY))
    leave(alloy)
    assert alloy.echoes


@pytest.mark.thorough
def test_where_no_line_is_edited_they_are_done_one_by_one_too(talk: Talk, script: Script, tmp_path: Path) -> None:
    """With TERM=dumb they were joined into one question, whatever they were."""
    os.mkfifo(tmp_path / "gate")
    more = [{"text": "I see one.", "on": "typed ahead"}, {"text": "The last.", "on": "last words"}]
    alloy = talk("--approval", "auto", "-m", script({**WAITS, "on": "go"}, {"text": "Gone on."}, *more), dumb=True)
    alloy.send("go\r")
    alloy.expect("● bash")
    alloy.send("typed ahead\r/history\rlast ")
    alloy.wait_until_typed(len("typed ahead\n/history\n"))
    (tmp_path / "gate").write_text("open\n")
    alloy.expect("> typed ahead\n")
    assert "I see one." in alloy.expect("> /history\n")
    assert "user: typed ahead\nassistant: I see one." in alloy.expect("\n> ")
    alloy.send("words\r")  # what was begun is still there
    alloy.expect("The last.")
    alloy.expect("\n> ")
    leave(alloy)


@pytest.mark.thorough
def test_where_no_line_is_edited_ctrl_d_typed_ahead_leaves_after_them(
    talk: Talk, script: Script, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "gate")
    last = {"text": "The last.", "on": "last words"}
    alloy = talk("--approval", "auto", "-m", script({**WAITS, "on": "go"}, {"text": "Gone on."}, last), dumb=True)
    alloy.send("go\r")
    alloy.expect("● bash")
    alloy.send("last words\r\x04")
    alloy.wait_until_typed(len("last words\n"))
    (tmp_path / "gate").write_text("open\n")
    code, screen = alloy.finish()
    assert code == 0
    assert "> last words\nThe last." in screen.replace("\n\n", "\n")


@pytest.mark.thorough
def test_a_paste_while_an_answer_is_written_is_one_question(talk: Talk, script: Script, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    pasted = {"text": "As one.", "on": "a\n\nb"}
    alloy = talk("--approval", "auto", "-m", script({**WAITS, "on": "go"}, {"text": "Gone on."}, pasted))
    alloy.send("go\r")
    came = alloy.expect("● bash")
    assert came.rpartition("\x1b[?2004l")[2].count("\x1b[?2004h") == 1  # it is told to mark what is pasted
    alloy.send("\x1b[200~a\r\rb\x1b[201~\r")
    alloy.wait_until_typed(len("\x1b[200~a\n\nb\x1b[201~\n"))
    (tmp_path / "gate").write_text("open\n")
    alloy.expect("Gone on.")
    alloy.expect("As one.")
    alloy.expect(READY)
    leave(alloy)


@pytest.mark.thorough
def test_ctrl_c_leaves_out_what_was_typed_ahead(talk: Talk, script: Script, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    alloy = talk("--approval", "auto", "-m", script({**WAITS, "on": "go"}, WAITS, "Never."))
    alloy.send("go\r")
    alloy.expect("● bash")
    alloy.send("second\rthird\r")
    alloy.wait_until_typed(len("second\nthird\n"))
    alloy.send("\x03")
    alloy.expect(READY)
    alloy.send("/history\r")
    told = alloy.expect(READY)
    assert "second" not in told
    assert "user: go" in told
    leave(alloy)


@pytest.mark.thorough
def test_an_answer_at_a_question_is_seen(talk: Talk, script: Script) -> None:
    alloy = talk("-m", script(bash("true"), "Done."))
    alloy.send("go\r")
    alloy.expect(QUESTION)
    alloy.send("not now\n")
    alloy.expect("not now\n")
    assert "denied: not now" in alloy.expect(READY)
    leave(alloy)


@pytest.mark.thorough
def test_what_follows_a_login_that_was_typed_ahead_is_no_question(talk: Talk, script: Script, tmp_path: Path) -> None:
    """It may be the key."""
    os.mkfifo(tmp_path / "gate")
    alloy = talk("--approval", "auto", "-m", script({**WAITS, "on": "go"}, "Gone on.", "Never."))
    alloy.send("go\r")
    alloy.expect("● bash")
    alloy.send("/login openia\rcanary-key\r")
    alloy.wait_until_typed(len("/login openia\ncanary-key\n"))
    (tmp_path / "gate").write_text("open\n")
    alloy.expect("> /login openia")
    alloy.expect(READY)
    assert "canary" not in leave(alloy)
