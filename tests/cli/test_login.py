"""`alloy login`."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from alloy_nb import login
from alloy_nb.providers.credentials import credentials_path, read_credentials
from tests.plugin import install_plugin
from tests.providers.conftest import Reply, Service

from .conftest import Said, alloy_process

Alloy = Callable[..., Said]
KEY = "canary0123456789abcdef0123456789"


@pytest.fixture(autouse=True)
def _a_person_types_the_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ALLOY_CONFIG_DIR", str(tmp_path / "settings"))
    monkeypatch.setattr("alloy_nb.providers.credentials.find_spec", lambda name: None)
    monkeypatch.setattr(login, "stdin_available", lambda: True)
    monkeypatch.setattr(getpass, "getpass", lambda prompt="", stream=None: KEY)


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> None:
    async def get_json(self: object, path: str) -> dict[str, list[dict[str, str]]]:
        return {"data": [{"id": "a model"}]}

    monkeypatch.setattr("alloy_nb.providers.http.HTTPProvider.get_json", get_json)


@pytest.mark.usefixtures("answering")
def test_a_key_is_stored_and_deleted_again(alloy: Alloy) -> None:
    stored = alloy("login", "openai")
    assert (stored.code, stored.err) == (0, "")
    assert stored.out == f"The key for openai is stored in {credentials_path()}, which only you can read (it works).\n"
    assert read_credentials() == {"OPENAI_API_KEY": KEY}
    assert alloy("login", "--remove", "openai").out.startswith("The key for openai is deleted")
    again = alloy("login", "openai", "--remove")
    assert again.code == 2
    assert "no key for openai is stored" in again.err


def test_a_key_that_could_not_be_tried_needs_force(alloy: Alloy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    refused = alloy("login", "openai")
    assert (refused.code, refused.out) == (1, "")
    assert "--force" in refused.err
    assert alloy("login", "openai", "--force").code == 0
    assert KEY not in f"{refused}"


@pytest.mark.parametrize(
    "words",
    [
        ["openai", KEY],
        ["openai", "--force", KEY],
        ["openai", "--key", KEY],
        ["--force", "openai", KEY],
        [KEY],
        ["openai", f"--key={KEY}"],
        ["openai", "--remove", KEY, "more"],
    ],
)
def test_a_key_on_the_command_line_is_refused_and_not_repeated(words: list[str], alloy: Alloy) -> None:
    """It would stand in the shell's history, and in the list of processes."""
    said = alloy("login", *words)
    assert (said.code, said.out) == (2, "")
    assert "canary" not in said.err
    assert not credentials_path().exists()


def test_why_it_is_refused_is_told(alloy: Alloy) -> None:
    said = alloy("login", "openai", KEY)
    assert "would stay in the history" in said.err
    assert "write `alloy login PROVIDER` alone" in said.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "name one of anthropic, openai"),
        (["opnai"], "did you mean openai?"),
        (["local"], "`local` is no provider that takes a key"),
        (["openai", "--forse"], "did you mean `--force`?"),
    ],
)
def test_nonsense_gets_a_hint(words: list[str], message: str, alloy: Alloy) -> None:
    said = alloy("login", *words)
    assert (said.code, said.out) == (2, "")
    assert message in said.err


def test_a_process_without_a_terminal_asks_nobody(tmp_path: Path) -> None:
    said = alloy_process("login", "openai", cwd=tmp_path, input=f"{KEY}\n")
    assert (said.returncode, said.stdout) == (2, "")
    assert "nobody can be asked for the key here" in said.stderr
    assert not (tmp_path / "settings").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")
def test_at_a_real_terminal_the_key_is_not_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from .test_terminal import Terminal

    service = Service()
    service.answers(Reply('{"data": [{"id": "m"}]}', headers={"content-type": "application/json"}))
    monkeypatch.setenv("OPENAI_BASE_URL", f"{service.url}/v1")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    terminal = Terminal("login", "openai", cwd=tmp_path)
    try:
        terminal.wait_for("API key for openai (it is not shown): ")
        terminal.send(f"{KEY}\n")
        code, screen = terminal.finish()
    finally:
        terminal.close()
        service.close()
    assert code == 0, screen
    assert "The key for openai is stored in" in screen
    assert "canary" not in screen
    assert read_credentials()["OPENAI_API_KEY"] == KEY


@pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")
def test_ctrl_c_at_the_question_ends_it_with_a_word_and_stores_nothing(tmp_path: Path) -> None:
    """Nothing was said at all."""
    from .test_terminal import Terminal

    terminal = Terminal("login", "openai", cwd=tmp_path)
    try:
        terminal.wait_for("API key for openai (it is not shown): ")
        terminal.interrupt()
        code, screen = terminal.finish()
    finally:
        terminal.close()
    assert code == 130, screen
    assert screen.endswith("\ninterrupted: no key for openai was stored\n")
    assert "Traceback" not in screen
    assert not credentials_path().exists()


def test_a_plug_in_is_told_to_take_its_key_its_own_way(
    alloy: Alloy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_plugin(tmp_path / "site", monkeypatch)
    for words in (["login", "acme"], ["login", "acme", "--remove"]):
        said = alloy(*words)
        assert (said.code, said.out) == (2, "")
        assert "acme is a plug-in, from acme-models 1.2, and takes its key in a way of its own" in said.err
    assert not credentials_path().exists()
