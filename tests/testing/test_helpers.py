from __future__ import annotations

import pytest

import alloy_nb as alloy
from alloy_nb.testing import Function, assert_tool_called, last_text, refute_tool_called, tool_calls


@alloy.tool
def add(a: int, b: int = 1) -> int:
    """Add."""
    return a + b


def made() -> alloy.Result:
    lines = [{"tool_calls": [{"name": "add", "input": {"a": 2, "b": 3}}]}, {"text": "five"}]
    return alloy.run("x", model=alloy.Scripted(lines), tools=[add])


def test_what_was_called_can_be_asserted() -> None:
    """TH-3: by name, or by name and part of the input; a failure lists what was called."""
    result = made()
    assert assert_tool_called(result, "add", {"a": 2}).output == "5"
    refute_tool_called(result, "add", {"a": 9})
    with pytest.raises(AssertionError, match=r"called were: add\({'a': 2, 'b': 3}\)"):
        assert_tool_called(result, "subtract")
    with pytest.raises(AssertionError, match="was called with"):
        refute_tool_called(result, "add")


def test_last_text_and_tool_calls() -> None:
    """TH-2."""
    result = made()
    assert last_text(result) == "five"
    assert [record.name for record in tool_calls(result)] == ["add"]


def test_a_function_is_a_model() -> None:
    model = Function(lambda request: f"{len(request.messages)} messages")
    assert alloy.run("hi", model=model).text == "1 messages"
