"""Ending what holds the main thread: an interrupt that ends one call there, and nothing else."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

__all__ = ["Strike"]

#: Seconds until a signal that was sent must have come. It has as soon as the main thread returns from a system call,
#: unless another one that was on its way came for both.
_ARRIVAL = 0.1
#: So long after the first signal another one follows where none was heard, in seconds; twice as long after each, at
#: most a second.
_AGAIN = 0.1
_LONGEST = 1.0
#: One that comes so soon after one was sent again, and is one too many, is ours and no person's.
_LATE = 0.05


class Strike:
    """A block on the main thread that another thread may end by `strike`, as a `KeyboardInterrupt` in it.

    While a cell awaits, a kernel has the interrupt of a person only cancel the cell, which code that blocks the loop
    never hears: in the block it raises, and what would have heard it hears it behind the block. Off the main thread,
    and with a SIGINT that is ignored, the block is like any other. A strike that comes before the block ends it as it
    begins. Blocks may lie within each other.

    `struck` says whether it was ended from outside, `interrupted` whether a person interrupted it, and `struck_around`
    whether a block around it was struck, which the inner one hears first.
    """

    def __init__(self) -> None:
        self.struck = self.interrupted = False
        self._inside = self._over = self._sent = self._arrived = self._noted = False
        self._lock = threading.Lock()
        self._before: Any = None
        self._sent_again = float("-inf")

    @property
    def _around(self) -> Iterator[Strike]:
        """The blocks that this one lies in, from the inside out."""
        outer = getattr(self._before, "__self__", None)
        while isinstance(outer, Strike):
            yield outer
            outer = getattr(outer._before, "__self__", None)

    @property
    def nested(self) -> bool:
        return any(True for _ in self._around)

    @property
    def struck_around(self) -> bool:
        return any(outer.struck for outer in self._around)

    def __enter__(self) -> Strike:
        is_main = threading.current_thread() is threading.main_thread()
        self._before = signal.getsignal(signal.SIGINT) if is_main else None
        if not callable(self._before):
            self._over = True
            return self
        try:
            # First the one who hears, then what may be struck: a signal never meets whoever heard before.
            signal.signal(signal.SIGINT, self._hear)
            with self._lock:
                self._inside = True
                if self.struck:
                    self._noted = True  # before the block, without a signal
            if self._noted:
                raise KeyboardInterrupt
            return self
        except BaseException:  # nobody else leaves a block that was not entered
            self._leave()
            raise

    def _hear(self, _: int, frame: FrameType | None) -> None:
        # Of several that were struck, the innermost one takes the first signal: each has sent one.
        blocks = (self, *self._around)
        of = next((one for one in blocks if one._sent and not one._arrived), None)
        if of is not None:
            of._arrived = True
        elif any(time.monotonic() - one._sent_again < _LATE for one in blocks):
            return
        else:
            self.interrupted = True
        self._noted = True
        if self._inside and not _leaves(frame):
            raise KeyboardInterrupt

    def strike(self) -> None:
        """End the block, as soon as the main thread is in it; from any thread. Behind the block nothing happens."""
        with self._lock:
            if self._over or self.struck:
                return
            self.struck = True
            if not self._inside:
                return
            self._sent = True
            if os.name == "posix":
                self._send()
                threading.Thread(target=self._insist, name="alloy-strike", daemon=True).start()
            else:
                signal.raise_signal(signal.SIGINT)

    @staticmethod
    def _send() -> None:
        # To that thread, and as a real signal: it ends a sleep and a read, too.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def _insist(self) -> None:
        """Send it again until it is heard: one that comes just before a sleep's system call does not break it off."""
        pause = _AGAIN
        while True:
            time.sleep(pause)
            with self._lock:
                if self._over or self._arrived:
                    return
                self._sent_again = time.monotonic()
                self._send()
            pause = min(2 * pause, _LONGEST)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._inside:
            self._leave()

    def _leave(self) -> None:
        with self._lock:
            self._inside, self._over = False, True
        end = time.monotonic() + _ARRIVAL
        while self._sent and not self._arrived and time.monotonic() < end:
            time.sleep(0.001)
        if self._sent_again > 0:
            time.sleep(0.001)  # what is still on its way is heard here, and not by who hears next
        signal.signal(signal.SIGINT, self._before)


#: Where a signal is heard, and raises nothing: it would leave the handler behind.
_LEAVING = frozenset({Strike.__exit__.__code__, Strike._leave.__code__})


def _leaves(frame: FrameType | None) -> bool:
    while frame is not None and frame.f_code not in _LEAVING:
        frame = frame.f_back
    return frame is not None
