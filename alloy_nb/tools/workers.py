"""Running sync code off the event loop: our own daemon threads, and the main thread.

The threads are daemons of our own, not an executor's, so that a tool that never returns does not hold the exit of
the process. Such a call cannot be killed: it is counted as abandoned until it comes back. A thread that is done waits
a moment for the next call, since starting one costs more than many a tool.
"""

from __future__ import annotations

import asyncio
import contextvars
import queue
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType
from typing import Any

from ..bell import Bell
from ..errors import ToolError
from ..forks import renewed_in_child
from ..guests import GuestCrash
from .striking import Strike

__all__ = ["MAIN", "MainThread", "abandon", "abandoned_count", "call_in_thread"]

#: A job for the main thread that was not taken for so long, in seconds, makes one doubt that anybody waits there.
DOUBT = 1.0
#: How long a thread waits for another call before it ends, in seconds.
IDLE_SECONDS = 0.5


class _Crew:
    """The threads that wait for a call, and the calls that were given up."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.idle: list[_Worker] = []
        self.abandoned: set[Settling] = set()


# A forked child has none of its parent's threads.
_crew = renewed_in_child(_Crew)


def abandoned_count() -> int:
    """How many calls were given up and have not come back."""
    crew = _crew()
    with crew.lock:
        crew.abandoned.difference_update([call for call in crew.abandoned if call.returned])
        return len(crew.abandoned)


def abandon(call: Settling) -> None:
    """Count `call` as given up, until it returns."""
    crew = _crew()
    with crew.lock:
        crew.abandoned.add(call)


class Settling:
    """Hands the outcome of a call from its thread to the future that waits for it on a loop."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call
        self._context = contextvars.copy_context()
        self.loop = asyncio.get_running_loop()
        self.started: asyncio.Future[None] = self.loop.create_future()
        self.future: asyncio.Future[Any] = self.loop.create_future()
        self.given_up = False
        self.returned = False
        #: Called where the call is about to begin, on its thread.
        self.herald: Callable[[], None] | None = None
        self._announced = True
        self._interrupted: BaseException | None = None
        self._strike = Strike()

    def begin(self) -> None:
        """It is called at once: nobody needs to be told, from another thread, when its turn has come."""
        self._announced = False
        self.started.set_result(None)

    def work(self) -> None:
        """Call it here, now, with the context it was made in."""
        if not self._begins():
            return
        self._run()
        if self._strike.interrupted:
            # Whoever would have heard it without us: a cell that awaits, a loop's runner, a tool around this one.
            signal.raise_signal(signal.SIGINT)
        if self._strike.struck_around:
            raise KeyboardInterrupt

    def work_in_pump(self) -> None:
        """The same where a person's interrupt lands: it ends the tool, and goes on to whoever waits for the run."""
        if self._begins():
            self._run()
        strike = self._strike
        if strike.interrupted and strike.nested:
            signal.raise_signal(signal.SIGINT)  # the tool around this one is to know whose it was
        if strike.interrupted or strike.struck_around or (self._interrupted is not None and not strike.struck):
            raise self._interrupted or KeyboardInterrupt

    def strike(self) -> None:
        """End the call where it holds the main thread; from any thread."""
        self._strike.strike()

    def _begins(self) -> bool:
        if self.given_up:
            self.returned = True
            return False
        if self.herald is not None:
            self.herald()
        if self._announced:
            self._tell(self.started, None, None)
        return True

    def _run(self) -> None:
        try:
            with self._strike:
                value = self._context.run(self._call)
            self.returned = True
        except BaseException as error:  # noqa: BLE001 - SystemExit and the like are a tool's crash, and told as one
            self.returned = True
            if isinstance(error, KeyboardInterrupt):
                self._interrupted = error
            self._tell(self.future, None, error)
        else:
            self._tell(self.future, value, None)

    def _tell(self, future: asyncio.Future[Any], value: Any, error: BaseException | None) -> None:
        try:
            self.loop.call_soon_threadsafe(_settle, future, value, error)
        except RuntimeError:  # the loop was closed meanwhile: nobody waits any more
            return


