"""Jobs that begin by themselves: when, which, how often, and what becomes of their results."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb import Agent, Busy, ConfigError, Result, Scheduler, Scripted
from alloy_nb.execution import going
from alloy_nb.scheduler import schedulers_here
from alloy_nb.scheduling.task import MOST_UNTOLD
from tests.scheduling.clocks import SteppedClock

PATIENCE = 30.0
AGAIN = {"text": "yes", "on": "hi"}  # answers as often as it is asked


class Results:
    """An `on_result` that hands its results over, and knows on which threads it was called."""

    def __init__(self) -> None:
        self._came: queue.Queue[Result] = queue.Queue()
        self.threads: list[str] = []

    def __call__(self, result: Result) -> None:
        self.threads.append(threading.current_thread().name)
        self._came.put(result)

    def next(self) -> Result:
        return self._came.get(timeout=PATIENCE)

    @property
    def empty(self) -> bool:
        return self._came.empty()


class Gate:
    """A tool that a run stays in until it is opened."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()
        gate = self

        @alloy.tool
        async def wait_here() -> str:
            """Wait."""
            gate.entered.release()
            while not gate.open.is_set():
                await asyncio.sleep(0.005)
            return "done"

        self.tool = wait_here

    def options(self, runs: int = 1, last: str = "finished") -> dict[str, Any]:
        call = {"tool_calls": [{"name": "wait_here", "input": {}}]}
        return {"model": Scripted([call, last] * runs), "tools": [self.tool]}

    def wait_entered(self) -> None:
        assert self.entered.acquire(timeout=PATIENCE)


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def scheduler(clock: SteppedClock) -> Iterator[Scheduler]:
    with Scheduler(clock=clock) as scheduler:
        yield scheduler


@pytest.fixture
def results() -> Results:
    return Results()


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open.set()


def until(holds: Callable[[], bool]) -> None:
    end = threading.Event()
    for _ in range(int(PATIENCE / 0.005)):
        if holds():
            return
        end.wait(0.005)
    raise AssertionError("it did not come to be")


def job(scheduler: Scheduler, name: str) -> alloy.Job:
    return next(job for job in scheduler.jobs() if job.name == name)


# When


def test_each_tick_is_a_run_of_its_own(scheduler: Scheduler, clock: SteppedClock, results: Results) -> None:
    """SCH-1: no tick knows what was said in another one."""
    model = Scripted(["one", "two"])
    scheduler.every("30m", {"model": model}, "hi", name="x", on_result=results)
    clock.advance(1800)
    first = results.next()
    clock.advance(1800)
    second = results.next()
    assert [first.text, second.text] == ["one", "two"]
    assert [len(request.messages) for request in model.requests] == [1, 1]
    assert first.run_id != second.run_id


def test_the_first_run_is_when_the_time_has_passed_once(
    scheduler: Scheduler, clock: SteppedClock, results: Results
) -> None:
    """SCH-2: not at once; and again at each tick."""
    scheduler.every("30m", "hi", model=Scripted([AGAIN]), name="x", on_result=results)
    clock.advance(1799)
    assert results.empty
    assert scheduler.history("x") == ()
    for tick in range(1, 4):
        clock.advance(1 if tick == 1 else 1800)
        results.next()
        assert [run.due for run in scheduler.history("x")][-1] == clock.now()
        assert len(scheduler.history("x")) == tick


