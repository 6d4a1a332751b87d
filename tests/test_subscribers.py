"""Listening to what an agent does in the background."""

from __future__ import annotations

import logging
import os
import signal
import threading
from typing import Any

import pytest

import alloy_nb as alloy


def test_a_subscriber_gets_each_event_and_then_the_result_run_after_run() -> None:
    """SRV-w5"""
    agent = alloy.Agent(model=alloy.Scripted(["a", "b"]), max_pending=1)
    heard: list[Any] = []
    complete = threading.Event()

    def hear(item: Any) -> None:
        heard.append(item)
        if len([item for item in heard if isinstance(item, alloy.Result)]) == 2:
            complete.set()

    agent.subscribe(hear)
    runs = [agent.send("1"), agent.send("2")]
    assert complete.wait(20)
    expected = [item for run in runs for item in (*run, run.result())]
    assert heard == expected


def test_all_of_it_comes_on_one_thread_that_is_nobody_elses() -> None:
    agent = alloy.Agent(model=alloy.Scripted(["a"]), name="helper")
    threads: set[str] = set()
    complete = threading.Event()

    def hear(item: Any) -> None:
        threads.add(threading.current_thread().name)
        if isinstance(item, alloy.Result):
            complete.set()

    agent.subscribe(hear)
    agent.send("x")
    assert complete.wait(20)
    assert threads == {"alloy-subscribers-helper"}


def test_a_chat_is_for_who_waits_for_it() -> None:
    agent = alloy.Agent(model=alloy.Scripted(["a", "b"]))
    heard: list[Any] = []
    complete = threading.Event()
    agent.subscribe(lambda item: (heard.append(item), isinstance(item, alloy.Result) and complete.set()))
    agent.chat("x")
    agent.send("y")
    assert complete.wait(20)
    assert heard[-1].text == "b"
    assert heard[0].payload["prompt"] == "y"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_hears_its_own_runs_also_when_its_parent_was_being_told() -> None:
    """It waited for the thread that tells, which is not there, or for a lock of it."""
    agent = alloy.Agent(model=alloy.Scripted(["a", "b"] * 2))
    parent, told, go = os.getpid(), threading.Event(), threading.Event()
    heard: list[Any] = []

    def hear(item: Any) -> None:
        heard.append(item)
        if isinstance(item, alloy.Result):
            told.set()
            assert os.getpid() != parent or go.wait(60)

    agent.subscribe(hear)
    agent.send("x")
    assert told.wait(20)
    told.clear()
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        heard.clear()
        text = agent.send("y").result().text
        os._exit(0 if told.wait(20) and heard[-1].text == text == "b" else 1)
    go.set()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_one_that_raises_is_logged_once_and_changes_nothing(caplog: Any) -> None:
    agent = alloy.Agent(model=alloy.Scripted(["a"]), name="helper")
    complete = threading.Event()

    def broken(item: Any) -> None:
        raise ValueError("oops")

    agent.subscribe(broken)
    agent.subscribe(lambda item: complete.set() if isinstance(item, alloy.Result) else None)
    with caplog.at_level(logging.ERROR, "alloy_nb"):
        agent.send("x")
        assert complete.wait(20)
    assert [record.getMessage() for record in caplog.records] == ["a subscriber of helper raised; the run goes on"]


def test_one_that_was_ended_hears_no_more() -> None:
    agent = alloy.Agent(model=alloy.Scripted(["a", "b"]))
    heard: list[Any] = []
    complete = threading.Event()
    with agent.subscribe(heard.append):
        pass
    agent.subscribe(lambda item: complete.set() if isinstance(item, alloy.Result) else None)
    agent.send("x")
    assert complete.wait(20)
    assert heard == []


def test_a_subscriber_must_be_callable() -> None:
    with pytest.raises(alloy.ConfigError, match="cannot be called"):
        alloy.Agent(model=alloy.Scripted(["a"])).subscribe(3)  # type: ignore[arg-type]


def test_an_async_subscriber_is_refused() -> None:
    """It was called for each event, and did nothing: nobody awaited what it gave."""

    async def hear(item: object) -> None: ...

    with alloy.Team({}) as team, alloy.Scheduler() as scheduler:
        agent, bus = alloy.Agent(model=alloy.Scripted(["a"])), alloy.PubSub()
        for subscribe in (agent.subscribe, team.subscribe, scheduler.subscribe, lambda one: bus.subscribe("x", one)):
            with pytest.raises(alloy.ConfigError, match="is async, and nobody awaits it") as caught:
                subscribe(hear)
            assert "a plain function" in (caught.value.hint or "")


def test_who_subscribes_while_a_run_goes_on_hears_it() -> None:
    go = threading.Event()

    @alloy.tool
    def hold() -> str:
        """Wait."""
        go.wait(20)
        return "held"

    call = {"tool_calls": [{"name": "hold", "input": {}}]}
    agent = alloy.Agent(model=alloy.Scripted([call, "a"]), tools=[hold])
    run = agent.send("x")
    heard: list[Any] = []
    complete = threading.Event()
    agent.subscribe(lambda item: (heard.append(item), isinstance(item, alloy.Result) and complete.set()))
    go.set()
    assert complete.wait(20)
    assert heard[:-1] == list(run)
