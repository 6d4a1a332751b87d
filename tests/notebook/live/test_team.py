"""A live team: numbered changes that each say how something is now, fair taking in, and requests for any member."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.notebook.live import team as teams
from alloy_nb.notebook.live.courier import Courier
from alloy_nb.notebook.live.team import LiveTeam
from alloy_nb.notebook.team_scope import Scope, scope_of_run
from alloy_nb.providers.base import TextDelta
from alloy_nb.tools.approval import Decision


class Quiet:
    """A courier that a test takes the place of."""

    def mark(self, source: Any) -> None:
        """The test takes what there is when it likes."""


class Hub:
    """What a team needs of the kernel's hub."""

    def __init__(self, courier: Any = None) -> None:
        self.known = True
        self.courier = courier or Quiet()
        self._count = 0

    def name(self, run_id: str) -> str:
        self._count += 1
        return f"{run_id}~{self._count}"


class Held(alloy.Scripted):
    """Speaks a little, waits for `go`, then floods or ends."""

    def __init__(self, name: str, flood: int = 0) -> None:
        super().__init__([f"{name} ends."] * 5)
        self.said, self.flood, self.go = name, flood, threading.Event()

    async def stream(self, request: Any) -> Any:
        import asyncio

        yield TextDelta(f"{self.said} begins. ")
        for number in range(self.flood):
            yield TextDelta(f"{number} ")
            if number % 500 == 0:
                await asyncio.sleep(0)
        while not self.go.is_set():
            await asyncio.sleep(0.005)
        async for delta in super().stream(request):
            yield delta


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def crew() -> Iterator[tuple[alloy.Team, dict[str, Held]]]:
    models = {name: Held(name) for name in ("coder", "critic")}
    with alloy.Team({name: {"model": model} for name, model in models.items()}, name="crew") as team:
        yield team, models
        for model in models.values():
            model.go.set()


def live_of(scope: Scope, hub: Hub, *, waited: bool = False) -> LiveTeam:
    return LiveTeam(scope, hub, waited=waited)  # type: ignore[arg-type]


