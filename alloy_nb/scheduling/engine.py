"""What goes on in a scheduler: the alarm, what is due, the runs that come of it, and what other kernels did."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from ..errors import AlloyError
from ..guests import contain
from ..plain import one_line
from ..portal import is_portal_thread
from ..result import Result
from .clock import Clock
from .job import JobRun
from .ledger import Ledger, is_same_spec
from .schedule import Every
from .task import MOST_UNTOLD, Task
from .work import failed, see_to_end

__all__ = ["Engine"]

logger = logging.getLogger("alloy_nb")

#: The longest sleep: the machine's clock may be set, and the machine itself may sleep. In seconds.
LONGEST_SLEEP = 5.0
#: So much later than its time a job that skips what it missed still begins.
ON_TIME = timedelta(seconds=60)
#: A clock that is put back by more was wrong before: times of the day that it showed then come again.
CORRECTION = timedelta(days=1)
#: What was missed while no kernel was there waits so long, for what is given again to jobs that were kept.
SETTLING = timedelta(seconds=2)
#: How long runs that are stopped may take to end, in seconds.
CLOSING = 10.0


class Engine:
    """The tasks of a scheduler, by name, and one alarm for all of them. On any thread.

    What changes tasks does so within `changing`, and then has the alarm set anew by `arm`; who only reads holds `lock`.
    """

    def __init__(self, clock: Clock, ledger: Ledger | None) -> None:
        self.clock = clock
        self.ledger = ledger
        self.tasks: dict[str, Task] = {}
        self.watchers: dict[int, Callable[[], Any]] = {}
        self.stopped = False
        self._cancelling = False
        self.lock = threading.RLock()
        self._idle = threading.Condition(self.lock)
        self._take_back: Callable[[], None] | None = None
        if ledger is not None:
            ledger.settle_lost(clock.now())
        with self.lock:
            self._sync()
            self.arm()

    def drop(self, task: Task | None) -> None:
        """It is no more: what it has begun is stopped, and nobody is told what came of it."""
        if task is None:
            return
        task.alive = False
        if task.run is not None:
            task.run.cancel()

    def stop(self, *, cancel: bool) -> None:
        """No alarm any more; with `cancel` what runs is stopped, and waited for."""
        self.stopped, self._cancelling = True, cancel
        self.arm()
        for task in self.tasks.values() if cancel else ():
            if task.run is not None:
                task.run.cancel()
        if cancel and not is_portal_thread():
            self._idle.wait_for(lambda: not self._at_work(), CLOSING)
        if self.ledger is not None and not self._at_work():
            self.ledger.close()

    def _at_work(self) -> bool:
        return any(task.running for task in self.tasks.values())

    # -- the time -------------------------------------------------------------------------------------------------

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Under the lock; those who watch are told when it is let go."""
        try:
            with self.lock:
                yield
        finally:
            for watch in list(self.watchers.values()):
                try:
                    watch()
                except Exception:  # the user's own code
                    logger.exception("what watches a scheduler raised; the jobs go on")

    def arm(self) -> None:
        """Be woken when the next job is due, and at least so often that a clock that was set is noticed."""
        if self._take_back is not None:
            self._take_back()
            self._take_back = None
        times = [time for task in self.tasks.values() if task.waking and (time := task.fires_at) is not None]
        if times and not self.stopped:
            wait = (min(times) - self.clock.now()).total_seconds()
            self._take_back = self.clock.wake(min(max(wait, 0.0), LONGEST_SLEEP), self._look)

    def _look(self) -> None:
        """Begin what is due."""
        with self.changing():
            if self.stopped:
                return
            now = self.clock.now()
            try:
                for task in tuple(self.tasks.values()):
                    self._mind_clock(task, now)
                    if task.waking and task.fires_at is not None and task.fires_at <= now:
                        self._fire(task, now)
            except Exception:
                logger.exception("a scheduler could not begin what is due; it tries again")
                self._take_back = self.clock.wake(LONGEST_SLEEP, self._look)
            else:
                self.arm()

    def _mind_clock(self, task: Task, now: datetime) -> None:
        """The clock was put back behind what a job has done already.

        One that runs each so often does so from now on. Times of the day do not come again, unless the clock was
        altogether wrong before.
        """
        if task.not_before is not None and task.not_before - now > SETTLING:
            task.not_before = None
        back = task.base - now
        if back > CORRECTION or (back > timedelta() and isinstance(task.schedule, Every)):
            task.rebase(now)
            if self.ledger is not None:
                self.ledger.pause(task.name, task.paused, now)

    def _fire(self, task: Task, now: datetime) -> None:
        if task.work.needs:
            logger.warning("job %s waits for %s: %s", task.name, ", ".join(task.work.needs), task.work.way_out)
            task.told = True
            return
        assert task.due is not None
        due = task.due
        base, missed = task.schedule.passed(due, now)
        task.rebase(base)
        if task.misfire == "skip" and now - due - timedelta(seconds=task.jitter) > ON_TIME:
            task.missed += missed + 1
            logger.warning("job %s was due at %s: too late, it is left out", task.name, due.isoformat())
        elif task.running:
            task.missed += missed + 1
            logger.warning("job %s is still at work: what was due at %s is left out", task.name, due.isoformat())
        else:
            task.missed += missed
            self.begin(task, due)

    # -- a run of a job -------------------------------------------------------------------------------------------

    def begin(self, task: Task, due: datetime | None) -> None:
        """In a thread, which sees to the run until its result is told."""
        task.running = True
        missed, task.missed = task.missed, 0
        work = threading.Thread(
            target=self._work, args=(task, due, task.base, missed), name=f"alloy-job-{task.name}", daemon=True
        )
        try:
            work.start()
        except BaseException:
            task.running = False
            raise

    def _work(self, task: Task, due: datetime | None, base: datetime, missed: int) -> None:
        started = self.clock.now()
        try:
            if self.ledger is not None and not self._claims(task, due, base, started):
                return
            result = self._carry_out(task)
        except BaseException as error:  # whatever it is, the job is let go
            if not isinstance(error, AlloyError):
                logger.exception("job %s could not be run", task.name)
            result = failed(error)
        facts = {"due": due, "ended": self.clock.now(), "trigger": "manual" if due is None else "schedule"}
        self._finish(task, result, JobRun.of(result, started, missed=missed, **facts))

    def _claims(self, task: Task, due: datetime | None, base: datetime, now: datetime) -> bool:
        """Whether it is this scheduler's to run, and not another kernel's."""
        assert self.ledger is not None
        verdict = self.ledger.claim(task.name, task.spec(), due, base, now)
        if verdict == "ours":
            return True
        if verdict == "running":
            logger.warning("job %s is at work in another kernel: it is left out here", task.name)
        with self.changing():
            task.running = False
            task.missed += verdict == "running"
            self._idle.notify_all()
            self._sync()
            self.arm()
        return False

    def _carry_out(self, task: Task) -> Result:
        run = task.work.begin()
        with self.changing():
            task.run = run
            if not task.alive or self._cancelling:
                run.cancel()
        return see_to_end(run)

    def _finish(self, task: Task, result: Result, run: JobRun) -> None:
        """Note it, let the job go, then tell. Of a job that was removed or replaced meanwhile nothing is told."""
        stored = False
        if self.ledger is not None and task.alive:
            with self.lock:
                task.ending = True
            try:
                self.ledger.finish(task.name, run, task.base)
                stored = True
            except Exception as error:  # noqa: BLE001 - anybody's store; the job is let go all the same
                logger.error("the run of job %s could not be stored: %s", task.name, error)
        with self.changing():
            task.running, task.run = False, None
            task.runs.append(run)
            # The ledger has what other kernels have changed. One that was stopped stays as it is.
            if stored and not self.stopped:
                self._sync()
            if task.ending:  # what was due meanwhile, is now
                task.ending = False
                self.arm()
            self._idle.notify_all()
            told = task.alive
            tells_itself = told and task.on_result is not None and self._leave_to_tell(task, result)
        if told and task.on_result is None:
            _log(task.name, run)
        if tells_itself:
            self._tell(task)

    def _leave_to_tell(self, task: Task, result: Result) -> bool:
        """Whether this thread tells it: one of them does, however many runs end while `on_result` is at work."""
        if len(task.untold) == MOST_UNTOLD:
            logger.warning("on_result of job %s does not keep up: its oldest result is left out", task.name)
        task.untold.append(result)
        begins, task.telling = not task.telling, True
        return begins

    def _tell(self, task: Task) -> None:
        while True:
            with self.lock:
                on_result = task.on_result if task.alive else None
                if on_result is None or not task.untold:
                    task.untold.clear()
                    task.telling = False
                    return
                result = task.untold.popleft()
            try:
                answer = on_result(result)
                if inspect.isawaitable(answer):
                    asyncio.run(contain(answer))
            except BaseException:  # the user's own code
                logger.exception("on_result of job %s raised; the job goes on", task.name)

    # -- what others know -----------------------------------------------------------------------------------------

    def _sync(self) -> None:
        """Take over what the ledger says: jobs that other kernels added, removed, paused or ran."""
        if self.ledger is None:
            return
        kept_jobs = self.ledger.jobs
        for name in [name for name in self.tasks if name not in kept_jobs]:
            self.drop(self.tasks.pop(name))
        for name, kept in kept_jobs.items():
            task = self.tasks.get(name)
            if task is None or not is_same_spec(kept.spec, task.spec()):
                self.drop(task)
                task = self.tasks[name] = Task.load(name, kept)
                task.not_before = self.clock.now() + SETTLING
                continue
            task.paused = kept.paused
            task.take_runs(kept.runs)
            if kept.base > task.base:
                task.rebase(kept.base)


def _log(name: str, run: JobRun) -> None:
    if run.ok:
        logger.info("job %s completed — %s", name, one_line(run.text, 200))
    else:
        logger.warning("job %s failed — %s", name, one_line(run.error or run.status, 200))
