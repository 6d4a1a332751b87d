"""The bus, and agents on it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from typing import Any

import pytest

import alloy_nb as alloy


def test_a_message_reaches_those_who_are_subscribed_and_nobody_else() -> None:
    """PUB-2"""
    bus, one, two = alloy.PubSub(), [], []
    first = bus.subscribe("a", one.append)
    bus.subscribe("a", two.append)
    bus.subscribe("b", two.append)
    assert bus.publish("a", 1) == 2
    assert bus.publish("nobody", 2) == 0
    assert bus.flush(20)
    first.cancel()
    first.cancel()
    assert bus.publish("a", 3) == 1
    assert bus.flush(20)
    assert (one, two) == ([1], [1, 3])


def test_messages_come_in_the_order_of_publishing() -> None:
    bus, heard = alloy.PubSub(), []
    with bus.subscribe("a", heard.append):
        for number in range(200):
            bus.publish("a", number)
        assert bus.flush(20)
    assert heard == list(range(200))
    assert bus.publish("a", "after the end") == 0


def test_a_subscriber_that_raises_is_logged_and_takes_nothing_from_the_others(caplog: Any) -> None:
    """PUB-5"""
    bus, heard = alloy.PubSub(), []

    def broken(message: Any) -> None:
        raise ValueError("oops")

    bus.subscribe("a", broken)
    bus.subscribe("a", heard.append)
    with caplog.at_level(logging.ERROR, "alloy_nb"):
        bus.publish("a", 1)
        assert bus.flush(20)
    assert heard == [1]
    assert "a subscriber of 'a' raised" in caplog.text


def test_publishing_waits_for_nobody() -> None:
    bus, go = alloy.PubSub(), threading.Event()
    bus.subscribe("a", lambda message: go.wait(20))
    bus.publish("a", 1)
    assert not bus.flush(0)
    go.set()
    assert bus.flush(20)


def test_a_flush_in_a_callback_is_said_and_not_waited_for() -> None:
    """It waited for itself, and nothing was delivered any more."""
    bus, heard = alloy.PubSub(), []

    def flush(_: Any) -> None:
        with pytest.raises(alloy.ConfigError, match="wait for itself") as caught:
            bus.flush()
        heard.append(caught.value.hint)

    bus.subscribe("a", flush)
    bus.publish("a", 1)
    bus.publish("a", 2)
    assert bus.flush(20)
    assert len(heard) == 2
    assert all(heard)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_flush_in_a_forked_child_does_not_wait_for_what_its_parent_delivers() -> None:
    """Nobody delivers there, and it waited for ever."""
    code = """
import os, threading
import alloy_nb as alloy

bus, begun, go = alloy.PubSub(), threading.Event(), threading.Event()
bus.subscribe("a", lambda message: (begun.set(), go.wait()))
bus.publish("a", 1)
begun.wait()
child = os.fork()
if not child:
    os._exit(7 if bus.flush(20) else 1)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
go.set()
print(status, bus.flush(20))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["7", "True"], done.stderr


@pytest.mark.parametrize("topic", ["", None, 3])
def test_what_is_no_topic_is_said(topic: Any) -> None:
    with pytest.raises(alloy.ConfigError, match="is no topic"):
        alloy.PubSub().publish(topic, "x")


def test_a_callback_must_be_callable() -> None:
    with pytest.raises(alloy.ConfigError, match="cannot be called"):
        alloy.PubSub().subscribe("a", "x")  # type: ignore[arg-type]


# -- agents on it -----------------------------------------------------------------------------------------------------


def listen(bus: alloy.PubSub, agent: alloy.Agent, count: int) -> tuple[list[Any], threading.Event]:
    heard: list[Any] = []
    complete = threading.Event()

    def hear(result: Any) -> None:
        heard.append(result)
        if len(heard) == count:
            complete.set()

    bus.subscribe(f"agent:{agent.session_id}:responses", hear)
    return heard, complete


def test_an_agent_takes_what_is_published_as_prompts_and_publishes_its_results() -> None:
    """PUB-3, SRV-19, SRV-27, CFG-14: also while it is busy, as far as its queue goes."""
    bus = alloy.PubSub()
    agent = alloy.Agent(model=alloy.Scripted(["a", "b", "c"]), pubsub=bus, topics=["tasks:new", "more"], max_pending=5)
    heard, complete = listen(bus, agent, 3)
    assert bus.publish("tasks:new", "1") == 1
    bus.publish("more", "2")
    bus.publish("tasks:new", "3")
    assert complete.wait(20)
    assert [result.text for result in heard] == ["a", "b", "c"]
    assert all(result.run_id for result in heard)