def test_a_tick_while_it_is_at_work_is_left_out(
    scheduler: Scheduler, clock: SteppedClock, results: Results, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    """SCH-3: with a warning; it fires again at its next time."""
    caplog.set_level(logging.WARNING, "alloy_nb")
    scheduler.every("30m", gate.options(2), "hi", name="slow", on_result=results)
    clock.advance(1800)
    gate.wait_entered()
    clock.advance(3600)
    assert [r.message for r in caplog.records if "still at work" in r.message] != []
    assert job(scheduler, "slow").missed == 2
    assert job(scheduler, "slow").running
    gate.open.set()
    assert results.next().text == "finished"
    until(lambda: not job(scheduler, "slow").running)
    clock.advance(1800)
    results.next()
    assert [run.missed for run in scheduler.history("slow")] == [0, 2]


def test_jobs_do_not_wait_for_each_other(
    scheduler: Scheduler, clock: SteppedClock, results: Results, gate: Gate
) -> None:
    scheduler.every("30m", gate.options(), "hi", name="slow")
    scheduler.every("30m", "hi", model=Scripted([AGAIN]), name="quick", on_result=results)
    clock.advance(1800)
    gate.wait_entered()
    assert results.next().text == "yes"


def test_what_was_missed_is_made_up_for_once(scheduler: Scheduler, clock: SteppedClock, results: Results) -> None:
    """The machine slept for five hours: one run, and the next one where it would have been."""
    scheduler.every("30m", "hi", model=Scripted([AGAIN]), name="x", on_result=results)
    clock.jump(hours=5, minutes=10)
    clock.advance(30)  # it looks at the clock at least so often
    results.next()
    assert results.empty
    (run,) = scheduler.history("x")
    assert run.missed == 9
    assert run.due is not None
    assert run.due.isoformat() == "2026-11-30T12:30:00+00:00"
    assert job(scheduler, "x").next_run.isoformat() == "2026-11-30T17:30:00+00:00"  # type: ignore[union-attr]


def test_a_job_may_leave_out_what_it_missed(scheduler: Scheduler, clock: SteppedClock, results: Results) -> None:
    scheduler.cron("0 9 * * *", "hi", model=Scripted([AGAIN]), timezone="UTC", name="x", on_result=results,
                   misfire="skip")  # fmt: skip
    clock.jump(days=2)
    clock.advance(30)
    assert job(scheduler, "x").missed == 2
    assert job(scheduler, "x").next_run.isoformat() == "2026-12-03T09:00:00+00:00"  # type: ignore[union-attr]
    clock.advance(21 * 3600)
    results.next()
    assert [run.missed for run in scheduler.history("x")] == [2]


def test_a_time_of_the_day_comes_once_however_the_clock_is_set(
    scheduler: Scheduler, clock: SteppedClock, results: Results
) -> None:
    """The clock goes forward over it and back behind it, twice: it has been nine once."""
    scheduler.cron("0 9 * * *", "hi", model=Scripted([AGAIN]), timezone="UTC", name="x", on_result=results)
    clock.jump(hours=21, minutes=5)
    clock.advance(30)
    results.next()
    for _ in range(2):
        clock.jump(hours=-1)
        clock.advance(3600)
    assert results.empty
    assert len(scheduler.history("x")) == 1
    clock.advance(24 * 3600)
    results.next()
    assert len(scheduler.history("x")) == 2


def test_a_clock_that_was_years_ahead_does_not_silence_a_job(
    scheduler: Scheduler, clock: SteppedClock, results: Results
) -> None:
    scheduler.cron("0 9 * * *", "hi", model=Scripted([AGAIN]), timezone="UTC", name="x", on_result=results)
    clock.jump(days=3000)
    clock.advance(30)
    results.next()
    clock.jump(days=-3000)
    clock.advance(24 * 3600)
    results.next()
    assert [run.due.year for run in scheduler.history("x") if run.due] == [2026, 2026]


def test_a_pace_is_kept_when_the_clock_is_put_back(scheduler: Scheduler, clock: SteppedClock, results: Results) -> None:
    """Each half hour is half an hour, also when the wall says that it is five hours earlier."""
    scheduler.every("30m", "hi", model=Scripted([AGAIN]), name="x", on_result=results)
    clock.advance(1800)
    results.next()
    clock.jump(hours=-5)
    clock.advance(1800 + 30)
    results.next()
    clock.jump(seconds=-0.5)
    clock.advance(60)
    assert results.empty


@pytest.mark.parametrize(
    ("start", "dues"),
    [
        ("2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-30T00:30"]),  # 2:30 is jumped over
        ("2026-10-24T12:00", ["2026-10-25T00:30", "2026-10-26T01:30"]),  # 2:30 comes twice
    ],
)
def test_the_days_of_23_and_of_25_hours_have_one_run(start: str, dues: list[str], results: Results) -> None:
    clock = SteppedClock(start)
    with Scheduler(clock=clock) as scheduler:
        scheduler.cron("30 2 * * *", "hi", model=Scripted([AGAIN]), timezone="Europe/Berlin", name="x")
        for _ in range(2 * 40):
            clock.advance(1800)
            until(lambda: not job(scheduler, "x").running)
        assert [f"{run.due:%Y-%m-%dT%H:%M}" for run in scheduler.history("x")] == dues


