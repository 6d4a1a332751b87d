"""Running the calls of one turn."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import sys
import threading
from pathlib import Path
from typing import Any, ClassVar

import pytest

import alloy_nb as alloy
from alloy_nb.providers.base import Done, ToolCallDelta
from alloy_nb.testing import Function
from alloy_nb.tools.executor import MAX_PARALLEL


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


def test_so_many_run_at_once_and_the_rest_waits() -> None:
    """EXE-2"""
    inside, most = [0], [0]
    full = asyncio.Event()

    @alloy.tool
    async def crowd() -> str:
        """Wait until it is full."""
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        if inside[0] >= MAX_PARALLEL:
            full.set()
        await full.wait()
        for _ in range(20):  # whoever else may come in comes in now
            await asyncio.sleep(0)
        inside[0] -= 1
        return "ok"

    results = run_calls(*[("crowd", {})] * (MAX_PARALLEL + 9), tools=[crowd])
    assert [part.text for part in results] == ["ok"] * (MAX_PARALLEL + 9)
    assert most == [MAX_PARALLEL]


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
    """EXE-7, EXE-w1, RUN-w2: an exit or throw in a tool killed the caller."""

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


def test_a_tool_that_fails_without_a_word_has_failed_for_everybody() -> None:
    """Whoever looks at the error saw none, and took it for a success."""

    @alloy.tool
    def shrug() -> str:
        """Shrug."""
        raise alloy.ToolError

    @alloy.tool
    def sulk() -> alloy.ToolResult:
        """Sulk."""
        return alloy.ToolResult(" ", is_error=True)

    for part in run_calls(("shrug", {}), ("sulk", {}), tools=[shrug, sulk]):
        assert (part.text, part.is_error) == ("The tool failed, and gave no reason.", True)


def test_all_results_are_in_one_user_message() -> None:
    """EXE-10, EXE-12."""

    @alloy.tool
    def one() -> str:
        """One."""
        return "1"

    lines = [{"tool_calls": [{"name": "one", "input": {}}] * 3}, {"text": "done"}]
    result = alloy.run("x", model=alloy.Scripted(lines), tools=[one])
    assert [len(message.tool_results) for message in result.messages] == [0, 0, 3, 0]


def test_a_call_without_input_is_given_none() -> None:
    """EXE-10: nothing at all is an empty object."""
    seen: list[Any] = []

    class Plain(alloy.Tool):
        name = "plain"

        async def execute(self, input: Any, ctx: alloy.ToolContext) -> str:
            seen.append(input)
            return "ok"

    plan = [[ToolCallDelta(0, "c1", "plain", ""), Done("tool_use")], "done"]
    alloy.run("x", model=Function(lambda request: plan.pop(0)), tools=[Plain()])
    assert seen == [{}]


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
    """TOOL-4"""
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


def test_a_class_with_the_four_things_is_a_tool() -> None:
    """TOOL-1: name, description and schema are what the model is told; a text or a message of failure comes back."""

    class Shout(alloy.Tool):
        name = "shout"
        description = "Say it louder."
        input_schema: ClassVar = {
            "type": "object",
            "properties": {"text": {"type": "string"}},
            "required": ["text"],
        }

        async def execute(self, input: Any, ctx: alloy.ToolContext) -> str:
            if not input["text"]:
                raise alloy.ToolError("nothing to shout")
            return str(input["text"]).upper()

    calls = [{"name": "shout", "input": {"text": text}} for text in ("hello", "")]
    model = alloy.Scripted([{"tool_calls": calls}, "done"])
    result = alloy.run("x", model=model, tools=[Shout()])
    (spec,) = model.requests[0].tools
    assert (spec.name, spec.description, spec.input_schema) == ("shout", "Say it louder.", Shout.input_schema)
    parts = result.messages[2].tool_results
    assert [(part.text, part.is_error) for part in parts] == [("HELLO", False), ("nothing to shout", True)]


def test_what_is_the_runs_own_cannot_be_said_by_the_context() -> None:
    """TOOL-4: the caller's mapping comes as it is, and beside it what the run alone knows; no option, no key."""
    seen: list[alloy.ToolContext] = []

    @alloy.tool
    def look(ctx: alloy.ToolContext) -> str:
        """Look."""
        seen.append(ctx)
        return "ok"

    given = {"working_directory": "/elsewhere", "run_id": "mine", "state": None}
    run_calls(("look", {}), tools=[look], context=given, run_id="r7")
    (ctx,) = seen
    assert ctx.context == given
    assert (ctx.working_directory, ctx.run_id, ctx.state) == (Path.cwd(), "r7", {})
    assert not {"options", "config", "model", "provider"} & {field.name for field in dataclasses.fields(ctx)}


