"""The portal: a daemon thread with an event loop, where runs live that no caller awaits.

`PORTAL` is the process's own. A member of a team has one for itself, its lane, so that whoever blocks it holds up
nobody else.
"""

from __future__ import annotations

import asyncio
import atexit
import contextvars
import logging
import os
import threading
import time
import traceback
from collections.abc import Callable, Coroutine
from typing import Any
from weakref import WeakSet

from .errors import AlloyError
from .pace import Pace

__all__ = ["PORTAL", "Portal", "is_portal_thread"]

logger = logging.getLogger("alloy_nb")

#: An async tool that keeps the loop for longer than this holds up every run of the process.
BLOCKED_AFTER = 0.5
#: How long runs may take to close at the exit of the process, in seconds.
EXIT_GRACE = 5.0


class Portal:
    """Starts its thread on first use, and afresh in a forked child.

    One that is `shared` has a watchdog, which names the async tool that holds up every run on it; others have a `pace`,
    which leaves some of the interpreter to those beside them.
    """

    def __init__(self, name: str = "alloy-portal", *, shared: bool = True) -> None:
        self.name = name
        self._shared = shared
        self.pace = None if shared else Pace()
        self._renew()

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._busy = threading.Event()

    @property
    def is_current(self) -> bool:
        """True on the portal's own thread."""
        return self._thread is not None and threading.current_thread() is self._thread

    def refuse_here(self, name: str) -> None:
        """Raise when a blocking call is made on a portal's thread: it may wait for itself, for ever."""
        if is_portal_thread():
            raise AlloyError(
                f"alloy.{name} was called on alloy's own event loop",
                hint="in an async tool or hook, use `await alloy.arun(...)`",
            )

    def spawn(self, work: Callable[[], Coroutine[Any, Any, Any]], name: str) -> None:
        """Run what `work` returns on the portal, in the caller's context.

        It is called there: an interrupt that lands here leaves no coroutine behind that nobody awaits.
        """
        loop = self.loop()
        context = contextvars.copy_context()
        loop.call_soon_threadsafe(self._start, work, name, context)

    def loop(self) -> asyncio.AbstractEventLoop:
        """The portal's loop, started if need be."""
        with self._lock:
            thread = self._thread
            if self._loop is None or self._loop.is_closed() or thread is None or not thread.is_alive():
                return self._open()
            return self._loop

    def _open(self) -> asyncio.AbstractEventLoop:
        """Published when all of it is there: an interrupt on the way leaves nothing behind but a thread that idles."""
        _register_hooks()
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=self._serve, args=(loop,), name=self.name, daemon=True)
        thread.start()
        # What is scheduled before the loop runs, runs then.
        self._loop, self._thread = loop, thread
        with _open.lock:
            _open.portals.add(self)
        return loop

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        _here.served = True
        if self._shared:
            _Watchdog(loop, threading.current_thread(), self._tasks, self._busy).start()
        try:
            loop.run_forever()
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    def _start(self, work: Callable[[], Coroutine[Any, Any, Any]], name: str, context: contextvars.Context) -> None:
        task = asyncio.get_running_loop().create_task(work(), name=name, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._busy.set()

    def close(self) -> None:
        """Cancel what runs, wait a little for it to close, and end the thread. A later use starts afresh."""
        _close([self])

    def retire(self) -> None:
        """End the thread as soon as nothing runs there any more, without waiting for that; for good.

        One that is held by what does not come back stays behind, and does not hold up the exit of the process.
        """
        served = self._take()
        if served is None:
            return
        loop, _ = served

        async def end() -> None:
            others = self._tasks - {asyncio.current_task()}
            while others := {task for task in others if not task.done()}:
                await asyncio.wait(others)
            loop.call_soon(loop.stop)

        self._call(loop, lambda: self._start(end, "alloy retiring", contextvars.copy_context()))

    def answers(self, told: threading.Event) -> None:
        """Have `told` set as soon as the loop comes to it; at once where there is none."""
        loop = self._loop
        if loop is None or not self._call(loop, told.set):
            told.set()

    def cancel_all(self) -> None:
        """Cancel what runs; from any thread."""
        loop, tasks = self._loop, self._tasks
        if loop is not None:
            self._call(loop, lambda: [task.cancel() for task in tuple(tasks)])

    def is_empty(self) -> bool:
        """Whether nothing runs there."""
        return not self._tasks

    def end(self, until: float) -> None:
        """Stop the loop and wait for the thread, until that moment of the monotonic clock."""
        served = self._take()
        if served is None:
            return
        loop, thread = served
        if self._call(loop, loop.stop):
            thread.join(max(0.1, until - time.monotonic()))
        self._busy.set()

    def _take(self) -> tuple[asyncio.AbstractEventLoop, threading.Thread] | None:
        """The loop and its thread, to be ended by whoever asked; from now on there are none."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        with _open.lock:
            _open.portals.discard(self)
        return None if loop is None or thread is None or loop.is_closed() else (loop, thread)

    def _call(self, loop: asyncio.AbstractEventLoop, function: Callable[[], Any]) -> bool:
        try:
            loop.call_soon_threadsafe(function)
        except RuntimeError:  # closed meanwhile
            return False
        return True

    def forget(self) -> None:
        """In a forked child the thread is gone, and its loop must not be touched."""
        self._renew()


def is_portal_thread() -> bool:
    """Whether this thread serves a portal's loop, which a call that waits would hold up."""
    return getattr(_here, "served", False)


class _Watchdog(threading.Thread):
    """Looks after the portal's loop while runs are there; names the async tool that keeps it for itself."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        served_by: threading.Thread,
        tasks: set[asyncio.Task[Any]],
        busy: threading.Event,
    ) -> None:
        super().__init__(name="alloy-watchdog", daemon=True)
        self._loop = loop
        self._served_by = served_by
        self._tasks = tasks
        self._busy = busy

    def run(self) -> None:
        while not self._loop.is_closed():
            if not self._tasks:
                self._busy.clear()
                # A run may have begun between the look and the clearing.
                if not self._tasks:
                    self._busy.wait()
                    continue
            if not self._answers():
                self._name_culprit(self._loop)
            time.sleep(BLOCKED_AFTER / 2)

    def _answers(self) -> bool:
        answered = threading.Event()
        try:
            self._loop.call_soon_threadsafe(answered.set)
        except RuntimeError:  # closed meanwhile
            return True
        if answered.wait(BLOCKED_AFTER):
            return True
        self._blocked = answered
        return False

    def _name_culprit(self, loop: asyncio.AbstractEventLoop) -> None:
        import sys

        task = asyncio.current_task(loop)
        if task is None:  # nobody keeps it: the machine is busy with others
            return
        name = task.get_name()
        frame = sys._current_frames().get(self._served_by.ident or 0)
        where = traceback.extract_stack(frame)[-1] if frame is not None else None
        place = f" (at {where.filename}:{where.lineno})" if where else ""
        logger.warning(
            "%s has blocked alloy's event loop for more than %.1f s%s: "
            "make it a plain `def` tool, which runs in a thread of its own, or await inside it",
            name.removeprefix("alloy "),
            BLOCKED_AFTER,
            place,
        )
        self._blocked.wait()


class _Open:
    """The portals whose threads run."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.portals: WeakSet[Portal] = WeakSet()


_here = threading.local()
_open = _Open()
PORTAL = Portal()
_hooked = False


def _close(portals: list[Portal]) -> None:
    """All at once: none has to wait for another one to close."""
    for portal in portals:
        portal.cancel_all()
    end = time.monotonic() + EXIT_GRACE
    while time.monotonic() < end and not all(portal.is_empty() for portal in portals):
        time.sleep(0.005)
    for portal in portals:
        portal.end(end)


def _close_all() -> None:
    with _open.lock:
        portals = list(_open.portals)
    _close(portals)


def _forget_all() -> None:
    """In a forked child: its one thread serves no portal, whichever thread of the parent it is a copy of."""
    _here.served = False
    portals = list(_open.portals)
    _open.__init__()  # type: ignore[misc]
    for portal in portals:
        portal.forget()


def _register_hooks() -> None:
    """Exit and fork are only watched once there is something to close; importing registers nothing."""
    global _hooked
    if _hooked:
        return
    _hooked = True
    atexit.register(_close_all)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget_all)
