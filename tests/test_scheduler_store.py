"""Jobs that outlive their kernel: what a store keeps of them, and that two kernels run each time once."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb import Agent, ConfigError, MemoryStore, Scheduler, Scripted, SessionError, SessionStore, SQLiteStore
from alloy_nb.redaction import register_secret
from alloy_nb.scheduler import schedulers_here
from alloy_nb.scheduling import ledger
from alloy_nb.scheduling.ledger import Ledger, fold
from alloy_nb.session import conversations
from tests.scheduling.clocks import SteppedClock
from tests.test_scheduler import AGAIN, Gate, Results, job, until

pytestmark = pytest.mark.thorough


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> SessionStore:
    return MemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "sessions.sqlite")


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def model(tmp_path: Path) -> str:
    """One that is said in words, and so can be kept."""
    path = tmp_path / "answers.jsonl"
    path.write_text(json.dumps(AGAIN) + "\n")
    return f"scripted:{path}"


SPEC = {"schedule": {"every": 60}, "prompt": "hi"}


@pytest.fixture(autouse=True)
def _stopped() -> Iterator[None]:
    """One that is left behind would be named to whoever makes another: in a later test, on the same worker."""
    yield
    for scheduler in schedulers_here():
        scheduler.stop()


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open.set()


def idle(*schedulers: Scheduler) -> None:
    until(lambda: not any(job.running for scheduler in schedulers for job in scheduler.jobs()))


def test_a_new_kernel_goes_on_with_the_jobs(store: SessionStore, clock: SteppedClock, model: str) -> None:
    """SCH-w3: schedule, prompt, options, runs; the next time is counted from the last one."""
    results = Results()
    with Scheduler(store, clock=clock) as first:
        first.every("30m", "hi", model=model, max_turns=3, name="x", on_result=results)
        first.cron("0 9 * * *", "hi", model=model, timezone="Europe/Berlin", name="y", jitter="5m", misfire="skip")
        clock.advance(1800)
        results.next()
        before = first.jobs()
    clock.advance(60)
    with Scheduler(store, clock=clock) as second:
        assert second.jobs() == before
        assert second.history("x")[-1].text == "yes"
        clock.advance(1740)
        until(lambda: len(second.history("x")) == 2)
        idle(second)


def test_what_passed_while_no_kernel_was_there_is_made_up_for_once(
    store: SessionStore, clock: SteppedClock, model: str
) -> None:
    """In a moment, so that a callback can be given again before."""
    with Scheduler(store, clock=clock) as first:
        first.cron("0 9 * * *", "hi", model=model, timezone="UTC", name="once")
        first.cron("0 9 * * *", "hi", model=model, timezone="UTC", name="skip", misfire="skip")
        first.every("30m", "hi", model=model, name="pace")
    clock.jump(days=3)
    with Scheduler(store, clock=clock) as second:
        results = Results()
        second.attach("once", on_result=results)
        assert results.empty
        clock.advance(2)
        assert results.next().text == "yes"
        until(lambda: len(second.history("pace")) == 1)
        idle(second)
        assert [run.missed for run in second.history("once")] == [2]
        assert [run.missed for run in second.history("pace")] == [143]
        assert second.history("skip") == ()
        assert job(second, "skip").missed == 3
        assert {f"{one.next_run:%d %H:%M}" for one in second.jobs()} == {"04 09:00", "03 12:30"}


def test_what_is_due_while_a_run_is_stored_waits_for_that(
    clock: SteppedClock, model: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It was left out, as if the run were still at work, which had ended."""

    class Slow(MemoryStore):
        def __init__(self) -> None:
            super().__init__()
            self.entered, self.goes_on = threading.Event(), threading.Event()

        def append(self, session_id: str, records: Any, *, after: int | None = None) -> None:
            if any(record.get("kind") == "run" for record in records):
                self.entered.set()
                assert self.goes_on.wait(30)
            super().append(session_id, records, after=after)

    store = Slow()
    with Scheduler(store, clock=clock) as scheduler:
        scheduler.every("30m", "hi", model=model, name="x")
        clock.advance(1800)
        assert store.entered.wait(30)
        clock.advance(3605)
        store.goes_on.set()
        idle(scheduler)
        clock.advance(0)
        until(lambda: len(scheduler.history("x")) == 2)
        idle(scheduler)
        assert [run.missed for run in scheduler.history("x")] == [0, 1]
        assert [run.due.hour for run in scheduler.history("x") if run.due] == [12, 13]
    assert not [message for message in caplog.messages if "left out" in message]


