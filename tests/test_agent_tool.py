"""An agent as a tool of another."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

import alloy_nb as alloy
from tests.histories import assert_law_1


def hand_over(prompt: str = "find it", name: str = "research") -> dict[str, Any]:
    return {"tool_calls": [{"name": name, "input": {"prompt": prompt}}]}


@alloy.tool(requires_approval=True)
def launch(what: str) -> str:
    """Launch something."""
    return f"launched {what}"


LAUNCH = {"tool_calls": [{"name": "launch", "input": {"what": "it"}}]}


def test_a_task_goes_to_a_fork_and_its_answer_comes_back() -> None:
    model = alloy.Scripted(["found: 42"])
    inner = alloy.Agent(
        model=model, name="research", messages=[alloy.Message.user("hi"), alloy.Message.assistant("ho")]
    )
    outer = alloy.Agent(model=alloy.Scripted([hand_over(), "It is 42."]), tools=[inner.as_tool()], name="lead")
    result = outer.chat("What is it?")
    assert result.text == "It is 42."
    assert result.messages[2].tool_results[0].text == "found: 42"
    assert [m.text for m in model.requests[0].messages] == ["hi", "ho", "find it"]
    assert len(inner.messages) == 2


def test_its_events_flow_in_the_stream_of_the_run_around() -> None:
    """Section 2 of the contract: own run_id and path, the parent's seq, the own one kept."""
    inner = alloy.Agent(model=alloy.Scripted(["found"]), name="research")
    outer = alloy.Agent(model=alloy.Scripted([hand_over(), "done"]), tools=[inner.as_tool()], name="lead")
    run = outer.send("go")
    events = list(run)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    own = [event for event in events if event.run_id == run.run_id]
    child = [event for event in events if event.run_id != run.run_id]
    assert {event.agent for event in own} == {"lead"}
    assert {event.agent for event in child} == {"lead/research"}
    assert [event.origin_seq for event in child] == list(range(1, len(child) + 1))
    assert (child[0].type, child[-1].type) == ("run_start", "run_end")
    start = next(event for event in own if event.type == "tool_start")
    end = next(event for event in own if event.type == "tool_end")
    assert start.seq < child[0].seq
    assert child[-1].seq < end.seq
    assert "".join(run.text_stream()) == "done"


def test_on_chunk_hears_the_outer_words_alone() -> None:
    inner = alloy.Agent(model=alloy.Scripted(["inner words"]), name="research")
    chunks: list[str] = []
    alloy.run("go", model=alloy.Scripted([hand_over(), "outer"]), tools=[inner.as_tool()], on_chunk=chunks.append)
    assert "".join(chunks) == "outer"


def test_usage_counts_in_both_and_a_budget_is_debited_once() -> None:
    """Law 11"""
    usage = {"input_tokens": 80, "output_tokens": 20}
    inner = alloy.Agent(model=alloy.Scripted([{"text": "found", "usage": usage}]), name="research")
    budget = alloy.Budget(tokens=1000)
    model = alloy.Scripted([{**hand_over(), "usage": usage}, {"text": "done", "usage": usage}])
    result = alloy.run("go", model=model, tools=[inner.as_tool()], budget=budget)
    assert result.usage == alloy.Usage(240, 60)
    assert budget.spent["tokens"] == 300


def test_an_agent_within_spends_of_the_budget_around() -> None:
    usage = {"input_tokens": 80, "output_tokens": 20}
    call = {"tool_calls": [{"name": "scratchpad", "input": {"action": "read"}}], "usage": usage}
    inner = alloy.Agent(model=alloy.Scripted([call] * 9), name="research", tools=["scratchpad"])
    model = alloy.Scripted([{**hand_over(), "usage": usage}, "never"])
    result = alloy.run("go", model=model, tools=[inner.as_tool()], budget=alloy.Budget(tokens=250), check=False)
    assert isinstance(result.error, alloy.BudgetExceeded)
    assert "budget of 250 tokens is used up" in result.messages[2].tool_results[0].text
    assert result.usage.total_tokens == 300
    assert_law_1(result)


