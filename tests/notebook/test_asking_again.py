"""`/undo` and `/retry` in a cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb import Scripted
from alloy_nb.errors import ConfigError
from alloy_nb.testing import Function


def said(notebook: Any) -> list[str]:
    return [message.text for message in notebook.conversation.messages]


@pytest.fixture
def stored(notebook: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> alloy.Sessions:
    """Where the notebook's conversations are kept."""
    monkeypatch.setenv("ALLOY_DATA_DIR", str(tmp_path / "data"))
    return alloy.Sessions()


def words(stored: alloy.Sessions, name: str) -> list[str]:
    return [message.text for message in stored.get(name).messages]


def test_the_last_question_is_taken_back_and_its_cell_asks_a_new_one(notebook: Any, script: Any) -> None:
    model = script("One.", "Two.", "Three.")
    notebook.ok("%%alloy -m m\nSay one", cell="a")
    notebook.ok("%%alloy -m m\nSay two", cell="b")
    assert notebook.ok("%alloy /undo", cell="c").stdout == "Taken back, with all that came of it: user: Say two\n"
    assert said(notebook) == ["Say one", "One."]
    notebook.ok("%%alloy -m m\nSay it otherwise", cell="b")
    assert said(notebook) == ["Say one", "One.", "Say it otherwise", "Three."]
    assert [message.text for message in model.requests[-1].messages] == ["Say one", "One.", "Say it otherwise"]


def test_there_is_nothing_to_take_back_and_nothing_to_ask_again(notebook: Any, script: Any) -> None:
    assert notebook.ok("%alloy /undo").stdout == "There is nothing to take back.\n"
    error = notebook.run("%alloy /retry").error
    assert isinstance(error, ConfigError)
    assert (error.message, error.hint) == ("there is no question to ask again", "ask one first")
    script("One.")
    notebook.ok("%alloy -m m Say one")
    notebook.ok("%alloy /undo")
    assert isinstance(notebook.run("%alloy /retry").error, ConfigError)


def test_tools_and_their_results_go_with_the_question(notebook: Any, script: Any, stored: alloy.Sessions) -> None:
    script("One.", {"tool_calls": [{"name": "look", "input": {}}]}, "Looked.")
    notebook.ok("def look() -> str:\n    'Look.'\n    return 'there'")
    notebook.ok("%alloy -m m Say one")
    notebook.ok("%alloy /save fox")
    notebook.ok("%alloy -m m -t look Look")
    assert len(words(stored, "fox")) == 6
    notebook.ok("%alloy /undo")
    assert words(stored, "fox") == said(notebook) == ["Say one", "One."]


def test_the_last_question_is_asked_again_in_place_of_its_answer(
    notebook: Any, script: Any, stored: alloy.Sessions
) -> None:
    model = script("One.", "Two.", "Two, again.", "Two, by b.")
    notebook.ok("%%alloy -m m\nSay one", cell="a")
    notebook.ok("%%alloy -m m\nSay two", cell="b")
    notebook.ok("%alloy /save fox")
    ran = notebook.ok("%alloy /retry", cell="c")
    assert ran.value.text == "Two, again."
    assert "with the last question again: Say two" in ran.stdout
    assert [message.text for message in model.requests[-1].messages] == ["Say one", "One.", "Say two"]
    assert words(stored, "fox") == said(notebook) == ["Say one", "One.", "Say two", "Two, again."]
    notebook.ok("%%alloy -m m\nSay two", cell="b")
    assert said(notebook) == ["Say one", "One.", "Say two", "Two, by b."]


def test_a_cell_that_asks_again_asks_the_same_when_it_runs_again(notebook: Any, script: Any) -> None:
    """Were the question its own, the second run would leave it out, and ask the one before it."""
    script("One.", "Two.", "2", "3")
    notebook.ok("%alloy -m m Say one", cell="a")
    notebook.ok("%alloy -m m Say two", cell="b")
    for answer in ("2", "3"):
        assert notebook.ok("%alloy /retry", cell="c").value.text == answer
    assert said(notebook) == ["Say one", "One.", "Say two", "3"]