def test_once_is_once(scheduler: Scheduler, clock: SteppedClock, results: Results) -> None:
    told = scheduler.at("2026-11-30 13:00", "hi", model=Scripted([AGAIN]), timezone="UTC", name="x", on_result=results)
    assert told.status == "due"
    clock.advance(3600)
    results.next()
    until(lambda: job(scheduler, "x").status == "done")
    assert job(scheduler, "x").next_run is None
    assert clock.alarms == []
    with pytest.raises(ConfigError, match="that time has passed"):
        scheduler.at("2026-11-30 13:00", "hi", model=Scripted([AGAIN]), timezone="UTC")


def test_jitter_is_the_same_for_the_same_job_and_time(clock: SteppedClock) -> None:
    def times(name: str) -> list[Any]:
        with Scheduler(clock=clock) as scheduler:
            return [scheduler.every("1h", "hi", model=Scripted([AGAIN]), name=name, jitter="10m").next_run]

    assert times("a") == times("a")
    delays = [(times(f"job {n}")[0] - clock.now()).total_seconds() - 3600 for n in range(20)]
    assert all(0 <= delay < 600 for delay in delays)
    assert max(delays) - min(delays) > 200
    with Scheduler(clock=clock) as scheduler, pytest.raises(ConfigError, match="jitter"):
        scheduler.every("1h", "hi", model=Scripted([AGAIN]), jitter="1h")


def test_a_late_start_by_jitter_is_no_miss(scheduler: Scheduler, clock: SteppedClock, results: Results) -> None:
    scheduler.every("1h", "hi", model=Scripted([AGAIN]), name="a", jitter="10m", misfire="skip", on_result=results)
    clock.advance(600)
    for _ in range(3):
        clock.advance(3600)
        results.next()
    assert {run.missed for run in scheduler.history("a")} == {0}


def test_it_keeps_time_by_the_machines_clock(results: Results) -> None:
    """The real thing: three ticks of a fifth of a second, and none behind its end."""
    with Scheduler() as scheduler:
        scheduler.every(0.2, "hi", model=Scripted([AGAIN]), name="x", on_result=results)
        assert [results.next().text for _ in range(3)] == ["yes"] * 3
        runs = scheduler.history("x")
        assert all(run.due is not None and run.started >= run.due for run in runs)
    with pytest.raises(alloy.AlloyError, match="was stopped"):
        scheduler.every(1, "hi", model=Scripted([AGAIN]))


# What users do to it


def test_trigger_runs_it_now(scheduler: Scheduler, clock: SteppedClock, results: Results, gate: Gate) -> None:
    """SCH-4: whatever its schedule says, which stays; unknown and running are told apart."""
    scheduler.every("30m", gate.options(1), "hi", name="report", on_result=results)
    before = job(scheduler, "report").next_run
    assert scheduler.trigger("report") is True
    gate.wait_entered()
    with pytest.raises(Busy, match="at work"):
        scheduler.trigger("report")
    gate.open.set()
    assert results.next().text == "finished"
    assert job(scheduler, "report").next_run == before
    (run,) = scheduler.history("report")
    assert (run.trigger, run.due) == ("manual", None)
    with pytest.raises(ConfigError, match="no job 'reprot'") as caught:
        scheduler.trigger("reprot")
    assert caught.value.hint == "did you mean 'report'?"


def test_a_replaced_job_has_no_result_and_no_run(
    scheduler: Scheduler, clock: SteppedClock, results: Results, gate: Gate
) -> None:
    """SCH-5, SCH-w2: its timer is gone, its run is stopped, and neither the old nor the new callback hears of it."""
    old = Results()
    scheduler.every("30m", gate.options(), "hi", name="x", on_result=old)
    clock.advance(1800)
    gate.wait_entered()
    (running,) = going()
    scheduler.every("1h", "hi", model=Scripted([AGAIN]), name="x", on_result=results)
    until(lambda: running.result is not None)
    assert running.result is not None
    assert running.result.status == "cancelled"
    clock.advance(1800)  # the old one's time
    assert scheduler.history("x") == ()
    clock.advance(1800)
    assert results.next().text == "yes"  # the new one does not wait for the old one's end
    assert old.empty
    assert results.empty