def test_stopping_the_run_around_stops_it() -> None:
    """Law 11"""
    entered, ended = threading.Event(), threading.Event()

    @alloy.tool
    async def forever() -> str:
        """Never ends."""
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return ""

    call = {"tool_calls": [{"name": "forever", "input": {}}]}
    inner = alloy.Agent(model=alloy.Scripted([call]), name="research", tools=[forever])
    run = alloy.start("go", model=alloy.Scripted([hand_over(), "never"]), tools=[inner.as_tool()])
    assert entered.wait(20)
    run.cancel()
    result = run.result(check=False)
    assert ended.wait(20)
    assert result.status == "cancelled"
    assert_law_1(result)
    ends = [event for event in run if event.type == "run_end"]
    assert [event.payload["status"] for event in ends] == ["cancelled", "cancelled"]


def test_its_questions_go_to_whoever_is_asked_around_it() -> None:
    inner = alloy.Agent(model=alloy.Scripted([LAUNCH, "found"]), name="research", tools=[launch])
    run = alloy.start("go", model=alloy.Scripted([hand_over(), "done"]), tools=[inner.as_tool()])
    asked: list[alloy.Event] = []
    for event in run:
        if event.type == "approval_request":
            asked.append(event)
            assert run.approve(event.payload["id"])
    assert run.result().text == "done"
    assert len(asked) == 1
    assert asked[0].run_id != run.run_id


def test_the_policy_around_decides_what_it_asks() -> None:
    for policy, said in (("auto", "launched it"), ("deny", "Denied"), ("pause", "Denied")):
        model = alloy.Scripted([LAUNCH, "found"])
        inner = alloy.Agent(model=model, name="research", tools=[launch])
        outer = alloy.Scripted([hand_over(), "done"])
        assert alloy.run("go", model=outer, tools=[inner.as_tool()], approval=policy).text == "done"
        assert model.requests[1].messages[-1].tool_results[0].text.startswith(said)


def test_calls_of_one_id_within_and_around_are_told_apart() -> None:
    """Scripts, and some services, count their calls from 1 in each conversation."""
    inner = alloy.Agent(model=alloy.Scripted([LAUNCH, LAUNCH, "found"]), name="research", tools=[launch])
    calls = {"tool_calls": [{"name": "launch", "input": {"what": "out"}}, *hand_over()["tool_calls"]]}
    run = alloy.start("go", model=alloy.Scripted([calls, "done"]), tools=[inner.as_tool(), launch])
    ids: list[str] = []
    for event in run:
        if event.type == "approval_request":
            ids.append(event.payload["id"])
            assert run.approve(event.payload["id"])
    assert run.result().text == "done"
    assert len(set(ids)) == 3


def test_two_at_once_work_beside_each_other() -> None:
    both = threading.Barrier(2, timeout=20)

    @alloy.tool
    def meet() -> str:
        """Wait for the other one."""
        both.wait()
        return "met"

    call = {"tool_calls": [{"name": "meet", "input": {}}]}
    inner = alloy.Agent(model=alloy.Scripted([call, call, "found", "found"]), name="research", tools=[meet])
    calls = {"tool_calls": [*hand_over("a")["tool_calls"], *hand_over("b")["tool_calls"]]}
    result = alloy.run("go", model=alloy.Scripted([calls, "done"]), tools=[inner.as_tool()])
    assert [part.text for part in result.messages[2].tool_results] == ["found", "found"]


def test_a_failure_within_is_a_result_that_says_so() -> None:
    error = {"error": {"type": "AuthError", "message": "wrong key"}}
    inner = alloy.Agent(model=alloy.Scripted([error]), name="research")
    result = alloy.run("go", model=alloy.Scripted([hand_over(), "done"]), tools=[inner.as_tool()])
    part = result.messages[2].tool_results[0]
    assert part.is_error
    assert "research did not finish: wrong key" in part.text
    assert result.text == "done"


