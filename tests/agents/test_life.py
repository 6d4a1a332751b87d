"""An agent's life from its first hook to its last: `session_start`, `session_end`, `on_shutdown`, closing."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

import alloy_nb as alloy
from tests.histories import assert_law_1, open_calls

from .making import Gate, agent_of, wait_until


class Recorder(alloy.Middleware):
    def __init__(self) -> None:
        self.seen: list[str] = []

    def session_start(self, ctx: Any) -> None:
        self.seen.append(f"start {ctx.status}")

    async def session_end(self, ctx: Any) -> None:
        await asyncio.sleep(0)
        self.seen.append(f"end {len(ctx.messages)}")


def test_session_hooks_frame_an_agents_life_and_no_run() -> None:
    """MW-1, SRV-33, RUN-9"""
    recorder, shut = Recorder(), []
    alloy.run("x", model=alloy.Scripted(["a"]), middleware=[recorder])
    assert recorder.seen == []
    agent = agent_of("a", middleware=[recorder], on_shutdown=lambda session: shut.append(len(recorder.seen)))
    agent.chat("x")
    agent.close()
    agent.close()
    assert recorder.seen == ["start idle", "end 2"]
    assert shut == [2]
    with pytest.raises(alloy.AlloyError, match="closed"):
        agent.chat("y")
    assert agent.health().status == "closed"


def test_a_halt_at_session_start_keeps_the_agent_from_being_made() -> None:
    """SRV-2"""

    class Door(alloy.Middleware):
        def session_start(self, ctx: Any) -> alloy.Halt:
            return alloy.Halt("not today")

    with pytest.raises(alloy.Halted, match="not today"):
        agent_of("a", middleware=[Door()])


def test_session_start_may_set_context_topics_and_session_id() -> None:
    """SRV-3, SRV-20"""

    class Setup(alloy.Middleware):
        async def session_start(self, ctx: Any) -> None:
            ctx.context = {**ctx.context, "session_id": "s-1"}
            ctx.topics = (*ctx.topics, "late")
            ctx.system_prompt = "From the hook."

    bus, model = alloy.PubSub(), alloy.Scripted(["a"])
    agent = alloy.Agent(model=model, middleware=[Setup()], pubsub=bus)
    heard: list[Any] = []
    bus.subscribe("agent:s-1:responses", heard.append)
    assert bus.publish("late", "hello") == 1
    wait_until(lambda: heard)
    assert (agent.session_id, heard[0].text) == ("s-1", "a")
    assert model.requests[0].system_prompt == "From the hook."
    assert agent.export_session().id == "s-1"


def test_on_shutdown_gets_the_session_as_session_end_left_it() -> None:
    """SRV-34, CFG-13, SES-4"""

    class Last(alloy.Middleware):
        def session_end(self, ctx: Any) -> None:
            ctx.messages = (*ctx.messages, alloy.Message.user("bye"))

    sessions: list[alloy.Session] = []
    agent = agent_of("a", middleware=[Last()], on_shutdown=sessions.append)
    agent.chat("x")
    agent.close()
    assert [m.text for m in sessions[0].messages] == ["x", "a", "bye"]


@pytest.mark.parametrize("how", ["halts", "raises"])
def test_on_shutdown_fires_also_when_session_end_halts_or_raises(how: str, caplog: Any) -> None:
    """SRV-34, MW-w1"""

    class Bad(alloy.Middleware):
        def session_end(self, ctx: Any) -> Any:
            ctx.messages = ()
            if how == "raises":
                raise ValueError("oops")
            return alloy.Halt("no")

    sessions: list[alloy.Session] = []
    agent = agent_of("a", middleware=[Bad()], on_shutdown=sessions.append)
    agent.chat("x")
    with caplog.at_level(logging.ERROR, "alloy_nb"):
        agent.close()
    assert [m.text for m in sessions[0].messages] == ["x", "a"]
    assert bool(caplog.records) == (how == "raises")


def test_an_on_shutdown_that_raises_is_logged_and_closes_all_the_same(caplog: Any) -> None:
    """SRV-35"""

    def broken(session: alloy.Session) -> None:
        raise ValueError("oops")

    agent = agent_of("a", on_shutdown=broken)
    with caplog.at_level(logging.ERROR, "alloy_nb"):
        agent.close()
    assert "on_shutdown raised" in caplog.text
    assert agent.health().status == "closed"


def test_closing_stops_what_runs_and_what_waits(gate: Gate) -> None:
    """SRV-33, SRV-36"""
    agent = agent_of(gate.call, "x", tools=[gate.tool()], max_pending=2)
    runs = [agent.send("1"), agent.send("2")]
    assert gate.entered.wait(20)
    agent.close()
    assert [run.status for run in runs] == ["cancelled", "cancelled"]
    assert open_calls(agent.messages) == []


def test_it_is_a_context_manager_sync_and_async() -> None:
    shut: list[str] = []
    with agent_of("a", on_shutdown=lambda session: shut.append("sync")) as agent:
        agent.chat("x")

    async def main() -> None:
        async with agent_of("a", on_shutdown=lambda session: shut.append("async")) as agent:
            await agent.achat("x")

    asyncio.run(main())
    assert shut == ["sync", "async"]


def test_a_tool_of_its_own_that_closes_it_does_not_wait_for_itself() -> None:
    """SRV-6, SRV-36"""
    agents: list[alloy.Agent] = []

    @alloy.tool
    async def leave() -> str:
        """Leave."""
        agents[0].close()
        return "gone"

    agents.append(agent_of({"tool_calls": [{"name": "leave", "input": {}}]}, "x", tools=[leave]))
    result = agents[0].send("x").result(check=False)
    assert result.status == "cancelled"
    assert_law_1(result)


def test_a_closed_agent_needs_no_key_to_tell_of_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """It raised, and on_shutdown was never called."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789abcdef")
    sessions: list[alloy.Session] = []
    agent = alloy.Agent(model="openai:gpt-5.2", on_shutdown=sessions.append)
    monkeypatch.delenv("OPENAI_API_KEY")
    agent.close()
    assert sessions[0].metadata["model"] == "openai:gpt-5.2"


@pytest.mark.parametrize("how", ["cancel", "close"])
def test_a_run_whose_loop_was_closed_under_it_can_be_stopped(how: str) -> None:
    """It raised that the event loop is closed, and the agent was at work for ever."""
    agent = alloy.Agent(model=alloy.Scripted([{"text": "one two", "delay_ms": 60_000}, "fine"]))

    async def begin() -> asyncio.Task[Any]:
        task = asyncio.create_task(agent.achat("x"))
        while not agent.dialogue.busy:
            await asyncio.sleep(0)
        return task

    loop = asyncio.new_event_loop()
    task = loop.run_until_complete(begin())
    loop.close()
    execution = agent.dialogue.current
    assert execution is not None
    getattr(agent, how)()
    assert not agent.dialogue.busy
    assert isinstance(execution.settled().error, alloy.Cancelled)
    if how == "cancel":
        assert agent.chat("y").ok
    task._log_destroy_pending = False  # type: ignore[attr-defined] # nobody goes on with it
