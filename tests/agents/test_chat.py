"""What an agent says, one prompt after another: on any loop and thread, and what is left where it fails."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.testing import Function
from tests.histories import open_calls

from .making import SLOW, Gate, agent_of


def test_it_remembers_what_was_said() -> None:
    """SRV-7: each chat goes on with the history, and returns that run's result."""
    model = alloy.Scripted(["Hello, Ann.", "Ann."])
    agent = alloy.Agent(model=model)
    assert agent.chat("I am Ann.").text == "Hello, Ann."
    assert agent.chat("Who am I?").text == "Ann."
    assert [m.text for m in model.requests[1].messages] == ["I am Ann.", "Hello, Ann.", "Who am I?"]
    assert [m.text for m in agent.messages] == ["I am Ann.", "Hello, Ann.", "Who am I?", "Ann."]


def test_messages_seed_its_conversation() -> None:
    """SRV-1"""
    before = [alloy.Message.user("I am Ann."), alloy.Message.assistant("Hello, Ann.")]
    agent = agent_of("Ann.", messages=before)
    assert len(agent.messages) == 2
    agent.chat("Who am I?")
    assert agent.messages[:2] == tuple(before)


def test_a_call_differs_by_what_is_said_for_it_alone() -> None:
    """SRV-11, SRV-13, TURN-10: options of one call are gone with it."""
    model = alloy.Scripted(["a", "b"])
    agent = alloy.Agent(model=model, system_prompt="Be kind.")
    chunks: list[str] = []
    agent.chat("x", system_prompt="Be brief.", on_chunk=chunks.append, temperature=0.5)
    agent.chat("y")
    assert [request.system_prompt for request in model.requests] == ["Be brief.", "Be kind."]
    assert [request.temperature for request in model.requests] == [0.5, None]
    assert "".join(chunks) == "a"


@pytest.mark.parametrize("name", ["messages", "name", "max_pending"])
def test_what_is_the_agents_own_cannot_be_said_for_one_call(name: str) -> None:
    with pytest.raises(alloy.ConfigError, match="the agent's own"):
        agent_of("x").chat("x", **{name: ()})


def test_an_unknown_option_names_the_nearest() -> None:
    with pytest.raises(alloy.ConfigError, match="unknown option `modle`") as caught:
        alloy.Agent(modle="x")
    assert caught.value.hint == "did you mean `model`?"


def test_on_event_must_be_callable_before_anything_runs() -> None:
    """SRV-12"""
    agent = agent_of("x")
    with pytest.raises(alloy.ConfigError, match="on_event is 'no'"):
        agent.chat("x", on_event="no")
    assert agent.health().status == "idle"
    assert agent.chat("x", on_event=None).text == "x"


def test_after_a_chat_it_is_idle_and_its_counters_are_of_that_run_alone() -> None:
    """SRV-5, SRV-8: status and turns go back, messages and usage stay."""
    agent = agent_of("a", "b")
    assert agent.health().status == "idle"
    agent.chat("x")
    result = agent.chat("y")
    assert result.turns == 1
    health = agent.health()
    assert (health.status, health.turns, health.message_count) == ("idle", 0, 4)
    assert health.usage == agent.usage


def test_usage_adds_up_over_its_life_while_a_result_has_its_own() -> None:
    """SRV-28, RES-w1"""
    usage = {"input_tokens": 10, "output_tokens": 5}
    agent = agent_of({"text": "a", "usage": usage}, {"text": "b", "usage": usage})
    first, second = agent.chat("x"), agent.chat("y")
    assert first.usage == second.usage == alloy.Usage(10, 5)
    assert agent.usage == alloy.Usage(20, 10)


def test_chat_has_no_time_limit_of_its_own_and_a_timeout_is_kept_to() -> None:
    """SRV-9, SRV-w2: `timeout` is the run's deadline; what it cuts off is over, and no ghost goes on."""
    agent = agent_of(SLOW, "fine")
    assert agent.dialogue.options.timeout is None
    with pytest.raises(alloy.DeadlineExceeded):
        agent.chat("x", timeout=0.05)
    assert not agent.health().busy
    assert agent.chat("y").text == "fine"


def test_an_error_has_the_result_and_no_earlier_answer_as_its_text() -> None:
    """SRV-7, SRV-w4"""
    agent = agent_of("first", {"error": {"type": "ServerError", "message": "broken"}}, max_retries=0)
    agent.chat("x")
    with pytest.raises(alloy.ServerError) as caught:
        agent.chat("y")
    result = caught.value.result
    assert result is not None
    assert (result.status, result.text) == ("error", "")


def test_a_prompt_of_which_nothing_came_is_taken_back() -> None:
    """SRV-w3"""
    agent = agent_of("first", {"error": {"type": "AuthError", "message": "wrong key"}}, "third")
    agent.chat("x")
    agent.chat("y", check=False)
    assert [m.text for m in agent.messages] == ["x", "first"]
    agent.chat("z")
    assert [m.text for m in agent.messages] == ["x", "first", "z", "third"]


