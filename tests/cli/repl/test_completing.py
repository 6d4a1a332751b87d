"""What Tab offers."""

from __future__ import annotations

from pathlib import Path

import pytest

from alloy_nb import MemoryStore, Skill
from alloy_nb.cli.repl.completing import offers
from alloy_nb.commands import commands_of
from alloy_nb.errors import SessionError
from alloy_nb.providers.vendors import VENDORS
from alloy_nb.skill_commands import skill_commands

TERMINAL = commands_of("terminal")


def store() -> MemoryStore:
    made = MemoryStore()
    for name in ("fox", "my walk"):
        made.append(name, [{"kind": "message"}])
    return made


def offered(text: str, folder: Path = Path(".")) -> list[str]:
    return [text[: len(text) - offer.replaces] + offer.text for offer in offers(text, TERMINAL, folder, store)]


def test_commands_by_all_their_names() -> None:
    assert offered("/re") == ["/retry", "/reset", "/resume", "/rewind"]
    assert offered("/co") == ["/cost", "/context", "/config"]
    assert len(offered("/")) == sum(1 + len(command.also) for command in TERMINAL)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/model anthropic:claude-h", "/model anthropic:claude-haiku-4-5"),
        ("/model loc", "/model local"),
        ("/tools gr", "/tools grep"),
        ("/tools read,gr", "/tools read,grep"),
        ("/tools read, gr", "/tools read, grep"),
        ("/approval a", "/approval auto"),
        ("/budget n", "/budget none"),
        ("/resume f", "/resume fox"),
        ("/resume my w", "/resume my walk"),
        ("/login mis", "/login mistral"),
    ],
)
def test_what_a_command_takes(text: str, expected: str) -> None:
    assert expected in offered(text)


def test_a_command_that_takes_nothing_is_offered_nothing(tmp_path: Path) -> None:
    (tmp_path / "undone").touch()
    assert offered("/undo un", tmp_path) == []
    assert offered("/login ") == [f"/login {name}" for name in VENDORS]


def test_files_of_answers_where_a_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "said.jsonl").touch()
    assert offered("/model scr") == ["/model scripted:"]
    assert offered("/model scripted:", tmp_path) == ["/model scripted:said.jsonl"]


def test_a_store_that_cannot_be_read_is_no_reason_to_end() -> None:
    def broken() -> MemoryStore:
        raise SessionError("broken")

    assert offers("/resume ", TERMINAL, Path("."), broken) == []


def test_files_as_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "march.csv").touch()
    (tmp_path / "date.txt").touch()
    (tmp_path / ".env").touch()
    assert offered("Read da", tmp_path) == ["Read data/", "Read date.txt"]
    assert offered("Read data/m", tmp_path) == ["Read data/march.csv"]
    assert offered(f"Read {tmp_path}/dat", Path(".")) == [f"Read {tmp_path}/data/", f"Read {tmp_path}/date.txt"]
    monkeypatch.setenv("HOME", str(tmp_path))
    assert offered("Read ~/data/", Path(".")) == ["Read ~/data/march.csv"]
    assert offered("Read .e", tmp_path) == ["Read .env"]
    for nothing in ("Read ", "Read no-such/", "Read \0", "Read ~nobody-of-that-name/x"):
        assert offered(nothing, tmp_path) == []


def test_a_name_that_would_steer_the_terminal_is_not_offered(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[2J").touch()
    (tmp_path / "ab").touch()
    assert offered("a", tmp_path) == ["ab"]


def test_skills_by_their_names() -> None:
    """CLI-9"""
    commands = (*TERMINAL, *skill_commands([Skill("review", "Looks hard"), Skill("two words")], TERMINAL))
    offered = offers("/rev", commands, Path("."), store)
    assert [(offer.text, offer.help) for offer in offered] == [("/review", "skill: Looks hard")]
    assert [offer.text for offer in offers("/skill r", commands, Path("."), store)] == ["review"]
