"""`alloy doctor`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Said

Alloy = Callable[..., Said]


@pytest.fixture(autouse=True)
def _nothing_stored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ALLOY_DATA_DIR", str(tmp_path / "data"))


def test_without_a_model_it_ends_with_1_and_what_to_do_next(alloy: Alloy) -> None:
    said = alloy("doctor")
    assert (said.code, said.err) == (1, "")
    assert said.out.splitlines()[-1].startswith("next: ")


def test_with_a_model_it_ends_with_0(alloy: Alloy, script: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOY_MODEL", script("hi"))
    said = alloy("doctor")
    assert said.code == 0
    assert "environment variable ALLOY_MODEL" in said.out


def test_json_holds_the_same_facts(alloy: Alloy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary0123456789abcdef")
    said = alloy("doctor", "--json")
    told = json.loads(said.out)
    assert (said.code, told["ok"], told["sends_to"]) == (0, True, "api.openai.com")
    assert told["keys"] == [
        {"variable": "OPENAI_API_KEY", "where": "environment variable OPENAI_API_KEY", "problem": None}
    ]
    assert {"python", "packages", "local", "data_folder", "next"} <= told.keys()
    assert "canary" not in said.out