def test_a_sync_chat_on_the_portal_raises_at_once() -> None:
    inner = agent_of("deep")

    @alloy.tool
    async def nested() -> str:
        """Nested."""
        return inner.chat("x").text

    outer = agent_of({"tool_calls": [{"name": "nested", "input": {}}]}, "ok", tools=[nested])
    outer.chat("x")
    assert "alloy's own event loop" in outer.messages[2].tool_results[0].text
    assert inner.chat("x").text == "deep"


def test_achat_runs_on_the_callers_loop_and_on_another_one_after_it() -> None:
    """An agent holds nothing that belongs to a loop: two loops, chat and send may be mixed."""
    loops: list[Any] = []

    @alloy.tool
    async def where() -> str:
        """Where."""
        loops.append(asyncio.get_running_loop())
        return "here"

    asks = {"tool_calls": [{"name": "where", "input": {}}]}
    agent = agent_of(asks, "a", asks, "b", "c", "d", tools=[where])
    mine: list[Any] = []

    async def main() -> str:
        mine.append(asyncio.get_running_loop())
        return (await agent.achat("x")).text

    assert asyncio.run(main()) == "a"
    assert asyncio.run(main()) == "b"
    assert loops == mine
    assert agent.chat("y").text == "c"
    assert agent.send("z").result().text == "d"
    assert len(agent.messages) == 12


def test_cancelling_an_achat_keeps_what_it_had_done_and_frees_the_agent() -> None:
    """Law 1, SRV-w3"""
    usage = {"input_tokens": 7, "output_tokens": 3}
    told = threading.Event()

    @alloy.tool
    async def forever() -> str:
        """Never ends."""
        told.set()
        await asyncio.Event().wait()
        return ""

    agent = agent_of(
        {"text": "let me see", "tool_calls": [{"name": "forever", "input": {}}], "usage": usage},
        "next",
        tools=[forever],
    )

    async def main() -> None:
        task = asyncio.create_task(agent.achat("x"))
        while not told.is_set():
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert open_calls(agent.messages) == []
    assert agent.messages[1].text == "let me see"
    assert agent.usage == alloy.Usage(7, 3)
    assert agent.chat("y").text == "next"


def test_two_threads_that_chat_at_once_are_not_mixed(gate: Gate) -> None:
    """SRV-37: a second chat never waits silently."""
    agent = agent_of(gate.call, "done", tools=[gate.tool()])
    first: list[alloy.Result] = []
    thread = threading.Thread(target=lambda: first.append(agent.chat("x")))
    thread.start()
    assert gate.entered.wait(20)
    with pytest.raises(alloy.Busy) as caught:
        agent.chat("y")
    assert caught.value.hint
    assert not isinstance(caught.value, alloy.QueueFull)
    gate.opened.set()
    thread.join(20)
    assert first[0].text == "done"
    assert [m.text for m in agent.messages if m.role == "user" and m.text] == ["x"]


def test_a_crash_of_a_provider_keeps_what_was_done_and_its_usage() -> None:
    """SRV-24, SRV-w3: a crash is an exception that is no error of ours."""

    def answer(request: Any) -> Any:
        raise ZeroDivisionError("bug")

    usage = {"input_tokens": 3, "output_tokens": 2}
    call = {"text": "hm", "tool_calls": [{"name": "scratchpad", "input": {"action": "read"}}], "usage": usage}

    class Swap(alloy.Middleware):
        def before_completion(self, ctx: Any) -> None:
            if ctx.turn == 1:
                ctx.model = Function(answer)

    agent = agent_of(call, "next", tools=["scratchpad"], max_retries=0)
    result = agent.chat("x", middleware=[Swap()], check=False)
    assert result.status == "error"
    assert agent.usage == alloy.Usage(3, 2)
    assert [m.role for m in agent.messages] == ["user", "assistant", "user"]
    assert agent.chat("y").text == "next"


def test_it_tells_of_itself_without_keys() -> None:
    """CFG-w3"""
    agent = alloy.Agent(model=alloy.OpenAI("gpt-5.2", api_key="sk-verysecret"), name="helper")
    assert repr(agent) == "<Agent helper idle, 0 messages>"
    assert "verysecret" not in repr(vars(agent)) + repr(agent.dialogue.options) + agent.export_session().to_json()
    assert agent.model == "openai:gpt-5.2"


@pytest.mark.parametrize("middleware", [["Redact"], [alloy.Redact]])
def test_middleware_that_is_none_is_said_and_not_passed_over(middleware: Any) -> None:
    with pytest.raises(alloy.ConfigError) as caught:
        agent_of("a", middleware=middleware)
    assert "alloy.Redact(...)" in (caught.value.hint or "")


@pytest.mark.parametrize("turns", [0, -1])
def test_an_agent_that_could_never_answer_is_refused(turns: int) -> None:
    """`max_turns=0` was taken, and nothing was answered."""
    with pytest.raises(alloy.ConfigError, match=f"max_turns is {turns}") as caught:
        alloy.Agent(model=alloy.Scripted(["Hi."]), max_turns=turns)
    assert caught.value.hint
