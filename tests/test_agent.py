"""`Agent`: one conversation, one run at a time, and everything that may be asked of it meanwhile."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.models import model_info
from alloy_nb.testing import Function
from tests.histories import assert_law_1, open_calls

SLOW = {"text": "one two three four", "delay_ms": 60_000}


def agent_of(*lines: Any, **options: Any) -> alloy.Agent:
    return alloy.Agent(model=alloy.Scripted(list(lines)), **options)


def wait_until(condition: Any, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.005)


class Gate:
    """A tool that waits until it is let through; the run that calls it is in flight meanwhile."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def tool(self) -> alloy.Tool:
        @alloy.tool
        def gate() -> str:
            """Wait."""
            self.entered.set()
            assert self.opened.wait(30)
            return "through"

        return gate

    @property
    def call(self) -> dict[str, Any]:
        return {"text": "wait", "tool_calls": [{"name": "gate", "input": {}}]}


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.opened.set()


# -- chat -------------------------------------------------------------------------------------------------------------


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


# -- in flight --------------------------------------------------------------------------------------------------------


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


# -- send, queue, cancel ----------------------------------------------------------------------------------------------


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


# -- changing it ------------------------------------------------------------------------------------------------------


def test_reset_forgets_the_conversation_and_keeps_the_rest() -> None:
    """SRV-29, PAD-w1"""
    usage = {"input_tokens": 10, "output_tokens": 5}
    note = {"name": "scratchpad", "input": {"action": "write", "key": "k", "value": "v"}}
    model = alloy.Scripted([{"tool_calls": [note], "usage": usage}, {"text": "a", "usage": usage}, "b"])
    agent = alloy.Agent(model=model, system_prompt="Be kind.", tools=["scratchpad"])
    agent.chat("x")
    assert agent.export_session().notes == {"k": "v"}
    agent.reset()
    assert (agent.messages, agent.export_session().notes) == ((), {})
    assert agent.usage == alloy.Usage(20, 10)
    agent.chat("y")
    assert [m.text for m in model.requests[-1].messages] == ["y"]
    assert model.requests[-1].system_prompt == "Be kind."


def test_set_model_keeps_the_conversation_and_asks_another_one() -> None:
    """SRV-30"""
    other = alloy.Scripted(["b"])
    agent = agent_of("a", system_prompt="Be kind.")
    agent.chat("x")
    agent.set_model(other)
    agent.chat("y")
    assert [m.text for m in other.requests[0].messages] == ["x", "a", "y"]
    assert other.requests[0].system_prompt == "Be kind."


def test_set_model_refuses_a_wrong_one_and_changes_nothing() -> None:
    """SRV-w9"""
    agent = agent_of("a")
    with pytest.raises(alloy.ConfigError):
        agent.set_model("nosuchprovider:x")
    assert agent.chat("x").text == "a"


def test_another_model_has_another_window_unless_one_was_given() -> None:
    """CFG-20, CFG-5"""
    agent = alloy.Agent(model=alloy.Anthropic("claude-sonnet-4-6", api_key="k"))
    assert agent.context_window == model_info("claude-sonnet-4-6", "anthropic").window
    agent.set_model(alloy.OpenAI("gpt-5.2", api_key="k"))
    assert agent.context_window == model_info("gpt-5.2", "openai").window != model_info("claude-sonnet-4-6").window
    agent = alloy.Agent(model=alloy.Anthropic("claude-sonnet-4-6", api_key="k"), context_window=50_000)
    agent.set_model(alloy.OpenAI("gpt-5.2", api_key="k"))
    assert agent.context_window == 50_000
    with pytest.raises(alloy.ConfigError, match="context_window"):
        alloy.Agent(context_window=0)


