"""What commands do to a stored conversation, without a terminal around them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.cli.repl.talk import Talk
from alloy_nb.errors import ConfigError
from alloy_nb.render.text import TextWriter


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


def test_a_resume_without_a_name_goes_on_with_another_one(tmp_path: Path, sessions: alloy.Sessions) -> None:
    """Right after `/fork other` it was told of `other` itself, which one was in already."""
    talk = Heard(tmp_path, sessions.store, session="first")
    talk.take("Say one")
    with pytest.raises(ConfigError, match="no other conversation is stored") as caught:
        talk.take("/resume")
    assert caught.value.hint == "/resume first opens this one anew"
    talk.take_all("/fork other", "/rewind", "/resume")
    assert talk.session == "first"
    with pytest.raises(ConfigError, match="no other conversation"):  # nothing is said in `other` any more
        talk.take("/resume")
    assert talk.session == "first"


def test_a_conversation_that_was_named_later_is_stored_once(tmp_path: Path, sessions: alloy.Sessions) -> None:
    """`/save` and then `/save thesis` left two of it, of which one did not grow."""
    talk = Heard(tmp_path, sessions.store)
    talk.take_all("Say one", "/save")
    (own,) = [info.id for info in sessions.list()]
    talk.take("/save thesis")
    assert talk.said[-1] == f"Stored as thesis, no longer as {own}; `alloy --session thesis` goes on with it."
    assert [info.id for info in sessions.list()] == ["thesis"]
    talk.take_all("Say two", "/save book")
    assert talk.said[-1].startswith("Stored as book; what is stored as thesis stays as it is; ")
    assert {info.id for info in sessions.list()} == {"thesis", "book"}
    assert words(sessions, "book") == ["Say one", "One.", "Say two", "Two."]


def broken_off(sessions: alloy.Sessions, name: str) -> None:
    """A conversation whose process was killed within two of three calls."""
    calls = [
        alloy.ToolCall("c1", "bash", {"command": "sleep 100"}),
        alloy.ToolCall("c2", "write", {"path": "a.txt", "content": "A"}),
        alloy.ToolCall("c3", "bash", {"command": "never"}),
    ]
    said = [alloy.Message.user("Go"), alloy.Message.assistant(calls)]
    records = [{"v": 1, "kind": "message", "message": message.to_dict()} for message in said]
    sessions.store.append(name, [*records, *({"v": 1, "kind": "started", "id": f"c{i}"} for i in (1, 2))])


def test_who_goes_on_after_a_kill_is_told_which_calls_nobody_knows_the_outcome_of(
    tmp_path: Path, sessions: alloy.Sessions
) -> None:
    """Only the model was told."""
    broken_off(sessions, "cut")
    told = "  2 calls had begun when it was broken off, and the outcome is unknown: bash `sleep 100`, write `a.txt`"
    talk = Heard(tmp_path, sessions.store, session="cut")
    talk.agent()
    talk.tell_of_session()
    assert talk.said[-1] == told
    other = Heard(tmp_path, sessions.store)
    other.take("/resume cut")
    assert other.said[-1] == told  # as long as nobody has gone on with it
    other.take_all("What became of it?", "/resume cut")
    assert "unknown" not in other.said[-1]


def test_a_conversation_that_went_on_elsewhere_is_told_of_once_and_how_it_is_resumed(
    tmp_path: Path, sessions: alloy.Sessions, caplog: pytest.LogCaptureFixture
) -> None:
    """It was told twice, by a line of the log, too, and in Python's words alone."""
    first, second = (Heard(tmp_path, sessions.store, session="pp") for _ in range(2))
    first.agent(), second.agent()
    first.take("Say one")
    shown: list[str] = []
    second._view = lambda: TextWriter(shown.append).feed
    second.take("Say it")
    assert "".join(shown).count("has grown since") == 1
    assert "by /resume NAME in a conversation" in "".join(shown)
    assert caplog.text == ""
    second.take_all("/resume pp", "Say two")
    assert words(sessions, "pp") == ["Say one", "One.", "Say two", "One."]