def test_a_removed_job_is_stopped_and_says_nothing(
    scheduler: Scheduler, clock: SteppedClock, results: Results, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    """SCH-6, SCH-w2: without a line in the log either; to remove what is not there is no mistake."""
    caplog.set_level(logging.INFO, "alloy_nb")
    scheduler.every("30m", gate.options(), "hi", name="x")
    clock.advance(1800)
    gate.wait_entered()
    (running,) = going()
    assert scheduler.remove("x") is True
    until(lambda: running.result is not None)
    until(lambda: not [t for t in threading.enumerate() if t.name == "alloy-job-x"])
    assert scheduler.jobs() == ()
    assert clock.alarms == []
    assert [record.message for record in caplog.records if "job x" in record.message] == []
    assert scheduler.remove("x") is False


def test_without_a_callback_the_end_is_logged(
    scheduler: Scheduler, clock: SteppedClock, caplog: pytest.LogCaptureFixture
) -> None:
    """SCH-7"""
    caplog.set_level(logging.INFO, "alloy_nb")
    scheduler.every("30m", "hi", model=Scripted(["All is well.", {"error": "no more"}]), name="x")
    for runs in (1, 2):
        clock.advance(1800)
        until(lambda: len(scheduler.history("x")) == runs)  # noqa: B023
        until(lambda: len([r for r in caplog.records if r.message.startswith("job x ")]) == runs)  # noqa: B023
    told = [(r.levelname, r.message) for r in caplog.records if r.message.startswith("job x ")]
    assert told[0] == ("INFO", "job x completed — All is well.")
    assert told[1][0] == "WARNING"
    assert told[1][1].startswith("job x failed — ")
    assert "no more" in told[1][1]


def test_a_callback_gets_results_and_failures(scheduler: Scheduler, clock: SteppedClock, results: Results) -> None:
    """SCH-7: both as a `Result`."""
    scheduler.every("30m", "hi", model=Scripted(["ok", {"error": "no more"}]), name="x", on_result=results)
    clock.advance(1800)
    assert results.next().status == "completed"
    clock.advance(1800)
    failed = results.next()
    assert failed.status == "error"
    assert "no more" in str(failed.error)


def test_a_crash_reaches_the_callback_and_frees_the_job(
    scheduler: Scheduler, clock: SteppedClock, results: Results, caplog: pytest.LogCaptureFixture
) -> None:
    """SCH-8, SCH-w1: what breaks before there is a run is logged, and told as a failed one."""
    broken = Agent(model=Scripted([AGAIN]))
    crashes = [RuntimeError("it broke")]

    def send(prompt: Any, **_: Any) -> Any:
        if crashes:
            raise crashes.pop()
        return Agent.send(broken, prompt)

    broken.send = send  # type: ignore[method-assign]
    scheduler.every("30m", broken, "hi", name="x", on_result=results)
    clock.advance(1800)
    crashed = results.next()
    assert crashed.status == "error"
    assert "RuntimeError: it broke" in str(crashed.error)
    assert any("job x could not be run" in record.message and record.exc_info for record in caplog.records)
    clock.advance(1800)
    assert results.next().text == "yes"
    assert [run.status for run in scheduler.history("x")] == ["error", "completed"]


def test_schedulers_of_one_name_are_told_in_the_order_they_were_made() -> None:
    """It was that of a set: numbered in a cell, the first was now this one, now that."""
    made = [Scheduler(name="same") for _ in range(20)]
    assert [one for one in schedulers_here() if one.name == "same"] == made
    for one in made:
        one.stop()


@pytest.fixture
def in_tokyo() -> Iterator[None]:
    """This machine's clock is one of Tokyo."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.skipif(sys.platform == "win32", reason="the zone of a process cannot be set")
def test_the_jobs_are_listed_as_they_stand(scheduler: Scheduler, clock: SteppedClock, in_tokyo: None) -> None:
    """SCH-8; times were told in UTC, whatever clock the job goes by."""
    scheduler.every("30m", "hi", model=Scripted([AGAIN]), name="a")
    scheduler.cron("0 9 * * *", {"model": Scripted([AGAIN])}, "Write the report", name="b", timezone="UTC")
    first, second = scheduler.jobs()
    assert (first.name, first.schedule.words, first.status, first.asks) == (
        "a",
        "every 30 min",
        "due",
        "scripted:script",
    )
    assert (second.prompt, second.schedule.words) == ("Write the report", "At 09:00 every day (UTC)")
    assert repr(first) == "<Job 'a': every 30 min, due 2026-11-30 21:30 JST>"
    told = "'a' due 2026-11-30 21:30 JST, 'b' due 2026-12-01 09:00 UTC"
    assert str(scheduler) == repr(scheduler) == f"<Scheduler scheduler: {told}>"
    for _ in range(6):
        scheduler.every("1h", "hi", model=Scripted([AGAIN]))
    assert repr(scheduler).endswith("'job-3' due 2026-11-30 22:00 JST, …>")


@pytest.mark.skipif(sys.platform == "win32", reason="the zone of a process cannot be set")
def test_a_run_is_told_on_one_line(scheduler: Scheduler, clock: SteppedClock, results: Results, in_tokyo: None) -> None:
    """A cell that ends in `history(...)` was pages of fields."""
    scheduler.every("30m", "hi", model=Scripted([{"text": "Line one.\nLine two."}]), name="x", on_result=results)
    clock.advance(1800)
    results.next()
    (run,) = scheduler.history("x")
    assert repr(run) == f"<JobRun completed, 2026-11-30 21:30 JST, {run.seconds:.1f} s: 'Line one. Line two.'>"
    assert repr(job(scheduler, "x")).endswith(", last completed>")


def test_a_replacement_is_logged_and_a_first_one_is_not(
    scheduler: Scheduler, clock: SteppedClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "alloy_nb")
    scheduler.every("30m", "hi", model=Scripted([AGAIN]), name="x")
    assert caplog.messages == []
    scheduler.every("1h", "hi", model=Scripted([AGAIN]), name="x")
    assert caplog.messages == ["job x was replaced"]


def test_runs_in_flight_may_outlive_the_scheduler(clock: SteppedClock, results: Results, gate: Gate) -> None:
    """SCH-9: they are the library's; `stop(cancel=False)` leaves them to it, and their results are told."""
    scheduler = Scheduler(clock=clock)
    scheduler.every("30m", gate.options(), "hi", name="x", on_result=results)
    clock.advance(1800)
    gate.wait_entered()
    scheduler.stop(cancel=False)
    assert clock.alarms == []
    gate.open.set()
    assert results.next().text == "finished"
    assert len(scheduler.history("x")) == 1


def test_its_end_stops_what_runs_and_tells_it(clock: SteppedClock, results: Results, gate: Gate) -> None:
    with Scheduler(clock=clock) as scheduler:
        scheduler.every("30m", gate.options(), "hi", name="x", on_result=results)
        clock.advance(1800)
        gate.wait_entered()
    assert [run.status for run in scheduler.history("x")] == ["cancelled"]
    assert results.next().status == "cancelled"
    assert clock.alarms == []
    assert scheduler not in schedulers_here()
    scheduler.stop()


def test_it_is_a_context_manager_on_a_loop_too(clock: SteppedClock, gate: Gate) -> None:
    async def main() -> Scheduler:
        async with Scheduler(clock=clock) as scheduler:
            scheduler.every("30m", gate.options(), "hi", name="x")
            clock.advance(1800)
            await asyncio.to_thread(gate.wait_entered)
        return scheduler

    assert [run.status for run in asyncio.run(main()).history("x")] == ["cancelled"]


def test_a_callback_that_raises_or_waits_holds_up_nothing(
    scheduler: Scheduler, clock: SteppedClock, results: Results, caplog: pytest.LogCaptureFixture
) -> None:
    """SCH-w1: each job has a thread of its own for it; jobs go on, its own among them, and no threads pile up."""
    release, heard = threading.Event(), Results()

    def slow(result: Result) -> None:
        heard(result)
        assert release.wait(PATIENCE)

    def broken(result: Result) -> None:
        raise SystemError("mine")

    scheduler.every("30m", "hi", model=Scripted([AGAIN]), name="slow", on_result=slow)
    scheduler.every("30m", "hi", model=Scripted([AGAIN]), name="broken", on_result=broken)
    scheduler.every("30m", "hi", model=Scripted([AGAIN]), name="good", on_result=results)
    try:
        for _ in range(3):
            clock.advance(1800)
            assert results.next().text == "yes"
            until(lambda: not any(job.running for job in scheduler.jobs()))
        until(lambda: len(heard.threads) == 1)
        until(lambda: sum(thread.name == "alloy-job-slow" for thread in threading.enumerate()) == 1)
        until(lambda: sum("on_result of job broken raised" in r.message for r in caplog.records) == 3)
    finally:
        release.set()
    assert [heard.next().text for _ in range(3)] == ["yes"] * 3
    assert {name: len(scheduler.history(name)) for name in ("slow", "broken", "good")} == {
        "slow": 3, "broken": 3, "good": 3
    }  # fmt: skip
    assert all(name == "alloy-job-good" for name in results.threads)


def test_an_async_callback_is_awaited(
    scheduler: Scheduler, clock: SteppedClock, results: Results, caplog: pytest.LogCaptureFixture
) -> None:
    """It was called, and what it gave never awaited: its job had no callback, and nobody was told."""

    async def hear(result: Result) -> None:
        await asyncio.sleep(0)
        results(result)
        raise SystemExit("mine")

    scheduler.every("30m", "hi", model=Scripted([AGAIN]), name="x", on_result=hear)
    for number in (1, 2):
        clock.advance(1800)
        assert results.next().text == "yes"
        until(lambda n=number: sum("on_result of job x raised" in r.message for r in caplog.records) == n)


def test_of_what_a_callback_does_not_keep_up_with_the_oldest_is_left_out(
    scheduler: Scheduler, clock: SteppedClock, caplog: pytest.LogCaptureFixture
) -> None:
    release, heard = threading.Event(), Results()

    def slow(result: Result) -> None:
        heard(result)
        assert release.wait(PATIENCE)

    scheduler.every("30m", "hi", model=Scripted([AGAIN]), name="slow", on_result=slow)
    try:
        for _ in range(MOST_UNTOLD + 3):
            clock.advance(1800)
            until(lambda: not job(scheduler, "slow").running)
            until(lambda: len(heard.threads) == 1)
    finally:
        release.set()
    until(lambda: len(heard.threads) == MOST_UNTOLD + 1)
    assert sum("does not keep up" in record.message for record in caplog.records) == 2


def test_no_key_is_in_what_is_told_of_a_job(scheduler: Scheduler, clock: SteppedClock) -> None:
    """SCH-w3: neither of its model nor of a prompt that holds one."""
    key = "sk-ant-canary0123456789abcdef"
    model = alloy.Anthropic("claude-opus-4-6", api_key=key)
    scheduler.every("30m", {"model": model}, f"Use {key} for it", name="x")
    assert key not in repr(scheduler.jobs()) + repr(scheduler) + str(scheduler.jobs())
    assert scheduler.jobs()[0].asks == "anthropic:claude-opus-4-6"


# Whom it asks


def test_an_agents_conversation_goes_on(scheduler: Scheduler, clock: SteppedClock, results: Results) -> None:
    agent = Agent(model=Scripted(["one", "two"]), name="ann")
    told = scheduler.every("30m", agent, "hi", name="x", on_result=results)
    assert told.asks == "agent ann"
    for _ in range(2):
        clock.advance(1800)
        results.next()
    assert [message.text for message in agent.messages] == ["hi", "one", "hi", "two"]


def test_an_agent_that_is_at_work_is_a_failed_run(
    scheduler: Scheduler, clock: SteppedClock, results: Results, gate: Gate
) -> None:
    agent = Agent(**gate.options())
    run = agent.send("work")
    gate.wait_entered()
    scheduler.every("30m", agent, "hi", name="x", on_result=results)
    clock.advance(1800)
    assert isinstance(results.next().error, Busy)
    gate.open.set()
    assert run.result(timeout=PATIENCE).status == "completed"


def test_nobody_is_asked_and_what_was_allowed_before_is(
    scheduler: Scheduler, clock: SteppedClock, results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a person is here: nobody watches what begins by itself."""
    monkeypatch.setattr("alloy_nb.attendance.stdin_available", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: pytest.fail("somebody was asked"))

    @alloy.tool(requires_approval=True)
    def launch() -> str:
        """Launch."""
        return "launched"

    call = {"tool_calls": [{"name": "launch", "input": {}}]}
    scheduler.every("30m", "hi", model=Scripted([call, "ok"]), tools=[launch], name="x", on_result=results)
    scheduler.every("31m", "hi", model=Scripted([call, "ok"]), tools=[launch], approval="auto", name="y",
                    on_result=results)  # fmt: skip
    clock.advance(1800)
    answer = results.next().messages[2].tool_results[0].text
    assert "nobody is asked in a run that the scheduler starts" in answer
    clock.advance(60)
    assert results.next().messages[2].tool_results[0].text == "launched"


@pytest.mark.parametrize(
    ("give", "words"),
    [
        (lambda s: s.every("30m", None), "there is no prompt"),
        (lambda s: s.every("30m", " "), "the prompt is empty"),
        (lambda s: s.every("30m", {"modle": "x"}, "hi"), "unknown option `modle`"),
        # Sent as a prompt: an agent as "a Agent", a dict as the words of its keys.
        (lambda s: s.every("30m", Agent(model=Scripted([]))), "there is no prompt"),
        (lambda s: s.every("30m", {"model": Scripted([])}), "there is no prompt"),
        (lambda s: s.every("30m", 5, "hi"), "an int is asked"),
        (lambda s: s.every("30m", "hi", run_id="r"), "run_id is given"),
        (lambda s: s.every("30m", Agent(model=Scripted([])), "hi", max_turns=1), "max_turns beside an agent"),
        (lambda s: s.every("30m", "hi", model="nobody:x"), "nobody"),
        (lambda s: s.every("30m", "hi", model=Scripted([]), on_result=5), "on_result is 5"),
        (lambda s: s.every("30m", "hi", model=Scripted([]), misfire="twice"), "misfire is 'twice'"),
        (lambda s: s.every("30m", "hi", model=Scripted([]), name=""), "name is ''"),
        (lambda s: s.every("30m", "hi", model=Scripted([]), name="a\nb"), "name is"),
        (lambda s: s.every("30m", "hi", model=Scripted([]), name="a\x1b[31m"), "name is"),
        (lambda s: s.every("30m", "hi", model=Scripted([]), jitter=-1), "jitter is -1"),
        # No datetime is that late: the alarm of all jobs broke on it.
        (lambda s: s.cron("* * * * *", "hi", model=Scripted([]), jitter=10**12), "jitter is 1000000000000"),
        (lambda s: s.subscribe(5), "cannot be called"),
        (lambda s: Scheduler("reports"), "store is 'reports'"),
        (lambda s: Scheduler(name=""), "name is ''"),
        (lambda s: s.history("x"), "there is no job 'x'"),
    ],
)
def test_mistakes_are_said_when_a_job_is_added(
    scheduler: Scheduler, give: Callable[[Scheduler], Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        give(scheduler)
    assert caught.value.hint
    assert scheduler.jobs() == ()


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"nmae": "a"}, "name"),
        ({"onresult": print}, "on_result"),
        ({"misfre": "skip"}, "misfire"),
        ({"jiter": 3}, "jitter"),
        ({"modle": "x"}, "model"),
    ],
)
def test_a_word_that_was_meant_otherwise_names_the_right_one(
    scheduler: Scheduler, given: dict[str, Any], meant: str
) -> None:
    """`nmae` was told to belong to the agent, and `onresult` with all options, without `on_result`."""
    for who in ((Agent(model=Scripted([])), "hi"), ({"model": Scripted([])}, "hi"), ("hi",)):
        with pytest.raises(ConfigError, match="unknown option") as caught:
            scheduler.every("30m", *who, **given)
        assert caught.value.hint == f"did you mean `{meant}`?"
    assert scheduler.jobs() == ()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"skills": ["missing.md"]}, "there is no skill"),
        ({"budget": alloy.Budget(usd=1)}, "the price of scripted:script is not known"),
        ({"compactor": alloy.Compactor(summarize="nobody:x")}, "unknown provider 'nobody'"),
        ({"tool_choice": "read"}, "there are no tools"),
        ({"output": 3}, "no type that a model can answer with"),
    ],
)
def test_what_a_run_would_be_refused_for_is_told_when_its_job_is_added(
    scheduler: Scheduler, options: dict[str, Any], words: str
) -> None:
    """It was told at the first run, at night."""
    with pytest.raises(ConfigError, match=words):
        scheduler.every("30m", "hi", model=Scripted([]), **options)
    if "budget" in options:
        with pytest.raises(ConfigError, match=words):
            scheduler.every("30m", Agent(model=Scripted([]), **options), "hi")
    assert scheduler.jobs() == ()


def test_a_job_without_a_name_gets_one(scheduler: Scheduler) -> None:
    names = [scheduler.every("30m", "hi", model=Scripted([AGAIN])).name for _ in range(2)]
    assert names == ["job-1", "job-2"]


def test_a_paused_job_does_not_fire_and_makes_up_for_nothing(
    scheduler: Scheduler, clock: SteppedClock, results: Results
) -> None:
    scheduler.every("30m", "hi", model=Scripted([AGAIN]), name="x", on_result=results)
    assert scheduler.pause("x").status == "paused"
    assert clock.alarms == []
    clock.advance(7200)
    assert scheduler.resume("x").next_run is not None
    clock.advance(1799)
    assert results.empty
    clock.advance(1)
    results.next()
    assert scheduler.history("x")[0].missed == 0


def test_who_watches_is_told_of_each_change(scheduler: Scheduler, clock: SteppedClock, results: Results) -> None:
    seen: list[tuple[str, ...]] = []
    subscription = scheduler.subscribe(lambda: seen.append(tuple(job.status for job in scheduler.jobs())))
    scheduler.every("30m", "hi", model=Scripted([AGAIN]), name="x", on_result=results)
    clock.advance(1800)
    results.next()
    assert seen[0] == ("due",)
    assert ("running",) in seen
    assert seen[-1] == ("due",)
    subscription.cancel()
    count = len(seen)
    scheduler.remove("x")
    assert len(seen) == count


def test_the_history_is_bounded(scheduler: Scheduler, clock: SteppedClock, results: Results) -> None:
    scheduler.every("1m", "hi", model=Scripted([AGAIN]), name="x", on_result=results)
    for _ in range(55):
        clock.advance(60)
        results.next()
    runs = scheduler.history("x")
    assert len(runs) == 50
    assert runs[-1].due == clock.now()
    assert {run.usage.total_tokens for run in runs} == {15}


def test_a_second_scheduler_with_the_same_job_is_told_of(
    scheduler: Scheduler, clock: SteppedClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A cell that makes a scheduler, run twice: both fire."""
    scheduler.every("30m", "hi", model=Scripted([AGAIN]), name="x")
    with Scheduler(clock=clock) as second:
        second.every("30m", "hi", model=Scripted([AGAIN]), name="x")
        assert any("goes on as well" in record.message for record in caplog.records)


def test_one_that_nobody_has_a_name_for_is_still_to_be_found(clock: SteppedClock, results: Results) -> None:
    """It fires on: a cell that was run twice has two of them, and `%alloy /jobs` tells both."""
    Scheduler(name="unnamed", clock=clock).every("30m", "hi", model=Scripted([AGAIN]), name="x", on_result=results)
    gc.collect()
    (found,) = [one for one in schedulers_here() if one.name == "unnamed"]
    clock.advance(1800)
    results.next()
    found.stop()
    assert found not in schedulers_here()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_has_no_scheduler() -> None:
    """Else each job would run in the child as well."""
    code = """
import os, threading, alloy_nb as alloy
from alloy_nb.scheduler import schedulers_here
ran = threading.Event()
scheduler = alloy.Scheduler()
model = alloy.Scripted([{"text": "yes", "on": "hi"}])
scheduler.every(0.1, "hi", model=model, on_result=lambda result: ran.set())
assert ran.wait(30)
child = os.fork()
if child == 0:
    alone = schedulers_here() == [] and alloy.run("hi", model=model).text == "yes"
    os._exit(0 if alone and not [t for t in threading.enumerate() if t.name.startswith("alloy-job")] else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
scheduler.stop()
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "0\n"
