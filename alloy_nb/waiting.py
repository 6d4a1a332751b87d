"""Waiting for a run on the caller's thread: callbacks, display and questions are served meanwhile."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from .bell import LONGEST_WAIT
from .errors import Cancelled
from .events import Event
from .execution import Execution
from .journal import Reader, follow, waker_of
from .options import Options
from .pump import Pump
from .result import Result
from .sinks import Sink
from .tools.workers import MAIN

__all__ = ["Listener", "await_end", "await_on", "block_on", "cancellation_of", "interruption", "see_out"]

logger = logging.getLogger("alloy_nb")

#: How often a loop that awaits a run wakes at least, in seconds.
HEARTBEAT = 0.1


class Listener:
    """The caller's `on_event` and `on_chunk`: called in order; what they raise is logged once and changes nothing."""

    def __init__(self, options: Options, run_id: str) -> None:
        self._run_id = run_id
        self._on_event = options.on_event
        self._on_chunk = options.on_chunk
        self._complained = False
        self.wanted = self._on_event is not None or self._on_chunk is not None

    def hear(self, events: list[Event]) -> None:
        for event in events:
            if event.type == "text_delta" and event.run_id == self._run_id:  # not what an agent within it says
                self._call(self._on_chunk, event.payload)
            self._call(self._on_event, event)

    def hear_out(self, events: Iterable[Event]) -> None:
        """Hear a background run to its end, on the calling thread."""
        for event in events:
            self.hear([event])

    def _call(self, function: Callable[[Any], Any] | None, argument: Any) -> None:
        if function is None:
            return
        try:
            function(argument)
        except Exception:  # the caller's own code must not break the run
            if not self._complained:
                self._complained = True
                logger.exception("on_event or on_chunk raised; the run goes on")


class _Waiter:
    """What a caller does while it waits: hears events, feeds the sink, asks. `wake` has `step` called again."""

    def __init__(
        self, execution: Execution, wake: Callable[[], None], sink: Sink | None = None, end: float | None = None
    ) -> None:
        self._execution = execution
        self._reader = Reader(execution.journal, wake)
        # A background run has a thread for its callbacks.
        self._listener = None if execution.background else Listener(execution.options, execution.run_id)
        self._sink = sink
        self._end = end
        self.shown = 0
        self._next_feed = 0.0

    def begin(self) -> None:
        """Launch the run, unless whoever put it in the background does that."""
        if not self._execution.background:
            self._execution.launch()

    def step(self) -> float | None:
        """The same as `look`, and questions of a run in the background are put here."""
        wait = self.look()
        if wait:
            self._execution.attendance.attend()
        return wait

    def look(self) -> float | None:
        """Seconds until the next call at the latest; None when the run is over."""
        events = self._reader.step()
        if events is None:
            self._feed(now=True)
            return None
        if self._listener is not None:
            self._listener.hear(events)
        # A question may be put on this very thread next: what it is about is shown before.
        feed_in = self._feed(now=any(event.type == "approval_request" for event in events))
        if events:
            return 0.0
        left = LONGEST_WAIT if self._end is None else self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the run is not over yet")
        return min(feed_in, left)

    def show_now(self) -> None:
        """Show what has happened before this thread is taken for a tool, which is to be seen while it works."""
        self._feed(now=True)

    def rearm(self) -> None:
        """After an interrupt, before the next step."""
        self._reader.rearm()

    def _feed(self, *, now: bool = False) -> float:
        """Feed the sink when it is due; seconds until it is due again."""
        journal = self._execution.journal
        if self._sink is None or self.shown == len(journal):
            return LONGEST_WAIT
        wait = self._next_feed - time.monotonic()
        if wait > 0 and not now:
            return wait
        events = journal.since(self.shown)
        self.shown += len(events)
        self._sink.feed(events)
        self._next_feed = time.monotonic() + self._sink.interval
        return self._sink.interval if not journal.closed else 0.0


def block_on(
    execution: Execution,
    pump: Pump | None = None,
    sink: Sink | None = None,
    *,
    check: bool = True,
    timeout: float | None = None,
    owns: bool = True,
) -> Result:
    """Wait for a run on this thread, showing it in `sink`. An interrupt cancels a run that the caller `owns`.

    A run that was not launched yet is: an interrupt in that moment, or while the sink opens, cancels it too.
    """
    pump = pump or Pump()
    end = None if timeout is None else time.monotonic() + timeout
    waiter = _Waiter(execution, pump.wake, sink, end)
    interrupted = False
    with _closing(sink, execution, waiter):
        try:
            if sink is not None:
                sink.open(execution)
            waiter.begin()
            pump.run(waiter.step)
        except KeyboardInterrupt:
            if not owns:
                raise
            interrupted = True
            waiter.rearm()
            execution.cancel()
            waiter.begin()
            pump.run(waiter.step)
        except BaseException:
            if owns:
                execution.cancel()  # whoever cannot wait for it must not leave it behind
            raise
    return _conclude(execution, interrupted=interrupted, check=check)


