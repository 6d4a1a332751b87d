"""What is known of models."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.models import (
    CAPS,
    DEFAULT_WINDOW,
    ModelInfo,
    Prices,
    default_model,
    known_models,
    model_info,
    nearest_model,
)
from alloy_nb.providers.vendors import VENDORS

Write = Callable[[str], Path]


@pytest.fixture(autouse=True)
def own_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Write:
    """Writes the user's own table; without a call there is none."""
    monkeypatch.delenv("ALLOY_MODELS", raising=False)
    monkeypatch.setenv("ALLOY_CONFIG_DIR", str(tmp_path))

    def write(text: str) -> Path:
        path = tmp_path / "models.json"
        path.write_text(text, "utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("model", "window"),
    [
        ("gpt-5.2", 400_000),
        ("gpt-5.2-2025-12-11", 400_000),
        ("gpt-5.4", 1_050_000),
        ("claude-haiku-4-5-20251001", 200_000),
        ("anthropic/claude-sonnet-4-6", 1_000_000),
        ("anthropic/claude-opus-4.8:free", 1_000_000),
        ("gemini-3-flash-preview", 1_048_576),
        ("gemini-2.5-flash-preview-05-20", 1_048_576),
        ("grok-4-fast", 2_000_000),
        ("grok-4-fast-non-reasoning", 2_000_000),
        ("grok-4-1-fast-reasoning-latest", 2_000_000),
        ("grok-3-latest", 131_072),
        ("o3-pro", 200_000),
    ],
)
def test_a_known_model_has_its_window(model: str, window: int) -> None:
    """TOK-6, TOK-8. The 200,000 that Alloy has for Claude 4.6 were true until March 2026."""
    info = model_info(model)
    assert (info.window, info.known, info.window_known) == (window, True, True)


@pytest.mark.parametrize("model", ["gpt-5.3", "gpt-5-huge", "gpt-5gpt-5", "gpt-50", "x-gpt-5", "llama4", ""])
def test_a_name_does_not_stand_for_longer_ones(model: str) -> None:
    """TOK-5, TOK-8, TOK-w1."""
    assert model_info(model) == ModelInfo(model)
    assert model_info(model, "openai").window == DEFAULT_WINDOW


def test_a_model_is_told_with_what_it_can_do() -> None:
    """TOK-w1: Alloy knew windows only."""
    info = model_info("claude-sonnet-4-6", "anthropic")
    assert info.provider == "anthropic"
    assert info.max_output == 128_000
    assert info.caps == {"images", "pdf", "tools", "thinking", "structured"}
    assert info.prices == (Prices(3, 15, cached_input=0.3, cache_write=3.75),)


def test_prices_are_the_providers_own() -> None:
    """What another provider asks for the same model is not known from it."""
    assert model_info("claude-opus-5", "anthropic").prices
    assert model_info("claude-opus-5", "acme").prices == ()
    assert model_info("anthropic/claude-opus-4-8", "openrouter").prices == ()
    assert model_info("anthropic/claude-opus-5", "openrouter").prices
    assert model_info("anthropic/claude-opus-5:free", "openrouter").prices == ()


def test_a_dated_name_costs_the_same_and_a_moving_one_may_not() -> None:
    assert model_info("gpt-5.2-2025-12-11", "openai").prices == model_info("gpt-5.2", "openai").prices
    assert model_info("gemini-2.5-flash-preview-05-20", "google").prices == ()
    assert model_info("mistral-large-latest", "mistral").prices is None


def test_long_prompts_and_coming_days_have_their_own_prices() -> None:
    haiku = model_info("claude-haiku-4-5", "anthropic")
    assert haiku.prices_for(10_000_000) == haiku.prices_for(1)
    rows = (Prices(1, 2), Prices(2, 3, above=1000), Prices(5, 6, since=date(2027, 1, 1)))
    info = ModelInfo("m", prices=rows)
    assert info.prices_for(1000, date(2026, 12, 31)) == rows[0]
    assert info.prices_for(1001, date(2026, 12, 31)) == rows[1]
    assert info.prices_for(1001, date(2027, 1, 1)) == rows[2]
    assert ModelInfo("m").prices_for(1) is None
    assert ModelInfo("m", prices=(rows[2],)).prices_for(1, date(2026, 1, 1)) is None


def test_every_vendor_with_a_key_has_a_default() -> None:
    """CLI-2."""
    assert all(default_model(name) for name, vendor in VENDORS.items() if vendor.needs_key)
    assert default_model("nobody") is None


def test_every_default_is_known() -> None:
    for name in VENDORS:
        default = default_model(name)
        assert default is None or model_info(default, name).provider == name


def test_known_models_are_those_of_the_table() -> None:
    everything = known_models()
    assert {info.provider for info in everything} <= VENDORS.keys()
    assert [info for info in everything if info.provider == "openai"] == list(known_models("openai"))
    assert all(info.caps <= set(CAPS) for info in everything)
    assert known_models("nobody") == ()


@pytest.mark.parametrize(
    ("provider", "model", "near"),
    [
        ("anthropic", "claude-sonet-4-6", "claude-sonnet-4-6"),
        ("openai", "gpt5.2", "gpt-5.2"),
        ("openai", "gpt-5.2", None),
        ("openai", "zzz", None),
        ("nobody", "gpt-5.2", None),
    ],
)
def test_the_nearest_model_is_one_of_the_providers(provider: str, model: str, near: str | None) -> None:
    assert nearest_model(provider, model) == near


def test_a_hint_needs_no_sound_table(own_table: Write) -> None:
    """It belongs to another failure, which must be told."""
    own_table("{")
    assert nearest_model("openai", "o4-mni") == "o4-mini"


def test_the_users_own_facts_go_over_ours(own_table: Write) -> None:
    """TOK-7, CFG-19"""
    own_table('{"openai": {"default": "gpt-9", "models": {"gpt-9": 900000, "gpt-5.2": {"window": 100, "note": "x"}}}}')
    assert default_model("openai") == "gpt-9"
    assert model_info("gpt-9-2026-11-11").window == 900_000
    info = model_info("gpt-5.2", "openai")
    assert (info.window, info.note, info.max_output) == (100, "x", 128_000)
    assert default_model("anthropic") == "claude-sonnet-4-6"


@given(st.text(), st.none() | st.sampled_from(["openai", "openrouter", "nobody"]))
def test_any_name_has_a_window(name: str, provider: str | None) -> None:
    """TOK-5"""
    assert model_info(name, provider).window > 0


@given(st.sampled_from(known_models()), st.integers(0, 10_000_000), st.dates(date(2026, 11, 22), date(2030, 1, 1)))
def test_whoever_has_prices_has_one_for_every_call(info: ModelInfo, tokens: int, day: date) -> None:
    assert bool(info.prices) == (info.prices_for(tokens, day) is not None)
