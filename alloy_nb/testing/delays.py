"""Trying again without waiting."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ..forks import renewed_in_child
from ..overrides import Overrides
from ..providers import retry
from ..providers.health import nothing_known

__all__ = ["no_delays"]


@contextmanager
def no_delays() -> Iterator[list[float]]:
    """While it is open, no run of this process waits between two attempts; the list says how long each would have.

    Everything else is as ever: how often is tried again, what the `retry` events tell, and that a run whose `timeout`
    is shorter than a delay gives up.

    >>> import alloy_nb as alloy
    >>> busy = alloy.RateLimitError("slow down", retry_after=30)
    >>> with no_delays() as delays:
    ...     alloy.run("Hi", model=alloy.Scripted([busy, "Hello"])).text
    'Hello'
    >>> delays
    [30]
    """
    with _lists.open([]) as delays, _nothing_slept(), nothing_known():
        yield delays


_lists: Overrides[list[float]] = Overrides()
_lock = renewed_in_child(threading.Lock)
_open = 0
_waiting = retry.sleep


@contextmanager
def _nothing_slept() -> Iterator[None]:
    """The first that opens puts `_skip` in the place of waiting, the last that closes puts back what was there."""
    global _open, _waiting
    with _lock():
        _open += 1
        if _open == 1:
            _waiting, retry.sleep = retry.sleep, _skip
    try:
        yield
    finally:
        with _lock():
            _open -= 1
            if not _open:
                retry.sleep = _waiting


async def _skip(delay: float) -> None:
    delays = _lists.newest
    if delays is None:  # it was closed a moment ago
        await _waiting(delay)
        return
    delays.append(delay)
    # As a wait would: others have their turn, and a cancellation lands.
    await asyncio.sleep(0)
