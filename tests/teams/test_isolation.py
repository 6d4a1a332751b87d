"""What hangs, blocks or floods in one member holds up no other, and who waits always learns of an end."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.teams import watch
from alloy_nb.teams.members import Member
from tests.histories import assert_law_1, assert_law_3

from .models import (
    FREE,
    Model,
    answers_in_200_ms,
    blocks,
    calls_hang,
    floods,
    hang_in_a_thread,
    hang_the_loop,
    ignores_stop,
    note,
    twenty,
    until,
    waits_for_ever,
)


@pytest.mark.thorough
def test_of_twenty_the_five_that_can_finish_while_the_five_that_hang_still_hang() -> None:
    """TEAM-3, TEAM-5, TEAM-w2: five crash, five hang, five flood; a broadcast tells of all twenty."""
    with alloy.Team(twenty(), timeout=60.0) as team:
        run = team.start_broadcast("go")
        until(lambda: sum(name.startswith("answer") for name in run.results) == 5)
        assert all(run.results[name].text == "the answer" for name in run.results if name.startswith("answer"))
        assert not any(name.startswith("hang") for name in run.results)
        assert sum(health.busy for name, health in team.health().items() if name.startswith("hang")) == 5
        run.cancel()
        results = run.result()
    assert not FREE.is_set()
    assert list(results) == list(twenty())
    kinds = {name: result.status for name, result in results.items()}
    assert {kinds[f"crash{n}"] for n in range(5)} == {"error"}
    assert all(isinstance(results[f"crash{n}"].error, alloy.Crashed) for n in range(5))
    # Those whose loop answers are stopped; those whose loop or model does not are given up.
    assert [kinds[f"hang{n}"] for n in range(5)] == ["cancelled", "cancelled", "error", "error", "error"]
    for result in results.values():
        assert_law_1(result)


def test_a_blocked_lane_holds_up_neither_its_neighbours_nor_other_runs() -> None:
    with alloy.Team({f"b{n}": {"model": Model(blocks)} for n in range(30)}, timeout=None) as team:
        run = team.start_broadcast("x")
        until(lambda: sum(health.busy for health in team.health().values()) == 30)
        # More of them than processors, and each has begun.
        until(lambda: all(len(team[name].messages) == 1 for name in team))
        team.add("free", {"model": alloy.Scripted(["here"])})
        assert team.delegate("free", "x").text == "here"
        assert alloy.run("x", model=alloy.Scripted(["portal"])).text == "portal"
        FREE.set()
        assert {result.text for result in run.result().values()} == {"late"}


@pytest.mark.parametrize(
    "how",
    [
        "model blocks",
        pytest.param("async tool blocks", marks=pytest.mark.thorough),
        pytest.param("model ignores its stop", marks=pytest.mark.thorough),
    ],
)
@pytest.mark.parametrize("end", ["stop", "timeout"])
def test_what_does_not_answer_is_given_up_and_its_member_goes_on_afresh(how: str, end: str) -> None:
    """TEAM-7, TEAM-w3"""
    options: dict[str, dict[str, Any]] = {
        "model blocks": {"model": Model(blocks)},
        "async tool blocks": {"model": Model(calls_hang), "tools": [hang_the_loop]},
        "model ignores its stop": {"model": Model(ignores_stop)},
    }
    with alloy.Team(
        {"a": {**options[how], "messages": [alloy.Message.user("hi"), alloy.Message.assistant("ho")]}}
    ) as team:
        run = team.start_delegate("a", "x", timeout=0.2 if end == "timeout" else None)
        model: Model = options[how]["model"]
        until(lambda: len(team["a"].messages) == (4 if "tool" in how else 3) and model.requests)
        if end == "stop":
            run.cancel()
        result = run.result(check=False)
        assert not FREE.is_set()
        assert result.status == "error"
        assert isinstance(result.error, alloy.DeadlineExceeded)
        assert "did not answer" in result.error.message
        assert result.error.hint is not None
        health = team.health()["a"]
        assert (health.abandoned, health.busy, health.crashes) == (1, False, 0)
        assert "1 given up" in str(team)
        assert_law_1(result)
        assert_law_3(list(run))
        known = [message.text for message in team["a"].messages]
        assert known[:2] == ["hi", "ho"]
        team["a"].set_model(alloy.Scripted(["afresh"]))
        assert team.delegate("a", "y").text == "afresh"
        # What comes back late changes nothing.
        before = team["a"].messages
        FREE.set()
        until(lambda: len([t for t in threading.enumerate() if t.name == "alloy-lane-team/a"]) == 1)
        assert team["a"].messages == before
        assert_law_3(list(run))


def test_a_run_on_the_callers_own_loop_is_not_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """To end it from elsewhere would be to cancel the caller, who has stopped nothing."""
    looked = threading.Semaphore(0)
    give_up = Member.give_up

    def spied(member: Member, execution: Any, silent: float) -> None:
        give_up(member, execution, silent)
        looked.release()

    @alloy.tool(name="hang")
    async def holds_the_loop() -> str:
        """Hold it until it was looked after."""
        return str(looked.acquire(timeout=30) and looked.acquire(timeout=30))

    monkeypatch.setattr(Member, "give_up", spied)
    monkeypatch.setattr(watch, "GRACE", 0.0)
    with alloy.Team({"a": {"model": Model(calls_hang), "tools": [holds_the_loop]}}) as team:
        result = asyncio.run(team["a"].achat("x", timeout=1, check=False))  # it has begun by then
        assert result.text == "after all"
        assert team.health()["a"].abandoned == 0
        assert_law_1(result)
        team["a"].set_model(alloy.Scripted(["afresh"]))
        assert team.delegate("a", "y").text == "afresh"


def test_a_call_that_begins_after_its_run_was_given_up_never_runs() -> None:
    ran: list[str] = []

    @alloy.tool
    def act() -> str:
        """Act."""
        ran.append("act")
        return "acted"

    class Holds(alloy.Middleware):
        def before_tool_call(self, ctx: Any, call: alloy.ToolCall) -> None:
            FREE.wait()

    call = {"tool_calls": [{"name": "act", "input": {}}]}
    with alloy.Team({"a": {"model": alloy.Scripted([call, "x"]), "tools": [act], "middleware": [Holds()]}}) as team:
        run = team.start_delegate("a", "x")
        until(lambda: len(team["a"].messages) == 2)
        run.cancel()
        result = run.result(check=False)
        assert result.messages[-1].tool_results[0].is_error
        FREE.set()
        until(lambda: not [t for t in threading.enumerate() if t.name == "alloy-lane-team/a"])
    assert ran == []


def test_a_blocking_sync_tool_is_left_to_its_thread_and_its_member_is_not_given_up() -> None:
    with alloy.Team({"a": {"model": Model(calls_hang), "tools": [hang_in_a_thread]}}) as team:
        run = team.start_delegate("a", "x")
        until(lambda: len(team["a"].messages) == 2)
        run.cancel()
        assert run.result(check=False).status == "cancelled"
        assert team.health()["a"].abandoned == 0


def test_a_flood_is_stopped_by_its_time_and_by_hand() -> None:
    """A model that never waits lets its loop have a turn all the same."""

    async def never_ends(number: int, request: Any) -> Any:
        from alloy_nb.providers.base import TextDelta

        while not FREE.is_set():
            yield TextDelta("x")

    with alloy.Team({"a": {"model": Model(never_ends)}}) as team:
        result = team.delegate("a", "x", timeout=0.2, check=False)
        assert isinstance(result.error, alloy.DeadlineExceeded)
        run = team.start_delegate("a", "x", timeout=None)
        assert "".join(next(iter(run.text_stream()))) == "x"
        run.cancel()
        assert run.result(check=False).status == "cancelled"
        assert team.health()["a"].abandoned == 0


def test_events_of_all_are_heard_while_one_floods() -> None:
    """A reader of many is not kept by one: the quiet one's end comes before the flood's."""
    with alloy.Team(
        {"flood": {"model": Model(floods)}, "quiet": {"model": Model(answers_in_200_ms), "tools": [note]}}
    ) as team:
        run = team.start_broadcast("x")
        events = list(run)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert sum(event.type == "text_delta" for event in events) == 20_001
        assert run.result().ok


def test_nothing_of_it_stays_when_nobody_holds_a_team_any_more() -> None:
    import gc

    team: alloy.Team | None = alloy.Team({"a": {"model": alloy.Scripted(["x"])}}, name="forgotten")
    assert team is not None
    team.delegate("a", "x")
    del team

    def gone() -> bool:
        gc.collect()
        return not [thread for thread in threading.enumerate() if "forgotten" in thread.name]

    until(gone)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_team_works_in_a_forked_child() -> None:
    with alloy.Team({"a": {"model": alloy.Scripted(["before", "in the child"] * 2)}}) as team:
        team.delegate("a", "x")
        child = os.fork()
        if child == 0:
            ok = False
            try:
                ok = team.delegate("a", "y", timeout=20).text == "in the child"
            finally:
                os._exit(0 if ok else 1)
        end = time.monotonic() + 30
        done = 0
        while not done and time.monotonic() < end:
            done, status = os.waitpid(child, os.WNOHANG)
            time.sleep(0.01)
        assert done, "the child hangs"
        assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("holder", ["watch", "listeners"])
def test_a_child_that_is_forked_while_a_teams_thread_works_goes_on(holder: str) -> None:
    """One of some hundred children hung: the thread that held the lock was not there."""
    with alloy.Team({"a": {"model": alloy.Scripted(["before", "in the child"] * 2)}}) as team:
        heard: list[Any] = []
        team.subscribe(heard.append)
        team.delegate("a", "x")
        with team._watch._lock if holder == "watch" else team._listeners._stream._lock:
            child = os.fork()
            if child == 0:
                signal.alarm(30)
                heard.clear()
                same = team.delegate("a", "y", timeout=20).text == "in the child"
                until(lambda: heard and getattr(heard[-1], "type", "") == "run_end")
                os._exit(0 if same else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.thorough
def test_waiting_is_over_when_it_is_stopped_while_nothing_began() -> None:
    with alloy.Team({"a": {"model": Model(blocks), "max_pending": 1}}, timeout=None) as team:
        first = team.start_delegate("a", "x")
        until(lambda: len(team["a"].messages) == 1)
        queued = team.start_delegate("a", "y")
        assert team["a"].cancel(queued.run_id)
        # Its lane is blocked by the first one: that it was stopped is told all the same.
        result = queued.result(timeout=30, check=False)
        assert result.status in ("cancelled", "error")
        assert first.status == "running"
        assert [event.type for event in queued][-1] == "run_end"


def test_who_waits_may_leave_before_the_end() -> None:
    with alloy.Team({"a": {"model": Model(waits_for_ever)}}) as team:
        run = team.start_broadcast("x")
        with pytest.raises(TimeoutError):
            run.result(timeout=0.05)
        assert run.status == "running"