def test_one_that_pauses_within_a_tool_is_told_as_such() -> None:
    inner = alloy.Agent(model=alloy.Scripted([LAUNCH]), name="research", tools=[launch], approval="pause")
    result = alloy.run("go", model=alloy.Scripted([hand_over(), "done"]), tools=[inner.as_tool()])
    assert "waits for a decision on launch" in result.messages[2].tool_results[0].text


def test_agents_within_agents_within_agents() -> None:
    deep = alloy.Agent(model=alloy.Scripted(["deep"]), name="deep")
    middle = alloy.Agent(model=alloy.Scripted([hand_over(name="deep"), "middle"]), name="mid", tools=[deep.as_tool()])
    run = alloy.start("go", model=alloy.Scripted([hand_over(name="mid"), "top"]), name="top", tools=[middle.as_tool()])
    events = list(run)
    assert {event.agent for event in events} == {"top", "top/mid", "top/mid/deep"}
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    deepest = [event.origin_seq for event in events if event.agent == "top/mid/deep"]
    assert deepest == list(range(1, len(deepest) + 1))


def test_its_name_fits_what_tools_may_be_called() -> None:
    agent = alloy.Agent(model=alloy.Scripted(["x"]), name="Dr. Übel (the second)")
    assert agent.as_tool().name == "Dr_bel_the_second_"
    tool = agent.as_tool("doctor", "Ask the doctor.")
    assert (tool.name, tool.description) == ("doctor", "Ask the doctor.")


def test_two_agents_that_ask_at_once_by_one_id_are_never_taken_for_each_other() -> None:
    """Approving the one ran the other: ids were kept apart only once an answer was whole."""
    ran: list[str] = []

    @alloy.tool(requires_approval=True)
    def act(what: str) -> str:
        """Act."""
        ran.append(what)
        return f"did {what}"

    def worker(name: str) -> alloy.Tool:
        calls = [{"id": "act:0", "name": "act", "input": {"what": name}}]
        lines = [{"text": "one two three", "delay_ms": 60, "chunks": 3, "tool_calls": calls}, "done"]
        return alloy.Agent(model=alloy.Scripted(lines), name=name, tools=[act]).as_tool()

    both = [{"name": name, "input": {"prompt": "go"}} for name in ("harmless", "harmful")]
    run = alloy.start(
        "go", model=alloy.Scripted([{"tool_calls": both}, "end"]), tools=[worker(b["name"]) for b in both]
    )
    for event in run:
        if event.type == "approval_request":
            decide = run.approve if event.payload["input"]["what"] == "harmless" else run.deny
            assert decide(event.payload["id"])
    assert run.result().text == "end"
    assert ran == ["harmless"]


@pytest.mark.thorough
def test_the_time_a_person_takes_is_not_the_time_of_the_run_around() -> None:
    inner = alloy.Agent(model=alloy.Scripted([LAUNCH, "found"]), name="research", tools=[launch])

    async def slowly(call: Any, ctx: Any) -> bool:
        await asyncio.sleep(0.6)
        return True

    outer = alloy.Scripted([hand_over(), "done"])
    result = alloy.run("go", model=outer, tools=[inner.as_tool()], approval=slowly, timeout=0.5)
    assert result.text == "done"


def test_files_that_an_agent_within_wrote_are_undone_too(tmp_path: Any) -> None:
    call = {"tool_calls": [{"name": "write", "input": {"file_path": "a.txt", "content": "x"}}]}
    options: dict[str, Any] = {"working_directory": tmp_path, "approval": "auto"}
    inner = alloy.Agent(model=alloy.Scripted([call, "done"]), name="research", tools=["write"], **options)
    outer = alloy.Agent(model=alloy.Scripted([hand_over(), "done"]), tools=[inner.as_tool()], **options)
    outer.chat("go")
    assert (tmp_path / "a.txt").exists()
    assert [undone.outcome for undone in outer.undo_files()] == ["removed"]
    assert not (tmp_path / "a.txt").exists()
