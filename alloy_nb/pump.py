"""The pump: what a thread does while it waits for a run. Rendering, prompts and main-thread tools happen here."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from .bell import Bell
from .tools.workers import MAIN

__all__ = ["Pump"]


class Pump:
    """Waits on the caller's thread and does the jobs that others hand to that thread.

    Pumps of the main thread share one queue and one bell (`MAIN`): a job for the main thread reaches whichever of them
    waits now, however deeply runs are nested.
    """

    def __init__(self) -> None:
        self._on_main = threading.current_thread() is threading.main_thread()
        self._bell = MAIN.bell if self._on_main else Bell()
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
        self._jobs.append(job)
        self._bell.ring()

    def wake(self) -> None:
        """Have the pump look at its condition again."""
        self._woken = True
        self._bell.ring()

    def run(self, step: Callable[[], float | None]) -> None:
        """Do jobs and call `step` until it returns None; it returns seconds to wait at most before the next call.

        `step` is called after every wake-up and after that time. A `KeyboardInterrupt` comes out of here.
        """
        with self:
            while True:
                # Only a job that was there before the step is done after it: so what led to it has been heard and
                # shown; and a step that raises leaves the job where it is.
                ready = bool(self._jobs)
                wait = step()
                if wait is None:
                    return
                if not ready:
                    self._wait(wait)
                elif (job := self._next_job()) is not None:
                    job()

    def _next_job(self) -> Callable[[], None] | None:
        try:
            return self._jobs.popleft()
        except IndexError:
            return None

    def _wait(self, seconds: float) -> None:
        # Another pump of this thread may have heard the bell that was rung for this one.
        if not self._jobs and not self._woken:
            self._bell.wait(seconds)
        self._woken = False
