"""Trying again without waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

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
    delays: list[float] = []

    async def skip(delay: float) -> None:
        delays.append(delay)
        # As a wait would: others have their turn, and a cancellation lands.
        await asyncio.sleep(0)

    before = retry.sleep
    retry.sleep = skip
    try:
        with nothing_known():
            yield delays
    finally:
        retry.sleep = before
