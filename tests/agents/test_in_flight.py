"""What may be asked of an agent, and done to it, while it is at work."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import alloy_nb as alloy
from tests.histories import open_calls

from .making import Gate, agent_of


def test_everything_answers_at_once_while_a_chat_is_in_flight(gate: Gate) -> None:
    """SRV-18, SRV-32, SRV-w1, SRV-w6, SRV-5, SRV-37: from memory, with what the run has added so far."""
    usage = {"input_tokens": 7, "output_tokens": 3}
    agent = agent_of({**gate.call, "usage": usage}, "done", tools=[gate.tool()], max_pending=2)
    thread = threading.Thread(target=lambda: agent.chat("x"))
    thread.start()
    assert gate.entered.wait(20)
    health = agent.health()
    assert (health.status, health.busy, health.turns) == ("running", True, 1)
    assert health.message_count == len(agent.messages) == 2
    assert health.usage == agent.usage == alloy.Usage(7, 3)
    assert (health.pending_count, health.max_pending) == (0, 2)
    assert health["busy"] is True
    assert dict(health)["message_count"] == 2  # type: ignore[call-overload]
    assert agent.export_session().metadata["status"] == "running"
    with pytest.raises(alloy.Busy):
        agent.reset()
    with pytest.raises(alloy.Busy):
        agent.set_model(alloy.Scripted(["x"]))
    with pytest.raises(alloy.Busy):
        agent.undo_turn()
    gate.opened.set()
    thread.join(20)
    assert agent.health().uptime_ms >= 0
    assert len(agent.messages) == 4


def test_a_chat_may_be_stopped_from_another_thread(gate: Gate) -> None:
    """SRV-w1: what a sync chat had done is kept, and it raises `Cancelled`."""
    agent = agent_of(gate.call, "next", tools=[gate.tool()])
    raised: list[Any] = []

    def chat() -> None:
        try:
            agent.chat("x")
        except alloy.Cancelled as error:
            raised.append(error)

    thread = threading.Thread(target=chat)
    thread.start()
    assert gate.entered.wait(20)
    assert agent.cancel()
    thread.join(20)
    assert raised[0].result.status == "cancelled"
    assert open_calls(agent.messages) == []
    assert not agent.cancel()
    assert agent.chat("y").text == "next"


def test_it_may_be_steered_and_only_while_it_works(gate: Gate) -> None:
    model = alloy.Scripted([gate.call, "done"])
    agent = alloy.Agent(model=model, tools=[gate.tool()])
    assert not agent.steer("too early")
    run = agent.send("x")
    assert gate.entered.wait(20)
    assert agent.steer("shorter!")
    gate.opened.set()
    run.result()
    assert model.requests[1].messages[-1].text == "shorter!"
    assert not agent.steer("too late")


def test_what_is_said_to_a_run_at_its_last_turn_is_kept(gate: Gate) -> None:
    agent = agent_of(gate.call, "next", tools=[gate.tool()], max_turns=1)
    run = agent.send("x")
    assert gate.entered.wait(20)
    assert agent.steer("and this")
    gate.opened.set()
    assert run.result(20).status == "max_turns"
    assert agent.messages[-1].text == "and this"
