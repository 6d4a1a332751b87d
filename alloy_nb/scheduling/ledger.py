"""The jobs of a scheduler in a session store: what is to be done, what was done, and who is at it.

Several kernels may go by one ledger. A record is appended after as many as its writer knows of, so whoever knows less
is told of a conflict, reads what the other has written, and thinks again.

The session ``schedule:NAME`` says which other one holds the records. When those have become many, a new one begins
with what they come to, the old one is marked as moved, in one append, and then deleted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import uuid4

from ..errors import SessionConflict, SessionError
from ..redaction import redact_data
from ..session import JOBS, SessionStore
from .job import JobRun
from .owners import Owner

__all__ = ["KEPT_RUNS", "Claim", "Kept", "Ledger", "Verdict", "fold", "is_same_spec"]

RECORD_VERSION = 1
#: So many runs of each job are remembered.
KEPT_RUNS = 50
#: With more records than this, a new list begins.
MOST_RECORDS = 400
#: How often it is tried to append while others append, too.
_ATTEMPTS = 50

Verdict = Literal["ours", "theirs", "running", "gone"]


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that was begun and is not known to be over."""

    owner: str
    at: datetime
    due: datetime | None
    trigger: str

    def lost(self) -> JobRun:
        """What is remembered of it when whoever was at it is gone."""
        return JobRun(self.at, "lost", due=self.due, trigger=self.trigger)


@dataclass(slots=True)
class Kept:
    """A job as the ledger has it. All that was due up to `base` has had its turn."""

    spec: dict[str, Any]
    base: datetime
    paused: bool = False
    claim: Claim | None = None
    runs: list[JobRun] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        claim = self.claim and {
            "owner": self.claim.owner,
            "at": self.claim.at.isoformat(),
            "due": self.claim.due and self.claim.due.isoformat(),
            "trigger": self.claim.trigger,
        }
        runs = [run.to_dict() for run in self.runs]
        return {"spec": self.spec, "base": self.base.isoformat(), "paused": self.paused, "claim": claim, "runs": runs}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Kept:
        runs = [JobRun.from_dict(run) for run in data.get("runs", ())][-KEPT_RUNS:]
        claim = _claim(data["claim"]) if data.get("claim") else None
        return cls(dict(data["spec"]), _moment(data["base"]), bool(data.get("paused")), claim, runs)


def fold(records: Iterable[Mapping[str, Any]]) -> dict[str, Kept]:
    """The jobs that a list of records comes to. Raises `SessionError` for what is none of ours."""
    jobs: dict[str, Kept] = {}
    for record in records:
        if not isinstance(record, Mapping) or record.get("v", 0) > RECORD_VERSION:
            raise SessionError("the jobs were stored by a newer alloy_nb", hint="upgrade alloy-nb")
        try:
            _apply(jobs, record)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SessionError(
                f"the stored jobs cannot be read: {type(error).__name__}: {error}",
                hint="they were cut or changed since they were written; name another scheduler, or delete the session",
            ) from error
    return jobs


def _apply(jobs: dict[str, Kept], record: Mapping[str, Any]) -> None:
    kind, name = record["kind"], str(record.get("name", ""))
    if kind == "all":
        jobs.clear()
        jobs.update({name: Kept.from_dict(job) for name, job in record["jobs"].items()})
    elif kind == "job":
        runs = jobs[name].runs if name in jobs else []
        jobs[name] = Kept(dict(record["spec"]), _moment(record["base"]), runs=runs)
    elif kind == "removed":
        jobs.pop(name, None)
    elif name in jobs:
        job = jobs[name]
        job.base = max(job.base, _moment(record["base"])) if record.get("base") else job.base
        if kind == "claim":
            job.claim = _claim(record)
        elif kind == "run":
            job.claim = None
            job.runs = [*job.runs, JobRun.from_dict(record["run"])][-KEPT_RUNS:]
        elif kind == "pause":
            job.paused, job.base = bool(record["paused"]), _moment(record["base"])


def _claim(data: Mapping[str, Any]) -> Claim:
    due = data.get("due")
    return Claim(str(data["owner"]), _moment(data["at"]), due and _moment(due), str(data.get("trigger", "schedule")))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


