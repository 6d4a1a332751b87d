"""A job and its runs, as they are told: values that hold no key and nothing that runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..errors import SessionError
from ..plain import one_line
from ..redaction import redact
from ..result import Result
from ..usage import Usage
from .schedule import Schedule
from .zones import clock_words

__all__ = ["Job", "JobRun", "state_words"]

#: So much of an answer and of an error is kept of a run.
_HEAD = 500
#: And so much of it where a run is told on one line.
_TOLD = 60


@dataclass(frozen=True, slots=True, repr=False)
class JobRun:
    """One run of a job, as it is remembered.

    `status` is the result's, or ``"lost"`` where the kernel ended before the run did; `text` begins the answer;
    `cost` is in US dollars, `seconds` what it took; `trigger` is ``"schedule"`` or ``"manual"``; `due` is when it
    should have begun (None for a manual one), `missed` how many times before it fell away: they passed while the job
    was at work or nothing ran here. Times are UTC.

    >>> from datetime import UTC
    >>> JobRun(datetime(2026, 1, 1, 9, tzinfo=UTC), "completed", text="All is well.").ok
    True
    """

    started: datetime
    status: str
    due: datetime | None = None
    ended: datetime | None = None
    text: str = ""
    error: str | None = None
    usage: Usage = field(default_factory=Usage)
    cost: float | None = None
    seconds: float = 0.0
    trigger: str = "schedule"
    missed: int = 0
    run_id: str = ""

    def __repr__(self) -> str:
        told = self.error or self.text
        said = f": {one_line(told, _TOLD)!r}" if told else ""
        return f"<JobRun {self.status}, {clock_words(self.started, None)}, {self.seconds:.1f} s{said}>"

    @property
    def ok(self) -> bool:
        """Whether it came to an end without error or stop."""
        return self.status in ("completed", "max_turns", "waiting")

    @classmethod
    def of(cls, result: Result, started: datetime, **facts: Any) -> JobRun:
        """What is remembered of a result."""
        error = result.error
        return cls(
            started,
            result.status,
            text=_head(result.text),
            error=None if error is None else _head(f"{type(error).__name__}: {error.message}"),
            usage=result.usage,
            cost=result.cost,
            seconds=result.duration,
            run_id=result.run_id,
            **facts,
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "started": self.started.isoformat(),
            "status": self.status,
            "due": self.due and self.due.isoformat(),
            "ended": self.ended and self.ended.isoformat(),
            "text": self.text,
            "error": self.error,
            "usage": self.usage.to_dict(),
            "cost": self.cost,
            "seconds": self.seconds,
            "trigger": self.trigger,
            "missed": self.missed,
            "run_id": self.run_id,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> JobRun:
        """What `to_dict` wrote; a `SessionError` for what is none."""
        try:
            return cls(
                datetime.fromisoformat(data["started"]),
                str(data["status"]),
                **{name: datetime.fromisoformat(data[name]) for name in ("due", "ended") if data.get(name)},
                text=str(data.get("text") or ""),
                error=data.get("error"),
                usage=Usage.from_dict(data.get("usage")),
                cost=data.get("cost"),
                seconds=float(data.get("seconds") or 0),
                trigger=str(data.get("trigger") or "schedule"),
                missed=int(data.get("missed") or 0),
                run_id=str(data.get("run_id") or ""),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SessionError(
                f"a stored run of a job cannot be read: {type(error).__name__}: {error}",
                hint="it was cut or changed since it was written",
            ) from error


def state_words(job: Job) -> str:
    """When it is due, on the clock that its schedule goes by; or why it is not.

    >>> from datetime import UTC
    >>> from alloy_nb.scheduling.schedule import Cron
    >>> state_words(Job("x", Cron("0 9 * * *", "Europe/Berlin"), "", "", datetime(2026, 1, 5, 8, tzinfo=UTC)))
    'due 2026-01-05 09:00 CET'
    """
    if job.status == "due" and job.next_run is not None:
        return f"due {clock_words(job.next_run, job.timezone)}"
    return f"waits for {', '.join(job.needs)}" if job.status == "waits" else job.status


def _head(text: str) -> str:
    text = redact(text)
    return text if len(text) <= _HEAD else text[: _HEAD - 1] + "…"


@dataclass(frozen=True, slots=True, repr=False)
class Job:
    """A job as it stands: when it is due, who does it, how it went last.

    `asks` is an agent's name, or the model of a run of its own; `prompt` begins what is asked; `next_run` is in UTC,
    None for one that is paused, waits or is done. `needs` names what cannot be kept in a store and was not given
    again yet: until then the job waits. `missed` counts the times that fell away since its last run.

    >>> import alloy_nb as alloy
    >>> with alloy.Scheduler() as scheduler:
    ...     scheduler.every("30m", "What is new?", model=alloy.Scripted(["Nothing."]), name="news").schedule.words
    'every 30 min'
    """

    name: str
    schedule: Schedule
    asks: str
    prompt: str
    next_run: datetime | None = None
    running: bool = False
    paused: bool = False
    needs: tuple[str, ...] = ()
    last: JobRun | None = None
    missed: int = 0

    @property
    def status(self) -> str:
        """``"running"``, ``"paused"``, ``"waits"`` (for what it needs), ``"done"`` or ``"due"``."""
        if self.running:
            return "running"
        if self.paused:
            return "paused"
        if self.needs:
            return "waits"
        return "done" if self.next_run is None else "due"

    @property
    def timezone(self) -> str | None:
        """The zone of the clock that its schedule goes by; None is this machine's own."""
        return getattr(self.schedule, "timezone", None)

    def __repr__(self) -> str:
        last = f", last {self.last.status}" if self.last else ""
        return f"<Job {self.name!r}: {self.schedule.words}, {state_words(self)}{last}>"
