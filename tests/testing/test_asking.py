"""Questions about a run."""

from __future__ import annotations

from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb import ToolError
from alloy_nb.testing import Scripted, assert_tool_called, last_text, refute_tool_called, tool_calls, was_executed


@alloy.tool
def add(a: int, b: int = 1) -> int:
    """Add."""
    return a + b


@alloy.tool
def fail(how: str) -> int:
    """Fail."""
    if how == "crash":
        raise KeyError("no such thing")
    raise ToolError("it cannot be done")


class NoAdding(alloy.Middleware):
    def before_tool_call(self, ctx: Any, call: Any) -> Any:
        return alloy.Block("no adding today") if call.name == "add" else None


def run(*calls: tuple[str, dict[str, Any]], **options: Any) -> alloy.Result:
    line = {"tool_calls": [{"name": name, "input": input} for name, input in calls]}
    return alloy.run("x", model=Scripted([line, "done"]), **{"tools": [add, fail], **options})


def test_what_was_called_can_be_asserted() -> None:
    """TH-3: by name, or by name and part of the input; a failure lists what was called."""
    result = run(("add", {"a": 2, "b": 3}))
    assert assert_tool_called(result, "add", {"a": 2}).output == "5"
    refute_tool_called(result, "add", {"a": 9})
    refute_tool_called(result, "subtract")
    with pytest.raises(AssertionError, match=r"`subtract` was not called; called were: add\({'a': 2, 'b': 3}\)"):
        assert_tool_called(result, "subtract")
    with pytest.raises(AssertionError, match=r"`add` with {'a': 9} was not called"):
        assert_tool_called(result, "add", {"a": 9})
    with pytest.raises(AssertionError, match=r"add\(.*\) was called"):
        refute_tool_called(result, "add")
    assert assert_tool_called(result, "add", {"a": pytest.approx(2.0000000001)})


def test_nothing_called_is_said_so() -> None:
    """TH-3"""
    with pytest.raises(AssertionError, match="called were: nothing"):
        assert_tool_called(alloy.run("x", model=Scripted.text("y")), "add")


def test_a_blocked_call_is_told_from_one_that_ran() -> None:
    """TH-w2: that a tool was asked for is one thing, that it ran another."""
    result = run(("add", {"a": 1}), middleware=[NoAdding()])
    assert_tool_called(result, "add")
    assert_tool_called(result, "add", executed=False)
    refute_tool_called(result, "add", executed=True)
    with pytest.raises(AssertionError, match=r"\(executed\) was not called; .*\[Blocked: no adding today\]"):
        assert_tool_called(result, "add", executed=True)


@pytest.mark.parametrize(
    ("name", "input", "options"),
    [
        ("write", {"file_path": "a", "content": "b"}, {"tools": ["write"], "approval": "deny"}),
        ("nothing_of_that_name", {}, {}),
        ("add", {"a": "many"}, {}),
        ("add", {"c": 1}, {}),
    ],
)
def test_calls_that_did_not_run(name: str, input: dict[str, Any], options: dict[str, Any]) -> None:
    """TH-w2: denied, unknown, with wrong arguments."""
    result = run((name, input), **options)
    assert [was_executed(record) for record in result.tool_calls] == [False]
    assert tool_calls(result, name, executed=True) == []
    assert len(tool_calls(result, name, executed=False)) == 1


@pytest.mark.parametrize("how", ["crash", "error"])
def test_a_call_that_failed_was_executed(how: str) -> None:
    """TH-4: the tool's crash does not fail the run."""
    result = run(("fail", {"how": how}))
    assert result.status == "completed"
    assert_tool_called(result, "fail", executed=True)


def test_last_text_and_tool_calls() -> None:
    """TH-2: of a result, an agent, a list of messages; None when nothing was said."""
    result = run(("add", {"a": 1}), ("fail", {"how": "error"}))
    assert last_text(result) == last_text(result.messages) == "done"
    assert last_text(result.messages[:2]) is None
    assert [record.name for record in tool_calls(result)] == ["add", "fail"]
    assert [record.name for record in tool_calls(result, "fail")] == ["fail"]


def test_a_script_and_a_prompt_are_a_test_in_one_line() -> None:
    """TH-1, TH-w1: no helper of its own, and no tool that only our tests have."""
    model = Scripted([{"tool_calls": [{"name": "add", "input": {"a": 2}}]}, "3"])
    assert alloy.run("2 + 1?", model=model, tools=[add], max_turns=10).text == "3"
    assert model.requests[1].messages[-1].tool_results[0].text == "3"
