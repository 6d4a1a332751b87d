"""Calls of an agent that need a word: waiting for it, going on with it, and for how long it holds."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import alloy_nb as alloy
from tests.histories import assert_law_1

from .making import agent_of


@alloy.tool(requires_approval=True)
def launch(what: str) -> str:
    """Launch something."""
    return f"launched {what}"


def launches(*names: str) -> dict[str, Any]:
    return {"tool_calls": [{"name": "launch", "input": {"what": name}} for name in names]}


def test_pause_waits_and_resume_goes_on() -> None:
    agent = agent_of(launches("one", "two"), "done", tools=[launch], approval="pause")
    result = agent.chat("x")
    assert (result.status, agent.health().status) == ("waiting", "waiting")
    first, second = agent.pending
    assert agent.pending == result.pending
    result = agent.resume({first.id: True, second.id: False})
    assert (result.text, agent.health().status, agent.pending) == ("done", "idle", ())
    assert [r.text for r in agent.messages[2].tool_results] == ["launched one", "Denied: the user said no"]


def test_resume_decides_some_and_the_others_wait_on() -> None:
    agent = agent_of(launches("one", "two"), "done", tools=[launch], approval="pause")
    first, second = agent.chat("x").pending
    assert agent.resume({second.id: True}).pending == (first,)
    assert asyncio.run(agent.aresume({first.id: True})).text == "done"
    assert [r.text for r in agent.messages[2].tool_results] == ["launched one", "launched two"]


def test_resume_from_an_exported_session_in_another_agent() -> None:
    """SES-w1: the JSON form is enough, also for what waits."""
    model = alloy.Scripted([launches("one"), "done"])
    agent = alloy.Agent(model=model, tools=[launch], approval="pause")
    agent.chat("x")
    text = agent.export_session().to_json()
    again = alloy.Agent.from_session(alloy.Session.from_json(text), model=model, tools=[launch], approval="pause")
    assert again.health().status == "waiting"
    assert [call.name for call in again.pending] == ["launch"]
    assert again.resume({again.pending[0].id: True}).text == "done"
    assert again.messages[2].tool_results[0].text == "launched one"


def test_nothing_to_resume_is_said() -> None:
    with pytest.raises(alloy.ConfigError, match="nothing waits"):
        agent_of("x").resume({})


def test_going_on_without_deciding_closes_what_waited() -> None:
    """Law 1"""
    agent = agent_of(launches("one"), "fine", tools=[launch], approval="pause")
    agent.chat("x")
    result = agent.chat("never mind")
    assert_law_1(result)
    assert "went on without deciding" in result.messages[2].tool_results[0].text


def test_what_was_allowed_for_good_is_remembered_from_chat_to_chat_and_in_a_fork() -> None:
    agent = agent_of(launches("one"), "a", launches("one"), "b", launches("one"), "c", tools=[launch])
    run = agent.send("x")
    for event in run:
        if event.type == "approval_request":
            agent.approve(event.payload["id"], remember="tool")
    agent.chat("y")
    assert agent.messages[-2].tool_results[0].text == "launched one"
    fork = agent.fork()
    fork.chat("z")
    assert fork.messages[-2].tool_results[0].text == "launched one"
    agent.reset()
    asks = agent.fork(model=alloy.Scripted([launches("one"), "d"]))
    asks.chat("w")
    assert "nobody could be asked" in asks.messages[-2].tool_results[0].text


def test_what_was_allowed_of_one_tool_holds_for_no_other_of_its_name() -> None:
    def make(said: str) -> alloy.Tool:
        @alloy.tool(name="query", requires_approval=True)
        def query() -> str:
            """Ask."""
            return said

        return query

    ask = {"tool_calls": [{"name": "query", "input": {}}]}
    agent = agent_of(ask, "a", ask, "b", ask, "c", tools=[make("selected")])
    run = agent.send("x")
    for event in run:
        if event.type == "approval_request":
            agent.approve(event.payload["id"], remember="tool")
    agent.chat("again")
    assert agent.messages[-2].tool_results[0].text == "selected"
    fork = agent.fork(tools=[make("dropped")])
    fork.chat("and now")
    assert "nobody could be asked" in fork.messages[-2].tool_results[0].text


def test_what_was_allowed_in_one_folder_holds_in_no_other(tmp_path: Any) -> None:
    (tmp_path / "other").mkdir()
    ask = {"tool_calls": [{"name": "bash", "input": {"command": "pwd"}}]}
    agent = agent_of(ask, "a", ask, "b", ask, "c", tools=["bash"], working_directory=tmp_path)
    run = agent.send("x")
    for event in run:
        if event.type == "approval_request":
            agent.approve(event.payload["id"], remember="command")
    agent.chat("again")
    assert str(tmp_path) in agent.messages[-2].tool_results[0].text
    agent.chat("elsewhere", working_directory=tmp_path / "other")
    assert "nobody could be asked" in agent.messages[-2].tool_results[0].text


@pytest.mark.parametrize("answer", ["no", "yes", 1, [True]])
def test_only_true_allows_a_call(answer: Any) -> None:
    """A function that said "no" in words had the command run."""
    agent = agent_of(launches("it"), "a", tools=[launch], approval=lambda call, ctx: answer)
    agent.chat("x")
    assert "only True allows" in agent.messages[2].tool_results[0].text
    waiting = agent_of(launches("it"), "a", tools=[launch], approval="pause")
    call_id = waiting.chat("x").pending[0].id
    with pytest.raises(alloy.ConfigError, match="the decision on"):
        waiting.resume({call_id: answer})
    assert waiting.resume({call_id: True}).text == "a"


@pytest.mark.parametrize("decisions", [{"call_99": True}, [True], True])
def test_decisions_on_calls_that_do_not_wait_are_said(decisions: Any) -> None:
    agent = agent_of(launches("it"), "a", tools=[launch], approval="pause")
    call_id = agent.chat("x").pending[0].id
    with pytest.raises(alloy.ConfigError) as caught:
        agent.resume(decisions)
    assert call_id in (caught.value.hint or "")
