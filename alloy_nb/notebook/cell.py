"""Which cell runs, whether this code is its top level, and what was shown in it so far."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any
from weakref import WeakKeyDictionary

from ..forks import renewed_in_child
from ..pump import Pump

__all__ = ["Cell", "cell_id", "current_cell", "is_top_level", "running_shell", "say"]


class Cell:
    """One execution of one cell: which runs it showed, and what is to be done when it is over.

    `ended` holds what is called, once, at the end of the cell, while it can still show something.
    """

    def __init__(self) -> None:
        self.shown: set[str] = set()
        self.runs = 0
        self.folded: Any = None
        self.ended: list[Callable[[], None]] = []


class _Watch:
    """Makes a new `Cell` whenever a cell begins."""

    def __init__(self, shell: Any) -> None:
        self.cell = Cell()
        self.execution = 0
        self._depth = 0
        shell.events.register("pre_execute", self._enter)
        shell.events.register("post_execute", self._leave)
        shell.events.register("pre_run_cell", self._begin)
        shell.events.register("post_run_cell", self._end)

    @property
    def executing(self) -> bool:
        """True while code of the user runs; what is transformed then is not the top level of a cell."""
        return self._depth > 0

    def _enter(self, *_: Any) -> None:
        self._depth += 1

    def _leave(self, *_: Any) -> None:
        # An empty cell leaves without having entered, and so does the one that loads the extension.
        self._depth = max(0, self._depth - 1)

    def _begin(self, *_: Any) -> None:
        self.cell = Cell()
        self.execution += 1

    def _end(self, *_: Any) -> None:
        ended, self.cell.ended = self.cell.ended, []
        for call in ended:
            call()


_watches: WeakKeyDictionary[Any, _Watch] = WeakKeyDictionary()
_lock = renewed_in_child(threading.Lock)


def say(text: str) -> None:
    """Tell the user, on the standard output of the cell."""
    print(text)  # noqa: T201 - this is what it is for


def running_shell() -> Any:
    """The IPython shell of this process, or None; IPython is not imported for that."""
    if "IPython" not in sys.modules:
        return None
    from IPython.core.getipython import get_ipython

    return get_ipython()


def watch(shell: Any) -> _Watch:
    """The watch of `shell`, which begins with the first call."""
    with _lock():
        found = _watches.get(shell)
        if found is None:
            found = _watches[shell] = _Watch(shell)
        return found


def current_cell(shell: Any) -> Cell:
    return watch(shell).cell


def cell_id(shell: Any) -> tuple[str | None, int]:
    """The front end's id of the cell that runs (None where it sends none), and the number of this execution."""
    parent = shell.get_parent() if hasattr(shell, "get_parent") else getattr(shell, "parent_header", None)
    metadata = (parent or {}).get("metadata") or {}
    found = metadata.get("cellId")
    return (found if isinstance(found, str) else None), watch(shell).execution


def is_top_level() -> bool:
    """True on the thread that executes a cell, in its own code: not in a thread, a task, a tool or a callback.

    The call stack knows: a cell's code runs below IPython's `run_code`, and what a run calls back runs below the
    pump of that run.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if code is _PUMP:
            return False
        if code.co_name == "run_code" and frame.f_globals.get("__name__") == "IPython.core.interactiveshell":
            return True
        frame = frame.f_back
    return False


_PUMP = Pump.run.__code__
