"""`alloy sessions`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from alloy_nb import Session

from .conftest import Said

Alloy = Callable[..., Said]


@pytest.fixture
def stored(alloy: Alloy, script: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Alloy:
    """A command line with the stored conversation `fox`."""
    monkeypatch.setenv("ALLOY_DATA_DIR", str(tmp_path / "data"))
    look = {"text": "I look.", "tool_calls": [{"name": "bash", "input": {"command": "echo seen"}}]}
    model = script(look, "I saw it.")
    alloy("-p", "Look\nthere", "-t", "bash", "--approval", "auto", "--session", "fox", "-m", model)
    return alloy


def test_none_is_said(alloy: Alloy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ALLOY_DATA_DIR", str(tmp_path / "data"))
    assert alloy("sessions") == Said(0, "", "none is stored yet: `alloy --session NAME` begins one\n")


@pytest.mark.parametrize("arguments", [("sessions",), ("sessions", "list")])
def test_each_is_a_line(arguments: tuple[str, ...], stored: Alloy) -> None:
    said = stored(*arguments)
    assert (said.code, said.err, said.out[18:]) == (0, "", "fox  4 messages  Look there\n")


def test_one_is_shown_with_its_calls(stored: Alloy) -> None:
    assert stored("sessions", "show", "fox").out == (
        "> Look\n> there\n\nI look.\n\n● bash {'command': 'echo seen'}\n\n✓ bash seen exit code: 0\n\nI saw it.\n"
    )


def test_one_is_exported_as_the_value_that_it_is(stored: Alloy, tmp_path: Path) -> None:
    session = Session.from_json(stored("sessions", "export", "fox").out)
    assert (session.id, [message.role for message in session.messages]) == ("fox", ["user", "assistant"] * 2)
    said = stored("sessions", "export", "fox", "--out", "fox.json")
    assert (said.code, said.out) == (0, "")
    assert json.loads((tmp_path / "fox.json").read_text())["id"] == "fox"
    assert (tmp_path / "fox.json").stat().st_mode & 0o777 == 0o600
    again = stored("sessions", "export", "fox", "--out", "fox.json")
    assert (again.code, "is there already" in again.err) == (2, True)


def test_one_is_deleted(stored: Alloy) -> None:
    assert stored("sessions", "delete", "fox").out == "deleted fox\n"
    assert stored("sessions").out == ""


@pytest.mark.parametrize("action", ["show", "export", "delete", "rewind", "fork"])
def test_one_that_is_not_there_is_told_with_the_nearest(action: str, stored: Alloy) -> None:
    said = stored("sessions", action, "fx", *(["new"] if action == "fork" else []))
    assert (said.code, said.out) == (2, "")
    assert "did you mean fox?" in said.err


def test_words_are_searched_for_as_grep_does(stored: Alloy) -> None:
    assert stored("sessions", "search", "SAW", "it") == Said(0, "fox  4  assistant: I saw it.\n", "")
    assert stored("sessions", "search", "badger", "\x1b[2J") == Said(1, "", "`badger` is in no stored conversation\n")


def test_messages_have_the_numbers_that_search_and_fork_go_by(stored: Alloy) -> None:
    shown = stored("sessions", "show", "fox", "--numbers").out
    assert [line for line in shown.splitlines() if line.startswith("[")] == ["[1]", "[2]", "[3]", "[4]"]
    assert "[4]\n\nI saw it." in shown


def test_one_is_forked_at_a_message_and_rewound(stored: Alloy) -> None:
    assert stored("sessions", "fork", "fox", "another fox", "--upto", "3").out == (
        "another fox begins with 3 messages of fox\n"
    )
    assert stored("sessions", "rewind", "fox").out == "4 messages of fox were taken back\n"
    assert stored("sessions", "show", "fox").out == "\n"
    forked = Session.from_json(stored("sessions", "export", "another fox").out)
    assert (len(forked.messages), forked.metadata["forked_from"]["session"]) == (3, "fox")
    assert (
        stored("sessions", "rewind", "another fox", "--upto", "1").out == "2 messages of another fox were taken back\n"
    )
    assert stored("sessions", "fork", "another fox", "third").out == "third begins with 1 message of another fox\n"
    said = stored("sessions", "rewind", "another fox", "5")
    assert (said.code, "the conversation has 1" in said.err) == (2, True)
    said = stored("sessions", "fork", "fox", "another fox")
    assert (said.code, "already" in said.err) == (2, True)


def test_one_is_exported_as_markdown(stored: Alloy) -> None:
    text = stored("sessions", "export", "fox", "--markdown").out
    assert text.startswith("# fox\n\n## You\n\nLook\nthere\n\n## Model\n\nI look.\n\nCall of `bash`:")
    assert text.endswith("\n\nI saw it.\n")


def test_a_file_that_is_named_as_markdown_is_markdown(stored: Alloy, tmp_path: Path) -> None:
    """It was JSON, without a word."""
    assert stored("sessions", "export", "fox", "--out", "fox.md").code == 0
    assert (tmp_path / "fox.md").read_text().startswith("# fox\n")


def test_an_export_is_imported_and_overwrites_nothing_unasked(stored: Alloy, tmp_path: Path) -> None:
    stored("sessions", "export", "fox", "--out", "fox.json")
    stored("sessions", "rewind", "fox")
    said = stored("sessions", "import", "fox.json")
    assert (said.code, said.out) == (2, "")
    assert "--replace" in said.err
    assert stored("sessions", "import", "fox.json", "--as", "vixen").out == "stored as vixen, 4 messages\n"
    assert stored("sessions", "show", "fox").out == "\n"
    assert stored("sessions", "import", "fox.json", "--replace").out == "stored as fox, 4 messages\n"
    assert stored("sessions", "show", "fox").out == stored("sessions", "show", "vixen").out


@pytest.mark.parametrize("text", [None, "", "no session", "{}"])
def test_what_is_no_export_is_not_imported(text: str | None, stored: Alloy, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "x.json").write_text(text)
    said = stored("sessions", "import", "x.json")
    assert (said.code, said.out, "Traceback" in said.err) == (2, "", False)
    assert "Session.to_json" not in said.err  # a hint for who has Python before them
    assert ("alloy sessions export NAME --out FILE" in said.err) is (text is not None)
    assert "vixen" not in stored("sessions").out
