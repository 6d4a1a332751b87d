"""What a conversation in the terminal tells, without one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.cli.repl.talk import Talk
from alloy_nb.errors import ConfigError


@pytest.mark.skipif(sys.platform == "win32", reason="no such names")
def test_the_path_of_a_skill_steers_no_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 14: a repository's file may be named as it likes."""
    monkeypatch.setenv("ALLOY_HOME", str(tmp_path / "home"))
    skills = tmp_path / ".alloy" / "skills"
    skills.mkdir(parents=True)
    (skills / "a\x1b]0;owned\x07\x1b[2J\nb.md").write_text("---\nname: look\n---\nLook.")
    said: list[str] = []
    options: dict[str, Any] = {"model": None, "skills": True, "working_directory": tmp_path, "tools": []}
    talk = Talk(options, lambda: lambda event: None, said.append)
    monkeypatch.setattr(Talk, "_choose", lambda self, name: (alloy.Scripted(["Looked."]), "for a test"))
    (skill,) = talk.skills()[0]
    talk.ask_skill(skill, "")
    assert talk.messages()[-1].text == "Looked."
    assert said[0].startswith("skill look: 5 characters from ")
    assert all(line.isprintable() for line in said), said


class Told(Talk):
    """`said` is all that the user was told; the model is the one given."""

    def __init__(self, folder: Path, model: Any) -> None:
        self.said: list[str] = []
        options = {"model": None, "tools": [], "approval": "ask", "working_directory": folder}
        super().__init__(options, lambda: lambda event: None, self.said.append)
        self._model = model

    def _choose(self, name: str | None) -> tuple[Any, str]:
        return self._model, "for a test"

    def take_all(self, *texts: str) -> str:
        for text in texts:
            self.take(text)
        return self.said[-1]


def test_who_decides_on_calls_is_set_from_now_on(tmp_path: Path) -> None:
    call = {"tool_calls": [{"name": "bash", "input": {"command": "true"}}]}
    talk = Told(tmp_path, alloy.Scripted([call, "1", call, "2"]))
    assert talk.take_all("/approval").startswith("approval: ask (you are asked")
    assert talk.take_all("/tools bash", "/approval deny").startswith("approval: deny (")
    talk.take("go")
    assert talk.messages()[2].tool_results[0].is_error
    assert talk.take_all("/approval auto") == "approval: auto (every call is allowed, and nobody is asked)"
    talk.take("go")
    assert not talk.messages()[6].tool_results[0].is_error
    assert talk.settings()["approval"] == "auto (by /approval)"
    assert talk.settings()["tools"] == "bash (by /tools)"
    with pytest.raises(ConfigError, match="no policy 'atuo'") as caught:
        talk.take("/approval atuo")
    assert "did you mean auto?" in (caught.value.hint or "")


def test_what_could_not_be_set_is_not_told_as_set(tmp_path: Path) -> None:
    """`/config` said `deny`, and the agent went on by `auto`."""
    folder = tmp_path / "here"
    folder.mkdir()
    talk = Told(folder, alloy.Scripted(["1"]))
    talk.take_all("/approval auto", "one")
    folder.rmdir()
    with pytest.raises(ConfigError, match="here"):
        talk.take("/approval deny")
    assert talk.approval() == "auto"


def test_a_budget_is_spent_by_all_questions_and_taken_away(tmp_path: Path) -> None:
    talk = Told(tmp_path, alloy.Scripted(["1", "2", "3"]))
    assert talk.take_all("/budget") == "budget: none"
    talk.take("one")
    assert talk.take_all("/budget $0.50").startswith("The price of scripted:script is not known")
    assert talk.said[-2] == "budget: $0 of $0.50 spent"
    assert talk.settings()["budget"] == "$0 of $0.50 spent (by /budget)"
    with pytest.raises(ConfigError, match="a budget in dollars cannot be kept"):  # nobody knows what this one costs
        talk.take("two")
    assert talk.take_all("/budget none") == "budget: none"
    talk.take("two")
    assert len(talk.messages()) == 4
    with pytest.raises(ConfigError, match="/budget is 'much'") as caught:
        talk.take("/budget much")
    assert caught.value.hint == "give dollars, as in /budget 0.50; none takes it away"


def test_a_question_that_failed_is_the_one_that_is_asked_again(tmp_path: Path) -> None:
    """It took the one before it back, whose answer was good."""
    failure = {"error": {"type": "BadRequestError", "message": "no"}}
    talk = Told(tmp_path, alloy.Scripted(["1", failure, failure, "2", "3"]))
    talk.take_all("one", "two", "/retry")
    assert [message.text for message in talk.messages()] == ["one", "1"]
    assert talk.take_all("/retry") == "user: two"
    assert [message.text for message in talk.messages()] == ["one", "1", "two", "2"]
    talk.take("/retry")
    assert [message.text for message in talk.messages()] == ["one", "1", "two", "3"]
    talk.take_all("/undo", "/undo")
    with pytest.raises(ConfigError, match="no question to ask again"):
        talk.take("/retry")


def test_a_question_that_failed_is_the_one_that_is_taken_back(tmp_path: Path) -> None:
    """The one before it was, with its good answer."""
    failure = {"error": {"type": "BadRequestError", "message": "no"}}
    talk = Told(tmp_path, alloy.Scripted(["1", failure, failure]))
    assert talk.take_all("one", "two", "/undo") == "Taken back, nothing had come of it: user: two"
    assert [message.text for message in talk.messages()] == ["one", "1"]
    assert talk.take_all("/undo") == "Taken back, with all that came of it: user: one"
    assert talk.take_all("/undo") == "There is nothing to take back."
    talk.take_all("three", "/rewind 1")  # that is of the conversation
    assert not talk.messages()


def test_an_answer_stays_where_nothing_comes_of_asking_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was taken back before the question was put, and no answer came in its place."""
    monkeypatch.setenv("ALLOY_DATA_DIR", str(tmp_path / "data"))
    failure = {"error": {"type": "BadRequestError", "message": "no"}}
    talk = Told(tmp_path, alloy.Scripted(["1", "2", failure, "3", "4"]))
    talk.take_all("one", "two", "/save fox", "/retry")
    assert [message.text for message in talk.messages()] == ["one", "1", "two", "2"]
    assert alloy.Sessions().get("fox").messages == tuple(talk.messages())
    assert talk.take_all("/retry") == "user: two"
    assert [message.text for message in talk.messages()] == ["one", "1", "two", "3"]
    talk.take_all("/budget 0")
    with pytest.raises(ConfigError, match="a budget in dollars"):
        talk.take("/retry")
    assert [message.text for message in talk.messages()] == ["one", "1", "two", "3"]


def test_a_question_that_failed_is_the_first_that_rewind_takes_back(tmp_path: Path) -> None:
    failure = {"error": {"type": "BadRequestError", "message": "no"}}
    talk = Told(tmp_path, alloy.Scripted(["1", failure]))
    told = talk.take_all("one", "two", "/rewind")
    assert told.endswith("user: two (it got no answer, and was not in the conversation)")
    assert [message.text for message in talk.messages()] == ["one", "1"]
    assert talk.take_all("/rewind").endswith("\n  user: one")
    assert talk.take_all("/rewind") == "There is nothing to take back."


def test_help_alone_asks_no_model_and_quit_alone_leaves(tmp_path: Path) -> None:
    talk = Told(tmp_path, alloy.Scripted([]))
    assert talk.take_all("Help") == "for the commands: /help"
    assert not talk.messages()
    talk.take("quit")
    assert talk.left
