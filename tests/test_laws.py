"""The laws that bind loop, tools and history, tried on runs that hypothesis makes up."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import alloy_nb as alloy
from alloy_nb.errors import ServerError
from alloy_nb.providers.base import Delta, Done, TextDelta, ThinkingDelta, ToolCallDelta, UsageDelta
from alloy_nb.runs import Run
from alloy_nb.testing import Function
from tests.histories import assert_law_1, assert_law_3

#: A campaign sets this: `ALLOY_EXAMPLES=50 make soak`, or by hand.
SCALE = int(os.environ.get("ALLOY_EXAMPLES", "1"))

# -- runs, made up ----------------------------------------------------------------------------------------------------

TOOLS = ["echo", "crash", "refuse", "hang", "exit", "nosuchtool", "asks", "blocked", "halts", "slowish", "sync"]


class Echo(alloy.Tool):
    def __init__(self, name: str) -> None:
        self.name = name
        self.timeout = 0.05 if name == "hang" else None

    def approval_reason(self, input: Any, ctx: alloy.ToolContext) -> str | None:
        return "it asks" if self.name == "asks" else None

    async def execute(self, input: Any, ctx: alloy.ToolContext) -> Any:
        match self.name:
            case "crash":
                raise ValueError("boom")
            case "refuse":
                raise alloy.ToolError("no")
            case "hang":
                await asyncio.sleep(60)
            case "slowish":
                await asyncio.sleep(0.001)
            case "exit":
                raise asyncio.CancelledError
        ctx.progress("half", 0.5)
        return f"{self.name}!"


@alloy.tool
def sync(text: str = "") -> str:
    """A plain function."""
    return f"sync {text}"


class Gate(alloy.Middleware):
    def before_tool_call(self, ctx: Any, call: alloy.ToolCall) -> Any:
        if call.name == "blocked":
            return alloy.Block("not today")
        if call.name == "halts":
            return alloy.Halt("enough")
        return None


texts = st.text(alphabet="abc é\n€", min_size=1, max_size=6)
calls = st.lists(st.sampled_from(TOOLS), min_size=1, max_size=4)
turns = st.lists(
    st.fixed_dictionaries(
        {
            "text": st.lists(texts, max_size=3),
            "thinking": st.lists(texts, max_size=2),
            "calls": calls | st.just([]),
            "cut": st.sampled_from([False] * 6 + [True]),
            "raw": st.sampled_from(["{}", "", '{"text": "x"}', "{broken", "[1]"]),
        }
    ),
    min_size=1,
    max_size=3,
)


def script(plan: list[dict[str, Any]]) -> Function:
    """A model that does what the plan says, then says that it is done."""

    def answer(request: Any) -> list[Delta | Exception]:
        index = len(model.requests) - 1
        if index >= len(plan):
            return [TextDelta("done"), UsageDelta(alloy.Usage(1, 1)), Done("end_turn")]
        step = plan[index]
        deltas: list[Any] = [ThinkingDelta(text) for text in step["thinking"]]
        deltas += [TextDelta(text) for text in step["text"]]
        for number, name in enumerate(step["calls"]):
            deltas.append(ToolCallDelta(number, f"c{index}-{number}", name))
            deltas.append(ToolCallDelta(number, None, None, step["raw"]))
        deltas.append(UsageDelta(alloy.Usage(10, 5)))
        deltas.append(ServerError("cut") if step["cut"] else Done("tool_use" if step["calls"] else "end_turn"))
        return deltas

    model = Function(answer)  # type: ignore[arg-type]
    return model


def options(plan: list[dict[str, Any]], policy: str) -> dict[str, Any]:
    # `sync` runs in a thread; the others on the loop.
    tools = [Echo(name) for name in TOOLS if name not in ("nosuchtool", "sync")] + [sync]
    return {
        "model": script(plan),
        "tools": tools,
        "approval": policy,
        "middleware": [Gate()],
        "max_turns": 3,
        "max_retries": 0,
    }


policies = st.sampled_from(["ask", "auto", "deny", "pause"])


def collect(run: Run) -> list[alloy.Event]:
    return list(run)


@settings(max_examples=60 * SCALE, deadline=None)
@given(turns, policies)
def test_laws_1_3_4_however_a_run_ends(plan: list[dict[str, Any]], policy: str) -> None:
    """Laws 1, 3 and 4: valid history, ordered events, and deltas that add up to the messages."""
    run = alloy.start("go", **options(plan, policy))
    events = collect(run)
    result = run.result(check=False)
    assert_law_1(result)
    assert_law_3(events)
    assert result.status in ("completed", "max_turns", "waiting", "error", "halted")
    said = "".join(event.payload for event in events if event.type == "text_delta")
    answers = [message for message in result.messages if message.role == "assistant"]
    assert said == "".join(message.text for message in answers)
    thought = "".join(event.payload for event in events if event.type == "thinking_delta")
    assert thought == "".join(message.thinking for message in answers)


def normal(result: alloy.Result) -> Any:
    """A result without what differs by nature: how long it took."""
    return result, str(result.error), type(result.error)


@pytest.mark.thorough
@settings(max_examples=30 * SCALE, deadline=None)
@given(turns, policies)
def test_law_5_run_arun_and_start_give_equal_results(plan: list[dict[str, Any]], policy: str) -> None:
    """Law 5: with and without a reader, blocking, awaited and in the background."""
    blocking = alloy.run("go", check=False, **options(plan, policy))
    awaited = asyncio.run(alloy.arun("go", check=False, **options(plan, policy)))
    unread = alloy.start("go", **options(plan, policy)).result(check=False)
    run = alloy.start("go", **options(plan, policy))
    collect(run)
    assert normal(blocking) == normal(awaited) == normal(unread) == normal(run.result(check=False))


@settings(max_examples=25 * SCALE, deadline=None)
@given(turns, st.integers(0, 25))
def test_law_1_cancelled_after_any_event(plan: list[dict[str, Any]], after: int) -> None:
    """Law 1: a run cancelled anywhere leaves a history that can be sent on."""
    run = alloy.start("go", **options(plan, "auto"))
    for event in run:
        if event.seq > after:
            run.cancel()
    result = run.result(check=False)
    assert_law_1(result)
    assert_law_3(list(run))
    left = [thread.name for thread in threading.enumerate() if thread.name.startswith("alloy-tool-")]
    assert len(left) <= len(TOOLS), left


@pytest.mark.thorough
@settings(max_examples=40 * SCALE, deadline=None)
@given(
    st.lists(st.sampled_from(["echo", "crash", "hang", "exit", "slowish", "blocked", "sync"]), min_size=1, max_size=6)
)
def test_law_7_one_crash_or_timeout_loses_no_sibling(names: list[str]) -> None:
    """Law 7: results in call order; one crash or timeout loses no sibling; a blocked call still has a result."""
    plan = [{"text": [], "thinking": [], "calls": names, "cut": False, "raw": "{}"}]
    result = alloy.run("go", **options(plan, "auto"))
    (answer,) = [message for message in result.messages if message.tool_results]
    assert [part.call_id for part in answer.tool_results] == [f"c0-{n}" for n in range(len(names))]
    for name, part in zip(names, answer.tool_results, strict=True):
        assert part.name == name
        assert part.is_error == (name not in ("echo", "slowish", "sync"))
    assert [record.name for record in result.tool_calls] == names
