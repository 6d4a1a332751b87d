"""Runs of an agent in the background: one goes on, some wait, each may be stopped, and the next has its turn."""

from __future__ import annotations

from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.testing import Function
from tests.histories import assert_law_1

from .making import SLOW, Gate, agent_of


def test_send_returns_at_once_and_its_id_is_the_callers() -> None:
    """SRV-15, SRV-25"""
    agent = agent_of(SLOW)
    run = agent.send("x", run_id="req-123")
    assert (run.run_id, run.status) == ("req-123", "running")
    assert agent.cancel("req-123")
    assert run.result(check=False).status == "cancelled"
    assert {event.correlation_id for event in run} == {"req-123"}
    assert agent.send("y", request_id="req-9").run_id == "req-9"
    agent.cancel("req-9")


def test_an_id_is_random_where_none_is_given() -> None:
    """SRV-15"""
    agent = agent_of("a", "b")
    first, second = agent.send("x"), None
    first.result()
    second = agent.send("y")
    second.result()
    assert first.run_id != second.run_id


def test_send_needs_no_bus() -> None:
    """SRV-16: what comes of it is the handle's."""
    assert agent_of("a").send("x").result().text == "a"


def test_busy_without_a_queue_and_full_with_one(gate: Gate) -> None:
    """SRV-10, SRV-17, CFG-15, SRV-32, SRV-37: in order, up to max_pending; a chat is never queued."""
    agent = agent_of(gate.call, "one", "two", "three", tools=[gate.tool()], max_pending=2)
    first = agent.send("1")
    assert gate.entered.wait(20)
    second, third = agent.send("2"), agent.send("3")
    assert (second.status, agent.health().pending_count) == ("running", 2)
    with pytest.raises(alloy.QueueFull):
        agent.send("4")
    with pytest.raises(alloy.Busy):
        agent.chat("5")
    gate.opened.set()
    assert [run.result().text for run in (first, second, third)] == ["one", "two", "three"]
    assert [m.text for m in agent.messages if m.role == "user" and m.text] == ["1", "2", "3"]


def test_without_a_queue_a_second_send_is_busy(gate: Gate) -> None:
    """SRV-17, CFG-15"""
    agent = agent_of(gate.call, "one", tools=[gate.tool()])
    agent.send("1")
    with pytest.raises(alloy.Busy) as caught:
        agent.send("2")
    assert not isinstance(caught.value, alloy.QueueFull)


def test_a_queued_run_goes_on_with_what_came_of_those_before_it(gate: Gate) -> None:
    """SRV-22, SRV-23"""
    model = alloy.Scripted([gate.call, "one", "two"])
    agent = alloy.Agent(model=model, tools=[gate.tool()], max_pending=1)
    agent.send("1")
    assert gate.entered.wait(20)
    second = agent.send("2")
    gate.opened.set()
    second.result()
    assert [m.text for m in model.requests[-1].messages if m.text] == ["1", "wait", "one", "2"]


def test_the_next_one_starts_after_a_failure_too(gate: Gate) -> None:
    """SRV-23, SRV-24"""

    def answer(request: Any) -> Any:
        if request.messages[-1].text == "2":
            raise ValueError("boom")
        return [gate_call()] if request.messages[-1].text == "1" else "fine"

    def gate_call() -> Any:
        return alloy.Message.assistant([alloy.ToolCall("c1", "gate")])

    agent = alloy.Agent(model=alloy.Scripted([gate.call, "one", "three"]), tools=[gate.tool()], max_pending=2)
    agent.send("1")
    assert gate.entered.wait(20)
    second = agent.send("2", model=Function(answer), max_retries=0)
    third = agent.send("3")
    gate.opened.set()
    assert second.result(20, check=False).status == "error"
    assert third.result(20).text == "three"


