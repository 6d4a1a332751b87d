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
    assert (said.code, said.err, said.out.split()[2:]) == (0, "", ["fox"])


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


@pytest.mark.parametrize("action", ["show", "export", "delete"])
def test_one_that_is_not_there_is_told_with_the_nearest(action: str, stored: Alloy) -> None:
    said = stored("sessions", action, "fx")
    assert (said.code, said.out) == (2, "")
    assert "did you mean fox?" in said.err
