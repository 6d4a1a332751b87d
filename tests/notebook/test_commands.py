"""Words with a slash in a cell; the table itself is tested beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

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
    assert notebook.ok("%alloy /sessions").stdout.split()[2:] == ["fox"]


def test_models_are_listed_with_their_keys(notebook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary0123456789abcdef")
    told = notebook.ok("%alloy /models").stdout
    assert "openai (environment variable OPENAI_API_KEY): " in told
    assert "anthropic (no key): " in told
    assert "canary" not in told
    assert len(notebook.ok("%alloy /models openai").stdout.splitlines()) == 1


@pytest.mark.parametrize("command", ["undo", "tools", "exit"])
def test_what_only_the_terminal_has_is_no_command_here(command: str, notebook: Any) -> None:
    assert "there is no command" in str(notebook.run(f"%alloy /{command}").error)
