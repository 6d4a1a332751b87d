"""Ending what holds the main thread: an interrupt that ends one call there, and nothing else."""

from __future__ import annotations

import os
import signal
import threading
import time
from types import TracebackType
from typing import Any

__all__ = ["Strike"]

#: Seconds until a signal that was sent must have come.
_ARRIVAL = 1.0


class Strike:
    """A block on the main thread that another thread may end by `strike`, as a `KeyboardInterrupt` in it.

    While a cell awaits, a kernel has the interrupt of a person only cancel the cell, which code that blocks the loop
    never hears: in the block it raises, and what would have heard it hears it behind the block. Off the main thread,
    and with a SIGINT that is ignored, the block is like any other.

    `struck` says whether it was ended from outside, `interrupted` whether a person interrupted it.
    """

    def __init__(self) -> None:
        self.struck = self.interrupted = False
        self._inside = self._leaving = self._arrived = False
        self._lock = threading.Lock()
        self._before: Any = None

    def __enter__(self) -> Strike:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.getsignal(signal.SIGINT)
            self._inside = callable(self._before)
        if self._inside:
            signal.signal(signal.SIGINT, self._hear)
        return self

    def _hear(self, *_: Any) -> None:
        if self.struck and not self._arrived:
            self._arrived = True
        else:
            self.interrupted = True
        if not self._leaving:
            raise KeyboardInterrupt

    def strike(self) -> None:
        """End the block, if the main thread is in it; from any thread."""
        with self._lock:
            if not self._inside or self.struck:
                return
            self.struck = True
            if os.name == "posix":
                # To that thread, and as a real signal: it ends a sleep and a read, too.
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            else:
                signal.raise_signal(signal.SIGINT)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving = True
        with self._lock:
            was_inside, self._inside = self._inside, False
        if not was_inside:
            return
        end = time.monotonic() + _ARRIVAL
        while self.struck and not self._arrived and time.monotonic() < end:
            time.sleep(0.001)
        signal.signal(signal.SIGINT, self._before)