def test_a_fork_begins_with_the_conversation_and_goes_its_own_way() -> None:
    agent = agent_of("a", "b", "c")
    agent.chat("x")
    fork = agent.fork(system_prompt="Be brief.")
    fork.chat("y")
    assert [m.text for m in agent.messages] == ["x", "a"]
    assert [m.text for m in fork.messages] == ["x", "a", "y", "b"]
    assert fork.session_id != agent.session_id
    agent.chat("z")
    assert [m.text for m in agent.messages] == ["x", "a", "z", "c"]


def test_undo_takes_the_last_prompt_back_with_all_that_came_of_it() -> None:
    call = {"tool_calls": [{"name": "scratchpad", "input": {"action": "read"}}]}
    agent = agent_of("a", call, "b", "c", tools=["scratchpad"])
    agent.chat("x")
    agent.chat("y")
    taken = agent.undo_turn()
    assert [m.text for m in taken if m.text] == ["y", "b"]
    assert [m.text for m in agent.messages] == ["x", "a"]
    assert agent.chat("z").text == "c"
    agent.undo_turn()
    agent.undo_turn()
    assert (agent.messages, agent.undo_turn()) == ((), ())


def test_undo_drops_thoughts_that_were_signed_in_the_history_it_changes() -> None:
    thought = alloy.Thinking("Hm", "signature", "anthropic")
    before = [alloy.Message.user("x"), alloy.Message.assistant([thought, alloy.Text("a")]), alloy.Message.user("y")]
    agent = agent_of("b", messages=[*before, alloy.Message.assistant("b")])
    agent.undo_turn()
    assert agent.messages == (alloy.Message.user("x"), alloy.Message.assistant("a"))


# -- waiting for decisions --------------------------------------------------------------------------------------------


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


# -- sessions, hooks, closing -----------------------------------------------------------------------------------------


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


# -- what a stranger found --------------------------------------------------------------------------------------------


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


def test_undo_takes_one_exchange_back_also_when_a_hook_changed_its_prompt() -> None:
    class Veil(alloy.Middleware):
        def before_completion(self, ctx: Any) -> None:
            last = ctx.messages[-1]
            if "secret" in last.text:
                ctx.messages = (*ctx.messages[:-1], alloy.Message.user("hidden"))

    agent = agent_of("a", "b", middleware=[Veil()])
    agent.chat("x")
    agent.chat("my secret")
    assert [m.text for m in agent.undo_turn()] == ["hidden", "b"]
    assert [m.text for m in agent.messages] == ["x", "a"]


def test_a_closed_agent_needs_no_key_to_tell_of_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """It raised, and on_shutdown was never called."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789abcdef")
    sessions: list[alloy.Session] = []
    agent = alloy.Agent(model="openai:gpt-5.2", on_shutdown=sessions.append)
    monkeypatch.delenv("OPENAI_API_KEY")
    agent.close()
    assert sessions[0].metadata["model"] == "openai:gpt-5.2"


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


@pytest.mark.parametrize("middleware", [["Redact"], [alloy.Redact]])
def test_middleware_that_is_none_is_said_and_not_passed_over(middleware: Any) -> None:
    with pytest.raises(alloy.ConfigError) as caught:
        agent_of("a", middleware=middleware)
    assert "alloy.Redact(...)" in (caught.value.hint or "")


def test_a_text_is_no_session_and_none_is_no_model() -> None:
    with pytest.raises(alloy.ConfigError) as caught:
        alloy.Agent.from_session(alloy.Session().to_json())  # type: ignore[arg-type]
    assert "Session.from_json" in (caught.value.hint or "")
    with pytest.raises(alloy.ConfigError, match="no model"):
        agent_of("a").set_model(None)  # type: ignore[arg-type]


def test_what_is_said_to_a_run_at_its_last_turn_is_kept(gate: Gate) -> None:
    agent = agent_of(gate.call, "next", tools=[gate.tool()], max_turns=1)
    run = agent.send("x")
    assert gate.entered.wait(20)
    assert agent.steer("and this")
    gate.opened.set()
    assert run.result(20).status == "max_turns"
    assert agent.messages[-1].text == "and this"
