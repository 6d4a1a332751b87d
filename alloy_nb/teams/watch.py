"""Looking after the runs of a team: one that does not answer its stop is given up, and its member goes on afresh."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ..execution import Execution

__all__ = ["CLOSING", "GRACE", "Watch"]

logger = logging.getLogger("alloy_nb")

#: How long a loop may be silent that has been asked to stop a run, in seconds …
GRACE = 1.0
#: … and how long the run may take to close where the loop answers: its tools have two seconds to clean up.
CLOSING = 3.0
#: How often it is looked, in seconds.
TICK = 0.1


@dataclass(slots=True)
class _Looked:
    execution: Execution
    give_up: Callable[[Execution, float], None]
    late_since: float | None = None
    answered: threading.Event | None = field(default=None)

    def silent_for(self, now: float) -> float | None:
        """Since when it should be on its way to its end, as seconds; None when it may go on."""
        since = self.execution.stopped_at
        if self.execution.overdue and self.late_since is None:
            self.late_since = now
        since = since if self.late_since is None else min(since or now, self.late_since)
        if since is None:
            return None
        if self.answered is None:
            self.answered = threading.Event()
            self.execution.answers(self.answered)
        return now - since


class Watch:
    """A thread that looks at runs while there are any; one that neither ends nor answers is given to `give_up`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._looked: dict[int, _Looked] = {}
        self._thread: threading.Thread | None = None

    def add(self, execution: Execution, give_up: Callable[[Execution, float], None]) -> None:
        """Look after a run until it is over. `give_up` is called with it and the seconds that it was silent."""
        if self._process != os.getpid():
            # In a forked child: the thread is there no more, and may have held the lock when it was there.
            self._begin_anew()
        with self._lock:
            self._looked[id(execution)] = _Looked(execution, give_up)
            if self._thread is None or not self._thread.is_alive():  # an interrupt may have torn its start
                self._thread = threading.Thread(target=self._work, name=f"alloy-watch-{self._name}", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        pause = threading.Event()
        while True:
            with self._lock:
                over = [key for key, item in self._looked.items() if item.execution.result is not None]
                for key in over:
                    del self._looked[key]
                looked = list(self._looked.values())
                if not looked:
                    self._thread = None
                    return
            for item in looked:
                self._look(item)
            pause.wait(TICK)

    def _look(self, item: _Looked) -> None:
        silent = item.silent_for(time.monotonic())
        if silent is None or item.answered is None:
            return
        if silent > (CLOSING if item.answered.is_set() else GRACE):
            try:
                item.give_up(item.execution, silent)
            except Exception:
                logger.exception("a run that does not end could not be given up")