def until(live: LiveTeam, condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        live.step()
        live.bell.wait(0.01)
        assert time.monotonic() < end


def have_spoken(run: Any) -> bool:
    """Of what each one does nothing more comes until it may go on."""
    return all("text_delta" in [event.type for event in each.journal.since(0)] for _, each in run.executions)


def states(live: LiveTeam) -> list[str]:
    return [member.state for member in live.team.members]


class Page:
    """Takes what it is told, as `labextension/src/blocks/team.ts` does."""

    def __init__(self) -> None:
        self.seq = 0
        self.facts: dict[str, Any] = {}
        self.members: dict[int, Any] = {}
        self.rows: dict[int, Any] = {}

    def take(self, told: dict[str, Any]) -> None:
        self.seq = told["seq"]
        self.facts.update(told.get("facts", {}))
        self.members.update(dict(told.get("members", [])))
        self.rows.update(dict(told.get("rows", [])))


def test_changes_are_numbered_and_say_only_what_is_new(hub: Hub, crew: Any) -> None:
    team, models = crew
    run = team.start_broadcast("Go.")
    live = live_of(scope_of_run(team, run), hub)
    until(live, lambda: states(live) == ["working", "working"] and have_spoken(run))
    live.step()
    page = Page()
    told = live.take()
    assert live.take() == []
    models["coder"].go.set()
    until(live, lambda: states(live) == ["done", "working"])
    more = live.take()
    assert [change["seq"] for change in told + more] == list(range(1, len(told + more) + 1))
    assert {place for change in more for place, _ in change.get("members", [])} == {0}
    models["critic"].go.set()
    until(live, lambda: live.settled)
    for change in [*told, *more, *live.take()]:
        assert change["team"] == live.name
        page.take(change)
    assert page.facts["live"] is False
    assert page.facts["tokens"] == 30
    assert [page.members[place]["state"] for place in (0, 1)] == ["done", "done"]
    assert [row["status"] for row in page.rows.values()] == ["completed", "completed"]
    snapshot = live.message()
    assert (snapshot["kind"], snapshot["team"], snapshot["seq"]) == ("snapshot", live.name, page.seq)
    late = Page()
    late.take(snapshot)
    assert (late.members, late.rows) == (page.members, page.rows)


def test_a_member_that_floods_is_shown_late_and_the_others_are_not(hub: Hub) -> None:
    """In each round every run has its turn, and so much of it and no more: one message is never all of a flood."""
    models = {"flood": Held("flood", flood=20_000), "calm": Held("calm")}
    with alloy.Team({name: {"model": model} for name, model in models.items()}) as team:
        run = team.start_broadcast("Go.")
        flooding = run.executions[0][1]
        end = time.monotonic() + 20
        while len(flooding.journal) < 20_000:
            assert time.monotonic() < end
            time.sleep(0.01)
        live = live_of(scope_of_run(team, run), hub)
        live.step()
        words = {
            name: live._lives[parts.all[0]].transcript for name, parts in zip(models, live._parts.values(), strict=True)
        }
        assert words["calm"].blocks[0].markdown == "calm begins. "  # type: ignore[union-attr]
        assert len(words["flood"].blocks[0].markdown) < teams.BURST * 6  # type: ignore[union-attr]
        for model in models.values():
            model.go.set()
        until(live, lambda: live.settled)
        assert words["flood"].blocks[0].markdown.endswith("19999 flood ends.")  # type: ignore[union-attr]


def test_what_is_sent_grows_with_what_is_new(hub: Hub) -> None:
    """A team of twenty where one works: the others are told once."""
    model = Held("a0", flood=3_000)
    agents = {f"a{n}": {"model": model if n == 0 else alloy.Scripted(["x"])} for n in range(20)}
    with alloy.Team(agents) as team:
        team.start_delegate("a0", "Go.")
        live = live_of(Scope(team), hub)
        until(live, lambda: states(live)[0] == "working")
        live.take()
        model.go.set()
        until(live, lambda: live.settled)
        told = live.take()
        assert {place for change in told for place, _ in change.get("members", [])} == {0}
        assert len(told) <= 2  # what nobody took is told as it is in the end


def test_stop_and_answers_reach_the_member_that_is_meant(hub: Hub) -> None:
    asks = {"text": "May I?", "tool_calls": [{"name": "bash", "input": {"command": "echo hi"}}]}
    other = Held("other")
    agents = {"asker": {"model": alloy.Scripted([asks, "Thanks."]), "tools": ["bash"]}, "other": {"model": other}}
    with alloy.Team(agents) as team:
        run = team.start_broadcast("Go.")
        for _, execution in run.executions:
            execution.attendance._interactive = True  # a person is here, as in a notebook
        live = live_of(scope_of_run(team, run), hub)
        live.hear()
        until(live, lambda: states(live) == ["asking", "working"])
        assert live.decide(run.executions[0][1].questions[0].call.id, Decision(allowed=True))
        until(live, lambda: states(live)[0] == "done")
        name = dict(live.snapshot()["members"])[1]["runs"][0]["run"]
        one = live.find(name)
        assert one is not None
        assert one.stop()
        until(live, lambda: live.settled)
        assert states(live) == ["done", "stopped"]
        assert live.find("unknown") is None
        assert live.stop() is False


def test_a_question_is_left_to_its_card_while_a_page_may_still_come(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    asks = {"tool_calls": [{"name": "bash", "input": {"command": "echo hi"}}]}
    with alloy.Team({"asker": {"model": alloy.Scripted([asks, "Thanks."]), "tools": ["bash"]}}) as team:
        run = team.start_broadcast("Go.")
        execution = run.executions[0][1]
        execution.attendance._interactive = True
        live = live_of(scope_of_run(team, run), hub)
        until(live, lambda: states(live) == ["asking"])
        assert execution.attendance.elsewhere()
        live._patient_until = 0.0
        assert not execution.attendance.elsewhere()
        one = next(iter(live._lives.values()))
        assert one.snapshot()["facts"]["asks"] == "input"
        live.hear()
        assert execution.attendance.elsewhere()
        assert one.snapshot()["facts"]["asks"] == "page"
        run.cancel()
        until(live, lambda: live.settled)


def test_runs_that_begin_later_are_taken_in_and_told_by_the_courier(crew: Any) -> None:
    sent, whole = [], threading.Event()

    def send(content: dict[str, Any], _buffers: list[bytes]) -> None:
        sent.extend(content["runs"])
        if any(change.get("facts", {}).get("live") is False for change in content["runs"]):
            whole.set()

    hub = Hub(Courier(send))
    team, models = crew
    models["coder"].go.set()
    models["critic"].go.set()
    run = team.start_handoff(["coder", "critic"], "Go.")
    live = live_of(scope_of_run(team, run), hub)
    until(live, lambda: live.settled)
    snapshot = live.snapshot()
    assert [len(member["runs"]) for _, member in snapshot["members"]] == [1, 1]
    assert [row["kind"] for _, row in snapshot["rows"]] == ["run", "handoff", "run"]
    assert snapshot["members"][1][1]["runs"][0]["prompt"].startswith("coder begins.")
    assert whole.wait(10)
    names = {change["run"].partition("~")[0] for change in sent if "run" in change}
    assert names == {execution.run_id for _, execution in run.executions}
    assert [change["seq"] for change in sent if "team" in change] == list(range(1, snapshot["seq"] + 1))
