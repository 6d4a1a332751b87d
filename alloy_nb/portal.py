"""The portal: one daemon thread with one event loop a process, where runs live that no caller awaits."""

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

from .errors import AlloyError

__all__ = ["PORTAL", "Portal"]

logger = logging.getLogger("alloy_nb")

#: An async tool that keeps the loop for longer than this holds up every run of the process.
BLOCKED_AFTER = 0.5
#: How long runs may take to close at the exit of the process, in seconds.
EXIT_GRACE = 5.0


class Portal:
    """Starts its thread on first use, and afresh in a forked child."""

    def __init__(self) -> None:
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
        """Raise when a blocking call is made on the portal's thread: it would wait for itself for ever."""
        if self.is_current:
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
        thread = threading.Thread(target=self._serve, args=(loop,), name="alloy-portal", daemon=True)
        thread.start()
        # What is scheduled before the loop runs, runs then.
        self._loop, self._thread = loop, thread
        return loop

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
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
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None or loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._cancel_all(), loop)
        end = time.monotonic() + EXIT_GRACE
        while self._tasks and time.monotonic() < end:
            time.sleep(0.005)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(EXIT_GRACE)
        self._busy.set()

    async def _cancel_all(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()

    def forget(self) -> None:
        """In a forked child the thread is gone, and its loop must not be touched."""
        self.__init__()  # type: ignore[misc]


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


PORTAL = Portal()
_hooked = False


def _register_hooks() -> None:
    """Exit and fork are only watched once there is something to close; importing registers nothing."""
    global _hooked
    if _hooked:
        return
    _hooked = True
    atexit.register(PORTAL.close)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=PORTAL.forget)
