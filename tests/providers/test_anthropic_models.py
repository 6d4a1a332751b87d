"""What the families of Claude models take."""

from __future__ import annotations

from typing import Any

import pytest

from alloy_nb.errors import ConfigError
from alloy_nb.providers.anthropic_models import (
    EFFORTS,
    default_max_tokens,
    family_of,
    largest_output,
    thinking_settings,
)

NEWEST = "claude-sonnet-9"
ADAPTIVE = {"type": "adaptive", "display": "summarized"}


def settings(thinking: bool | str | int | None, model: str) -> dict[str, Any]:
    return thinking_settings(thinking, family_of(model))


def enabled(budget: int) -> dict[str, Any]:
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def adaptive(effort: str) -> dict[str, Any]:
    return {"thinking": ADAPTIVE, "output_config": {"effort": effort}}


@pytest.mark.parametrize(
    ("model", "same"),
    [
        ("claude-opus-4-20250514", "claude-opus-4-0"),
        ("claude-4-opus-20250514", "claude-opus-4-0"),
        ("claude-opus-4@20250514", "claude-opus-4-0"),
        ("claude-opus-4-1-20250805", "claude-opus-4-1"),
        ("anthropic/claude-sonnet-4.5", "claude-sonnet-4-5"),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5"),
        ("Claude-Opus-4-6", "claude-opus-4-6"),
        ("claude-3-7-sonnet-latest", "claude-3-7-sonnet-20250219"),
        ("claude-opus-4-9", NEWEST),
        ("claude-opus-5-20260724", NEWEST),
        ("claude-haiku-5-5", NEWEST),
        ("claude-fable-5-1", "claude-mythos-preview"),
    ],
)
def test_a_name_is_known_in_every_spelling(model: str, same: str) -> None:
    assert family_of(model) == family_of(same)


def test_old_models_think_by_a_budget_and_new_ones_as_they_see_fit() -> None:
    """ANT-7, ANT-w4"""
    for model in ("claude-3-7-sonnet", "claude-sonnet-4-0", "claude-haiku-4-5", "claude-opus-4-5"):
        assert settings(True, model) == enabled(8192)
        assert settings("high", model) == enabled(16_384)
        assert settings(5000, model) == enabled(5000)
        assert settings(3, model) == enabled(1024)
    for model in ("claude-opus-4-7", "claude-opus-4-8", "claude-sonnet-5", "claude-opus-5-5", "claude-fable-5", NEWEST):
        assert settings(True, model) == {"thinking": ADAPTIVE}
        assert settings("high", model) == adaptive("high")
        assert settings("max", model) == adaptive("max")
        assert [settings(budget, model)["output_config"]["effort"] for budget in (1, 2048, 8192, 8193)] == [
            "low",
            "low",
            "medium",
            "high",
        ]


def test_the_models_in_between_take_both() -> None:
    assert settings(True, "claude-opus-4-6") == {"thinking": ADAPTIVE}
    assert settings("minimal", "claude-sonnet-4-6") == adaptive("low")
    assert settings(5000, "claude-sonnet-4-6") == enabled(5000)


def test_an_effort_that_a_model_lacks_is_the_next_lower_one() -> None:
    assert settings("xhigh", "claude-sonnet-4-6") == adaptive("high")
    assert settings("xhigh", "claude-sonnet-5") == adaptive("xhigh")


@pytest.mark.parametrize("off", [False, 0, "none"])
def test_thinking_is_switched_off_as_each_model_wants_it(off: bool | str | int) -> None:
    for model in ("claude-haiku-4-5", "claude-opus-4-8", "claude-sonnet-5", "kimi-k2"):
        assert settings(off, model) == {"thinking": {"type": "disabled"}}
    assert settings(off, "claude-sonnet-5-5") == {"thinking": {"type": "between_tools"}}
    for model in ("claude-fable-5", "claude-mythos-5-1", "claude-opus-5-5"):  # they always think
        assert settings(off, model) == {"output_config": {"effort": "low"}}


def test_nothing_is_said_when_nothing_was_asked() -> None:
    """PRV-9"""
    assert settings(None, NEWEST) == settings(None, "claude-haiku-4-5") == {}


def test_a_level_that_does_not_exist_is_said_before_anything_is_sent() -> None:
    with pytest.raises(ConfigError) as caught:
        settings("hihg", NEWEST)
    assert "'high'" in str(caught.value.hint)
    with pytest.raises(ConfigError) as caught:
        settings(-1, "claude-haiku-4-5")
    assert "a number of tokens" in str(caught.value.hint)


def test_no_model_is_asked_for_more_than_it_gives() -> None:
    """PRV-6: a cap for each model in the place of one for all."""
    assert default_max_tokens("claude-3-haiku-20240307") == 4096
    assert default_max_tokens("claude-3-5-haiku-latest") == 8192
    assert default_max_tokens("claude-opus-4-1") == default_max_tokens(NEWEST) == 32_000
    assert default_max_tokens("kimi-k2") == 8192
    assert largest_output("kimi-k2") is None
    assert largest_output("claude-haiku-4-5") == 64_000


def test_what_is_known_of_a_model_elsewhere_counts_first(monkeypatch: pytest.MonkeyPatch) -> None:
    class Info:
        max_output = 500

    monkeypatch.setattr("alloy_nb.providers.anthropic_models.model_info", lambda _: Info())
    assert default_max_tokens("claude-sonnet-5") == 500


def test_efforts_are_told_from_the_least_to_the_most() -> None:
    for model in (NEWEST, "claude-opus-4-6"):
        efforts = family_of(model).efforts
        assert list(efforts) == sorted(efforts, key=EFFORTS.index)
