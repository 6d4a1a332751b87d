"""When Ctrl-C is heard: a person presses it more than once, and the second one must not fall on what comes after."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any

__all__ = ["Interrupts"]

#: Seconds after which a signal that ends all is said once more to who reads a line, and did not end.
_AGAIN = 0.3


class Interrupts:
    """Has Ctrl-C raise `KeyboardInterrupt` while `heard` is set, and do nothing otherwise.

    To be entered on the main thread; there it stays so to the end of the process, whose last moments are no place for
    an interrupt either. Elsewhere, and where Ctrl-C is ignored, it changes nothing.
    """

    def __init__(self) -> None:
        #: A plain attribute: nothing can come between the end of a `try` and setting it in its `finally`.
        self.heard = False
        #: While a line is read: what is raised then may be lost, in a callback, or in the editor's own clearing up.
        self.idle = False
        self._held = False
        self._came = False

    def install(self) -> None:
        on_main = threading.current_thread() is threading.main_thread()
        if on_main and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, self._come)

    def insist(self) -> None:
        """Have the signals that end all be heard, and go on being heard until the reading of a line has ended.

        To be called once their handlers are there, on the main thread. When a terminal goes away, its signal falls
        into the editor's handling of a terminal that is gone, which may wait for a key that nobody can press.
        """
        if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
            return
        for name in ("SIGTERM", "SIGHUP"):
            handler = signal.getsignal(number := getattr(signal, name))
            if callable(handler):
                signal.signal(number, partial(self._end, handler))
        signal.signal(signal.SIGALRM, self._again)

    def rest(self) -> None:
        """Nothing is said again: when Python has ended, the clock's signal would end the process by itself."""
        self.idle = False
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _end(self, handler: Callable[[int, FrameType | None], Any], number: int, frame: FrameType | None) -> None:
        if self.idle:
            signal.setitimer(signal.ITIMER_REAL, _AGAIN, _AGAIN)
        handler(number, frame)

    def _again(self, _number: int, _frame: FrameType | None) -> None:
        if self.idle:
            raise KeyboardInterrupt
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _come(self, _number: int, _frame: FrameType | None) -> None:
        if self.heard and self._held:
            self._came = True
        elif self.heard:
            raise KeyboardInterrupt

    @contextmanager
    def held(self) -> Iterator[None]:
        """What is done within is done whole: an interrupt comes after it."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self._came:
            self._came = False
            raise KeyboardInterrupt
