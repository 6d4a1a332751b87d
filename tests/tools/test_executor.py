"""Running the calls of one turn."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from typing import Any

import pytest

import alloy_nb as alloy


def run_calls(*calls: tuple[str, dict[str, Any]], tools: list[Any], **options: Any) -> list[alloy.ToolResult]:
    lines = [{"tool_calls": [{"name": name, "input": input} for name, input in calls]}, {"text": "done"}]
    result = alloy.run("x", model=alloy.Scripted(lines), tools=tools, **options)
    return list(result.messages[2].tool_results)


def test_calls_run_beside_each_other_and_results_keep_their_order() -> None:
    """EXE-1: each of the two waits for the other one."""
    gates = [threading.Event(), threading.Event()]

    @alloy.tool
    def meet(me: int) -> str:
        """Meet the other one."""
        gates[me].set()
        assert gates[1 - me].wait(10)
        return f"met by {me}"

    results = run_calls(("meet", {"me": 0}), ("meet", {"me": 1}), tools=[meet])
    assert [part.text for part in results] == ["met by 0", "met by 1"]


def test_tools_that_are_not_parallel_never_overlap() -> None:
    """EXE-w2: two edits of one file raced."""
    inside: list[int] = []
    most: list[int] = []

    @alloy.tool(parallel=False)
    async def careful() -> str:
        """Careful."""
        inside.append(1)
        most.append(len(inside))
        await asyncio.sleep(0.005)
        inside.pop()
        return "ok"

    run_calls(*[("careful", {})] * 5, tools=[careful])
    assert max(most) == 1


def test_an_unknown_tool_is_a_result_that_names_the_known_ones() -> None:
    """EXE-6."""

    @alloy.tool
    def known() -> str:
        """Known."""
        return "x"

    (part,) = run_calls(("missing", {}), tools=[known])
    assert part.is_error
    assert part.text == "Unknown tool: missing. The tools are: known"


@pytest.mark.parametrize("error", [ValueError("boom"), SystemExit(3), KeyboardInterrupt(), RecursionError("deep")])
def test_a_crash_of_any_kind_is_a_result(error: BaseException) -> None:
    """EXE-7, EXE-w1: an exit or throw in a tool killed the caller."""

    @alloy.tool
    def crash() -> str:
        """Crash."""
        raise error

    @alloy.tool
    def fine() -> str:
        """Fine."""
        return "fine"

    first, second = run_calls(("crash", {}), ("fine", {}), tools=[crash, fine])
    assert first.is_error
    assert first.text.startswith("Tool crashed: ")
    assert second.text == "fine"


def test_a_timeout_keeps_the_id_and_the_siblings() -> None:
    """EXE-8: the original id, and the others unaffected."""

    @alloy.tool(timeout=0.05)
    async def slow() -> str:
        """Slow."""
        await asyncio.sleep(60)
        return "x"

    @alloy.tool
    async def quick() -> str:
        """Quick."""
        return "quick"

    slow_part, quick_part = run_calls(("slow", {}), ("quick", {}), tools=[slow, quick])
    assert slow_part.text == "Tool timed out after 0.05 s"
    assert slow_part.call_id == "call_1"
    assert quick_part.text == "quick"


def test_a_tool_error_is_the_message_to_the_model() -> None:
    """EXE-9."""

    @alloy.tool
    def refuse() -> str:
        """Refuse."""
        raise alloy.ToolError("ask me tomorrow")

    (part,) = run_calls(("refuse", {}), tools=[refuse])
    assert (part.text, part.is_error) == ("ask me tomorrow", True)


def test_all_results_are_in_one_user_message() -> None:
    """EXE-10."""

    @alloy.tool
    def one() -> str:
        """One."""
        return "1"

    lines = [{"tool_calls": [{"name": "one", "input": {}}] * 3}, {"text": "done"}]
    result = alloy.run("x", model=alloy.Scripted(lines), tools=[one])
    assert [len(message.tool_results) for message in result.messages] == [0, 0, 3, 0]


def test_sync_tools_see_the_callers_context() -> None:
    colour: contextvars.ContextVar[str] = contextvars.ContextVar("colour")
    colour.set("green")

    @alloy.tool
    def look() -> str:
        """Look."""
        return colour.get()

    (part,) = run_calls(("look", {}), tools=[look])
    assert part.text == "green"


def test_a_tool_that_crashed_is_tried_again_where_it_says_so() -> None:
    tries: list[int] = []

    @alloy.tool(retries=2)
    def flaky() -> str:
        """Flaky."""
        tries.append(1)
        if len(tries) < 3:
            raise OSError("not yet")
        return "at last"

    (part,) = run_calls(("flaky", {}), tools=[flaky])
    assert part.text == "at last"


def test_a_tool_knows_its_run() -> None:
    seen: list[alloy.ToolContext] = []

    @alloy.tool
    def look(ctx: alloy.ToolContext) -> str:
        """Look."""
        seen.append(ctx)
        return "ok"

    run_calls(("look", {}), tools=[look], run_id="r7", name="lead", context={"user": "ada"})
    (ctx,) = seen
    assert (ctx.run_id, ctx.call_id, ctx.agent, ctx.context["user"]) == ("r7", "call_1", "lead", "ada")
    assert ctx.working_directory.is_absolute()
    assert not ctx.cancelled


def test_progress_is_told_from_any_thread_between_start_and_end() -> None:
    @alloy.tool
    def work(ctx: alloy.ToolContext) -> str:
        """Work."""
        ctx.progress("half way", 0.5)
        return "ok"

    lines = [{"tool_calls": [{"name": "work", "input": {}}]}, {"text": "done"}]
    run = alloy.start("x", model=alloy.Scripted(lines), tools=[work])
    types = [event.type for event in run if event.type.startswith("tool_") and event.type != "tool_call_delta"]
    assert types == ["tool_start", "tool_progress", "tool_end"]


def test_a_known_key_in_a_tools_output_reaches_neither_model_nor_events(monkeypatch: Any) -> None:
    """Law 14: a tool that prints the environment does not hand the model our keys."""
    monkeypatch.setenv("CANARY_API_KEY", "canary-value-4711")

    @alloy.tool
    def leak() -> str:
        """Leak."""
        return "the key is canary-value-4711"

    lines = [{"tool_calls": [{"name": "leak", "input": {}}]}, {"text": "done"}]
    run = alloy.start("x", model=alloy.Scripted(lines), tools=[leak])
    result = run.result()
    assert "canary-value-4711" not in str(result)
    assert "canary-value-4711" not in repr(result.messages)
    assert "canary-value-4711" not in repr([event.to_dict() for event in run])


def test_two_tools_of_one_name_are_a_config_error() -> None:
    """TOOL-5, TOOL-w2: both definitions were sent and the last one won."""

    @alloy.tool
    def same() -> str:
        """Same."""
        return "1"

    with pytest.raises(alloy.ConfigError, match="two tools are called `same`"):
        alloy.run("x", model=alloy.Scripted([{"text": "x"}]), tools=[same, same])


def test_something_that_is_no_tool_is_a_config_error() -> None:
    with pytest.raises(alloy.ConfigError, match="a int is no tool"):
        alloy.run("x", model=alloy.Scripted([{"text": "x"}]), tools=[5])  # type: ignore[list-item]


def test_records_tell_how_each_call_went() -> None:
    """RES-3, TURN-13: id, name, input, duration, error, structured data, first and last event."""

    @alloy.tool
    def data() -> alloy.ToolResult:
        """Data."""
        return alloy.ToolResult("2 rows", data={"rows": 2})

    lines = [{"tool_calls": [{"name": "data", "input": {}}]}, {"text": "done"}]
    (record,) = alloy.run("x", model=alloy.Scripted(lines), tools=[data]).tool_calls
    assert (record.id, record.name, record.output, record.error) == ("call_1", "data", "2 rows", None)
    assert record.structured == {"rows": 2}
    assert record.start_seq is not None
    assert record.end_seq is not None
    assert record.start_seq < record.end_seq
    assert sys.getsizeof(record) < 1000


def test_a_tool_sees_the_question_that_it_was_allowed_for() -> None:
    """So that it can keep to what a person said yes to; None where nobody had to be asked."""
    seen: dict[str, str | None] = {}

    @alloy.tool(requires_approval=True)
    def careful(ctx: alloy.ToolContext) -> str:
        """Careful."""
        seen["careful"] = ctx.allowed
        return "x"

    @alloy.tool
    def free(ctx: alloy.ToolContext) -> str:
        """Free."""
        seen["free"] = ctx.allowed
        return "x"

    run_calls(("careful", {}), ("free", {}), tools=[careful, free], approval="auto")
    assert seen == {"careful": "this tool always asks", "free": None}
