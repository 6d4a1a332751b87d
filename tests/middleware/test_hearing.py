"""An inner run that is heard twice is taken once, from the stream in which its call was told of before."""

from __future__ import annotations

from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.middleware.hearing import Hearing


class Ear(alloy.Middleware):
    def __init__(self) -> None:
        self.hearing = Hearing()
        self.taken: list[alloy.Event] = []

    def on_event(self, event: alloy.Event) -> None:
        if self.hearing.takes(event):
            self.taken.append(event)


@pytest.mark.parametrize("both", [True, False])
def test_each_event_of_an_inner_run_is_taken_once(both: bool) -> None:
    ear = Ear()
    inner: dict[str, Any] = {"middleware": [ear]} if both else {}
    scout = alloy.Agent(name="scout", model=alloy.Scripted(["found"]), **inner).as_tool("scout")
    lead = alloy.Scripted([{"tool_calls": [{"name": "scout", "input": {"prompt": "look"}}]}, "done"])
    run = alloy.start("go", model=lead, tools=[scout], middleware=[ear], name="lead")
    assert run.result().text == "done"
    assert ear.taken == list(run)
    assert {event.agent for event in ear.taken} == {"lead", "lead/scout"}


def test_an_inner_run_that_alone_is_listened_to_is_heard() -> None:
    ear = Ear()
    scout = alloy.Agent(name="scout", model=alloy.Scripted(["found"]), middleware=[ear]).as_tool("scout")
    lead = alloy.Scripted([{"tool_calls": [{"name": "scout", "input": {"prompt": "look"}}]}, "done"])
    alloy.run("go", model=lead, tools=[scout])
    assert [event.type for event in ear.taken][:: len(ear.taken) - 1] == ["run_start", "run_end"]


def test_an_inner_run_says_which_call_it_works_for() -> None:
    scout = alloy.Agent(name="scout", model=alloy.Scripted(["found"])).as_tool("scout")
    lead = alloy.Scripted([{"tool_calls": [{"id": "c1", "name": "scout", "input": {"prompt": "look"}}]}, "done"])
    run = alloy.start("go", model=lead, tools=[scout])
    outer, inner = (event for event in run if event.type == "run_start")
    assert "parent" not in outer.payload
    assert inner.payload["parent"] == {"run_id": outer.run_id, "call_id": "c1"}


def test_a_run_id_may_be_used_again() -> None:
    ear = Ear()
    for _ in range(2):
        alloy.run("go", model=alloy.Scripted(["x"]), middleware=[ear], run_id="same")
    assert [event.type for event in ear.taken].count("run_end") == 2
