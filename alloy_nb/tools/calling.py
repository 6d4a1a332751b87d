"""Waiting for one call of a tool: to its end, to the end of its time, or until nobody wants it any more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from ..errors import AlloyError, ToolError
from ..guests import GuestCrash, contain
from .context import CancelToken
from .workers import Settling

__all__ = ["TimedOut", "in_time", "settled_in_time", "wait_briefly"]


class TimedOut(AlloyError):
    """The time of a call was over, which was `limit` seconds."""

    def __init__(self, limit: float | None) -> None:
        super().__init__(f"Tool timed out after {limit:g} s")


async def in_time(
    coroutine: Coroutine[Any, Any, Any], name: str, limit: float | None, grace: float, token: CancelToken
) -> Any:
    """What an async tool returns. It is cancelled when its time is up, given up when it does not heed that."""
    task = asyncio.create_task(contain(coroutine), name=f"alloy tool {name}")
    try:
        done, _ = await asyncio.wait({task}, timeout=limit)
    except asyncio.CancelledError:
        token.set()
        task.cancel()
        await wait_briefly([task], grace)
        raise
    if not done:
        token.set()
        task.cancel()
        await wait_briefly([task], grace)
        raise TimedOut(limit)
    if task.cancelled():
        raise ToolError("the tool cancelled itself")
    error = task.exception()
    if error is not None and not isinstance(error, Exception):
        raise GuestCrash(error)  # a GeneratorExit of its own, which here would end the run
    return task.result()


async def settled_in_time(
    settling: Settling, limit: float | None, token: CancelToken, give_up: Callable[[], None]
) -> Any:
    """What a sync tool returns, whose thread cannot be killed: `give_up` is called when nobody waits any more."""
    try:
        # Waiting for the main thread is not the tool's time.
        await settling.started
        done, _ = await asyncio.wait({settling.future}, timeout=limit)
        if done:
            return settling.future.result()
    except asyncio.CancelledError:
        _abandon(settling, token, give_up)
        raise
    _abandon(settling, token, give_up)
    raise TimedOut(limit)


def _abandon(settling: Settling, token: CancelToken, give_up: Callable[[], None]) -> None:
    token.set()
    settling.given_up = True
    settling.future.add_done_callback(_consume)
    give_up()


def _consume(future: asyncio.Future[Any]) -> None:
    """Take the late outcome of an abandoned call, so that asyncio does not complain of it."""
    if not future.cancelled():
        future.exception()


async def wait_briefly(tasks: Sequence[asyncio.Future[Any]], grace: float) -> None:
    """Give cancelled tasks time to clean up; a second cancellation does not cut that short."""
    end = time.monotonic() + grace
    while any(not task.done() for task in tasks):
        left = end - time.monotonic()
        if left <= 0:
            break
        try:
            await asyncio.wait([task for task in tasks if not task.done()], timeout=left)
        except asyncio.CancelledError:
            continue
    for task in tasks:
        task.add_done_callback(_consume)
