"""A run that is ended from outside: its history and its events are closed, whatever it was at."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.execution import Execution
from alloy_nb.options import make_options
from alloy_nb.state import RunState
from tests.histories import assert_law_1, assert_law_3
from tests.teams.models import FREE, Model, blocks, calls_hang, hang_the_loop, until


@pytest.fixture(autouse=True)
def freed() -> Iterator[None]:
    FREE.clear()
    yield
    FREE.set()


ERROR = alloy.DeadlineExceeded("it did not answer")


def test_a_run_within_it_is_closed_too() -> None:
    """Law 3"""
    inner = alloy.Agent(name="inner", model=Model(calls_hang), tools=[hang_the_loop])
    call = {"tool_calls": [{"name": "inner", "input": {"prompt": "p"}}]}
    with alloy.Team({"a": {"model": alloy.Scripted([call, "x"]), "tools": [inner.as_tool()]}}) as team:
        run = team.start_delegate("a", "x")
        until(
            lambda: any(event.type == "tool_start" and event.payload["name"] == "inner" for event in list_so_far(team))
        )
        until(lambda: team.health()["a"].message_count == 2)
        run.cancel()
        result = run.result(check=False)
        events = list(run)
    assert not FREE.is_set()
    assert_law_1(result)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    for own in {event.run_id for event in events}:
        told = [event for event in events if event.run_id == own]
        assert (told[0].type, told[-1].type) == ("run_start", "run_end")
        starts = [event.payload["id"] for event in told if event.type == "tool_start"]
        assert starts == [event.payload["id"] for event in told if event.type == "tool_end"]


def list_so_far(team: alloy.Team) -> list[alloy.Event]:
    newest = team["a"].dialogue.current
    return [] if newest is None else newest.journal.since(0)


def test_one_that_never_began_has_a_beginning_and_an_end() -> None:
    execution = Execution(RunState("go", make_options({"model": alloy.Scripted(["x"])})), background=True)
    ended: list[alloy.Result] = []
    execution.when_over(ended.append)
    assert execution.abandon(ERROR)
    assert not execution.abandon(ERROR)
    assert_law_3(execution.journal.since(0))
    result = execution.settled()
    assert ended == [result]
    assert (result.status, result.error, result.messages) == ("error", ERROR, ())
    assert ERROR.result is result
    execution.when_over(ended.append)
    assert len(ended) == 2


def test_one_that_is_over_is_left_as_it_is() -> None:
    execution = Execution(RunState("go", make_options({"model": alloy.Scripted(["x"])})), background=True)
    over = threading.Event()
    execution.when_over(lambda _: over.set())
    execution.launch()
    assert over.wait(20)
    assert not execution.abandon(ERROR)
    assert execution.settled().text == "x"


def test_what_was_said_is_kept_and_stored_and_what_comes_late_is_not(tmp_path: Path) -> None:
    """Law 12: the store has what was there, and goes on with it."""
    store = alloy.SQLiteStore(tmp_path / "sessions.sqlite")
    hello = alloy.Scripted(["hello"])
    with alloy.Team({"a": {"model": hello, "session": "s", "store": store}}) as team:
        team.delegate("a", "one")
        team["a"].set_model(Model(blocks))
        run = team.start_delegate("a", "two")
        until(lambda: team["a"].dialogue.options.model.requests)  # type: ignore[union-attr]
        run.cancel()
        assert run.result(check=False).status == "error"
        FREE.set()
        team["a"].set_model(alloy.Scripted(["and on"]))
        assert team.delegate("a", "three").text == "and on"
        texts = [message.text for message in team["a"].messages]
    assert texts == ["one", "hello", "three", "and on"]
    stored = alloy.Agent(model=hello, session="s", store=store)
    assert [message.text for message in stored.messages] == texts


def test_who_awaits_it_learns_of_it() -> None:
    import asyncio

    async def main() -> Any:
        with alloy.Team({"a": {"model": Model(blocks)}}, timeout=0.1) as team:
            return await team.adelegate("a", "x", check=False)

    result = asyncio.run(main())
    assert isinstance(result.error, alloy.DeadlineExceeded)
