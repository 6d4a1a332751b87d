"""``%alloy /login`` in a real kernel: the front end's password prompt, or nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.providers.conftest import Reply, Service

from .conftest import Kernel, kernel_env

pytestmark = pytest.mark.kernel

KEY = "canary0123456789abcdef0123456789"


@pytest.fixture
def openai() -> Iterator[Service]:
    """A service in place of OpenAI's."""
    service = Service()
    service.answers(Reply('{"data": [{"id": "m"}]}', headers={"content-type": "application/json"}))
    yield service
    service.close()


@pytest.fixture
def kernel(tmp_path: Path, openai: Service) -> Iterator[Kernel]:
    settings = {
        "ALLOY_CONFIG_DIR": str(tmp_path / "settings"),
        "OPENAI_BASE_URL": f"{openai.url}/v1",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    started = Kernel(kernel_env(**settings), tmp_path)
    try:
        assert started.run("%load_ext alloy_nb").status == "ok"
        yield started
    finally:
        started.close()


def test_law_14_the_key_is_typed_into_the_password_prompt_and_told_to_nobody(kernel: Kernel, tmp_path: Path) -> None:
    """Law 14"""
    ran = kernel.run("%alloy /login openai", allow_stdin=True, answers=[KEY])
    assert ran.status == "ok"
    assert ran.questions == ["API key for openai (it is not shown): "]
    assert ran.stdout.startswith("The key for openai is stored in ")
    assert json.loads((tmp_path / "settings" / "credentials").read_text()) == {"OPENAI_API_KEY": KEY}
    left = kernel.run("print(globals(), list(get_ipython().history_manager.get_range()))")
    assert KEY not in f"{ran.messages}{left.stdout}"


def test_headless_it_says_so_at_once(kernel: Kernel) -> None:
    ran = kernel.run("%alloy /login openai")
    assert ran.error["ename"] == "ConfigError"
    assert "nobody can be asked for the key here" in ran.error["evalue"]
    assert ran.questions == []


def test_a_refused_key_is_told_without_it(kernel: Kernel, openai: Service) -> None:
    openai.answers(Reply(f'{{"error": {{"message": "Incorrect API key provided: {KEY}"}}}}', status=401))
    ran = kernel.run("%alloy /login openai", allow_stdin=True, answers=[KEY])
    assert ran.error["ename"] == "AuthError"
    assert "not good, and was not stored" in ran.error["evalue"]
    assert "canary" not in str(ran.messages)