def test_progress_is_told_from_any_thread_between_start_and_end() -> None:
    """EXE-w2"""

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
    with pytest.raises(alloy.ConfigError, match="an int is no tool"):
        alloy.run("x", model=alloy.Scripted([{"text": "x"}]), tools=[5])  # type: ignore[list-item]


def test_an_agent_among_the_tools_is_told_how_it_becomes_one() -> None:
    with pytest.raises(alloy.ConfigError, match="an Agent is no tool") as caught:
        alloy.run("x", model=alloy.Scripted(["y"]), tools=[alloy.Agent(model=alloy.Scripted(["z"]))])
    assert "as_tool" in str(caught.value.hint)


def test_records_tell_how_each_call_went() -> None:
    """RES-3, TURN-13, EXE-12: id, name, input, duration, error, structured data, first and last event."""

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
    assert seen == {"careful": "this tool asks first", "free": None}


@pytest.mark.parametrize(
    "error",
    [
        SystemExit(3),
        KeyboardInterrupt(),
        asyncio.CancelledError(),
        GeneratorExit(),
        StopIteration(1),
        StopAsyncIteration(),
        TimeoutError("of its own"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_whatever_a_tool_raises_its_sibling_and_the_run_go_on(error: BaseException, kind: str) -> None:
    """EXE-w1: what would end an event loop, a task or a generator ends the call."""

    def crash() -> str:
        """Crash."""
        raise error

    async def crash_later() -> str:
        """Crash."""
        raise error

    @alloy.tool
    def fine() -> str:
        """Fine."""
        return "fine"

    tool = alloy.tool(crash if kind == "sync" else crash_later)
    first, second = run_calls((tool.name, {}), ("fine", {}), tools=[tool, fine])
    assert first.is_error
    assert first.text.startswith(("Tool crashed: ", "the tool cancelled itself"))
    assert second.text == "fine"


def test_each_call_has_its_own_result_when_a_model_uses_an_id_twice() -> None:
    @alloy.tool
    def say(word: str) -> str:
        """Say."""
        return word

    calls = [{"id": "same", "name": "say", "input": {"word": word}} for word in ("one", "two", "three")]
    result = alloy.run("x", model=alloy.Scripted([{"tool_calls": calls}, {"text": "done"}]), tools=[say])
    ids = [call.id for call in result.messages[1].tool_calls]
    assert len(set(ids)) == 3
    assert [(part.call_id, part.text) for part in result.messages[2].tool_results] == [
        *zip(ids, ("one", "two", "three"), strict=True)
    ]
    assert [record.id for record in result.tool_calls] == ids


def test_each_further_try_is_told(monkeypatch: Any) -> None:
    monkeypatch.setenv("CANARY_API_KEY", "canary-value-4711")
    tries: list[int] = []

    @alloy.tool(retries=3)
    def flaky() -> str:
        """Flaky."""
        tries.append(1)
        if len(tries) < 3:
            raise OSError("no canary-value-4711")
        return "at last"

    lines = [{"tool_calls": [{"name": "flaky", "input": {}}]}, {"text": "done"}]
    events = list(alloy.start("x", model=alloy.Scripted(lines), tools=[flaky]))
    assert [event.payload["message"] for event in events if event.type == "tool_progress"] == [
        "Tool crashed: OSError: no [redacted]. Trying again (1 of 3)",
        "Tool crashed: OSError: no [redacted]. Trying again (2 of 3)",
    ]


def test_only_a_crash_is_tried_again() -> None:
    """Neither a timeout nor the tool's own word to the model nor a call that cancelled itself."""
    tries: list[str] = []

    @alloy.tool(retries=5, timeout=0.05)
    async def slow() -> str:
        """Slow."""
        tries.append("slow")
        await asyncio.sleep(60)
        return "x"

    @alloy.tool(retries=5)
    def refuse() -> str:
        """Refuse."""
        tries.append("refuse")
        raise alloy.ToolError("no")

    @alloy.tool(retries=5)
    async def cancelled() -> str:
        """Cancelled."""
        tries.append("cancelled")
        raise asyncio.CancelledError

    run_calls(("slow", {}), ("refuse", {}), ("cancelled", {}), tools=[slow, refuse, cancelled])
    assert sorted(tries) == ["cancelled", "refuse", "slow"]


def test_a_call_that_was_given_up_is_not_tried_again() -> None:
    """It crashes because it was told to stop."""
    tries: list[int] = []
    begun = threading.Event()

    @alloy.tool(retries=5)
    async def until_stopped(ctx: alloy.ToolContext) -> str:
        """Until stopped."""
        tries.append(1)
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise OSError("interrupted") from None
        return "x"

    lines = [{"tool_calls": [{"name": "until_stopped", "input": {}}]}, {"text": "done"}]
    run = alloy.start("x", model=alloy.Scripted(lines), tools=[until_stopped])
    assert begun.wait(30)
    run.cancel()
    assert run.result(check=False).status == "cancelled"
    assert tries == [1]


def test_errors_refusals_and_progress_are_cut_as_results_are() -> None:
    """EXE-w3: an exception may quote a whole file."""
    from alloy_nb.tools.results import MAX_TEXT

    @alloy.tool
    def crash() -> str:
        """Crash."""
        raise ValueError("x" * 3 * MAX_TEXT)

    @alloy.tool
    def refuse(ctx: alloy.ToolContext) -> str:
        """Refuse."""
        ctx.progress("y" * 3 * MAX_TEXT)
        raise alloy.ToolError("x" * 3 * MAX_TEXT)

    class Wordy(alloy.Middleware):
        def before_tool_call(self, ctx: Any, call: Any) -> Any:
            return alloy.Block("x" * 3 * MAX_TEXT) if call.name == "missing" else None

    calls = [{"name": name, "input": {}} for name in ("crash", "refuse", "missing")]
    run = alloy.start(
        "x",
        model=alloy.Scripted([{"tool_calls": calls}, {"text": "done"}]),
        tools=[crash, refuse],
        middleware=[Wordy()],
    )
    texts = [event.payload["message"] for event in run if event.type == "tool_progress"]
    texts += [part.text for part in run.result().messages[2].tool_results]
    assert len(texts) == 4
    assert all(MAX_TEXT < len(text) < MAX_TEXT + 100 and text.endswith(" left out)") for text in texts)


def test_large_data_is_whole_in_the_result_and_a_word_elsewhere() -> None:
    from alloy_nb.tools.results import MAX_DATA

    large = ["x" * MAX_DATA, "y"]

    @alloy.tool
    def rows() -> alloy.ToolResult:
        """Rows."""
        return alloy.ToolResult("2 rows", data=large)

    lines = [{"tool_calls": [{"name": "rows", "input": {}}]}, {"text": "done"}]
    run = alloy.start("x", model=alloy.Scripted(lines), tools=[rows])
    (end,) = [event for event in run if event.type == "tool_end"]
    result = run.result()
    word = "(data of more than 1,000,000 characters: it is whole in the result only)"
    assert end.payload["structured"] == result.tool_calls[0].structured == word
    assert result.messages[2].tool_results[0].data == large


def test_data_that_holds_itself_harms_nobody() -> None:
    cycle: list[Any] = []
    cycle.append(cycle)

    @alloy.tool
    def odd() -> alloy.ToolResult:
        """Odd."""
        return alloy.ToolResult("odd", data=cycle)

    (part,) = run_calls(("odd", {}), tools=[odd])
    assert (part.text, part.data) == ("odd", "(data that is nested too deeply, or holds itself)")