def test_it_is_asked_as_its_own_line_said_but_for_what_is_said_now(notebook: Any, script: Any) -> None:
    model = script("One.", "Two.")
    other = notebook.names["other"] = Scripted(["Three.", "Four."])
    notebook.ok("%alloy -m m --system 'Be brief.' --no-context Say {1 + 1}")
    notebook.ok("%alloy /retry")
    assert model.requests[-1].system_prompt == "Be brief."
    assert notebook.ok("%alloy -m other -o r /retry").value.text == "Three."
    assert notebook.names["r"].text == "Three."
    assert other.requests[-1].system_prompt == "Be brief."
    assert notebook.ok("%alloy /retry").value.text == "Four."
    assert said(notebook) == ["Say {1 + 1}", "Four."]


def test_what_comes_of_it_is_in_the_variable_that_its_own_line_named(notebook: Any, script: Any) -> None:
    """It held the answer that is not in the conversation any more."""
    script("One.", "Two.", "Three.")
    notebook.ok("%alloy -m m -o r Say it")
    notebook.ok("%alloy /retry")
    assert notebook.names["r"].text == "Two."
    notebook.ok("%alloy -o s /retry")
    assert (notebook.names["r"].text, notebook.names["s"].text) == ("Two.", "Three.")


def test_a_variable_is_not_put_in_anew(notebook: Any, script: Any) -> None:
    model = script("One.", "Two.")
    notebook.ok("x = 1")
    notebook.ok("%alloy -m m Say {x}")
    notebook.ok("x = 2")
    notebook.ok("%alloy /retry")
    assert [message.text for message in model.requests[-1].messages] == ["Say 1"]


def test_a_question_that_failed_is_the_one_that_is_asked_again(notebook: Any, stored: alloy.Sessions) -> None:
    """It asked the one before it, whose answer was good."""
    failure = {"error": {"type": "BadRequestError", "message": "no"}}
    notebook.names["m"] = Scripted(["One.", failure, failure, "Two."])
    notebook.ok("%alloy -m m Say one", cell="a")
    notebook.ok("%alloy /save fox")
    assert notebook.run("%alloy -m m Say two", cell="b").error is not None
    assert notebook.run("%alloy /retry", cell="c").error is not None
    assert words(stored, "fox") == said(notebook) == ["Say one", "One."]
    assert notebook.ok("%alloy /retry", cell="c").value.text == "Two."
    assert words(stored, "fox") == said(notebook) == ["Say one", "One.", "Say two", "Two."]


def test_a_question_whose_tools_are_not_there_any_more_is_asked_again_with_others(notebook: Any, script: Any) -> None:
    """The one before it was, and lost its answer."""
    script("One.", "Two.")
    notebook.ok("def look() -> str:\n    'Look.'\n    return ''")
    notebook.ok("%alloy -m m Say one", cell="a")
    notebook.ok("%alloy /tools look\ndel look")
    assert isinstance(notebook.run("%alloy -m m Say two", cell="b").error, ConfigError)
    notebook.ok("%alloy /tools none")
    assert notebook.ok("%alloy /retry", cell="c").value.text == "Two."
    assert said(notebook) == ["Say one", "One.", "Say two", "Two."]


def test_a_question_that_failed_is_the_one_that_is_taken_back(notebook: Any, stored: alloy.Sessions) -> None:
    """The one before it was, with its good answer."""
    failure = {"error": {"type": "BadRequestError", "message": "no"}}
    notebook.names["m"] = Scripted(["One.", failure])
    notebook.ok("%alloy -m m Say one", cell="a")
    notebook.ok("%alloy /save fox")
    assert notebook.run("%alloy -m m Say two", cell="b").error is not None
    assert notebook.ok("%alloy /undo").stdout == "Taken back, nothing had come of it: user: Say two\n"
    assert words(stored, "fox") == said(notebook) == ["Say one", "One."]
    assert notebook.ok("%alloy /undo").stdout == "Taken back, with all that came of it: user: Say one\n"
    assert words(stored, "fox") == said(notebook) == []