MAIN.waits.add(block_on.__code__)


async def await_on(execution: Execution, sink: Sink | None = None, *, check: bool = True) -> Result:
    """The same on the running loop, which stays free meanwhile: for a cell that awaits.

    A kernel's interrupt cancels the task that awaits, and is only noticed when its loop wakes: hence the heartbeat.
    It cancels the run and comes out as `KeyboardInterrupt`, as from a blocking cell.
    """
    woken = asyncio.Event()
    waiter = _Waiter(execution, waker_of(woken), sink)
    interrupted = False
    with _closing(sink, execution, waiter):
        if sink is not None:
            sink.open(execution)
        waiter.begin()
        while (wait := waiter.step()) is not None:
            try:
                # Not `wait_for`, which in 3.11 forgets a cancellation that comes together with what it waits for.
                async with asyncio.timeout(min(wait, HEARTBEAT)):
                    await woken.wait()
            except TimeoutError:
                continue
            except asyncio.CancelledError:
                if interrupted:
                    raise
                interrupted = True
                execution.cancel()
                if (task := asyncio.current_task()) is not None:
                    task.uncancel()  # it was heard; until Python 3.11.4 no timeout would end as one any more
            woken.clear()
    return _conclude(execution, interrupted=interrupted, check=check)


async def await_end(execution: Execution, sink: Sink | None = None, *, check: bool = True) -> Result:
    """The end of a run in the background: its result, or the error it ended in, raised. It goes on when we do not."""
    woken = asyncio.Event()
    waiter = _Waiter(execution, waker_of(woken), sink)
    with _closing(sink, execution, waiter):
        if sink is not None:
            sink.open(execution)
        while (wait := waiter.look()) is not None:
            if wait:
                await execution.attendance.attend_async()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await woken.wait()
            woken.clear()
    result = execution.settled()
    return result.check() if check else result


@contextmanager
def _closing(sink: Sink | None, execution: Execution, waiter: _Waiter) -> Iterator[None]:
    """Who waited may leave before the end, as by a second interrupt: then the sink is seen to by a thread."""
    try:
        with MAIN.heralding(waiter.show_now):
            yield
    finally:
        if sink is None or not execution.launched:
            pass
        elif execution.result is not None:
            sink.close(execution.result)
        else:
            see_out(execution, sink, waiter.shown)


def see_out(execution: Execution, sink: Sink, shown: int = 0) -> None:
    """Have a thread feed a sink that has `shown` so many events, no faster than it likes, until the run is over."""
    context = contextvars.copy_context()  # output of the thread belongs to the cell that it was started in
    work = partial(context.run, _feed_on, execution, sink, shown)
    threading.Thread(target=work, name=f"alloy-show-{execution.run_id}", daemon=True).start()


def _feed_on(execution: Execution, sink: Sink, shown: int) -> None:
    pause = threading.Event()
    for events in follow(execution.journal, place=shown):
        sink.feed(events)
        if not execution.journal.closed:
            pause.wait(sink.interval)
    sink.close(execution.settled())


def interruption(cause: Cancelled) -> KeyboardInterrupt:
    """What an interrupt of a wait is raised as: IPython shows its words instead of our frames."""
    told = [f"KeyboardInterrupt: {cause.message}", *([f"Hint: {cause.hint}"] if cause.hint else [])]
    interrupt = KeyboardInterrupt()
    interrupt._render_traceback_ = lambda *_: told  # type: ignore[attr-defined]
    return interrupt


def cancellation_of(execution: Execution) -> Cancelled:
    """What an interrupt of a run that is over is caused by: its own error where it was stopped by then."""
    result = execution.settled()
    return result.error if isinstance(result.error, Cancelled) else Cancelled("interrupted", result=result)


def _conclude(execution: Execution, *, interrupted: bool, check: bool) -> Result:
    result = execution.settled()
    if interrupted:
        cause = cancellation_of(execution)
        raise interruption(cause) from cause
    return result.check() if check else result
