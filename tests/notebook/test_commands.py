"""Words with a slash in a cell; the table itself is tested beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alloy_nb import Scripted
from alloy_nb.commands import commands_of


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
