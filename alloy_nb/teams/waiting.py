"""Waiting for a team on the caller's thread: it is shown, and its questions are put, meanwhile."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from ..bell import LONGEST_WAIT
from ..errors import Cancelled, ConfigError
from ..events import Event
from ..journal import Reader, follow, waker_of
from ..pump import Pump
from ..sinks import DISPLAYS, Sink, find_sink, resolve
from ..tools.workers import MAIN
from ..waiting import interruption

if TYPE_CHECKING:
    from ..team import Team
    from .group import TeamRun

__all__ = ["LOOK", "TeamSink", "await_team", "find_delegate_sink", "find_team_sink", "stopped", "wait_for_team"]

#: How often who waits looks for questions, in seconds.
LOOK = 0.1


class TeamSink(Protocol):
    """Shows several runs of a team at once; like `Sink`. One that does not `hear` is fed nothing, and looks.

    `step_aside` is called before a person is asked on the standard input; the next `feed` may show it all again.
    """

    interval: float
    hears: bool

    def open(self, run: TeamRun[Any]) -> None: ...

    def feed(self, events: Sequence[Event]) -> None: ...

    def step_aside(self) -> None: ...

    def close(self) -> None: ...


def find_team_sink(display: str | None, team: Team) -> TeamSink | None:
    """Where a team's runs are shown; None when nothing is to be shown, as in plain Python that was not asked to."""
    if display is None:
        return None
    if display not in DISPLAYS:
        raise ConfigError(
            f"display is {display!r}", hint="choose one of " + ", ".join(DISPLAYS) + ", or None for nothing"
        )
    if display == "auto" and "IPython" not in sys.modules:
        return None
    sink: TeamSink | None = resolve("choose_team_sink")(display, team)
    return sink


def find_delegate_sink(team: Team, name: str, display: str | None, inputs: Sequence[str] = ()) -> Sink | None:
    """Where one member's run is shown that somebody waits for: in a notebook as the team's, elsewhere as any run."""
    if "IPython" not in sys.modules or display not in DISPLAYS:
        return find_sink(display, inputs)
    sink: Sink | None = resolve("choose_delegate_sink")(display, team, name, inputs=inputs)
    return sink


class _Waiter:
    """What whoever waits for a team does meanwhile: shows it, and puts its questions."""

    def __init__(self, run: TeamRun[Any], wake: Callable[[], None], sink: TeamSink | None, end: float | None) -> None:
        self._run = run
        self._sink = sink
        self._end = end
        self._shown = 0
        self._next_feed = 0.0
        self.reader = Reader(run.over, wake)

    def step(self) -> float | None:
        wait = self.look()
        if wait is not None:
            for _, execution in self._run.executions:
                execution.attendance.attend()
        return wait

    def look(self) -> float | None:
        """Seconds until the next call at the latest; None when all of it is over."""
        if self.reader.step() is None:
            return None
        self._feed()
        if self._sink is not None and any(one.attendance.asks_here for _, one in self._run.executions):
            self._sink.step_aside()
        left = LONGEST_WAIT if self._end is None else self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the team is not done yet")
        return min(left, LOOK)

    def _feed(self) -> None:
        now = time.monotonic()
        if self._sink is None or now < self._next_feed:
            return
        events = self._run.journal.since(self._shown) if self._sink.hears else []
        self._shown += len(events)
        self._sink.feed(events)
        self._next_feed = time.monotonic() + self._sink.interval

    def close(self) -> None:
        """The rest of what there is to show. Of a run that nobody waits for any more, that is what there is now."""
        if self._sink is None:
            return
        if self._sink.hears and self._run.over.closed:
            for events in follow(self._run.journal, place=self._shown):
                self._sink.feed(events)
        self._sink.close()


def wait_for_team(run: TeamRun[Any], pump: Pump, sink: TeamSink | None, timeout: float | None, *, owns: bool) -> None:
    """Wait on this thread: main-thread tools and questions are served here, and an interrupt lands here."""
    waiter = _Waiter(run, pump.wake, sink, None if timeout is None else time.monotonic() + timeout)
    try:
        if sink is not None:
            sink.open(run)
        pump.run(waiter.step)
    except KeyboardInterrupt:
        if not owns:
            raise
        waiter.reader.rearm()
        run.cancel()
        pump.run(waiter.step)
        cause = stopped()
        raise interruption(cause) from cause
    except BaseException:
        if owns:
            run.cancel()
        raise
    finally:
        waiter.close()


MAIN.waits.add(wait_for_team.__code__)


def stopped() -> Cancelled:
    """What an interrupt of a team is caused by."""
    return Cancelled("the runs were stopped", hint="what was there by then is in each conversation")


async def await_team(run: TeamRun[Any], sink: TeamSink | None, *, owns: bool) -> None:
    """The same on the running loop, which stays free meanwhile. Being cancelled stops what it `owns`, and goes on."""
    woken = asyncio.Event()
    waiter = _Waiter(run, waker_of(woken), sink, None)
    try:
        if sink is not None:
            sink.open(run)
        try:
            await _until_over(run, waiter, woken)
        except asyncio.CancelledError:
            if owns:
                waiter.reader.rearm()
                run.cancel()
                await _until_over(run, waiter, woken)
            raise
    finally:
        waiter.close()


async def _until_over(run: TeamRun[Any], waiter: _Waiter, woken: asyncio.Event) -> None:
    while waiter.look() is not None:
        await asyncio.gather(*(execution.attendance.attend_async() for _, execution in run.executions))
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK):
                await woken.wait()
