"""`Scheduler`: runs that begin by themselves, at times that are said once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from .agent import Agent
from .errors import AlloyError, Busy, ConfigError
from .forks import renewed_in_child
from .guests import check_callback
from .keywords import keywords_told
from .leaving import Leaving
from .options import nearest
from .plain import revealed_name
from .scheduling.clock import Clock, SystemClock
from .scheduling.engine import Engine
from .scheduling.job import Job, JobRun, state_words
from .scheduling.ledger import Ledger, is_same_spec
from .scheduling.schedule import At, Cron, Every, Schedule, read_interval
from .scheduling.task import Misfire, OnResult, Task, read_jitter
from .scheduling.work import Work
from .session import SessionStore
from .sinks import resolve
from .subscribers import Subscription
from .tools.workers import call_in_thread

__all__ = ["Scheduler", "schedulers_here"]

logger = logging.getLogger("alloy_nb")


#: So many jobs are named where a scheduler is told on one line.
_TOLD = 5


#: What the ways to add a job take beside the options of its run.
_JOBS = ("prompt", "name", "on_result", "misfire")
_TAKEN: Mapping[type, Sequence[str]] = {
    Every: (*_JOBS, "jitter"),
    Cron: (*_JOBS, "jitter", "timezone"),
    At: (*_JOBS, "timezone"),
}


def _nobody() -> dict[Scheduler, None]:
    return {}


# Those that were not stopped: a scheduler fires on, also when nobody has a name for it any more. A forked child has
# none: its parent does what is due.
_all = renewed_in_child(_nobody)


def schedulers_here() -> list[Scheduler]:
    """The schedulers of this process that were not stopped, by name; of one name in the order they were made."""
    return sorted(_all(), key=lambda found: found.name)


@keywords_told
class Scheduler(Leaving):
    """Starts runs by itself: each so often (`every`), as cron says (`cron`), once (`at`).

    A job asks an `Agent`, whose conversation goes on, or is a fresh run with options each time. What is due while the
    job is still at work is skipped; what was missed while the machine slept or its clock was set is made up for once.
    Runs ask nobody: what would need a person's word is refused. `on_result(result)` is called on a thread of its own
    with each `Result`, failures included, one at a time; of more than 50 that wait for it the oldest is left out. An
    async one has a loop of its own there. Without any the end of each run is logged.

    With a `store` jobs are kept, and another scheduler with the same store and `name` goes on with them; two of them
    at the same time start each run once. Functions, agents and models that are objects cannot be kept: give them again
    by `attach`, or add the job again under its name. A time that passed while no kernel was there is made up for once,
    as by anacron, or left out with ``misfire="skip"``.

    >>> import alloy_nb as alloy
    >>> model = alloy.Scripted(["Nothing new."])
    >>> with alloy.Scheduler() as scheduler:
    ...     job = scheduler.cron("0 9 * * 1-5", {"model": model}, "What is new?", name="news", timezone="Europe/Berlin")
    >>> job.name, job.schedule.words
    ('news', 'At 09:00 on Monday through Friday (Europe/Berlin)')
    """

    def __init__(
        self, store: SessionStore | None = None, name: str = "scheduler", *, clock: Clock | None = None
    ) -> None:
        if not _is_name(name):
            raise ConfigError(f"name is {name!r}", hint="give a text on one line, such as name='reports'")
        if store is not None and not all(callable(getattr(store, part, None)) for part in ("append", "read", "delete")):
            raise ConfigError(f"store is {store!r}", hint="give a store: store=alloy.SQLiteStore('jobs.sqlite')")
        #: By which a store knows it.
        self.name = name
        self._count = 0
        self._engine = Engine(clock or SystemClock(), Ledger(store, name) if store is not None else None)
        _all()[self] = None

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called: then nothing fires any more."""
        return self._engine.stopped

    # -- adding jobs ----------------------------------------------------------------------------------------------

    def every(
        self,
        interval: Any,
        who: Agent | Mapping[str, Any] | Any,
        prompt: Any = None,
        *,
        name: str | None = None,
        on_result: OnResult | None = None,
        jitter: Any = 0,
        misfire: Misfire = "once",
        **options: Any,
    ) -> Job:
        """Ask each `interval`: ``"30m"``, ``"1h30m"``, seconds, a `timedelta`; first when one has passed.

        `who` is an `Agent` or a mapping of options; without it, `options` are those of the run. A job of the same name
        is replaced: what it had begun is stopped, and its result discarded. `jitter` delays each run by up to so much,
        always the same for the same job and time.
        """
        schedule = Every(read_interval(interval))
        return self._add(schedule, who, prompt, name, on_result, jitter, misfire, options)

    def cron(
        self,
        expression: str,
        who: Agent | Mapping[str, Any] | Any,
        prompt: Any = None,
        *,
        timezone: Any = None,
        name: str | None = None,
        on_result: OnResult | None = None,
        jitter: Any = 0,
        misfire: Misfire = "once",
        **options: Any,
    ) -> Job:
        """Ask as cron says: minute, hour, day, month, weekday, on the clock of `timezone` (None: this machine's).

        Where the clock is put forward over a time of the day it is due right after, and where that comes twice, once.
        """
        schedule = Cron(expression, timezone)
        return self._add(schedule, who, prompt, name, on_result, jitter, misfire, options)

    def at(
        self,
        when: datetime | str,
        who: Agent | Mapping[str, Any] | Any,
        prompt: Any = None,
        *,
        timezone: Any = None,
        name: str | None = None,
        on_result: OnResult | None = None,
        misfire: Misfire = "once",
        **options: Any,
    ) -> Job:
        """Ask once, at a datetime or a text like ``"2026-12-24 18:00"``; without a zone, on the clock of `timezone`."""
        return self._add(At.read(when, timezone), who, prompt, name, on_result, 0, misfire, options)

    def _add(
        self,
        schedule: Schedule,
        who: Any,
        prompt: Any,
        name: str | None,
        on_result: OnResult | None,
        jitter: Any,
        misfire: Misfire,
        options: Mapping[str, Any],
    ) -> Job:
        work, delay = Work.read(who, prompt, options, _TAKEN[type(schedule)]), read_jitter(jitter, schedule)
        with self._engine.changing():
            self._check_open()
            name = self._name(name)
            old, now = self._engine.tasks.get(name), self._engine.clock.now()
            known = old is not None and old.loaded and old.schedule == schedule
            task = Task(name, schedule, work, now, jitter=delay, misfire=misfire, on_result=on_result)
            if old is not None:
                task.runs.extend(old.runs)
                if known:
                    task.rebase(old.base)
                    task.not_before, task.paused = old.not_before, old.paused
            if task.due is None and not known:
                raise ConfigError(f"{schedule.words}: that time has passed", hint="give one that is to come")
            was_running = old is not None and old.running
            self._engine.drop(old)
            self._keep(task, known)
            self._engine.tasks[name] = task
            self._engine.arm()
            job = task.as_job()
        if old is not None and (was_running or not known):
            logger.info("job %s was replaced%s", name, ": what it had begun is stopped" if was_running else "")
        self._warn_of_namesakes(name)
        return job

    def _name(self, name: str | None) -> str:
        if name is None:
            if self._engine.ledger is not None:
                raise ConfigError("a job that is kept has no name", hint="give it one: name='morning-report'")
            number = 1
            while f"job-{number}" in self._engine.tasks:
                number += 1
            return f"job-{number}"
        if not _is_name(name):
            raise ConfigError(f"name is {name!r}", hint="give a text on one line, such as name='morning-report'")
        return name

    def _keep(self, task: Task, known: bool) -> None:
        if self._engine.ledger is None:
            return
        kept = self._engine.ledger.jobs.get(task.name)
        if known and kept is not None and is_same_spec(kept.spec, task.spec()):
            return  # as it is there already, with whoever is at it now
        self._engine.ledger.put(task.name, task.spec(), task.base)
        if task.paused:
            self._engine.ledger.pause(task.name, True, task.base)

    def _warn_of_namesakes(self, name: str) -> None:
        """A cell that was run twice has made two schedulers, of which one is forgotten, and goes on."""
        others = [one for one in schedulers_here() if one is not self and one.name == self.name]
        if self._engine.ledger is None and any(name in one._engine.tasks for one in others):
            logger.warning(
                "another scheduler %r here has a job %r, which goes on as well: stop() it, or keep both in a store",
                self.name,
                name,
            )

    def attach(
        self, name: str, *, agent: Agent | None = None, on_result: OnResult | None = None, **options: Any
    ) -> Job:
        """Give a job that was kept what a store cannot keep: its agent, its `on_result`, options that are objects."""
        with self._engine.changing():
            self._check_open()
            task = self._task(name)
            if on_result is not None and not callable(on_result):
                raise ConfigError(f"on_result is {on_result!r}", hint="give a function of one argument, the Result")
            if agent is not None or options:
                task.work = task.work.given(agent, options)
            task.on_result = on_result or task.on_result
            self._keep(task, True)
            self._engine.arm()
            return task.as_job()

    # -- what is there --------------------------------------------------------------------------------------------

    def jobs(self) -> tuple[Job, ...]:
        """The jobs as they stand, in the order in which they were added; no key is in them."""
        with self._engine.lock:
            return tuple(task.as_job() for task in self._engine.tasks.values())

    def history(self, name: str) -> tuple[JobRun, ...]:
        """The last 50 runs of a job, the newest last."""
        with self._engine.lock:
            return tuple(self._task(name).runs)

    def __repr__(self) -> str:
        jobs = self.jobs()
        state = ", stopped" if self.stopped else ""
        told = [f"{job.name!r} {state_words(job)}" for job in jobs[:_TOLD]] + ["…"] * (len(jobs) > _TOLD)
        return f"<Scheduler {self.name}{state}: {', '.join(told) or 'no job yet'}>"

    def subscribe(self, callback: Callable[[], Any]) -> Subscription:
        """Have `callback()` called, on any thread, when jobs were changed, begun or done; it must not wait."""
        check_callback(callback, "no argument")
        with self._engine.lock:
            self._count += 1
            number = self._count
            self._engine.watchers[number] = callback

        def end() -> None:
            self._engine.watchers.pop(number, None)

        return Subscription(end)

    def _ipython_display_(self) -> None:
        resolve("show_scheduler")(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle: dict[str, Any] = resolve("scheduler_bundle")(self)
        return bundle

    # -- what is done to them -------------------------------------------------------------------------------------

    def trigger(self, name: str) -> bool:
        """Run a job now, whatever its schedule says, which stays as it is. True; `Busy` while it is at work."""
        with self._engine.changing():
            self._check_open()
            task = self._task(name)
            if task.running:
                raise Busy(f"the job {name!r} is at work", hint="wait for its result, or remove() it")
            if task.work.needs:
                raise ConfigError(f"the job {name!r} needs {', '.join(task.work.needs)}", hint=task.work.way_out)
            self._engine.begin(task, None)
        return True

    def pause(self, name: str) -> Job:
        """Have a job fire no more until `resume`; what it has begun goes on."""
        return self._set_paused(name, True)

    def resume(self, name: str) -> Job:
        """Have it fire again, from now on: what passed meanwhile is not made up for."""
        return self._set_paused(name, False)

    def _set_paused(self, name: str, paused: bool) -> Job:
        with self._engine.changing():
            self._check_open()
            task = self._task(name)
            if task.paused != paused:
                base = task.base if paused else max(task.base, self._engine.clock.now())
                if self._engine.ledger is not None:
                    self._engine.ledger.pause(name, paused, base)
                task.paused = paused
                task.rebase(base)
                self._engine.arm()
            return task.as_job()

    def remove(self, name: str) -> bool:
        """Forget a job: it is stopped where it runs, and its result discarded. False where there is none."""
        with self._engine.changing():
            task = self._engine.tasks.pop(name, None)
            if task is None:
                return False
            self._engine.drop(task)
            if self._engine.ledger is not None and not self.stopped:
                self._engine.ledger.remove(name)
            self._engine.arm()
        return True

    def stop(self, *, cancel: bool = True) -> None:
        """Fire no more, and stop what runs, which is told and noted; with ``cancel=False`` it goes on to its end.

        Jobs stay in the store. Once; later calls do nothing.
        """
        with self._engine.changing():
            if not self.stopped:
                _all().pop(self, None)
                self._engine.stop(cancel=cancel)

    async def astop(self, *, cancel: bool = True) -> None:
        """The same, without holding up the running loop."""
        await call_in_thread(lambda: self.stop(cancel=cancel), "scheduler-stop").future

    def _exit(self) -> None:
        self.stop()

    def _check_open(self) -> None:
        if self.stopped:
            raise AlloyError("this scheduler was stopped", hint="make another one: alloy.Scheduler()")

    def _task(self, name: str) -> Task:
        task = self._engine.tasks.get(name)
        if task is None:
            near = nearest(str(name), list(self._engine.tasks))
            hint = f"did you mean {near!r}?" if near else f"the jobs are {', '.join(self._engine.tasks) or 'none yet'}"
            raise ConfigError(f"there is no job {name!r}", hint=hint)
        return task


def _is_name(name: object) -> bool:
    """It stands in tables and logs as it is: nothing in it may be hidden, or steer a terminal."""
    return isinstance(name, str) and bool(name.strip()) and revealed_name(name) == name
