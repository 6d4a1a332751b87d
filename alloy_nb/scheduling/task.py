"""A job within a scheduler: what changes of it while it is there."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Literal

from ..errors import ConfigError
from ..options import wrong_choice
from ..result import Result
from ..runs import Run
from .job import Job, JobRun
from .ledger import KEPT_RUNS, Kept
from .schedule import MOST, Every, Schedule, read_interval, schedule_from
from .work import Work

__all__ = ["MISFIRES", "MOST_UNTOLD", "Misfire", "OnResult", "Task", "read_jitter"]

Misfire = Literal["once", "skip"]
MISFIRES = ("once", "skip")
OnResult = Callable[[Result], Any]
#: So many results wait at most for an `on_result` that is still at work.
MOST_UNTOLD = 50


def read_jitter(jitter: Any, schedule: Schedule) -> float:
    """The longest delay, in seconds; less than the pace of the job."""
    seconds = read_interval(jitter)
    if not 0 <= seconds <= MOST:
        raise ConfigError(f"jitter is {jitter!r}", hint="give seconds, from 0 to those of a year")
    if isinstance(schedule, Every) and seconds >= schedule.seconds:
        raise ConfigError(f"jitter {jitter!r} is no less than the time between two runs", hint="give a smaller one")
    return seconds


class Task:
    """One job, from when it was added until it is removed or replaced: `alive` is False from then on.

    Not safe by itself: its scheduler holds a lock. All that was due up to `base` has had its turn.
    """

    def __init__(
        self,
        name: str,
        schedule: Schedule,
        work: Work,
        base: datetime,
        *,
        jitter: float = 0.0,
        misfire: Misfire = "once",
        on_result: OnResult | None = None,
        runs: Iterable[JobRun] = (),
    ) -> None:
        if misfire not in MISFIRES:
            raise wrong_choice("misfire", misfire, MISFIRES)
        if on_result is not None and not callable(on_result):
            raise ConfigError(f"on_result is {on_result!r}", hint="give a function of one argument, the Result")
        self.name = name
        self.schedule = schedule
        self.work = work
        self.jitter = jitter
        self.misfire = misfire
        self.on_result = on_result
        self.paused = False
        self.alive = True
        self.running = False
        #: Its run is over, and is being stored: what is due waits for that.
        self.ending = False
        self.run: Run | None = None
        self.missed = 0
        self.runs = deque(runs, maxlen=KEPT_RUNS)
        #: Results that `on_result` has not heard yet, and whether a thread tells them.
        self.untold: deque[Result] = deque(maxlen=MOST_UNTOLD)
        self.telling = False
        #: Loaded from a store, and not added in this process.
        self.loaded = False
        self.not_before: datetime | None = None
        #: It was due, and said what it waits for.
        self.told = False
        self.rebase(base)

    @classmethod
    def load(cls, name: str, kept: Kept) -> Task:
        """As a ledger has it."""
        spec = kept.spec
        task = cls(
            name,
            schedule_from(spec["schedule"]),
            Work.from_dict(spec),
            kept.base,
            jitter=float(spec.get("jitter") or 0),
            misfire=spec.get("misfire") or "once",
            runs=kept.runs,
        )
        task.loaded, task.paused = True, kept.paused
        return task

    def spec(self) -> Mapping[str, Any]:
        """For the ledger."""
        schedule = self.schedule.to_dict()
        return {"schedule": schedule, "jitter": self.jitter, "misfire": self.misfire, **self.work.to_dict()}

    def take_runs(self, stored: Sequence[JobRun]) -> None:
        """What a store remembers, beside what could not be stored."""
        known = {(run.started, run.run_id) for run in stored}
        own = [run for run in self.runs if (run.started, run.run_id) not in known]
        self.runs.clear()
        self.runs.extend(sorted([*stored, *own], key=lambda run: run.started))

    def rebase(self, base: datetime) -> None:
        """Go on from here."""
        self.base = base.astimezone(UTC)
        self.due = self.schedule.next_after(self.base)

    @property
    def active(self) -> bool:
        """Whether it fires by itself."""
        return self.due is not None and not self.paused and not self.work.needs

    @property
    def waking(self) -> bool:
        """Whether something is to be done when it is due: it fires, or says once what it waits for."""
        silent = self.paused or self.ending or (bool(self.work.needs) and self.told)
        return self.due is not None and not silent

    @property
    def fires_at(self) -> datetime | None:
        """When it begins what is due: its jitter is the same for the same job and time, wherever it runs."""
        if self.due is None:
            return None
        fires = self.due
        if self.jitter:
            digest = sha256(f"{self.name}\n{self.due.isoformat()}".encode()).digest()
            fires += timedelta(seconds=self.jitter * int.from_bytes(digest[:8], "big") / 2**64)
        return fires if self.not_before is None else max(fires, self.not_before)

    def as_job(self) -> Job:
        """As it is told."""
        return Job(
            self.name,
            self.schedule,
            self.work.asks,
            self.work.words,
            self.fires_at if self.active else None,
            self.running,
            self.paused,
            self.work.needs,
            self.runs[-1] if self.runs else None,
            self.missed,
        )
