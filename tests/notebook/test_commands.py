"""Words with a slash in a cell; the table itself is tested beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb import Scripted
from alloy_nb.commands import commands_of
from alloy_nb.testing import Function


def test_help_lists_what_the_notebook_has(notebook: Any) -> None:
    told = notebook.ok("%alloy /help").stdout
    assert [line.split()[:2] for line in told.splitlines()] == [
        ["%alloy", f"/{command.name}"] for command in commands_of("notebook")
    ]
    assert "%alloy /stop" in notebook.ok("%alloy --help").stdout


def test_the_conversation_is_listed_a_line_a_message(notebook: Any) -> None:
    assert notebook.ok("%alloy /history").stdout == "There is no conversation yet.\n"
    notebook.names["m"] = Scripted(["Hello, Ann."])
    notebook.ok("%alloy -m m I am Ann.")
    assert notebook.ok("%alloy /history").stdout == "user: I am Ann.\nassistant: Hello, Ann.\n"


def test_what_fills_the_window_is_a_table(notebook: Any) -> None:
    notebook.names["m"] = Scripted(["Hello, Ann.", "Yes."])
    notebook.ok("%%alloy -m m\nI am Ann.")
    usage = notebook.ok("%alloy /context").value
    assert (usage.model, usage.window, usage.messages) == ("scripted:script", 200_000, 2)
    assert usage.prompts > 0 < usage.answers
    assert "| free |" in usage._repr_markdown_()


def test_a_conversation_in_brief_goes_on_from_cell_to_cell(notebook: Any) -> None:
    """A cell that runs again changes what was said: then nothing stands in for it."""
    model = notebook.names["m"] = Function(lambda request: f"{len(model.requests)} {'word ' * 400}")
    notebook.names["m"].context_window = 4000
    views = []
    for number in range(16):
        notebook.ok(f"%%alloy -m m\nQuestion {number}", cell=f"cell-{number}")
        conversation = notebook.conversation
        views.append(conversation.view_of(conversation.messages))
    made = [view for view in views if view is not None]
    assert 1 < len({id(view) for view in made}) < len(made)
    assert notebook.ok("%alloy /context").value.omitted == made[-1].omitted > 0
    assert len(conversation.messages) == 32
    notebook.ok("%%alloy -m m\nQuestion 0, anew", cell="cell-0")
    assert not any(message.text == "Question 0" for message in model.requests[-1].messages)


def test_stored_conversations_are_listed(notebook: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ALLOY_DATA_DIR", str(tmp_path))
    assert notebook.ok("%alloy /sessions").stdout == "No conversation is stored yet.\n"
    notebook.ok("import alloy_nb; alloy_nb.run('Hi', model=alloy_nb.Scripted(['Yes']), session='fox', display=None)")
    assert notebook.ok("%alloy /sessions").stdout[18:] == "fox  2 messages  Hi\n"
    assert notebook.ok("%alloy /sessions yes").stdout == "fox  2  assistant: Yes\n"
    assert notebook.ok("%alloy /sessions badger").stdout == "It is in no stored conversation.\n"


@pytest.fixture
def stored(notebook: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> alloy.Sessions:
    """Where the notebook's conversations are kept; `m` answers One, Two, Three, … ."""
    monkeypatch.setenv("ALLOY_DATA_DIR", str(tmp_path))
    notebook.names["m"] = Scripted(["One.", "Two.", "Three.", "Four.", "Five."])
    return alloy.Sessions()


def words(stored: alloy.Sessions, name: str) -> list[str]:
    return [message.text for message in stored.get(name).messages]