def test_cancel_of_a_running_a_queued_and_an_unknown_one(gate: Gate) -> None:
    """SRV-26, SRV-w3, SRV-23, SRV-37"""
    agent = agent_of(gate.call, "three", tools=[gate.tool()], max_pending=2)
    first = agent.send("1", run_id="a")
    assert gate.entered.wait(20)
    second, third = agent.send("2", run_id="b"), agent.send("3", run_id="c")
    assert not agent.cancel("nobody")
    assert agent.cancel("b")
    assert second.result(check=False).status == "cancelled"
    assert second.result(check=False).turns == 0
    assert [event.type for event in second] == ["run_start", "run_end"]
    assert agent.cancel("a")
    result = first.result(check=False)
    assert result.status == "cancelled"
    assert_law_1(result)
    assert third.result().text == "three"
    assert [m.text for m in agent.messages if m.role == "user" and m.text] == ["1", "3"]
    assert not agent.cancel("a")


def test_two_runs_of_one_id_are_refused(gate: Gate) -> None:
    """SRV-w7"""
    agent = agent_of(gate.call, "x", tools=[gate.tool()], max_pending=2)
    agent.send("1", run_id="a")
    assert gate.entered.wait(20)
    with pytest.raises(alloy.ConfigError, match="'a' is there already"):
        agent.send("2", run_id="a")


def test_a_mistake_in_a_queued_run_is_said_at_once(gate: Gate) -> None:
    agent = agent_of(gate.call, "x", tools=[gate.tool()], max_pending=2)
    agent.send("1")
    with pytest.raises(alloy.ConfigError):
        agent.send("2", tools=["nosuchtool"])
    assert agent.health().pending_count == 0


def test_how_a_background_run_ended_stays_to_be_seen() -> None:
    """SRV-21"""
    agent = agent_of("a", {"error": {"type": "AuthError", "message": "wrong key"}}, "c")
    agent.send("x").result()
    assert (agent.health().status, agent.health().turns) == ("completed", 1)
    agent.send("y").result(check=False)
    assert agent.health().status == "error"
    agent.chat("z")
    assert (agent.health().status, agent.health().turns) == ("idle", 0)


def test_prompts_are_messages_with_pictures_too() -> None:
    """SRV-w8"""
    model = alloy.Scripted(["nice"])
    alloy.Agent(model=model).send(["look", alloy.Image("image/png", b"\x89PNG")]).result()
    assert isinstance(model.requests[0].messages[0].parts[1], alloy.Image)


def test_a_chat_that_never_began_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A queued run was stranded for ever."""
    agent = agent_of("one", max_pending=1)
    runs: list[Any] = []

    def broken(display: Any, inputs: Any) -> None:
        runs.append(agent.send("queued"))
        raise KeyboardInterrupt

    monkeypatch.setattr("alloy_nb.runs.find_sink", broken)
    with pytest.raises(KeyboardInterrupt):
        agent.chat("x")
    assert runs[0].result(20).text == "one"
    assert agent.health().pending_count == 0


def test_a_send_that_could_not_be_launched_leaves_the_agent_free(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = agent_of("one")
    with monkeypatch.context() as patched:
        patched.setattr("alloy_nb.portal.PORTAL.spawn", lambda *_: (_ for _ in ()).throw(RuntimeError("no thread")))
        with pytest.raises(RuntimeError, match="no thread"):
            agent.send("x")
    assert agent.chat("y").text == "one"


def test_a_queued_run_that_cannot_go_on_ends_in_an_error(gate: Gate) -> None:
    """It never ended: a hook had emptied the conversation that it was to go on with."""

    class Forget(alloy.Middleware):
        def after_tool_execution(self, ctx: Any) -> None:
            ctx.messages = ()

        def after_completion(self, ctx: Any) -> None:
            if not ctx.messages[-1].tool_calls:
                ctx.messages = ()

    before = [alloy.Message.user("hi"), alloy.Message.assistant("ho")]
    options: dict[str, Any] = {"tools": [gate.tool()], "max_pending": 2, "middleware": [Forget()], "messages": before}
    agent = agent_of(gate.call, "done", "last", **options)
    first = agent.send("x")
    assert gate.entered.wait(20)
    second, third = agent.send(None), agent.send("y")
    gate.opened.set()
    first.result(20, check=False)
    assert isinstance(second.result(20, check=False).error, alloy.ConfigError)
    assert third.result(20, check=False).status in ("completed", "error")
    assert not agent.health().busy
