"""What a scheduler knows the time by, and is woken by."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from ..portal import PORTAL
from ..tools.workers import call_in_thread

__all__ = ["Clock", "SystemClock"]


class Clock(Protocol):
    """The time, and a call later. Both are a test's own where it steps them."""

    def now(self) -> datetime:
        """In UTC."""

    def wake(self, seconds: float, call: Callable[[], None]) -> Callable[[], None]:
        """Have `call` called once, in so many seconds, where it may wait; what is returned takes it back."""


class SystemClock:
    """The machine's clock; the alarm is a timer on the library's own loop, calls have a thread for themselves.

    A forked child is not woken: its parent does what is due.
    """

    def now(self) -> datetime:
        return datetime.now(UTC)

    def wake(self, seconds: float, call: Callable[[], None]) -> Callable[[], None]:
        taken_back = False
        handle: asyncio.TimerHandle | None = None

        def arm() -> None:
            nonlocal handle
            if not taken_back:
                handle = asyncio.get_running_loop().call_later(seconds, due)

        def due() -> None:
            if not taken_back:
                call_in_thread(call, "scheduler")

        def take_back() -> None:
            nonlocal taken_back
            taken_back = True
            if handle is not None and not loop.is_closed():
                loop.call_soon_threadsafe(handle.cancel)

        loop = PORTAL.loop()
        loop.call_soon_threadsafe(arm)
        return take_back
