"""Holding an interrupt back for a moment, so that it is not lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["interrupts_held"]


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Ctrl-C, or the kernel's interrupt, that comes in here is raised when this is over.

    For rendering: where compiled code calls back into Python, as the HTML sanitiser does, an interrupt raised there is
    printed and dropped, and the run would go on. Off the main thread, which no signal reaches, nothing is done.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    caught: list[tuple[Any, Any]] = []
    signal.signal(signal.SIGINT, lambda number, frame: caught.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if caught:
            before(*caught[0])