def test_of_several_that_are_taken_back_the_failed_one_is_one(notebook: Any) -> None:
    failure = {"error": {"type": "BadRequestError", "message": "no"}}
    notebook.names["m"] = Scripted(["One.", "Two.", failure])
    for question in ("Say one", "Say two"):
        notebook.ok(f"%alloy -m m {question}")
    assert notebook.run("%alloy -m m Say three").error is not None
    assert "the conversation has 3" in str(notebook.run("%alloy /rewind 4").error)
    assert notebook.ok("%alloy /rewind 2").stdout == (
        "Taken back, with all that came of it:\n"
        "  user: Say two\n"
        "  user: Say three (it got no answer, and was not in the conversation)\n"
    )
    assert said(notebook) == ["Say one", "One."]
    assert "Say one" in notebook.ok("%alloy /undo").stdout


def test_when_nothing_comes_of_it_the_answer_that_was_there_stays(notebook: Any, stored: alloy.Sessions) -> None:
    failure = {"error": {"type": "BadRequestError", "message": "no"}}
    notebook.names["m"] = Scripted(["One.", failure, "Two."])
    notebook.ok("%alloy -m m Say it", cell="a")
    notebook.ok("%alloy /save fox")
    assert notebook.run("%alloy /retry").error is not None
    assert words(stored, "fox") == said(notebook) == ["Say it", "One."]
    assert notebook.ok("%alloy /retry").value.text == "Two."
    assert words(stored, "fox") == said(notebook) == ["Say it", "Two."]


def test_a_question_without_a_model_is_asked_again_when_there_is_one(notebook: Any) -> None:
    assert isinstance(notebook.run("%alloy -m nosuch:thing Say it").error, alloy.AlloyError)
    notebook.names["m"] = Scripted(["It."])
    assert notebook.ok("%alloy -m m /retry").value.text == "It."
    assert said(notebook) == ["Say it", "It."]


def test_a_stored_question_is_asked_again_with_what_it_held(notebook: Any, stored: alloy.Sessions) -> None:
    """Its cell is not known any more, nor its options; its picture is."""
    picture = alloy.Image("image/png", b"\x89PNG")
    alloy.run(["Look", picture], model=Scripted(["A cat."]), session="fox", display=None)
    model = notebook.names["m"] = Function(lambda request: "A dog.")
    notebook.ok("%alloy /resume fox")
    notebook.ok("%alloy -m m /retry")
    assert words(stored, "fox") == ["Look", "A dog."]
    assert [type(part).__name__ for part in model.requests[0].messages[0].parts] == ["Text", "Image"]


def test_what_would_be_asked_again_is_shown_and_nothing_is_sent(notebook: Any, script: Any) -> None:
    model = script("One.", "Two.")
    notebook.ok("%alloy -m m Say one")
    notebook.ok("%alloy -m m Say two")
    told = notebook.ok("%alloy --show /retry").stdout
    assert "  Say two\n" in told
    assert "Earlier in this conversation: 2 messages" in told
    assert len(model.requests) == 2
    assert said(notebook) == ["Say one", "One.", "Say two", "Two."]


def test_it_may_be_asked_in_a_new_conversation(notebook: Any, script: Any) -> None:
    model = script("One.", "Two.", "Three.")
    notebook.ok("%alloy -m m Say one")
    notebook.ok("%alloy -m m Say two")
    notebook.ok("%alloy --fresh /retry")
    assert [message.text for message in model.requests[-1].messages] == ["Say two"]
    assert said(notebook) == ["Say two", "Three."]


@pytest.mark.parametrize("command", ["undo", "retry", "usage", "tools none", "approval auto", "budget 1", "config"])
def test_an_agent_of_the_users_is_not_meant(command: str, notebook: Any, script: Any) -> None:
    """`-a` was passed over, and the notebook's own question was taken back."""
    script("One.")
    notebook.ok("%alloy -m m Say one\nanna = alloy.Agent(model=m)")
    error = notebook.run(f"%alloy -a anna /{command}").error
    assert isinstance(error, ConfigError)
    assert "anna.undo_turn()" in (error.hint or "")
    assert said(notebook) == ["Say one", "One."]
