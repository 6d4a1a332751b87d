"""What every test stands on: no key, no model and no home of the person who runs them."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A deadline counts seconds of this machine: the first example alone reads all modules for constants, which on a cold
# cache and under load takes longer than hypothesis allows (FailedHealthCheck: too_slow).
settings.register_profile("alloy", deadline=None)
# Fewer examples, for `make check`; `make test` tries as many as ever.
settings.register_profile("quick", settings.get_profile("alloy"), max_examples=25)
settings.load_profile("alloy")

_OURS = ("ALLOY_MODEL", "ALLOY_MODELS", "ALLOY_EVENTS", "ALLOY_DISPLAY", "ALLOY_RECORD")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is collected stays to the end: nothing of it is garbage, now or whenever a test looks for some."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in tuple(os.environ):
        if name.endswith(("_API_KEY", "_BASE_URL")) or name in _OURS:
            monkeypatch.delenv(name)
    monkeypatch.setenv("ALLOY_DOTENV", "0")
    # Neither their context files nor their skills.
    monkeypatch.setenv("ALLOY_HOME", str(tmp_path_factory.getbasetemp() / "no-home"))
    # No stored key, no table of models, no running Ollama of theirs either.
    monkeypatch.setenv("ALLOY_CONFIG_DIR", str(tmp_path_factory.getbasetemp() / "no-settings"))
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:1")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    """An empty working directory."""
    return tmp_path
