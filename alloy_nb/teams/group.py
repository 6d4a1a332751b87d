"""Several runs of a team that go on as one, and the handle of them: `TeamRun`."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Generator, Iterator, Sequence
from typing import Any, Generic, TypeVar
from uuid import uuid4

from ..errors import AlloyError, ConfigError
from ..events import Event, now_ms
from ..execution import Execution
from ..interrupting import goes_on, interrupts_cancel, interrupts_told, steps_of
from ..journal import Journal, follow, follow_async
from ..portal import PORTAL
from ..pump import Pump
from ..result import Result, Status
from ..sinks import resolve
from ..tools.approval import Decision, Remember
from ..tools.workers import MAIN
from .confluence import Confluence
from .members import Home
from .results import TeamResults, summed
from .waiting import TeamSink, await_team, stopped, wait_for_team

__all__ = ["TeamRun"]

Outcome = TypeVar("Outcome", TeamResults, Result)


class TeamRun(Generic[Outcome]):
    """Runs of several members that go on in the background as one.

    Iterating gives the events of all of them as one stream, `seq` rising by one, with each one's path
    (``"team/coder"``), its own `run_id` and `origin_seq`; it begins with a `run_start` and ends with the `run_end` of
    the whole, whose `run_id` is this one's. Several readers each see every event. `result()` and ``await`` give what
    came of it. As a cell's last expression it is shown live, as its team is.

    >>> import alloy_nb as alloy
    >>> team = alloy.Team({name: {"model": alloy.Scripted([f"I am {name}."])} for name in ("coder", "critic")})
    >>> run = team.start_broadcast("Who are you?")
    >>> sorted({event.agent for event in run}), run.result()["coder"].text, run.status
    (['team', 'team/coder', 'team/critic'], 'I am coder.', 'completed')
    >>> team.stop()
    """

    def __init__(self, kind: str, team: Home, names: Sequence[str], prompt: str) -> None:
        self.run_id = f"{kind}-{uuid4().hex[:16]}"
        #: The members it goes to, in order.
        self.names = tuple(names)
        self._kind = kind
        self._home = team
        self._team = team.name
        self._lock = threading.Lock()
        #: Closed at the end: who waits, waits for that.
        self.over = Journal()
        self._cancelled = False
        self._outcome: Outcome | None = None
        self._executions: list[tuple[str, Execution]] = []
        self._noted: list[Execution] = []
        self._journal = Journal()
        self._stream: Confluence | None = None
        self._script: list[tuple[Event | Journal, bool]] = []
        self._began = time.monotonic()
        self._tell("run_start", {"prompt": prompt, "model": None, "kind": kind, "agents": list(names)})

    def __repr__(self) -> str:
        return f"<TeamRun {self.run_id} {self.status}>"

    def _ipython_display_(self) -> None:
        resolve("show_team_run")(self._home, self)

    # -- what it is like ------------------------------------------------------------------------------------------

    @property
    def status(self) -> Status:
        """``"running"`` until it is over, then how it ended; a broadcast is ``"completed"``, whatever came of each."""
        return "running" if self._outcome is None else self._status()

    @property
    def executions(self) -> list[tuple[str, Execution]]:
        """What front ends go by: the runs so far, with the names of their members, in order."""
        with self._lock:
            return list(self._executions)

    @property
    def answers(self) -> list[tuple[str, Result]]:
        """What came of each member so far, with its name, in the order in which they are told."""
        raise NotImplementedError

    def cancel(self) -> bool:
        """Stop all of it; False when it is over already."""
        with self._lock:
            if self._outcome is not None:
                return False
            self._cancelled = True
            executions = list(self._noted)
        for execution in executions:
            execution.cancel()
        return True

    def approve(self, call_id: str, remember: Remember | None = None, *, agent: str | None = None) -> bool:
        """Allow a call that waits; see `Run.approve`. `agent` is the member's name, or the path of the event that asks.

        Raises `ConfigError` where calls of several members wait by that id: ids are those of one conversation.
        """
        return self._decide(call_id, Decision(allowed=True, remember=remember or "once"), agent)

    def deny(self, call_id: str, reason: str | None = None, *, agent: str | None = None) -> bool:
        """Refuse a call that waits; see `Run.deny`, and `approve` for `agent`."""
        return self._decide(call_id, Decision(False, reason or "the user said no"), agent)

    def _decide(self, call_id: str, decision: Decision, agent: str | None) -> bool:
        waiting = {
            name: execution
            for name, execution in self.executions
            if agent in (None, name) or self._member_of(agent) == name
            if any(question.call.id == call_id for question in execution.questions)
        }
        if len(waiting) > 1:
            raise ConfigError(
                f"calls {call_id!r} of {', '.join(waiting)} wait", hint="say whose it is: agent=event.agent"
            )
        return any(execution.decide(call_id, decision) for execution in waiting.values())

    def _member_of(self, path: str | None) -> str:
        """Whose events have that path: the member, for an agent within it, too."""
        return (path or "").removeprefix(f"{self._team}/").partition("/")[0]

    # -- reading it -----------------------------------------------------------------------------------------------

    def result(self, timeout: float | None = None, check: bool = True) -> Outcome:
        """Wait for the end, at most `timeout` seconds (then `TimeoutError`); giving up does not end it."""
        PORTAL.refuse_here("TeamRun.result")
        with interrupts_told(goes_on):
            return self.wait(timeout=timeout, check=check, owns=False)

    def wait(
        self,
        *,
        timeout: float | None = None,
        check: bool = True,
        owns: bool = True,
        sink: TeamSink | None = None,
    ) -> Outcome:
        """The same, shown in `sink`, for whoever it belongs to (`owns`): an interrupt stops it then."""
        MAIN.note_loop()
        with Pump() as pump:
            wait_for_team(self, pump, sink, timeout, owns=owns)
        return self._settled(check=check)

    async def wait_async(self, *, check: bool = True, owns: bool = True, sink: TeamSink | None = None) -> Outcome:
        """The same on the running loop; being cancelled stops what belongs to the caller."""
        with interrupts_cancel(stopped if owns else goes_on):
            await await_team(self, sink, owns=owns)
        return self._settled(check=check)

    def __await__(self) -> Generator[Any, None, Outcome]:
        return self.wait_async(owns=False).__await__()

    def __iter__(self) -> Iterator[Event]:
        PORTAL.refuse_here("TeamRun.__iter__")
        with interrupts_told(goes_on):
            for events in follow(self.journal, self._passed_by):
                yield from events

    async def __aiter__(self) -> AsyncIterator[Event]:
        async def idle(place: int) -> None:
            self._passed_by(place)

        async for events in steps_of(follow_async(self.journal, idle), goes_on):
            for event in events:
                yield event

    @property
    def journal(self) -> Journal:
        """The one stream; made when somebody reads it first."""
        with self._lock:
            if self._stream is None:
                self._stream = Confluence(self._hear, self.run_id)
                for item, waits in self._script:
                    self._feed(self._stream, item, waits=waits)
        return self._journal

    # -- how it goes on -------------------------------------------------------------------------------------------

    def _status(self) -> Status:
        raise NotImplementedError

    def note(self, execution: Execution) -> None:
        """A run of it is about to begin: stopping it stops that one, too."""
        with self._lock:
            self._noted.append(execution)

    def _take(self, name: str, execution: Execution) -> None:
        with self._lock:
            self._executions.append((name, execution))
            cancelled = self._cancelled
        self._put(execution.journal)
        if cancelled:
            execution.cancel()

    def _finish(self, outcome: Outcome, results: Sequence[Result], error: AlloyError | None = None) -> None:
        with self._lock:
            if self._outcome is not None:
                return
            self._outcome = outcome
        usage, cost = summed(results)
        ending = {
            "status": self._status(),
            "error": None if error is None else error.message,
            "error_type": None if error is None else type(error).__name__,
            "hint": None if error is None else error.hint,
            "turns": sum(result.turns for result in results),
            "usage": usage.to_dict(),
            "cost": cost,
        }
        self._tell("run_end", ending, waits=True)
        self.over.close()

    def _settled(self, *, check: bool) -> Outcome:
        assert self._outcome is not None
        return self._outcome

    def _tell(self, type: str, payload: Any, *, waits: bool = False) -> None:
        event = Event(0, self.run_id, type, payload, 0, now_ms(), self.run_id, self._team)
        self._put(event, waits=waits)

    def _put(self, item: Event | Journal, *, waits: bool = False) -> None:
        with self._lock:
            self._script.append((item, waits))
            if self._stream is not None:
                self._feed(self._stream, item, waits=waits)

    def _feed(self, stream: Confluence, item: Event | Journal, *, waits: bool) -> None:
        if isinstance(item, Event):
            stream.tell(item, waits=waits)
        else:
            stream.add(item)

    def _passed_by(self, place: int) -> None:
        """A reader has read so many events: without a person here, what was asked in them is refused."""
        asking = [(name, execution) for name, execution in self.executions if execution.questions]
        if not asking:
            return
        told = [event for event in self._journal.since(0, place) if event.type == "approval_request"]
        for name, execution in asking:
            asked = {question.call.id for question in execution.questions}
            # Another member's call may have the same id.
            for call_id in {event.payload["id"] for event in told if self._member_of(event.agent) == name} & asked:
                execution.attendance.pass_by(call_id)

    def _hear(self, events: list[Event]) -> None:
        self._journal.extend(events)
        if events[-1].type == "run_end" and events[-1].run_id == self.run_id:
            self._journal.close()
