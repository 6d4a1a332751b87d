"""Conversations that are stored, and what is kept of what was typed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from ..conftest import Said
from ..terminals import Terminal
from .conftest import READY, leave

pytestmark = pytest.mark.thorough  # each starts a terminal, and waits for it

Talk = Callable[..., Terminal]
Script = Callable[..., str]
Alloy = Callable[..., Said]


def test_a_conversation_goes_on_by_its_name(talk: Talk, script: Script, alloy: Alloy, data: Path) -> None:
    """CLI-w1: no session save and resume."""
    first = talk("--session", "fox", "-m", script("Hello, Ann."))
    first.send("I am Ann.\r")
    first.expect(READY)
    assert "alloy --session fox" in leave(first)
    second = talk("--session", "fox", "-m", script("You are Ann."))
    assert "session fox: 2 messages" in second.screen
    assert "user: I am Ann." in second.screen
    second.send("Who am I?\r")
    second.expect(READY)
    second.send("/history\r")
    told = second.expect(READY).rpartition("\x1b[?2004l")[2]
    assert [line[:20] for line in told.splitlines() if ": " in line] == [
        "user: I am Ann.",
        "assistant: Hello, An",
        "user: Who am I?",
        "assistant: You are A",
    ]
    leave(second)


def test_what_was_not_stored_is_saved_and_resumed(talk: Talk, script: Script) -> None:
    first = talk("-m", script("Hello, Ann.", "Again."))
    first.send("I am Ann.\r")
    first.expect(READY)
    first.send("/save fox\r")
    assert "Stored as fox" in first.expect(READY)
    first.send("And now?\r")
    first.expect(READY)
    leave(first)
    second = talk("-m", script("You are Ann."))
    second.send("/sessions\r")
    assert "  fox  4 messages  I am Ann.\n" in second.expect(READY)
    second.send("/resume\r")
    assert "session fox: 4 messages" in second.expect(READY)
    second.send("/save fox\r")
    assert "It is stored as fox" in second.expect(READY)
    leave(second)


def test_a_name_with_blanks_a_fork_and_a_rewind(
    talk: Talk, script: Script, alloy: Alloy, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of `/save my walk` the name was to be quoted."""
    terminal = talk("-m", script("One.", "Two.", "Three."))
    terminal.send("Say one\r")
    terminal.expect(READY)
    terminal.send("/save my walk\r")
    assert "Stored as my walk; `alloy --session 'my walk'` goes on with it." in terminal.expect(READY)
    terminal.send("/fork another walk\r")
    assert "From here on it is another walk; my walk stays as it is." in terminal.expect(READY)
    for number in ("two", "three"):
        terminal.send(f"Say {number}\r")
        terminal.expect(READY)
    terminal.send("/rewind 2\r")
    told = terminal.expect(READY)
    assert "  user: Say two\n  user: Say three" in told
    terminal.send("/resume my walk\r")
    assert "session my walk: 2 messages" in terminal.expect(READY)
    leave(terminal)
    monkeypatch.setenv("ALLOY_DATA_DIR", str(data))
    for name in ("my walk", "another walk"):
        assert len(json.loads(alloy("sessions", "export", name).out)["messages"]) == 2


def test_what_was_typed_is_kept_privately_and_no_key_in_it(talk: Talk, script: Script, data: Path) -> None:
    alloy = talk("-m", script("One."))
    for typed in ("the key is sk-ant-canary0123456789abcdef", "/login openai canary-in-the-wrong-place"):
        alloy.send(f"{typed}\r")
        alloy.expect(READY)
    leave(alloy)
    kept = (data / "history").read_text()
    assert "the key is [redacted]" in kept
    assert "canary" not in kept
    assert (data / "history").stat().st_mode & 0o777 == 0o600


def test_a_one_shot_answer_is_stored_by_its_name_too(alloy: Alloy, script: Script, data: Path, monkeypatch) -> None:
    monkeypatch.setenv("ALLOY_DATA_DIR", str(data))
    assert alloy("-p", "I am Ann.", "--session", "fox", "-m", script("Hello, Ann.")).code == 0
    model = script({"text": "Ann.", "on": "Who am I?"})
    assert alloy("-p", "Who am I?", "--session", "fox", "-m", model).out == "Ann.\n"
    stored = json.loads(alloy("sessions", "export", "fox").out)
    assert [message["role"] for message in stored["messages"]] == ["user", "assistant"] * 2


@pytest.mark.parametrize("instead", ["nothing", "a folder"])
def test_a_history_that_went_away_loses_no_question(instead: str, talk: Talk, script: Script, data: Path) -> None:
    """prompt_toolkit told of it by a traceback, and waited for Enter."""
    alloy = talk("-m", script("One.", "Two."))
    (data / "history").unlink()
    if instead == "a folder":
        (data / "history").mkdir()
    for typed, answer in (("first", "One."), ("second", "Two.")):
        alloy.send(f"{typed}\r")
        assert answer in alloy.expect("tokens")
        alloy.expect(READY)
    assert "Press ENTER" not in leave(alloy)
    if instead == "nothing":
        assert "first" in (data / "history").read_text()
        assert (data / "history").stat().st_mode & 0o777 == 0o600