class Ledger:
    """The jobs of the scheduler `name` in a store, as this one knows them; on any thread, and it may block.

    `jobs` is what was known when something was last written or read.
    """

    def __init__(self, store: SessionStore, name: str) -> None:
        self.jobs: dict[str, Kept] = {}
        self.owner = Owner.here()
        self._store = store
        self._root = f"{JOBS}{name}"
        self._id = ""
        self._count = 0
        self._lock = threading.RLock()
        with self._lock:
            self._load()

    # -- what is to be done ---------------------------------------------------------------------------------------

    def put(self, name: str, spec: Mapping[str, Any], base: datetime) -> None:
        """Add a job, or put it in the place of the one of that name, whose runs are remembered."""
        self._write(lambda: [{"kind": "job", "name": name, "spec": dict(spec), "base": base.isoformat()}])

    def remove(self, name: str) -> None:
        """Forget it."""
        self._write(lambda: [{"kind": "removed", "name": name}] if name in self.jobs else [])

    def pause(self, name: str, paused: bool, base: datetime) -> None:
        """Note that it pauses, or goes on from `base`, also where that is earlier than it was."""
        self._write(lambda: [{"kind": "pause", "name": name, "paused": paused, "base": base.isoformat()}])

    # -- what is done ---------------------------------------------------------------------------------------------

    def claim(self, name: str, spec: Mapping[str, Any], due: datetime | None, base: datetime, now: datetime) -> Verdict:
        """Begin what is due at `due` (None: what a person asked for), or learn that somebody else has it.

        ``"ours"``, ``"theirs"`` (it was begun, or is over), ``"running"`` (an earlier one goes on elsewhere),
        ``"gone"`` (it was removed or paused, or another one of that name is in its place).
        """
        verdict: Verdict = "ours"

        def records() -> list[dict[str, Any]]:
            nonlocal verdict
            verdict = self._verdict(self.jobs.get(name), spec, due, now)
            if verdict != "ours":  # by what was known; the other one may be done with it
                self._load()
                verdict = self._verdict(self.jobs.get(name), spec, due, now)
            job = self.jobs.get(name)
            if job is None or verdict != "ours":
                return []
            lost = [_run(name, job.claim.lost())] if job.claim is not None else []
            facts = {"owner": str(self.owner), "at": now.isoformat(), "base": base.isoformat()}
            trigger = "manual" if due is None else "schedule"
            return [*lost, {"kind": "claim", "name": name, "due": due and due.isoformat(), "trigger": trigger, **facts}]

        self._write(records)
        return verdict

    def _verdict(self, job: Kept | None, spec: Mapping[str, Any], due: datetime | None, now: datetime) -> Verdict:
        if job is None or (job.paused and due is not None) or not is_same_spec(job.spec, spec):
            return "gone"
        if due is not None and job.base >= due:
            return "theirs"
        # Whoever asks is at no run of it: a claim of its own is one whose end could not be noted.
        elsewhere = job.claim is not None and job.claim.owner != str(self.owner)
        return "running" if elsewhere and job.claim is not None and self._is_alive(job.claim, now) else "ours"

    def finish(self, name: str, run: JobRun, base: datetime) -> None:
        """Note how a run went, and up to where all had its turn; nothing, when its job was replaced meanwhile."""

        def records() -> list[dict[str, Any]]:
            job = self.jobs.get(name)
            if job is None or job.claim is None or job.claim.owner != str(self.owner):
                return []
            return [{**_run(name, run), "base": base.isoformat()}]

        self._write(records)

    def settle_lost(self, now: datetime) -> None:
        """Runs whose kernel is gone are over: how they ended nobody knows."""

        def records() -> list[dict[str, Any]]:
            lost = {name: job.claim for name, job in self.jobs.items() if job.claim is not None}
            return [_run(name, claim.lost()) for name, claim in lost.items() if not self._is_alive(claim, now)]

        self._write(records)

    def _is_alive(self, claim: Claim, now: datetime) -> bool:
        return Owner.of(claim.owner).is_alive(now - claim.at)

    def close(self) -> None:
        """Whoever finds a run of ours that is not over may take it for lost."""
        self.owner.leave()

    # -- the records ----------------------------------------------------------------------------------------------

    def _write(self, records: Callable[[], list[dict[str, Any]]]) -> None:
        """Append what `records` gives, and ask it again whenever somebody else has written meanwhile."""
        with self._lock:
            for _ in range(_ATTEMPTS):
                made = [{"v": RECORD_VERSION, **redact_data(record)} for record in records()]
                if not made:
                    return
                try:
                    self._store.append(self._id, made, after=self._count)
                except SessionConflict:
                    self._load()
                    continue
                self._count += len(made)
                for record in made:
                    _apply(self.jobs, record)
                if self._count > MOST_RECORDS:
                    self._begin_anew()
                return
        raise SessionError(f"{self._root} is written to all the time", hint="how many kernels go by it?")

    def _load(self) -> None:
        for _ in range(_ATTEMPTS):
            root = self._store.read(self._root)
            if not root:
                self._begin()
                continue
            name, records = str(root[-1].get("list")), self._store.read(str(root[-1].get("list")))
            while records and records[-1].get("kind") == "moved":  # whoever moved it has not said so in the root yet
                name = str(records[-1]["to"])
                records = self._store.read(name)
            if records:  # else it was moved, and deleted, since the root was read
                self._id, self._count, self.jobs = name, len(records), fold(records)
                return
        raise SessionError(f"{self._root} cannot be read", hint="its records are gone; delete the session")

    def _begin(self) -> None:
        """The first list. Two kernels may do so at the same time: then the root names one of them."""
        name = self._new_list({})
        try:
            self._store.append(self._root, [{"v": RECORD_VERSION, "kind": "list", "list": name}], after=0)
        except SessionConflict:
            self._store.delete(name)

    def _begin_anew(self) -> None:
        """A list that begins with what this one comes to. A crash in between leaves a list too many, and loses none."""
        old, name = self._id, self._new_list(self.jobs)
        try:
            self._store.append(old, [{"v": RECORD_VERSION, "kind": "moved", "to": name}], after=self._count)
        except SessionConflict:
            self._store.delete(name)
            return
        self._id, self._count = name, 1
        self._store.append(self._root, [{"v": RECORD_VERSION, "kind": "list", "list": name}])
        self._store.delete(old)

    def _new_list(self, jobs: Mapping[str, Kept]) -> str:
        """It is never empty: who knows of nothing in a list must not take a deleted one for it."""
        name = f"{self._root}~{uuid4().hex[:8]}"
        known = {name: job.to_dict() for name, job in jobs.items()}
        self._store.append(name, [{"v": RECORD_VERSION, "kind": "all", "jobs": known}], after=0)
        return name


def is_same_spec(kept: Mapping[str, Any], spec: Mapping[str, Any]) -> bool:
    """Whether that is what is kept of this one. Which model would answer may have changed by itself."""
    return {**redact_data(dict(kept)), "asks": None} == {**redact_data(dict(spec)), "asks": None}


def _run(name: str, run: JobRun) -> dict[str, Any]:
    return {"kind": "run", "name": name, "run": run.to_dict()}