def test_two_kernels_run_each_time_once(store: SessionStore, clock: SteppedClock, model: str) -> None:
    """Whoever is first has it; the other one goes on with the next."""
    results = Results()
    with Scheduler(store, clock=clock) as first:
        first.every("30m", "hi", model=model, name="x", on_result=results)
        with Scheduler(store, clock=clock) as second:
            second.attach("x", on_result=results)
            for _ in range(12):
                clock.advance(1800)
                results.next()
                idle(first, second)
                assert results.empty
            runs = Ledger(store, "scheduler").jobs["x"].runs
            assert [run.due for run in runs] == [runs[0].due + timedelta(minutes=30 * n) for n in range(12)]  # type: ignore[operator]


def test_threads_that_claim_the_same_time_agree_on_one(store: SessionStore, clock: SteppedClock) -> None:
    ledgers = [Ledger(store, "s") for _ in range(6)]
    ledgers[0].put("x", SPEC, clock.now())
    verdicts: list[str] = []
    together = threading.Barrier(len(ledgers))

    def claim(one: Ledger) -> None:
        together.wait()
        due = clock.now() + timedelta(seconds=60)
        verdicts.append(one.claim("x", SPEC, due, due, clock.now()))

    threads = [threading.Thread(target=claim, args=(one,)) for one in ledgers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(verdicts) == ["ours", *["theirs"] * 5]


def test_a_job_at_work_in_another_kernel_is_left_alone(
    store: SessionStore, clock: SteppedClock, caplog: pytest.LogCaptureFixture
) -> None:
    gate = Gate()
    with Scheduler(store, clock=clock) as first:
        first.every("30m", gate.options(), "hi", name="x")
        second = Scheduler(store, clock=clock)
        second.attach("x", **gate.options())
        clock.advance(1800)
        gate.wait_entered()
        until(lambda: sum(job(one, "x").running for one in (first, second)) == 1)
        clock.advance(1800)
        until(lambda: any("at work in another kernel" in record.message for record in caplog.records))
        gate.open.set()
        idle(first, second)
        second.stop()
    assert len(Ledger(store, "scheduler").jobs["x"].runs) == 1


def test_what_cannot_be_kept_is_waited_for(
    store: SessionStore, clock: SteppedClock, model: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Functions, agents, models that are objects: `attach`, or the same job once more."""

    @alloy.tool
    def look() -> str:
        """Look."""
        return "nothing"

    def add(scheduler: Scheduler) -> None:
        scheduler.every("1h", "hi", model=model, tools=[look, "read"], name="tools")

    with Scheduler(store, clock=clock) as first:
        add(first)
        first.every("1h", Agent(model=Scripted([AGAIN])), "hi", name="agent")
        first.every("1h", {"model": Scripted([AGAIN])}, "hi", name="object")
        first.every("1h", "hi", model=model, tools=["read"], name="plain")
    with Scheduler(store, clock=clock) as second:
        assert {one.name: one.needs for one in second.jobs()} == {
            "tools": ("tools",), "agent": ("agent",), "object": ("model",), "plain": ()
        }  # fmt: skip
        assert job(second, "agent").status == "waits"
        assert caplog.records == []  # a notebook that is run again from the top gives it next
        clock.advance(3600)
        waiting = [record.message for record in caplog.records if "waits for" in record.message]
        assert sorted(message.split()[1] for message in waiting) == ["agent", "object", "tools"]
        assert "scheduler.attach(name, agent=...)" in waiting[0] + waiting[1] + waiting[2]
        until(lambda: len(second.history("plain")) == 1)
        assert [second.history(name) for name in ("tools", "agent", "object")] == [(), (), ()]
        with pytest.raises(ConfigError, match="the job 'agent' needs agent"):
            second.trigger("agent")
        results = Results()
        second.attach("agent", agent=Agent(model=Scripted(["by ann"])), on_result=results)
        clock.advance(1)
        assert results.next().text == "by ann"  # what was due meanwhile, once
        second.attach("object", model=Scripted(["by object"]), on_result=results)
        clock.advance(1)
        assert results.next().text == "by object"
        add(second)
        clock.advance(1)
        until(lambda: len(second.history("tools")) == 1)
        idle(second)


@pytest.mark.parametrize(
    ("give", "words"),
    [
        (lambda s: s.attach("nobody"), "there is no job 'nobody'"),
        (lambda s: s.attach("x", agent=5), "agent is an int"),
        (lambda s: s.attach("x", on_result=5), "on_result is 5"),
        (lambda s: s.attach("x", max_turns=3), "max_turns is not missing"),
        (lambda s: s.attach("x", agent=Agent(model=Scripted([]))), "asks no agent"),
        (lambda s: s.every("30m", "hi", model=Scripted([])), "has no name"),
    ],
)
def test_mistakes_are_said_when_something_is_given_again(
    clock: SteppedClock, model: str, give: Callable[[Scheduler], Any], words: str
) -> None:
    with Scheduler(MemoryStore(), clock=clock) as scheduler:
        scheduler.every("30m", "hi", model=model, name="x")
        with pytest.raises(ConfigError, match=words) as caught:
            give(scheduler)
        assert caught.value.hint


def test_the_same_job_once_more_keeps_its_time(store: SessionStore, clock: SteppedClock, model: str) -> None:
    """A notebook that is run again from the top adds its jobs again."""
    with Scheduler(store, clock=clock) as first:
        first.every("1h", "hi", model=model, name="x")
        due = job(first, "x").next_run
    clock.advance(1800)
    with Scheduler(store, clock=clock) as second:
        assert second.every("1h", "hi there", model=model, name="x").next_run == due
        assert second.every("2h", "hi there", model=model, name="x").next_run == clock.now() + timedelta(hours=2)
    with Scheduler(store, clock=clock) as third:
        assert job(third, "x").prompt == "hi there"


def test_what_one_kernel_removes_the_other_one_does_not_run(
    store: SessionStore, clock: SteppedClock, model: str
) -> None:
    with Scheduler(store, clock=clock) as first, Scheduler(store, clock=clock) as second:
        first.every("30m", "hi", model=model, name="x")
        first.every("30m", "hi", model=model, name="y")
        third = Scheduler(store, clock=clock)
        first.remove("x")
        first.pause("y")
        clock.advance(1800)
        until(lambda: [one.name for one in third.jobs()] == ["y"] and third.jobs()[0].paused)
        assert second.jobs() == ()  # it has not looked since: it had nothing to do
        idle(third)
        third.stop()
    assert [kept.runs for kept in Ledger(store, "scheduler").jobs.values()] == [[]]


def test_one_that_is_at_work_knows_what_others_have_added_removed_and_run(
    store: SessionStore, clock: SteppedClock, model: str
) -> None:
    """Its table showed for ever what another kernel had removed, until the two wanted the same time."""
    with Scheduler(store, clock=clock) as first:
        first.every("30m", "hi", model=model, name="x")
        first.every("5h", "hi", model=model, name="gone")
        first.every("5h", "hi", model=model, name="kept")
        with Scheduler(store, clock=clock) as second:
            second.remove("gone")
            second.every("5h", "hi", model=model, name="new")
            second.trigger("kept")
            until(lambda: len(second.history("kept")) == 1)
        clock.advance(1800)
        until(lambda: len(first.history("x")) == 1)
        idle(first)
        assert [job.name for job in first.jobs()] == ["x", "kept", "new"]
        assert first.history("kept") == second.history("kept")


def test_a_job_removed_from_one_that_was_stopped_does_not_come_back(
    store: SessionStore, clock: SteppedClock, gate: Gate, model: str
) -> None:
    """It was there again when a run that outlived the stop had ended: the store keeps it."""
    scheduler = Scheduler(store, clock=clock)
    scheduler.every("30m", gate.options(), "hi", name="x")
    scheduler.every("5h", "hi", model=model, name="other")
    clock.advance(1800)
    gate.wait_entered()
    scheduler.stop(cancel=False)
    assert scheduler.remove("other")
    gate.open.set()
    until(lambda: len(scheduler.history("x")) == 1)
    idle(scheduler)
    assert [job.name for job in scheduler.jobs()] == ["x"]


def test_a_pause_is_kept(store: SessionStore, clock: SteppedClock, model: str) -> None:
    with Scheduler(store, clock=clock) as first:
        first.every("30m", "hi", model=model, name="x")
        first.pause("x")
    with Scheduler(store, clock=clock) as second:
        assert job(second, "x").paused
        assert second.every("30m", "hi", model=model, name="x").paused  # the notebook was run again
        assert second.resume("x").next_run == clock.now() + timedelta(minutes=30)


def test_no_key_is_kept(store: SessionStore, clock: SteppedClock) -> None:
    """SCH-w3"""
    key = "sk-ant-canary0123456789abcdef"
    with Scheduler(store, clock=clock) as scheduler:
        scheduler.every("30m", {"model": alloy.Anthropic("claude-opus-4-6", api_key=key)}, f"use {key}", name="x")
        scheduler.every("30m", "again", model=Scripted([AGAIN]), name="y")
        stored = [store.read(info.id) for info in store.list()]
        assert "canary" not in json.dumps(stored)
        assert job(scheduler, "x").needs == ()


def test_a_run_whose_kernel_was_killed_is_lost_and_not_begun_again(tmp_path: Path, clock: SteppedClock) -> None:
    """Its time had its turn; what came of it nobody knows."""
    path = tmp_path / "sessions.sqlite"
    code = """
import os, sys, threading, alloy_nb as alloy
@alloy.tool
def hang() -> str:
    '''Hang.'''
    print("within", flush=True)
    threading.Event().wait()
scheduler = alloy.Scheduler(alloy.SQLiteStore(sys.argv[1]))
model = alloy.Scripted([{"tool_calls": [{"name": "hang", "input": {}}]}])
scheduler.every(0.1, "hi", model=model, tools=[hang], name="x")
threading.Event().wait()
"""
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "within\n"
    store = SQLiteStore(path)
    assert Ledger(store, "scheduler").jobs["x"].claim is not None
    with Scheduler(store) as watching:
        assert watching.history("x") == ()  # it is there, and at work
    process.kill()
    process.wait()
    process.stdout.close()
    with Scheduler(store) as scheduler:
        (run,) = scheduler.history("x")
        assert (run.status, run.ok, run.trigger) == ("lost", False, "schedule")
        assert run.due is not None
    store.close()


def test_a_clock_that_is_put_back_silences_no_kept_job(store: SessionStore, clock: SteppedClock, model: str) -> None:
    results = Results()
    with Scheduler(store, clock=clock) as scheduler:
        scheduler.every("30m", "hi", model=model, name="x", on_result=results)
        clock.advance(1800)
        results.next()
        clock.jump(hours=-5)
        clock.advance(1830)
        results.next()
        assert len(scheduler.history("x")) == 2


def test_a_store_that_fails_is_a_failed_run_and_the_job_goes_on(clock: SteppedClock, model: str) -> None:
    class Broken(MemoryStore):
        broken = False

        def append(self, *args: Any, **kwargs: Any) -> None:
            if self.broken:
                raise SessionError("the disk is full")
            super().append(*args, **kwargs)

    store, results = Broken(), Results()
    with Scheduler(store, clock=clock) as scheduler:
        scheduler.every("30m", "hi", model=model, name="x", on_result=results)
        store.broken = True
        clock.advance(1800)
        assert "the disk is full" in str(results.next().error)
        store.broken = False
        clock.advance(1800)
        assert results.next().status == "completed"
        assert [run.status for run in scheduler.history("x")] == ["error", "completed"]


@pytest.mark.parametrize("error", [SessionError("database is locked"), RuntimeError("a store of somebody's")])
def test_a_run_whose_end_could_not_be_stored_does_not_silence_its_job(
    clock: SteppedClock, model: str, error: Exception
) -> None:
    """Its claim stays in the store, and was taken for a run that goes on in another kernel, for ever."""

    class Failing(MemoryStore):
        fails = False

        def append(self, session_id: str, records: Any, *, after: int | None = None) -> None:
            if self.fails and records[-1]["kind"] == "run":
                raise error
            super().append(session_id, records, after=after)

    store, results = Failing(), Results()
    with Scheduler(store, clock=clock) as scheduler:
        scheduler.every("30m", "hi", model=model, name="x", on_result=results)
        store.fails = True
        clock.advance(1800)
        assert results.next().status == "completed"
        idle(scheduler)
        store.fails = False
        for _ in range(2):
            clock.advance(1800)
            assert results.next().status == "completed"
            idle(scheduler)
    assert [run.status for run in Scheduler(store, clock=clock).history("x")] == ["lost", "completed", "completed"]


def test_a_job_that_is_added_again_while_it_runs_goes_on(store: SessionStore, clock: SteppedClock, gate: Gate) -> None:
    """As when a notebook is run again from the top, and what was missed is made up for at that moment."""
    with Scheduler(store, clock=clock) as first:
        first.every("30m", gate.options(9), "hi", name="x")
    clock.jump(hours=1)
    results = Results()
    with Scheduler(store, clock=clock) as second:
        second.attach("x", **gate.options(9))
        clock.advance(2)
        gate.wait_entered()
        second.every("30m", gate.options(9), "hi", name="x", on_result=results)
        gate.open.set()
        clock.advance(1800)
        assert results.next().text == "finished"
        idle(second)


def test_a_job_that_one_kernel_replaces_is_the_new_one_in_the_other(
    store: SessionStore, clock: SteppedClock, model: str
) -> None:
    """The old one ran on beside it, by its old time and prompt."""
    with Scheduler(store, clock=clock) as first, Scheduler(store, clock=clock) as second:
        first.every("10m", "hi", model=model, name="x")
        second.every("1h", "hi and bye", model=model, name="x")
        for _ in range(6):
            clock.advance(600)
            idle(first, second)
        assert [job(one, "x").prompt for one in (first, second)] == ["hi and bye"] * 2
        assert len(Ledger(store, "scheduler").jobs["x"].runs) == 1
        assert Ledger(store, "scheduler").jobs["x"].runs[0].due == clock.now()


def test_a_run_of_a_job_that_was_replaced_elsewhere_ends_no_other_run(store: SessionStore, clock: SteppedClock) -> None:
    one, other = Ledger(store, "s"), Ledger(store, "s")
    now = clock.now()
    one.put("x", SPEC, now)
    due = now + timedelta(seconds=60)
    assert one.claim("x", SPEC, due, due, now) == "ours"
    other.put("x", {**SPEC, "prompt": "new"}, now)
    assert other.claim("x", {**SPEC, "prompt": "new"}, due, due, now) == "ours"
    one.finish("x", alloy.JobRun(due, "completed", due=due), due)
    kept = Ledger(store, "s").jobs["x"]
    assert kept.runs == []
    assert kept.claim is not None
    assert kept.claim.owner == str(other.owner)


def test_what_is_given_again_and_can_be_kept_is_kept(store: SessionStore, clock: SteppedClock, model: str) -> None:
    with Scheduler(store, clock=clock) as first:
        first.every("30m", {"model": Scripted([AGAIN])}, "hi", name="x")
    with Scheduler(store, clock=clock) as second:
        assert job(second, "x").needs == ("model",)
        second.attach("x", model=model)
    with Scheduler(store, clock=clock) as third:
        assert job(third, "x").needs == ()


def test_an_option_that_holds_a_key_is_waited_for(store: SessionStore, clock: SteppedClock, model: str) -> None:
    """Without the key it would be another value, and a run with it would be a wrong one."""
    key = "a-key-that-this-test-alone-knows"
    register_secret(key)
    with Scheduler(store, clock=clock) as first:
        first.every("30m", "hi", model=model, context={"token": key}, max_turns=3, name="x")
    with Scheduler(store, clock=clock) as second:
        assert job(second, "x").needs == ("context",)
        second.attach("x", context={"token": key})
        results = Results()
        second.attach("x", on_result=results)
        clock.advance(1800)
        assert results.next().status == "completed"
        idle(second)
    assert all(key not in json.dumps(store.read(info.id)) for info in store.list())


# The records


def test_many_records_become_few(store: SessionStore, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that has grown is begun anew, and another kernel, in its midst, finds its way there."""
    monkeypatch.setattr(ledger, "MOST_RECORDS", 20)
    first, second = Ledger(store, "s"), Ledger(store, "s")
    now = clock.now()
    first.put("x", SPEC, now)
    for n in range(1, 61):
        one = (first, second)[n % 2]
        due = now + timedelta(minutes=n)
        assert one.claim("x", SPEC, due, due, now) == "ours"
        one.finish("x", alloy.JobRun(due, "completed", due=due), due)
    assert [run.due for run in first.jobs["x"].runs] == [now + timedelta(minutes=n) for n in range(11, 61)]
    assert Ledger(store, "s").jobs == first.jobs
    lists = [info for info in store.list() if info.id.startswith("schedule:s~")]
    assert len(lists) == 1
    assert lists[0].records <= 21


@pytest.mark.parametrize("step", ["the new list", "the mark", "the root", "the deletion"])
def test_a_crash_while_a_list_is_begun_anew_loses_no_job(
    step: str, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Dying(MemoryStore):
        """Dies before it does what `step` names."""

        def append(self, session_id: str, records: Any, *, after: int | None = None) -> None:
            kinds = {"all": "the new list", "moved": "the mark", "list": "the root"}
            if armed and kinds.get(records[0]["kind"]) == step:
                raise KeyboardInterrupt
            super().append(session_id, records, after=after)

        def delete(self, session_id: str) -> bool:
            if armed and step == "the deletion":
                raise KeyboardInterrupt
            return super().delete(session_id)

    armed, store = False, Dying()
    monkeypatch.setattr(ledger, "MOST_RECORDS", 3)
    one = Ledger(store, "s")
    one.put("x", {"schedule": {"every": 60}, "prompt": "hi"}, clock.now())
    one.put("y", {"schedule": {"every": 60}, "prompt": "hi"}, clock.now())
    armed = True
    with pytest.raises(KeyboardInterrupt):
        one.put("z", {"schedule": {"every": 60}, "prompt": "hi"}, clock.now())
    armed = False
    after = Ledger(store, "s")
    assert list(after.jobs) == ["x", "y", "z"]
    after.remove("y")
    assert list(Ledger(store, "s").jobs) == ["x", "z"]


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"v": 2, "kind": "job"}, "newer alloy_nb"),
        ({"v": 1, "kind": "job", "name": "x"}, "cannot be read"),
        ({"v": 1, "kind": "job", "name": "x", "spec": 5, "base": "2026"}, "cannot be read"),
        ({"v": 1}, "cannot be read"),
        (5, "newer alloy_nb"),
    ],
)
def test_records_of_others_are_said(record: Any, words: str) -> None:
    with pytest.raises(SessionError, match=words) as caught:
        fold([record])
    assert caught.value.hint


def test_a_job_that_makes_no_sense_any_more_is_said(clock: SteppedClock) -> None:
    store = MemoryStore()
    Ledger(store, "scheduler").put("x", {"prompt": "hi", "schedule": {}}, clock.now())
    with pytest.raises(SessionError, match="has no schedule"):
        Scheduler(store, clock=clock)


def test_schedulers_of_other_names_have_other_jobs(store: SessionStore, clock: SteppedClock, model: str) -> None:
    with Scheduler(store, "a", clock=clock) as first, Scheduler(store, "b", clock=clock) as second:
        first.every("30m", "hi", model=model, name="x")
        assert second.jobs() == ()


def test_what_is_kept_is_no_conversation(store: SessionStore, clock: SteppedClock, model: str) -> None:
    """`/resume` without a name went on with the jobs, which were written to last."""
    alloy.run("hi", model=model, session="talk", store=store, display=None)
    with Scheduler(store, clock=clock) as scheduler:
        scheduler.every("30m", "hi", model=model, name="x")
    assert len(store.list()) == 3
    assert [info.id for info in conversations(store)] == ["talk"]
