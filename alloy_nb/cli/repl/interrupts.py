"""When Ctrl-C is heard: a person presses it more than once, and the second one must not fall on what comes after."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Interrupts"]


class Interrupts:
    """Has Ctrl-C raise `KeyboardInterrupt` while `heard` is set, and do nothing otherwise.

    To be entered on the main thread; there it stays so to the end of the process, whose last moments are no place for
    an interrupt either. Elsewhere, and where Ctrl-C is ignored, it changes nothing.
    """

    def __init__(self) -> None:
        #: A plain attribute: nothing can come between the end of a `try` and setting it in its `finally`.
        self.heard = False
        self._held = False
        self._came = False

    def install(self) -> None:
        on_main = threading.current_thread() is threading.main_thread()
        if on_main and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, self._come)

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
