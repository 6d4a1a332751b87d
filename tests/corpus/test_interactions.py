"""Every recorded answer of Google's Interactions API, against what others decoded from it."""

from __future__ import annotations

from typing import Any

import pytest

from alloy_nb.providers.base import Request
from alloy_nb.providers.google import Google
from alloy_nb.providers.interactions import encode

from .replay import PATHS, calls, load, names, play, used

API = "gemini-interactions"


def make(**settings: Any) -> Google:
    return Google("gemini-3-flash", api_key="k", api="interactions", **settings)


def expected_stop(expect: dict[str, Any]) -> str:
    if expect["stop_reason"] == "incomplete":
        return "max_tokens"
    return "tool_use" if expect["tool_calls"] else "end_turn"


def expected_usage(usage: dict[str, Any]) -> tuple[int, int]:
    names = ("total_input_tokens", "total_tool_use_tokens", "total_output_tokens", "total_thought_tokens")
    prompt, tools, answer, thoughts = (usage.get(name) or 0 for name in names)
    return prompt + tools, answer + thoughts


@pytest.mark.parametrize("name", names(API, "stream", "complete"))
def test_a_recorded_answer_is_read_as_it_was_meant(name: str) -> None:
    """PRV-1"""
    expect = load(PATHS[name])["expect"]
    answer = play(load(PATHS[name]), make)
    message = answer.message()
    assert message.text == expect["text"]
    assert message.thinking == expect["thinking"]
    assert answer.stop_reason == expected_stop(expect)
    assert calls(answer) == expect["tool_calls"]
    assert used(answer) == expected_usage(expect["usage"])
    assert [step["type"] for step in encode(Request((message,)), "m")["input"]] == expect["block_types"]
