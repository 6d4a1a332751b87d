"""A member that crashes is started again with its conversation, and stays down when it does so too often."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.providers.base import Delta, Done, TextDelta, ToolCallDelta
from alloy_nb.teams.supervision import Supervision
from tests.histories import assert_law_1, assert_law_3

from .models import BreaksAfter, BreaksBefore, Model, breaks, note


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def breaks_every_second_time(number: int, request: Any) -> AsyncIterator[Delta]:
    if number % 2 == 0:
        raise ValueError("boom")
    yield TextDelta(f"answer {number}")
    yield Done("end_turn")


async def breaks_after_a_call(number: int, request: Any) -> AsyncIterator[Delta]:
    if number == 2:
        raise ValueError("boom")
    yield ToolCallDelta(0, "c1", "note", "{}")
    yield Done("tool_use")


def test_a_crash_hits_nobody_else_and_is_counted() -> None:
    """TEAM-9, TEAM-10: Alloy lets a dead agent go; here it is started again."""
    with alloy.Team({"bad": {"model": Model(breaks)}, "good": {"model": alloy.Scripted(["fine"] * 3)}}) as team:
        with pytest.raises(alloy.Crashed, match="ValueError: boom") as caught:
            team.delegate("bad", "x")
        assert isinstance(caught.value.__cause__, ValueError)
        assert "a hook raised it" in (caught.value.hint or "")  # and nobody is sent to report a bug of their own
        assert "1 crash" in str(team)
        assert team.delegate("good", "x").text == "fine"
        bad, good = team.health()["bad"], team.health()["good"]
        assert (bad.crashes, bad.restarts, bad.down) == (1, 1, False)
        assert (good.crashes, good["crashes"]) == (0, 0)


def test_after_a_crash_it_goes_on_with_its_conversation_on_a_new_lane() -> None:
    """TEAM-9"""
    with alloy.Team({"a": {"model": Model(breaks_every_second_time)}}) as team:
        agent = team["a"]
        team.delegate("a", "one")
        lane = agent.dialogue.host.portal  # type: ignore[union-attr]
        team.delegate("a", "two", check=False)
        assert agent.dialogue.host.portal is not lane  # type: ignore[union-attr]
        assert team.delegate("a", "three").text == "answer 3"
        assert team["a"] is agent
        # The prompt of which nothing came is taken back.
        assert [message.text for message in agent.messages] == ["one", "answer 1", "three", "answer 3"]


def test_a_crash_in_the_middle_leaves_a_history_that_can_be_sent_on() -> None:
    """Laws 1 and 3"""
    with alloy.Team({"a": {"model": Model(breaks_after_a_call), "tools": [note]}}) as team:
        run = team.start_delegate("a", "x")
        result = run.result(check=False)
        assert isinstance(result.error, alloy.Crashed)
        assert_law_1(result)
        assert_law_3(list(run))
        assert team["a"].messages == result.messages
        assert len(result.messages) == 3


@pytest.mark.parametrize("hook", [BreaksBefore, BreaksAfter])
def test_a_hook_that_breaks_is_a_crash(hook: type[alloy.Middleware]) -> None:
    """TEAM-5"""
    with alloy.Team({"a": {"model": alloy.Scripted(["x"]), "middleware": [hook()]}}) as team:
        assert isinstance(team.broadcast("x")["a"].error, alloy.Crashed)
        assert team.health()["a"].crashes == 1


@pytest.mark.parametrize("error", [alloy.AuthError("no key"), alloy.ServerError("down")])
def test_an_error_that_is_told_as_one_is_no_crash(error: alloy.ProviderError) -> None:
    with alloy.Team({"a": {"model": alloy.Scripted([error] * 9), "max_retries": 0}}) as team:
        team.delegate("a", "x", check=False)
        assert team.health()["a"].crashes == 0


def test_a_tool_that_crashes_is_a_result_for_the_model_and_no_crash_of_the_member() -> None:
    @alloy.tool
    def bad() -> str:
        """Break."""
        raise ValueError("boom")

    call = {"tool_calls": [{"name": "bad", "input": {}}]}
    with alloy.Team({"a": {"model": alloy.Scripted([call, "never mind"]), "tools": [bad]}}) as team:
        assert team.delegate("a", "x").text == "never mind"
        assert team.health()["a"].crashes == 0


def test_more_than_three_crashes_in_a_minute_and_it_stays_down_until_it_is_restarted() -> None:
    clock = Clock()
    model = Model(breaks)
    with alloy.Team({"a": {"model": model}, "b": {"model": alloy.Scripted(["x"])}}, clock=clock) as team:
        for _ in range(3):
            clock.now += 10
            team.delegate("a", "x", check=False)
            assert not team.health()["a"].down
        team.delegate("a", "x", check=False)
        health = team.health()["a"]
        assert (health.down, health.status, health.crashes, health.restarts) == (True, "down", 4, 3)
        with pytest.raises(alloy.AlloyError, match="a is down: it crashed more than 3 times in 60 s") as caught:
            team.delegate("a", "x")
        assert "team.restart('a')" in str(caught.value.hint)
        with pytest.raises(alloy.AlloyError, match="a is down"):  # it was asked nevertheless
            team["a"].chat("x")
        assert len(model.requests) == 4  # it was not asked any more
        assert "is down" in str(team.broadcast("x")["a"].error)
        team.restart("a")
        assert not team.health()["a"].down
        team["a"].set_model(alloy.Scripted(["back"]))
        assert team.delegate("a", "x").text == "back"


def test_to_one_that_is_down_nothing_is_handed_over() -> None:
    triage = alloy.Scripted(["x"] * 9)
    members = {"triage": {"model": triage}, "coder": {"model": Model(breaks)}}
    with alloy.Team(members, handoffs={"triage": ["coder"]}) as team:
        for _ in range(5):
            team.delegate("coder", "x", check=False)
        team.delegate("triage", "x")
        team.restart("coder")
        team.delegate("triage", "x")
    named = [[tool.name for tool in request.tools] for request in triage.requests]
    assert named == [["context"], ["context", "transfer_to_coder"]]


def test_a_crash_of_one_that_took_over_counts_as_its_own() -> None:
    """It happened within another one's run: `health` told of none, and it was handed to for ever."""
    hand = {"tool_calls": [{"name": "transfer_to_coder", "input": {"task": "Fix it."}}]}
    triage = alloy.Scripted([hand, "I do it."] * 4 + ["x"])
    with alloy.Team(
        {"triage": {"model": triage}, "coder": {"model": Model(breaks)}}, handoffs={"triage": ["coder"]}
    ) as team:
        for _ in range(4):
            assert team.delegate("triage", "x").text == "I do it."
        assert (team.health()["coder"].crashes, team.health()["coder"].status) == (4, "down")
        assert team.health()["triage"].crashes == 0
        assert [row["kind"] for row in team.timeline.to_list()].count("crash") == 4
        team.delegate("triage", "x")
    assert [tool.name for tool in triage.requests[-1].tools] == ["context"]