def test_the_conversation_is_saved_and_stored_as_it_grows(notebook: Any, stored: alloy.Sessions) -> None:
    notebook.ok("%alloy -m m Say one", cell="a")
    told = notebook.ok("%alloy /save my first analysis").stdout
    assert told == "Stored as my first analysis; `%alloy /resume my first analysis` goes on with it.\n"
    assert words(stored, "my first analysis") == ["Say one", "One."]
    notebook.ok("%alloy -m m Say two", cell="b")
    assert words(stored, "my first analysis") == ["Say one", "One.", "Say two", "Two."]
    notebook.ok("%alloy -m m Say two, again", cell="b")
    assert words(stored, "my first analysis") == ["Say one", "One.", "Say two, again", "Three."]
    assert "as it grows" in notebook.ok("%alloy /save").stdout
    assert "as it grows" in notebook.ok('%alloy /save "my first analysis"').stdout
    notebook.ok("%alloy /reset")
    notebook.ok("%alloy -m m Say four")
    assert words(stored, "my first analysis")[-1] == "Three."
    assert "already" in str(notebook.run("%alloy /save my first analysis").error)


def test_a_conversation_that_was_named_later_is_stored_once(notebook: Any, stored: alloy.Sessions) -> None:
    notebook.ok("%alloy -m m Say one")
    notebook.ok("%alloy /save")
    (own,) = [info.id for info in stored.list()]
    told = notebook.ok("%alloy /save thesis").stdout
    assert told == f"Stored as thesis, no longer as {own}; `%alloy /resume thesis` goes on with it.\n"
    assert [info.id for info in stored.list()] == ["thesis"]
    assert words(stored, "thesis") == ["Say one", "One."]


def test_a_new_kernel_resumes_it(notebook: Any, stored: alloy.Sessions) -> None:
    alloy.run("I am Ann.", model=Scripted(["Hello, Ann."]), session="the fox", display=None)
    assert notebook.ok("%alloy /resume the fox").stdout == (
        "session the fox: 2 messages; at last\n  user: I am Ann.\n  assistant: Hello, Ann.\n"
    )
    notebook.ok("%alloy -m m Who am I?")
    asked = notebook.names["m"].requests[0].messages
    assert [message.text for message in asked] == ["I am Ann.", "Hello, Ann.", "Who am I?"]
    assert words(stored, "the fox") == ["I am Ann.", "Hello, Ann.", "Who am I?", "One."]
    assert "did you mean the fox?" in notebook.run("%alloy /resume the fo").error.hint
    notebook.ok("%alloy /reset")
    assert "session the fox: 4 messages" in notebook.ok("%alloy /resume").stdout


def test_it_is_rewound_here_and_there(notebook: Any, stored: alloy.Sessions) -> None:
    assert notebook.ok("%alloy /rewind").stdout == "There is nothing to take back.\n"
    for number in ("one", "two", "three"):
        notebook.ok(f"%alloy -m m Say {number}")
    notebook.ok("%alloy /save fox")
    told = notebook.ok("%alloy /rewind 2").stdout
    assert told == "Taken back, with all that came of it:\n  user: Say two\n  user: Say three\n"
    assert words(stored, "fox") == ["Say one", "One."]
    assert notebook.ok("%alloy /history").stdout.count("\n") == 2
    for wrong in ("0", "-1", "two", "1 2", "²"):
        assert "no number of questions" in str(notebook.run(f"%alloy /rewind {wrong}").error)
    notebook.ok("%alloy /resume fox")
    notebook.ok("%alloy /rewind")
    assert words(stored, "fox") == []


def test_more_questions_than_there_are_are_not_taken_back(notebook: Any, stored: alloy.Sessions) -> None:
    """`/rewind 99` took all of them, without a word."""
    notebook.ok("%alloy -m m Say one")
    notebook.ok("%alloy /save fox")
    error = notebook.run("%alloy /rewind 99").error
    assert "the conversation has 1" in str(error)
    assert "%alloy /reset starts over" in error.hint
    assert words(stored, "fox") == ["Say one", "One."]
    assert notebook.ok("%alloy /history").stdout.count("\n") == 2


def test_what_is_not_begun_is_not_said_to_be_stored(notebook: Any, stored: alloy.Sessions) -> None:
    """It said "Stored as fresh", and there was nothing to resume."""
    told = notebook.ok("%alloy /save fresh").stdout
    assert told == "Nothing is said yet; from the first question on it is stored as fresh.\n"
    assert stored.list() == []
    notebook.ok("%alloy -m m Say one")
    assert words(stored, "fresh") == ["Say one", "One."]


