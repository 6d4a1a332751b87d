"""Ctrl-C while a cell of IPython in a terminal awaits: it stops what is awaited, as it does where one waits.

IPython runs such a cell by a loop's bare `run_until_complete`. There an interrupt breaks off the loop, in the midst of
whatever it does, and the run stays behind on it: neither stopped nor going on, until the next cell that awaits.
`asyncio.run` and a kernel cancel the task in its place; this does so for them.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from .errors import Cancelled
from .waiting import interruption

__all__ = ["goes_on", "interrupts_cancel", "interrupts_told", "steps_of"]

_Step = TypeVar("_Step")

#: The coroutine that IPython makes of a cell.
_CELL = "run_cell_async"


class _Guard:
    """Cancels the cell at the first interrupt; a second one, while that is on its way, is Python's own."""

    def __init__(self, cell: asyncio.Task[Any]) -> None:
        self.cell = cell
        self.came = False
        #: How many awaits there are within: a cell may gather several.
        self.held = 0

    def __call__(self, number: int, frame: Any) -> None:
        if self.came:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.default_int_handler(number, frame)
        self.came = True
        # Not here and now: a task at work would enter its next `asyncio.timeout` cancelled, which takes that for its.
        self.cell.get_loop().call_soon_threadsafe(self.cell.cancel)


@contextmanager
def interrupts_cancel(told: Callable[[], Cancelled]) -> Iterator[None]:
    """Around an await: in a cell of IPython's in a terminal Ctrl-C cancels the cell. Everywhere else nothing is done.

    It comes out as `KeyboardInterrupt`, which is what `told` gives, on two lines in place of a traceback.
    """
    guard = _guard()
    if guard is None:
        yield
        return
    guard.held += 1
    try:
        yield
    except asyncio.CancelledError:
        if not guard.came or asyncio.current_task() is not guard.cell:
            raise
        guard.cell.uncancel()
        cause = told()
        raise interruption(cause) from cause
    finally:
        guard.held -= 1
        if not guard.held and signal.getsignal(signal.SIGINT) is guard:
            signal.signal(signal.SIGINT, signal.default_int_handler)


async def steps_of(stream: AsyncIterator[_Step], told: Callable[[], Cancelled]) -> AsyncIterator[_Step]:
    """A stream whose steps are awaited so; what its reader does between them is the reader's own."""
    while True:
        with interrupts_cancel(told):
            try:
                step = await anext(stream)
            except StopAsyncIteration:
                return
        yield step


@contextmanager
def interrupts_told(told: Callable[[], Cancelled]) -> Iterator[None]:
    """Around a wait that blocks, of somebody for whom it goes on: an interrupt is two lines, too."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise interruption(told()) from error


def goes_on() -> Cancelled:
    """For whoever waits for what goes on without them."""
    return Cancelled("the run goes on, and nobody waits for it", hint="its `cancel()` stops it")


def _guard() -> _Guard | None:
    """The one that is there, or a new one; None where an interrupt is seen to, or no cell awaits."""
    if "IPython" not in sys.modules or threading.current_thread() is not threading.main_thread():
        return None
    there: Any = signal.getsignal(signal.SIGINT)
    if isinstance(there, _Guard):
        return there
    if there is not signal.default_int_handler:
        return None
    cell = next((task for task in asyncio.all_tasks() if _is_cell(task)), None)
    if cell is None:
        return None
    guard = _Guard(cell)
    signal.signal(signal.SIGINT, guard)
    return guard


def _is_cell(task: asyncio.Task[Any]) -> bool:
    return getattr(task.get_coro(), "__name__", "") == _CELL