def test_one_that_goes_down_within_a_run_is_handed_nothing_more_in_it() -> None:
    hand = {"tool_calls": [{"name": "transfer_to_coder", "input": {"task": "Fix it."}}]}
    members = {"triage": {"model": alloy.Scripted([hand] * 5 + ["I do it."])}, "coder": {"model": Model(breaks)}}
    with alloy.Team(members, handoffs={"triage": ["coder"]}) as team:
        result = team.delegate("triage", "x")
        assert result.text == "I do it."
        assert str(result.tool_calls[-1].error).startswith("Not handed over: coder is down")
        assert team.health()["coder"].crashes == 4


def test_a_hand_off_to_one_that_is_down_asks_nobody() -> None:
    """It was told when its turn had come, and the ones before it had answered for nothing."""
    first = alloy.Scripted(["x"])
    with alloy.Team({"first": {"model": first}, "coder": {"model": Model(breaks)}}) as team:
        for _ in range(4):
            team.delegate("coder", "x", check=False)
        with pytest.raises(alloy.AlloyError, match="coder is down"):
            team.handoff(["first", "coder"], "Go.")
    assert not first.requests


def test_crashes_that_lie_far_apart_are_forgiven() -> None:
    clock = Clock()
    with alloy.Team({"a": {"model": Model(breaks)}}, clock=clock) as team:
        for _ in range(8):
            clock.now += 21
            team.delegate("a", "x", check=False)
        health = team.health()["a"]
        assert (health.down, health.crashes, health.restarts) == (False, 8, 8)


def test_four_within_the_window_are_too_many_and_the_edge_counts() -> None:
    clock = Clock()
    record = Supervision(clock)
    told = []
    for clock.now in (0.0, 20.0, 40.0, 60.1, 80.2, 80.2):
        told.append(record.crashed())
    assert told == [True, True, True, True, True, False]
    edge = Supervision(clock)
    assert [edge.crashed() for clock.now in (0.0, 20.0, 40.0, 60.0)] == [True, True, True, False]


def test_a_crash_in_a_chain_stops_it_and_is_raised() -> None:
    """TEAM-10"""
    with alloy.Team({"a": {"model": alloy.Scripted(["so far"])}, "b": {"model": Model(breaks)}}) as team:
        with pytest.raises(alloy.Crashed):
            team.handoff(["a", "b", "a"], "x")
        assert len(team["a"].messages) == 2
