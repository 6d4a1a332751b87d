"""What commands do to a stored conversation, without a terminal around them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.cli.repl.talk import Talk
from alloy_nb.errors import ConfigError


class Heard(Talk):
    """`said` is all that the user was told."""

    def __init__(self, folder: Path, store: alloy.SessionStore, **options: Any) -> None:
        self.said: list[str] = []
        given = {"model": None, "tools": [], "skills": False, "context_discovery": False, "approval": "ask"}
        super().__init__(
            {**given, "working_directory": folder, "store": store, **options},
            lambda: lambda event: None,
            self.said.append,
        )
        self._model = alloy.Scripted(["One.", "Two.", "Three."])

    def _choose(self, name: str | None) -> tuple[Any, str]:
        return self._model, "for a test"

    def take_all(self, *texts: str) -> None:
        for text in texts:
            self.take(text)


@pytest.fixture
def sessions() -> alloy.Sessions:
    return alloy.Sessions(alloy.MemoryStore())


def words(sessions: alloy.Sessions, name: str) -> list[str]:
    return [message.text for message in sessions.get(name).messages]


def test_a_reset_leaves_what_is_stored(tmp_path: Path, sessions: alloy.Sessions) -> None:
    """`/reset` emptied the stored conversation, and said only that it starts over."""
    talk = Heard(tmp_path, sessions.store, session="pp")
    talk.take_all("Say one", "/reset")
    assert talk.said[-1] == ("The conversation starts over. pp stays as it is stored; `/resume pp` goes on with it.")
    talk.take("Say two")
    assert [message.text for message in talk.messages()] == ["Say two", "Two."]
    assert words(sessions, "pp") == ["Say one", "One."]
    talk.take_all("/resume pp", "Say three", "/reset")
    assert words(sessions, "pp") == ["Say one", "One.", "Say three", "Three."]
    assert talk.session is None
    assert talk.settings()["session"] == "not stored"


def test_a_reset_of_one_that_has_not_begun_keeps_its_name(tmp_path: Path, sessions: alloy.Sessions) -> None:
    talk = Heard(tmp_path, sessions.store, session="pp")
    talk.agent()
    talk.take_all("/reset", "Say one")
    assert words(sessions, "pp") == ["Say one", "One."]


def test_more_questions_than_there_are_are_not_taken_back(tmp_path: Path, sessions: alloy.Sessions) -> None:
    """`/rewind 99` took all of them, without a word."""
    talk = Heard(tmp_path, sessions.store, session="pp")
    talk.take_all("Say one", "Say two")
    with pytest.raises(ConfigError, match="the conversation has 2") as caught:
        talk.take("/rewind 3")
    assert caught.value.hint == "/rewind 2 takes all of them back; /reset starts over"
    assert len(words(sessions, "pp")) == 4
    talk.take("/rewind 2")
    assert words(sessions, "pp") == []


def test_what_is_not_begun_is_not_said_to_be_stored(tmp_path: Path, sessions: alloy.Sessions) -> None:
    """A copy of no messages was left under the first name."""
    talk = Heard(tmp_path, sessions.store)
    talk.take_all("Say one", "/undo", "/save a")
    assert talk.said[-1] == "Nothing is said yet; from the first question on it is stored as a."
    talk.take("/save b")
    assert sessions.list() == []
    talk.take("Say two")
    assert words(sessions, "b") == ["Say two", "Two."]
    assert [info.id for info in sessions.list()] == ["b"]