def test_a_reset_tells_how_the_stored_one_is_gone_on_with(notebook: Any, stored: alloy.Sessions) -> None:
    notebook.ok("%alloy -m m Say one")
    notebook.ok("%alloy /save fox")
    assert notebook.ok("%alloy /reset").stdout == (
        "The conversation starts over. fox stays as it is stored; `%alloy /resume fox` goes on with it.\n"
    )
    assert notebook.ok("%alloy /reset").stdout == "There was no conversation yet.\n"


def test_who_resumes_after_a_kill_is_told_of_calls_whose_outcome_is_unknown(
    notebook: Any, stored: alloy.Sessions
) -> None:
    """Only the model was told."""
    said = [alloy.Message.user("Go"), alloy.Message.assistant([alloy.ToolCall("c1", "bash", {"command": "sleep 100"})])]
    records = [{"v": 1, "kind": "message", "message": message.to_dict()} for message in said]
    stored.store.append("cut", [*records, {"v": 1, "kind": "started", "id": "c1"}])
    told = notebook.ok("%alloy /resume cut").stdout.splitlines()[-1]
    assert told == "  1 call had begun when it was broken off, and the outcome is unknown: bash `sleep 100`"


def test_a_fork_goes_on_beside_it(notebook: Any, stored: alloy.Sessions) -> None:
    assert "needs a name" in str(notebook.run("%alloy /fork").error)
    notebook.ok("%alloy -m m Say one")
    assert notebook.ok("%alloy /fork fox").stdout.startswith("Stored as fox; ")
    assert notebook.ok("%alloy /fork another way").stdout == "From here on it is another way; fox stays as it is.\n"
    notebook.ok("%alloy -m m Say two")
    assert words(stored, "fox") == ["Say one", "One."]
    assert words(stored, "another way") == ["Say one", "One.", "Say two", "Two."]
    assert stored.get("another way").metadata["forked_from"] == {"session": "fox", "messages": 2}
    assert "already" in str(notebook.run("%alloy /fork fox").error)


def test_a_question_that_failed_leaves_the_stored_conversation_as_it_was(notebook: Any, stored: alloy.Sessions) -> None:
    notebook.names["m"] = Scripted(["One.", {"error": {"type": "AuthError", "message": "wrong key"}}])
    notebook.ok("%alloy -m m Say one", cell="a")
    notebook.ok("%alloy /save fox")
    assert "wrong key" in str(notebook.run("%alloy -m m Say one, again", cell="a").error)
    assert words(stored, "fox") == ["Say one", "One."]
    assert [message.text for message in notebook.conversation.messages] == ["Say one", "One."]


def test_who_goes_on_with_what_somebody_else_has_gone_on_with_is_told(notebook: Any, stored: alloy.Sessions) -> None:
    notebook.ok("%alloy -m m Say one")
    notebook.ok("%alloy /save fox")
    alloy.run("Elsewhere", model=Scripted(["Yes."]), session="fox", display=None)
    error = notebook.run("%alloy -m m Say two").error
    assert isinstance(error, alloy.SessionConflict)
    assert words(stored, "fox") == ["Say one", "One.", "Elsewhere", "Yes."]
    notebook.ok("%alloy /resume fox")
    notebook.ok("%alloy -m m Say two")
    assert words(stored, "fox")[-2] == "Say two"


def test_models_are_listed_with_their_keys(notebook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary0123456789abcdef")
    told = notebook.ok("%alloy /models").stdout
    assert "openai (environment variable OPENAI_API_KEY): " in told
    assert "anthropic (no key): " in told
    assert "canary" not in told
    assert len(notebook.ok("%alloy /models openai").stdout.splitlines()) == 1


@pytest.mark.parametrize("command", ["exit", "quit"])
def test_what_only_the_terminal_has_is_no_command_here(command: str, notebook: Any) -> None:
    assert "there is no command" in str(notebook.run(f"%alloy /{command}").error)