def _settle(future: asyncio.Future[Any], value: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(value)
    elif isinstance(error, Exception) and not isinstance(error, StopIteration):
        future.set_exception(error)
    else:
        future.set_exception(GuestCrash(error))


class _Worker:
    """A daemon thread that takes one call after another, as long as they follow each other quickly."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Settling] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def take(self, call: Settling, name: str) -> None:
        self._thread.name = f"alloy-tool-{name}"
        self._calls.put(call)

    def _run(self) -> None:
        while True:
            try:
                self._calls.get(timeout=IDLE_SECONDS).work()
            except queue.Empty:
                if self._retire():
                    return
                continue
            self._thread.name = "alloy-idle"
            crew = _crew()
            with crew.lock:
                crew.idle.append(self)

    def _retire(self) -> bool:
        """Whether nobody has chosen this thread meanwhile, who is about to give it a call."""
        crew = _crew()
        with crew.lock:
            if self not in crew.idle:
                return False
            crew.idle.remove(self)
            return True


def call_in_thread(call: Callable[[], Any], name: str) -> Settling:
    """Start `call` in a daemon thread, in the caller's context; wait for `.future` of what is returned."""
    settling = Settling(call)
    settling.begin()
    _worker().take(settling, name)
    return settling


def _worker() -> _Worker:
    crew = _crew()
    with crew.lock:
        if crew.idle:
            return crew.idle.pop()
    return _Worker()


_jobs_lock = renewed_in_child(threading.Lock)


class MainThread:
    """The way to the main thread: pumps that wait there take jobs, else its running loop does.

    All pumps on the main thread share one queue, so that a job reaches whichever of them is waiting now.
    """

    def __init__(self) -> None:
        self.bell = Bell()  # for the pump that waits
        self.jobs: deque[Callable[[], None]] = deque()
        self.pumps = 0
        #: The functions in which pumps run. An interrupt may land between the end of a pump and the note of it: in
        #: doubt their number is believed only while the main thread is below one of these.
        self.waits: set[CodeType] = set()
        self._heralds: list[Callable[[], None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def note_loop(self) -> None:
        """Remember the loop that runs on the main thread; called where runs begin."""
        if threading.current_thread() is threading.main_thread():
            self._loop = asyncio._get_running_loop()

    @contextmanager
    def heralding(self, tell: Callable[[], None]) -> Iterator[None]:
        """Here `tell` is called before each call that takes the main thread, whose waiters do nothing meanwhile."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        try:
            self._heralds.append(tell)
            yield
        finally:
            self._heralds = [other for other in self._heralds if other != tell]

    def _herald(self) -> None:
        for tell in self._heralds:
            tell()

    def enter(self) -> None:
        """A pump begins to wait on the main thread."""
        with _jobs_lock():
            self.pumps += 1

    def leave(self) -> None:
        """A pump ends; jobs it did not come to go to the main thread's loop, or wait for the next pump."""
        with _jobs_lock():
            self.pumps = max(0, self.pumps - 1)
            loop = self._loop
            if self.pumps == 0 and loop is not None and loop.is_running():
                while self.jobs:
                    loop.call_soon_threadsafe(self.jobs.popleft())

    async def call(self, call: Callable[[], Any]) -> Settling:
        """Queue `call` for the main thread; `.started` tells when it begins, `.future` what came of it.

        `.started` or this itself is a `ToolError` when nothing there can take it.
        """
        settling = Settling(call)
        settling.herald = self._herald
        if threading.current_thread() is threading.main_thread():
            settling.loop.call_soon(settling.work)
            return settling
        job = settling.work_in_pump  # out of a pump an interrupt may come
        with _jobs_lock():
            queued = self.pumps > 0
            if queued:
                self.jobs.append(job)
        if queued:
            self.bell.ring()
            settling.loop.call_later(DOUBT, self._doubt, settling, job)
        else:
            self._hand_to_loop(settling.work)
        return settling

    def _hand_to_loop(self, job: Callable[[], None]) -> None:
        loop = self._loop
        if loop is None or not loop.is_running():
            raise ToolError(
                "this tool must run on the main thread, and nothing there waits for it",
                hint="use alloy.run (not start) from the main thread, or await the run on the main thread's loop",
            )
        loop.call_soon_threadsafe(job)

    def _doubt(self, settling: Settling, job: Callable[[], None]) -> None:
        """Nobody has taken a job yet: the main thread is busy, or an interrupt has ended its pumps without a word.

        What was left by pumps that ended as they should waits for the next one.
        """
        if settling.started.done() or settling.given_up:
            return
        with _jobs_lock():
            waited = self.pumps == 0 or self._is_waited_for()
            if not waited:
                self.pumps = 0
                if job not in self.jobs:  # taken after all
                    return
                self.jobs.remove(job)
        if waited:
            settling.loop.call_later(DOUBT, self._doubt, settling, job)
            return
        try:
            self._hand_to_loop(settling.work)
        except ToolError as error:
            _settle(settling.started, None, error)

    def _is_waited_for(self) -> bool:
        # Only in doubt: CPython 3.11 may crash where the frames of a thread at work are gone through.
        frame = sys._current_frames().get(threading.main_thread().ident or 0)
        while frame is not None and frame.f_code not in self.waits:
            frame = frame.f_back
        return frame is not None


MAIN = MainThread()
