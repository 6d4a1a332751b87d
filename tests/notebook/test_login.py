"""``%alloy /login``."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

import pytest

from alloy_nb import login
from alloy_nb.errors import Cancelled, ConfigError
from alloy_nb.providers.credentials import read_credentials

KEY = "canary0123456789abcdef0123456789"


@pytest.fixture(autouse=True)
def _a_front_end_that_asks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def get_json(self: object, path: str) -> dict[str, list[dict[str, str]]]:
        return {"data": [{"id": "a model"}]}

    monkeypatch.setenv("ALLOY_CONFIG_DIR", str(tmp_path / "settings"))
    monkeypatch.setattr("alloy_nb.providers.credentials.find_spec", lambda name: None)
    monkeypatch.setattr("alloy_nb.providers.http.HTTPProvider.get_json", get_json)
    monkeypatch.setattr(login, "stdin_available", lambda: True)
    monkeypatch.setattr(getpass, "getpass", lambda prompt="", stream=None: KEY)


@pytest.mark.parametrize("cell", ["%alloy /login openai", "%%alloy\n/login openai\n", "%alloy /login --force openai"])
def test_a_key_is_stored_and_the_cell_shows_where(cell: str, notebook: Any) -> None:
    ran = notebook.ok(cell)
    assert ran.value is None
    assert ran.stdout.startswith("The key for openai is stored in ")
    assert read_credentials() == {"OPENAI_API_KEY": KEY}


def test_law_14_the_key_stands_nowhere_in_the_notebook(notebook: Any) -> None:
    """Law 14: not in outputs, names, history or conversation."""
    ran = notebook.ok("%alloy /login openai")
    names = {name: repr(value) for name, value in notebook.names.items()}
    history = repr(list(notebook.shell.history_manager.input_hist_raw))
    assert KEY not in f"{ran}{names}{history}{notebook.conversation!r}"
    assert notebook.conversation.exchanges == ()


def test_a_stored_key_is_deleted(notebook: Any) -> None:
    notebook.ok("%alloy /login openai")
    assert "is deleted from" in notebook.ok("%alloy /login openai --remove").stdout
    assert read_credentials() == {}


@pytest.mark.parametrize("words", [f"openai {KEY}", f"openai --key={KEY}", KEY, f"--force openai {KEY}", f"-k={KEY}"])
def test_a_key_in_the_cell_is_refused_and_not_repeated(words: str, notebook: Any) -> None:
    """It would stand in the notebook and in IPython's history."""
    ran = notebook.run(f"%alloy /login {words}")
    assert isinstance(ran.error, ConfigError)
    assert "canary" not in f"{ran.error}{ran.error.hint}{ran.stdout}"
    assert read_credentials() == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "name one of anthropic, openai"),
        ("opnai", "did you mean openai?"),
        ("openai --forse", "did you mean --force?"),
        ("openai -zzz", "/login takes --force and --remove"),
    ],
)
def test_nonsense_gets_a_hint(words: str, said: str, notebook: Any) -> None:
    ran = notebook.run(f"%alloy /login {words}")
    assert isinstance(ran.error, ConfigError)
    assert said in str(ran.error.hint)


def test_a_front_end_that_cannot_ask_is_told(notebook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "stdin_available", lambda: False)
    ran = notebook.run("%alloy /login openai")
    assert isinstance(ran.error, ConfigError)
    assert "nobody can be asked for the key here" in str(ran.error)


def test_an_interrupt_at_the_question_is_told_in_a_word(notebook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell that waits for the key showed a traceback."""

    def interrupted(prompt: str = "", stream: Any = None) -> str:
        raise KeyboardInterrupt("Interrupted by user")

    monkeypatch.setattr(getpass, "getpass", interrupted)
    ran = notebook.run("%alloy /login openai")
    assert isinstance(ran.error, Cancelled)
    assert "no key for openai was stored" in ran.stdout
    assert "Traceback" not in ran.stdout
    assert read_credentials() == {}
