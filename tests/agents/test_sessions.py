"""An agent as a value, and another one that goes on with it."""

from __future__ import annotations

import threading

import pytest

import alloy_nb as alloy

from .making import Gate, agent_of, wait_until


def test_a_session_tells_what_it_is_and_its_id_stays() -> None:
    """SRV-31, SES-1, SES-w1"""
    agent = agent_of({"text": "a", "usage": {"input_tokens": 3, "output_tokens": 2}}, name="helper")
    agent.chat("x")
    first, second = agent.export_session(), agent.export_session()
    assert first.id == second.id == agent.session_id
    assert first.created_at == second.created_at
    assert first.usage == alloy.Usage(3, 2)
    assert first.metadata == {"status": "idle", "turns": 0, "model": agent.model, "name": "helper"}
    assert first.messages == agent.messages


def test_an_agent_of_a_session_goes_on_with_its_usage_and_notes() -> None:
    """SRV-w8, SES-w1, PAD-w1"""
    usage = {"input_tokens": 3, "output_tokens": 2}
    note = {"name": "scratchpad", "input": {"action": "write", "key": "k", "value": "v"}}
    agent = agent_of({"tool_calls": [note], "usage": usage}, {"text": "a", "usage": usage}, tools=["scratchpad"])
    agent.chat("x")
    session = agent.export_session()
    again = alloy.Agent.from_session(session, model=alloy.Scripted(["b"]), tools=["scratchpad"])
    assert (again.usage, again.session_id, again.messages) == (agent.usage, agent.session_id, agent.messages)
    exported = again.export_session()
    assert (exported.notes, exported.created_at) == ({"k": "v"}, session.created_at)
    assert again.chat("y").text == "b"
    with pytest.raises(alloy.ConfigError, match="session's own"):
        alloy.Agent.from_session(session, messages=())


def test_what_is_being_run_when_a_session_is_taken_is_not_run_again(gate: Gate) -> None:
    """The call was pending in the copy, and `resume` ran it a second time."""
    agent = agent_of(gate.call, "done", tools=[gate.tool()])
    thread = threading.Thread(target=lambda: agent.chat("x"))
    thread.start()
    assert gate.entered.wait(20)
    taken = agent.export_session()
    gate.opened.set()
    thread.join(20)
    assert [result.text.partition(":")[0] for result in taken.messages[-1].tool_results] == ["Interrupted"]
    assert agent.export_session().messages[2].tool_results[0].text != taken.messages[2].tool_results[0].text
    again = alloy.Agent.from_session(taken, model=alloy.Scripted(["b"]), tools=[gate.tool()])
    assert again.pending == ()
    assert again.chat("y").text == "b"


def test_what_waits_for_an_answer_when_a_session_is_taken_still_waits_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alloy_nb.attendance.stdin_available", lambda: True)
    call = {"name": "bash", "input": {"command": "true"}}
    agent = agent_of({"tool_calls": [call]}, "done", tools=["bash"], approval="ask")
    run = agent.send("x")
    wait_until(lambda: agent.health().status == "waiting")
    taken = agent.export_session()
    again = alloy.Agent.from_session(taken, model=alloy.Scripted(["b"]), tools=["bash"])
    assert [call.name for call in again.pending] == ["bash"]
    agent.cancel()
    assert run.result(check=False).status == "cancelled"


def test_a_text_is_no_session_and_none_is_no_model() -> None:
    with pytest.raises(alloy.ConfigError) as caught:
        alloy.Agent.from_session(alloy.Session().to_json())  # type: ignore[arg-type]
    assert "Session.from_json" in (caught.value.hint or "")
    with pytest.raises(alloy.ConfigError, match="no model"):
        agent_of("a").set_model(None)  # type: ignore[arg-type]
