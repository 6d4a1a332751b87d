"""How much a model is asked to think, by its name."""

from __future__ import annotations

from typing import Any

import pytest

from alloy_nb.errors import ConfigError
from alloy_nb.providers.gemini_thinking import generation, thinking_config


@pytest.mark.parametrize(
    ("model", "number"),
    [
        ("gemini-2.5-pro", (2, 5)),
        ("gemini-3.1-pro-preview", (3, 1)),
        ("gemini-10-flash", (10, 0)),
        ("gemini-flash-lite-latest", (3, 0)),
        ("publishers/google/models/gemini-2.0-flash-001", (2, 0)),
        ("tunedModels/mine", (0, 0)),
    ],
)
def test_the_generation_of_a_model(model: str, number: tuple[int, int]) -> None:
    assert generation(model) == number


@pytest.mark.parametrize(
    ("thinking", "model", "config"),
    [
        (True, "gemini-2.5-flash", {"includeThoughts": True, "thinkingBudget": -1}),
        (False, "gemini-2.5-flash", {"thinkingBudget": 0}),
        (0, "gemini-2.5-flash-lite", {"thinkingBudget": 0}),
        (False, "gemini-2.5-pro", {"thinkingBudget": 128}),
        ("low", "gemini-2.5-pro", {"includeThoughts": True, "thinkingBudget": 1024}),
        ("xhigh", "gemini-2.5-flash", {"includeThoughts": True, "thinkingBudget": 24576}),
        (5, "gemini-2.5-pro", {"includeThoughts": True, "thinkingBudget": 128}),
        (99_999, "gemini-2.5-pro", {"includeThoughts": True, "thinkingBudget": 32768}),
        (100, "gemini-2.5-flash-lite", {"includeThoughts": True, "thinkingBudget": 512}),
        (-7, "gemini-2.5-flash", {"includeThoughts": True, "thinkingBudget": -1}),
        (1, "gemini-2.5-flash", {"includeThoughts": True, "thinkingBudget": 1}),
        (True, "gemini-3-flash-preview", {"includeThoughts": True}),
        (False, "gemini-3-flash-preview", {"thinkingLevel": "minimal"}),
        ("off", "gemini-3.1-pro-preview", {"thinkingLevel": "low"}),
        ("minimal", "gemini-3.1-pro-preview", {"includeThoughts": True, "thinkingLevel": "low"}),
        ("high", "gemini-flash-latest", {"includeThoughts": True, "thinkingLevel": "high"}),
        (1000, "gemini-3-flash", {"includeThoughts": True, "thinkingLevel": "low"}),
        (50_000, "gemini-3-flash", {"includeThoughts": True, "thinkingLevel": "high"}),
        (-1, "gemini-3-flash", {"includeThoughts": True}),
        (False, "gemini-2.0-flash", None),
        ("none", "gemma-3-27b-it", None),
        ("low", "gemini-2.0-flash", {"includeThoughts": True, "thinkingBudget": 1024}),
    ],
)
def test_the_table(thinking: Any, model: str, config: dict[str, Any] | None) -> None:
    """PRV-w1"""
    assert thinking_config(thinking, model) == config


@pytest.mark.parametrize(("word", "hint"), [("hihg", "'high'"), ("zzzz", "choose one of")])
def test_a_word_that_is_no_level(word: str, hint: str) -> None:
    with pytest.raises(ConfigError, match="thinking") as caught:
        thinking_config(word, "gemini-3-flash")
    assert hint in str(caught.value.hint)