def test_its_id_is_the_callers_and_the_same_after_a_restart() -> None:
    """PUB-4, SRV-4: the topic is known beforehand."""
    agent = alloy.Agent(model=alloy.Scripted(["a"]), context={"session_id": "s-1"})
    assert agent.session_id == "s-1"
    one, other = (alloy.Agent(model=alloy.Scripted(["a"])).session_id for _ in range(2))
    assert one.startswith("session-")
    assert one != other


def test_a_chat_is_not_published() -> None:
    """SRV-19"""
    bus = alloy.PubSub()
    agent = alloy.Agent(model=alloy.Scripted(["a", "b"]), pubsub=bus)
    heard, complete = listen(bus, agent, 1)
    agent.chat("x")
    agent.send("y").result()
    assert complete.wait(20)
    assert bus.flush(20)
    assert [result.text for result in heard] == ["b"]


def test_a_prompt_that_cannot_be_taken_is_told_as_a_result_that_says_so(caplog: Any) -> None:
    """PUB-w1, SRV-27: nothing is lost without a word."""
    bus, go, entered = alloy.PubSub(), threading.Event(), threading.Event()

    @alloy.tool
    def hold() -> str:
        """Wait."""
        entered.set()
        go.wait(20)
        return "go"

    call = {"tool_calls": [{"name": "hold", "input": {}}]}
    agent = alloy.Agent(model=alloy.Scripted([call, "a"]), tools=[hold], pubsub=bus, topics=["t"])
    heard, complete = listen(bus, agent, 1)
    run = agent.send("1")
    assert entered.wait(20)
    with caplog.at_level(logging.WARNING, "alloy_nb"):
        bus.publish("t", "2")
        assert complete.wait(20)
    assert (heard[0].status, type(heard[0].error)) == ("error", alloy.Busy)
    assert "was not taken" in caplog.text
    go.set()
    run.result()


def test_a_failure_is_published_and_the_agent_goes_on() -> None:
    """PUB-5"""
    bus = alloy.PubSub()
    error = {"error": {"type": "AuthError", "message": "wrong key"}}
    agent = alloy.Agent(model=alloy.Scripted([error, "b"]), pubsub=bus, topics=["t"], max_pending=2)
    heard, complete = listen(bus, agent, 2)
    bus.publish("t", "1")
    bus.publish("t", "2")
    assert complete.wait(20)
    assert [result.status for result in heard] == ["error", "completed"]


def test_what_is_no_text_is_no_prompt() -> None:
    """SRV-27"""
    bus = alloy.PubSub()
    agent = alloy.Agent(model=alloy.Scripted(["a"]), pubsub=bus, topics=["t"])
    bus.publish("t", {"not": "text"})
    assert bus.flush(20)
    assert agent.messages == ()


def test_a_closed_agent_hears_no_more() -> None:
    bus = alloy.PubSub()
    agent = alloy.Agent(model=alloy.Scripted(["a"]), pubsub=bus, topics=["t"])
    agent.close()
    assert bus.publish("t", "1") == 0


def test_topics_want_a_bus_and_a_list() -> None:
    """PUB-1, CFG-14"""
    with pytest.raises(alloy.ConfigError, match="without a bus"):
        alloy.Agent(model=alloy.Scripted(["a"]), topics=["t"])
    with pytest.raises(alloy.ConfigError, match="is the string"):
        alloy.Agent(model=alloy.Scripted(["a"]), pubsub=alloy.PubSub(), topics="t")


def test_what_is_no_error_does_not_end_the_bus(caplog: Any) -> None:
    """A `SystemExit` of a subscriber ended its thread, and nothing was delivered any more."""
    bus, heard = alloy.PubSub(), []

    def leave(message: Any) -> None:
        raise SystemExit(3)

    bus.subscribe("a", leave)
    bus.subscribe("a", heard.append)
    bus.publish("a", 1)
    bus.publish("a", 2)
    assert bus.flush(20)
    assert heard == [1, 2]
