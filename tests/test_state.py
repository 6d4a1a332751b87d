"""What a run knows of itself while it goes on."""

from __future__ import annotations

import asyncio
from typing import Any

import alloy_nb as alloy
from alloy_nb.options import make_options
from alloy_nb.state import RunState


@alloy.tool
def note(n: int) -> str:
    """Take note."""
    return f"noted {n}"


def calling(n: int, text: str = "") -> dict[str, Any]:
    return {"text": text, "tool_calls": [{"name": "note", "input": {"n": n}}]}


def test_a_message_is_added_to_the_history_without_copying_it() -> None:
    """STA-1: what a message costs does not grow with those before it."""
    state = RunState("go", make_options({"model": alloy.Scripted(["x"])}))
    history = state.history
    state.append(alloy.Message.assistant("1"))
    state.append(alloy.Message.assistant("2"))
    assert state.history is history
    assert [message.text for message in history] == ["go", "1", "2"]


def test_messages_stand_in_the_order_in_which_they_were_said() -> None:
    """STA-1, TURN-12: all of them, those of earlier runs first."""
    before = [alloy.Message.user("a"), alloy.Message.assistant("b")]
    model = alloy.Scripted([*[calling(n, f"step {n}") for n in range(5)], "done"])
    result = alloy.run("go", model=model, messages=before, tools=[note])
    said = [m.text or m.tool_results[0].text for m in result.messages]
    steps = [word for n in range(5) for word in (f"step {n}", f"noted {n}")]
    assert said == ["a", "b", "go", *steps, "done"]


def test_the_text_is_that_of_the_newest_answer() -> None:
    """STA-2, RES-w2: "" when it only calls tools, also where an earlier one had words."""
    model = alloy.Scripted([calling(1, "Let me see."), calling(2)])
    assert alloy.run("go", model=model, tools=[note], max_turns=2).text == ""
    model = alloy.Scripted([calling(1), calling(2, "One more.")])
    assert alloy.run("go", model=model, tools=[note], max_turns=2).text == "One more."
    assert alloy.run("go", model=alloy.Scripted([calling(1)]), tools=[note], max_turns=0).text == ""


def test_tools_are_looked_up_once() -> None:
    """STA-3: what becomes of the caller's list later is nothing to the run, and the model is told the same."""
    tools: list[Any] = [note, "read"]

    class Meddle(alloy.Middleware):
        def before_completion(self, ctx: Any) -> None:
            tools.clear()

    model = alloy.Scripted([calling(1), "done"])
    result = alloy.run("go", model=model, tools=tools, middleware=[Meddle()])
    assert result.tool_calls[0].output == "noted 1"
    first, second = (request.tools for request in model.requests)
    assert [spec.name for spec in first] == ["note", "read"]
    assert first is second


def test_an_answer_that_fails_is_no_turn() -> None:
    """TURN-14: turns are answers; one that gave nothing adds neither a turn nor usage."""
    model = alloy.Scripted([calling(1), {"error": "down"}])
    result = alloy.run("go", model=model, tools=[note], max_retries=0, check=False)
    assert (result.turns, result.usage) == (1, alloy.Usage(10, 5))


def test_the_deadline_is_one_for_the_whole_run() -> None:
    """RTY-3: it begins with the run, not anew with each call: what one turn took is not there for the next one."""
    left: list[float] = []

    @alloy.tool
    async def work(ctx: alloy.ToolContext) -> str:
        """Take some time."""
        assert ctx.time_limit is not None
        left.append(ctx.time_limit)
        await asyncio.sleep(0.1)
        return "done"

    call = {"tool_calls": [{"name": "work", "input": {}}]}
    alloy.run("go", model=alloy.Scripted([call, call, call, "done"]), tools=[work], timeout=60)
    first, second, third = left
    assert 60 > first > second + 0.09 > third + 0.18
