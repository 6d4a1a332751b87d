"""What `thinking` asks of each family of models."""

from __future__ import annotations

from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.errors import ConfigError
from alloy_nb.providers import openai, xai
from alloy_nb.providers.efforts import Family, effort_for
from alloy_nb.providers.registry import resolve_model
from alloy_nb.providers.vendors import VENDORS


@pytest.mark.parametrize(
    ("thinking", "effort"),
    [(None, None), (True, "medium"), (False, "none"), ("xhigh", "xhigh"), (1000, "low"), (9000, "high"), (0, "none")],
)
def test_a_family_without_a_table_of_its_own(thinking: Any, effort: str | None) -> None:
    assert effort_for(thinking, "m", []) == effort


def test_the_first_family_that_fits_counts() -> None:
    families = [Family(("a-1",), on="high"), Family(("a",), on="low")]
    assert effort_for(True, "a-1-mini", families) == "high"
    assert effort_for(True, "a-2", families) == "low"


@pytest.mark.parametrize(
    ("model", "thinking", "effort"),
    [
        ("gpt-5.2", True, "medium"),
        ("gpt-5.2", False, "none"),
        ("gpt-5.6-sol", False, "none"),
        ("gpt-6-sol", False, "none"),
        ("gpt-6-astra", False, "low"),
        ("gpt-5", False, "minimal"),
        ("gpt-5-mini-2025-08-07", "none", "minimal"),
        ("gpt-5-mini", "low", "low"),
        ("gpt-5-codex", False, "low"),
        ("gpt-5.1-codex-max", False, "low"),
        ("gpt-5-pro", False, None),
        ("gpt-5-pro", "low", "high"),
        ("gpt-5.4-pro", "low", "medium"),
        ("gpt-5.3-chat-latest", "high", "medium"),
        ("gpt-5.3-chat-latest", False, None),
        ("o4-mini", False, "low"),
        ("o3", 100_000, "high"),
        ("gpt-4o", False, None),
        ("gpt-5-chat-latest", False, None),
        ("gpt-4.1", 0, None),
    ],
)
def test_openais_models(model: str, thinking: Any, effort: str | None) -> None:
    assert effort_for(thinking, model, openai.FAMILIES) == effort


@pytest.mark.parametrize(
    ("model", "thinking", "effort"),
    [
        ("grok-4.3", True, "medium"),
        ("grok-4.3", False, "none"),
        ("grok-latest", False, "none"),
        ("grok-4.5", False, "low"),
        ("grok-4.20-reasoning", True, None),
        ("grok-4", True, None),
        ("grok-4-fast", False, None),
        ("grok-code-fast-1", True, None),
        ("grok-3-mini", True, "high"),
        ("grok-3-mini-fast", "medium", "high"),
        ("grok-3-mini", False, "low"),
        ("grok-3", False, None),
        ("grok-4-fast", 4096, None),
    ],
)
def test_xais_models(model: str, thinking: Any, effort: str | None) -> None:
    """Some refuse to be told at all."""
    assert effort_for(thinking, model, xai.FAMILIES) == effort


@pytest.mark.parametrize("thinking", [True, "high", 2000])
@pytest.mark.parametrize(
    ("model", "families"),
    [
        ("gpt-4.1", openai.FAMILIES),
        ("gpt-4o-mini", openai.FAMILIES),
        ("grok-3", xai.FAMILIES),
        ("grok-4.20-non-reasoning", xai.FAMILIES),
    ],
)
def test_a_model_that_is_known_not_to_think_is_not_asked_to(model: str, families: Any, thinking: Any) -> None:
    """It was asked all the same, and the service refused, or nothing was said and the option went unheard."""
    with pytest.raises(ConfigError, match=f"{model} does not think"):
        effort_for(thinking, model, families)


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize("thinking", ["hihg", "2000", -5])
def test_no_wire_sends_what_is_no_way_to_think(name: str, thinking: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in VENDORS[name].keys:
        monkeypatch.setenv(key, "not-a-real-key")
    provider = resolve_model(f"{name}:{'gemini-2.5-flash' if name == 'google' else 'm'}")
    with pytest.raises(ConfigError, match="thinking is"):
        alloy.run("hi", model=provider, thinking=thinking, display=None)
