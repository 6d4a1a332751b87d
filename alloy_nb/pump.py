"""The pump: what a thread does while it waits for a run. Rendering, prompts and main-thread tools happen here."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from .tools.workers import MAIN

__all__ = ["Pump"]


class Pump:
    """Waits on the caller's thread and does the jobs that others hand to that thread.

    Pumps of the main thread share one queue and one condition (`MAIN`): a job for the main thread reaches whichever
    of them waits now, however deeply runs are nested.
    """

    def __init__(self) -> None:
        self._on_main = threading.current_thread() is threading.main_thread()
        self._condition = MAIN.condition if self._on_main else threading.Condition()
        self._jobs: deque[Callable[[], None]] = MAIN.jobs if self._on_main else deque()
        self._woken = False

    def __enter__(self) -> Pump:
        """From here on jobs for this thread are taken in; enter before the run that may send them begins."""
        if self._on_main:
            MAIN.enter()
        return self

    def __exit__(self, *_: object) -> None:
        if self._on_main:
            MAIN.leave()

    def submit(self, job: Callable[[], None]) -> None:
        """Have `job` run on the pump's thread, from any thread."""
        with self._condition:
            self._jobs.append(job)
            self._condition.notify_all()

    def wake(self) -> None:
        """Have the pump look at its condition again."""
        with self._condition:
            self._woken = True
            self._condition.notify_all()

    def run(self, step: Callable[[], float | None]) -> None:
        """Do jobs and call `step` until it returns None; it returns seconds to wait at most before the next call.

        `step` is called after every wake-up and after that time. A `KeyboardInterrupt` comes out of here.
        """
        with self:
            while True:
                # First the step, so that what led to a job is heard and shown before it; and a step that raises
                # leaves the job where it is.
                wait = step()
                if wait is None:
                    return
                job = self._next_job()
                if job is None:
                    self._wait(wait)
                else:
                    job()

    def _next_job(self) -> Callable[[], None] | None:
        with self._condition:
            return self._jobs.popleft() if self._jobs else None

    def _wait(self, seconds: float) -> None:
        with self._condition:
            if not self._jobs and not self._woken:
                self._condition.wait(seconds)
            self._woken = False
