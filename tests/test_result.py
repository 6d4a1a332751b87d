"""What a run came to."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest

import alloy_nb as alloy


@alloy.tool
def note(n: int) -> str:
    """Take note."""
    return f"noted {n}"


@alloy.tool(requires_approval=True)
def drop(n: int) -> str:
    """Let something go."""
    return "gone"


CALL = {"tool_calls": [{"name": "note", "input": {"n": 1}}]}
ASK = {"tool_calls": [{"name": "drop", "input": {"n": 1}}]}


def test_it_tells_all_of_a_run() -> None:
    """RES-1: text, messages, usage, calls, status, turns, error, and which run it was."""
    model = alloy.Scripted([CALL, "done"])
    result = alloy.run("go", model=model, tools=[note], run_id="r-1")
    assert (result.text, result.status, result.turns, result.error) == ("done", "completed", 2, None)
    assert [message.role for message in result.messages] == ["user", "assistant", "user", "assistant"]
    assert [(record.name, record.output) for record in result.tool_calls] == [("note", "noted 1")]
    assert (result.usage, result.run_id, result.stop_reason) == (alloy.Usage(20, 10), "r-1", "end_turn")
    assert result.duration > 0
    assert alloy.Result() == alloy.Result("", None, (), alloy.Usage(), None, (), 0, "completed")


def test_a_failed_run_has_all_that_came_of_it() -> None:
    """RES-3, RUN-3: calls, usage and messages stand in the result of an error too."""
    with pytest.raises(alloy.ServerError) as caught:
        alloy.run(
            "go",
            model=alloy.Scripted([CALL, {"error": {"type": "ServerError", "message": "down"}}]),
            tools=[note],
            max_retries=0,
        )
    result = caught.value.result
    assert result is not None
    assert result.error is caught.value
    assert [record.output for record in result.tool_calls] == ["noted 1"]
    assert (len(result.messages), result.turns) == (3, 1)


class Stop(alloy.Middleware):
    def before_completion(self, ctx: Any) -> alloy.Halt:
        return alloy.Halt("no")


@pytest.mark.parametrize(
    ("status", "lines", "options"),
    [
        ("completed", ["done"], {}),
        ("max_turns", [CALL, CALL], {"max_turns": 1}),
        ("waiting", [ASK], {"approval": "pause"}),
        ("halted", ["done"], {"middleware": [Stop()]}),
        ("error", [{"error": "down"}], {"max_retries": 0}),
    ],
)
def test_each_end_has_its_status(status: str, lines: list[Any], options: dict[str, Any]) -> None:
    """RES-4, RUN-3: and only what went wrong is raised."""
    result = alloy.run("go", model=alloy.Scripted(lines), tools=[note, drop], check=False, **options)
    assert result.status == status
    assert result.ok == (status in ("completed", "max_turns", "waiting"))
    if result.ok:
        assert result.check() is result
    else:
        with pytest.raises(alloy.AlloyError) as caught:
            result.check()
        assert caught.value is result.error


def test_a_run_that_goes_on_is_running_and_one_that_was_stopped_cancelled() -> None:
    """RES-4, RUN-4"""
    seen: list[str] = []

    class Look(alloy.Middleware):
        def before_completion(self, ctx: Any) -> None:
            seen.append(ctx.status)

    run = alloy.start("go", model=alloy.Scripted([{"text": "late", "delay_ms": 60_000}]), middleware=[Look()])
    for event in run:
        if event.type == "turn_start":
            assert run.status == "running"
            run.cancel()
    assert seen == ["running"]
    assert run.result(check=False).status == run.status == "cancelled"


def test_the_limit_and_the_model_that_answered_are_told() -> None:
    """RES-w2: nothing said which limit was hit or who had answered, and an error was a bare string."""
    result = alloy.run("go", model=alloy.Scripted([CALL, CALL]), tools=[note], max_turns=1)
    assert (result.status, result.model) == ("max_turns", "script")
    budget = alloy.Budget(tool_calls=0)
    result = alloy.run("go", model=alloy.Scripted([CALL, "x"]), tools=[note], budget=budget, check=False)
    assert isinstance(result.error, alloy.BudgetExceeded)
    assert result.error.hint
    result = alloy.run("go", model=alloy.Scripted(["x"]), timeout=0, check=False)
    assert isinstance(result.error, alloy.DeadlineExceeded)


def test_it_cannot_be_changed_and_can_be_copied() -> None:
    result = alloy.run("go", model=alloy.Scripted(["done"]))
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.text = "other"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(result)) == copy.copy(result) == result
