"""What is known of models."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.models import DEFAULT_WINDOW, default_model, model_info
from alloy_nb.providers.registry import VENDORS


@pytest.mark.parametrize(
    ("model", "window"),
    [
        ("gpt-5.2", 400_000),
        ("gpt-5.2-2025-12-11", 400_000),
        ("gpt-5.4", 1_050_000),
        ("claude-haiku-4-5-20251001", 200_000),
        ("anthropic/claude-sonnet-4-6", 200_000),
        ("gemini-3-flash-preview", 1_048_576),
        ("gemini-2.5-flash-preview-05-20", 1_048_576),
        ("grok-4-fast", 2_000_000),
        ("grok-3-latest", 131_072),
    ],
)
def test_a_known_model_has_its_window(model: str, window: int) -> None:
    """TOK-6, TOK-8."""
    assert model_info(model).window == window
    assert model_info(model).known


@pytest.mark.parametrize("model", ["gpt-5.3", "gpt-5-mini", "gpt-5gpt-5", "gpt-50", "x-gpt-5", "llama4", ""])
def test_a_name_does_not_stand_for_longer_ones(model: str) -> None:
    """TOK-5, TOK-8, TOK-w1."""
    assert not model_info(model).known
    assert model_info(model).window == DEFAULT_WINDOW


def test_every_vendor_with_a_wire_has_a_default() -> None:
    assert all(default_model(name) for name, vendor in VENDORS.items() if vendor.provider)
    assert default_model("nobody") is None


@given(st.text())
def test_any_name_has_a_window(name: str) -> None:
    """TOK-5"""
    assert model_info(name).window > 0
