"""One run being driven: what the ways to run, front ends and agents know of it and do with it."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakSet

from .abandoning import abandon
from .attendance import Attendance
from .context.condensed import Condensed
from .errors import AlloyError, Cancelled, Crashed
from .events import Event
from .forks import renewed_in_child
from .journal import EventFile, Journal
from .loop import run_loop
from .messages import Message
from .middleware.base import listeners
from .options import Options
from .portal import PORTAL, Portal
from .recorder import Recorder
from .redaction import redact
from .result import Result
from .state import RunState
from .storing import Storing
from .tools.approval import Asker, Decision, Question
from .usage import Usage

__all__ = ["Execution", "driven", "going"]

logger = logging.getLogger("alloy_nb")


class _Driven:
    """The runs that are driven in this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._runs: WeakSet[Execution] = WeakSet()

    def add(self, run: Execution) -> None:
        with self.lock:
            self._runs.add(run)

    def copy(self) -> list[Execution]:
        with self.lock:  # what grows meanwhile cannot be gone through
            return list(self._runs)


_driven = renewed_in_child(_Driven)


class Execution:
    """Consumes the loop of one run, once. `Run` is the part of it that users see; this is what the package uses.

    To read, on any thread: `run_id`, `options`, `journal` (every event so far; `follow` and `Reader` wait for more),
    `result` (None until the run is over), `questions` (what waits for a decision), `attendance` (who sees to them).
    To do, on any thread: `launch`, `cancel`, `steer`, `decide`. `drive` is for who runs it on a loop of their own.

    With a `recorder` the conversation is stored as it grows. `ended` is called with the result, once, before anybody
    who waits can have it.

    It is launched on what `portal` gives at that moment. `when_over` has something called at its end.

    A run in the `background` has readers who come and go: its questions are left to its attendance, and its callbacks
    to a thread of their own. Otherwise the one who made it waits for it, and asks and hears.
    """

    def __init__(
        self,
        state: RunState,
        *,
        background: bool = False,
        ended: Callable[[Result], None] | None = None,
        recorder: Recorder | None = None,
        portal: Callable[[], Portal] = lambda: PORTAL,
    ) -> None:
        self._state = state
        self._find_portal = portal
        self._portal = PORTAL
        self._storing = None if recorder is None else Storing(state, recorder)
        self._ended = ended
        self._observers = listeners(state.options.middleware)
        self._complained = False
        self.background = background
        self.journal = Journal()
        self.attendance = Attendance(state.desk, self.journal)
        if background:
            state.desk.asker = self.attendance
        self.result: Result | None = None
        self.begun = time.monotonic()
        self._file = EventFile.from_environment()
        self._lock = threading.Lock()
        self._task: asyncio.Task[Any] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._cancelled = False
        #: When it was first asked to stop, by the monotonic clock.
        self.stopped_at: float | None = None
        self._launched = False
        self._spawned = False
        self._over: list[Callable[[Result], None]] = []

    @property
    def run_id(self) -> str:
        return self._state.run_id

    @property
    def options(self) -> Options:
        return self._state.options

    @property
    def label(self) -> str:
        """The model that is asked first."""
        return self._state.candidates[0].label

    @property
    def launched(self) -> bool:
        """Whether somebody drives it, or has: then it comes to its end."""
        return self._launched

    @property
    def is_driven_here(self) -> bool:
        """Whether the loop that drives it runs on this thread, which must not wait for it then."""
        with self._lock:
            return self._loop is not None and self._loop is asyncio._get_running_loop()

    @property
    def messages(self) -> tuple[Message, ...]:
        """The conversation as it stands at this moment."""
        return tuple(self._state.history)

    @property
    def view(self) -> Condensed | None:
        """What of its beginning is sent in its place."""
        return self._state.sending.view

    @property
    def usage(self) -> Usage:
        """What this run has used so far."""
        return self._state.usage

    @property
    def turns(self) -> int:
        return self._state.turns

    @property
    def cost(self) -> float | None:
        return self._state.cost

    @property
    def own_start(self) -> int:
        """Where this run's own part of the conversation begins."""
        return self._state.own_start

    @property
    def prompt(self) -> Message | None:
        return self._state.prompt

    @property
    def inputs(self) -> tuple[str, ...]:
        """What goes to the model beside the prompt: context files and skills, a line each."""
        return self._state.around.inputs

    @property
    def stored_as(self) -> str | None:
        """The name by which `/resume` goes on with the conversation: where it is stored in the user's own store."""
        storing = self._storing
        return storing.session_id if storing is not None and self.options.store is None else None

    @property
    def questions(self) -> tuple[Question, ...]:
        """What waits for a person now; `decide` answers."""
        return self._state.desk.open_questions

    # -- driving it -----------------------------------------------------------------------------------------------

    def begin(
        self,
        messages: Sequence[Message],
        call_ids: set[str],
        recorder: Recorder | None = None,
        view: Condensed | None = None,
    ) -> None:
        """The conversation as it stands when the turn of a run that had to wait has come; see `RunState.begin`."""
        self._state.begin(messages, call_ids, view, () if recorder is None else recorder.started)
        if recorder is not None:
            self._storing = Storing(self._state, recorder)

    def refuse(self, error: AlloyError) -> None:
        """Have it end in this error as soon as it is launched."""
        self._state.fault = error

    def ask_by(self, wrap: Callable[[Asker | None], Asker]) -> None:
        """Have its questions put by what `wrap` makes of whoever would put them; before it is launched."""
        self._state.desk.asker = wrap(self._state.desk.asker)

    def launch(self) -> None:
        """Begin, on the portal. Once: a second call changes nothing."""
        if not self._launched:
            self._portal = self._find_portal()
            self._spawned = True
            self._portal.spawn(self.drive, f"alloy run {self.run_id}")
            self._launched = True
            _driven().add(self)  # at once: whoever has started it may ask what goes on

    async def drive(self, hear: Callable[[list[Event]], None] | None = None) -> None:
        """Consume the loop to its end; on whichever loop this is awaited."""
        with self._lock:
            if self._loop is not None:  # an interrupt between the launch and its note made it launch twice
                return
            self._launched = True
            self._task = asyncio.current_task()
            self._loop = asyncio.get_running_loop()
            _driven().add(self)
            if self._cancelled and self._task is not None:
                self._task.cancel()
        pace = self._portal.pace
        try:
            async for events in run_loop(self._state):
                storing = self._storing  # None as soon as it is abandoned
                if storing is not None:
                    await storing.store(events)
                with self._lock:
                    if self.result is not None:  # abandoned: what it still says is nobody's
                        return
                    self.journal.extend(events)
                if self._observers:
                    self._observe(events)
                if self._file is not None:
                    self._file.write(events)
                if hear is not None:
                    hear(events)
                if pace is not None:
                    pace.rest()
        except (Exception, asyncio.CancelledError, GeneratorExit):
            raise
        except BaseException as error:
            self._break_off(error)
            if not self._spawned:
                raise
            # Raised by foreign code, such as a provider: it must not end the loop of all the other runs.
        finally:
            if self._state.status == "running":  # the loop itself broke: whoever waits must learn of it
                self._state.finish("error", Crashed("the run was broken off"))
            with self._lock:
                self._task = None
                abandoned, self.result = self.result, self.result or self._state.result(self.journal.since(0))
            if abandoned is None:
                self._conclude(self.result)

    def _break_off(self, error: BaseException) -> None:
        """What is no `Exception` came through the loop, which tells no end of its own then."""
        with self._lock:
            self._task = None
        crash = Crashed(redact(f"the run crashed: {type(error).__name__}: {error}".rstrip(": ")))
        crash.__cause__ = error
        self.abandon(crash)

    def _conclude(self, result: Result, last: Sequence[Event] = ()) -> None:
        """Tell of the end, once: whose run it is first, then who waits."""
        try:
            if self._ended is not None:
                self._ended(result)
        finally:
            if self._file is not None:
                self._file.write(last)
                self._file.close()
            self.journal.close(last)
            with self._lock:
                callbacks, self._over = self._over, []
            for callback in callbacks:
                callback(result)

    def _observe(self, events: list[Event]) -> None:
        """Middleware that listens; what it raises must not break the run."""
        for event in events:
            for middleware in self._observers:
                try:
                    middleware.on_event(event)
                except Exception:  # the user's own code
                    if not self._complained:
                        self._complained = True
                        logger.exception("%s.on_event raised; the run goes on", type(middleware).__name__)

    def settled(self) -> Result:
        """The result of a run that is over, as every reader knows who has read to the end."""
        assert self.result is not None
        return self.result

    def when_over(self, callback: Callable[[Result], None]) -> None:
        """Have `callback` called with the result, once, on the thread where the run ends; here when it has."""
        with self._lock:
            if not self.journal.closed:
                self._over.append(callback)
                return
        callback(self.settled())

    # -- steering it ----------------------------------------------------------------------------------------------

    def cancel(self) -> bool:
        """Stop the run; False when it is over already. Its partial answer is kept, its child processes die."""
        with self._lock:
            if self.result is not None:
                return False
            self._cancelled = True
            self.stopped_at = self.stopped_at or time.monotonic()
            self._state.desk.close()
            comes_back = self._cancel_task()
        if not comes_back:
            self.abandon(Cancelled("the run was cancelled: the loop that it was awaited on is closed"))
        return True

    def _cancel_task(self) -> bool:
        """Under the lock. False where the loop that drives it is closed: it ends by nobody else."""
        if self._task is not None and self._loop is not None:
            try:
                self._loop.call_soon_threadsafe(self._task.cancel)
            except RuntimeError:
                self._task = None
                return False
        return True

    @property
    def is_awaited(self) -> bool:
        """Whether a caller drives it, on a loop that is still there: it ends with that, and whoever ended it from
        elsewhere would have to cancel the caller.
        """
        loop = self._loop
        return not self._spawned and loop is not None and not loop.is_closed()

    @property
    def overdue(self) -> bool:
        """Whether its time is over, as it should know by itself."""
        return self._launched and self._state.deadline.passed

    def answers(self, told: threading.Event) -> None:
        """Have `told` set as soon as the loop that drives it comes to it; from any thread."""
        loop = self._loop
        if loop is None:
            self._portal.answers(told)
            return
        try:
            loop.call_soon_threadsafe(told.set)
        except RuntimeError:  # that loop is closed: it will not come
            return

    def abandon(self, error: AlloyError) -> bool:
        """End it in this error for everybody who waits, though whoever drives it does not come back; False when it is
        over. What it still does there changes nothing any more, and it calls no further model or tool.
        """
        with self._lock:
            if self.result is not None:
                return False
            self.result, last = abandon(self._state, self.journal.since(0), error)
            self._storing = None
            self._cancel_task()
        self._conclude(self.result, last)
        return True

    def steer(self, message: Message) -> bool:
        """A message that the model sees before its next turn; False once the run is over."""
        return self._state.steering.add(message)

    def decide(self, call_id: str, decision: Decision) -> bool:
        """Answer a question; False when it is not open (any more)."""
        return self._state.desk.decide(call_id, decision)


def driven() -> list[Execution]:
    """The runs of this process that go on or are kept by somebody, whoever waits for them; oldest first."""
    return sorted(_driven().copy(), key=lambda execution: execution.begun)


def going() -> list[Execution]:
    """Those that go on; oldest first."""
    return [execution for execution in driven() if execution.result is None]
