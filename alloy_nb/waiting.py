"""Waiting for a run on the caller's thread: callbacks, display and questions are served meanwhile."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .errors import Cancelled
from .events import Event
from .handle import HandleAsker, Run
from .options import Options
from .pump import Pump
from .result import Result
from .sinks import Sink

__all__ = ["Listener", "await_on", "block_on"]

logger = logging.getLogger("alloy_nb")

# A condition without a time limit cannot be interrupted on Windows, and a wake-up that an interrupt tore apart is
# made good by looking again.
_LONGEST_WAIT = 1.0
#: How often a loop that awaits a run wakes at least, in seconds.
HEARTBEAT = 0.1


class Listener:
    """The caller's `on_event` and `on_chunk`: called in order; what they raise is logged once and changes nothing."""

    def __init__(self, options: Options) -> None:
        self._on_event = options.on_event
        self._on_chunk = options.on_chunk
        self._complained = False
        self.wanted = self._on_event is not None or self._on_chunk is not None

    def hear(self, events: list[Event]) -> None:
        for event in events:
            self._call(self._on_event, event)
            if event.type == "text_delta":
                self._call(self._on_chunk, event.payload)

    def follow(self, handle: Run) -> None:
        """Hear a background run to its end, on the calling thread."""
        for event in handle:
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

    def __init__(self, handle: Run, wake: Callable[[], None], sink: Sink | None, end: float | None = None) -> None:
        self._handle = handle
        self._wake = wake
        self._sink = sink
        self._end = end
        self._listener = Listener(handle._state.options)
        self._place = 0
        self._shown = 0
        self._next_feed = 0.0
        self._armed = False  # one waker at a time, however often the waiting times out
        self._asks = isinstance(handle._state.desk.asker, HandleAsker)
        self._hears = not self._asks  # a background run has a thread for its callbacks

    def step(self) -> float | None:
        """Seconds until the next call at the latest; None when the run is over."""
        journal = self._handle._journal
        events = journal.since(self._place)
        self._place += len(events)
        if self._asks:
            self._attend()
        if self._hears:
            self._listener.hear(events)
        feed_in = self._feed()
        if self._handle._result is not None and self._place == len(journal):
            self._feed(now=True)
            return None
        left = _LONGEST_WAIT if self._end is None else self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the run is not over yet")
        if not self._armed:
            self._armed = True
            if not journal.once_more(self._place, self._awaken):
                self._armed = False
                return 0.0
        return min(feed_in, left)

    def rearm(self) -> None:
        """After an interrupt nobody knows whether the waker was set: set it anew."""
        self._armed = False

    def _awaken(self) -> None:
        self._armed = False
        self._wake()

    def _attend(self) -> None:
        if self._handle._interactive:
            self._handle._ask_here()
        else:
            self._handle._refuse_unanswerable()

    def _feed(self, *, now: bool = False) -> float:
        """Feed the sink when it is due; seconds until it is due again."""
        journal = self._handle._journal
        if self._sink is None or self._shown == len(journal):
            return _LONGEST_WAIT
        wait = self._next_feed - time.monotonic()
        if wait > 0 and not now:
            return wait
        events = journal.since(self._shown)
        self._shown += len(events)
        self._sink.feed(events)
        self._next_feed = time.monotonic() + self._sink.interval
        return self._sink.interval if not journal.closed else 0.0


def block_on(
    handle: Run,
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
    waiter = _Waiter(handle, pump.wake, sink, end)
    interrupted = False
    with _closing(sink, handle):
        try:
            if sink is not None:
                sink.open()
            handle.launch()
            pump.run(waiter.step)
        except KeyboardInterrupt:
            if not owns:
                raise
            interrupted = True
            waiter.rearm()
            handle.cancel()
            handle.launch()
            pump.run(waiter.step)
        except BaseException:
            if owns:
                handle.cancel()  # whoever cannot wait for it must not leave it behind
            raise
    return _conclude(handle, interrupted=interrupted, check=check)


async def await_on(handle: Run, sink: Sink | None = None, *, check: bool = True) -> Result:
    """The same on the running loop, which stays free meanwhile: for a cell that awaits.

    A kernel's interrupt cancels the task that awaits, and is only noticed when its loop wakes: hence the heartbeat.
    It cancels the run and comes out as `KeyboardInterrupt`, as from a blocking cell.
    """
    loop = asyncio.get_running_loop()
    woken = asyncio.Event()

    def wake() -> None:
        try:
            loop.call_soon_threadsafe(woken.set)
        except RuntimeError:  # the loop is closed: nobody waits any more
            return

    waiter = _Waiter(handle, wake, sink)
    interrupted = False
    with _closing(sink, handle):
        if sink is not None:
            sink.open()
        handle.launch()
        while (wait := waiter.step()) is not None:
            try:
                await asyncio.wait_for(woken.wait(), min(wait, HEARTBEAT))
            except TimeoutError:
                continue
            except asyncio.CancelledError:
                if interrupted:
                    raise
                interrupted = True
                handle.cancel()
            woken.clear()
    return _conclude(handle, interrupted=interrupted, check=check)


@contextmanager
def _closing(sink: Sink | None, handle: Run) -> Iterator[None]:
    try:
        yield
    finally:
        if sink is not None and handle._result is not None:
            sink.close(handle._result)


def _conclude(handle: Run, *, interrupted: bool, check: bool) -> Result:
    result = handle._settled()
    if interrupted:
        cause = result.error if isinstance(result.error, Cancelled) else Cancelled("interrupted", result=result)
        raise KeyboardInterrupt from cause
    return result.check() if check else result
