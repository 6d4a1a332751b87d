"""A scheduler shown in a cell: its table, which follows what happens, and buttons where there are widgets."""

from __future__ import annotations

import contextvars
import logging
import shutil
import threading
from contextlib import suppress
from random import choices
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ..render.clean import shown
from ..render.jobs import jobs_html, jobs_text
from ..scheduler import Scheduler, schedulers_here
from .cell import cell_id, running_shell, say
from .display import display_kind

if TYPE_CHECKING:
    from .live.jobs import LiveJobs

__all__ = ["JobsView", "list_jobs", "scheduler_bundle", "show_scheduler"]

logger = logging.getLogger("alloy_nb")

#: Seconds between two looks of a table.
_PAUSE = 0.25

#: So many tables follow a scheduler.
_MOST = 3

#: The tables that follow each scheduler: the newest one of each of the last cells; the others stay as they were.
_views: WeakKeyDictionary[Scheduler, list[JobsView]] = WeakKeyDictionary()


def scheduler_bundle(scheduler: Scheduler, mark: str = "") -> dict[str, Any]:
    """The table in the forms that front ends know, as it stands; `mark` is a class of its own for the HTML."""
    jobs, words = scheduler.jobs(), _words(scheduler)
    return {"text/html": jobs_html(jobs, words, mark), "text/plain": f"{jobs_text(jobs)}\n\n{shown(words)}"}


def _title(scheduler: Scheduler) -> str:
    """By which it is told from the others that are here."""
    same = [other for other in schedulers_here() if other.name == scheduler.name]
    number = f" ({same.index(scheduler) + 1} of {len(same)})" if len(same) > 1 and scheduler in same else ""
    return f"{scheduler.name}{number}"


def _words(scheduler: Scheduler) -> str:
    title = _title(scheduler)
    words = title if scheduler.name == "scheduler" else f"scheduler {title}"
    return words + (", stopped: nothing fires any more" if scheduler.stopped else "")


def list_jobs() -> None:
    """Show the jobs of all schedulers of this process, as they stand: tables, or text where there are none."""
    from IPython.display import display

    found = schedulers_here()
    if not found:
        say("No scheduler is at work here: alloy.Scheduler() makes one; one that was stopped fires no more.")
    elif (display_kind("auto", running_shell()) or "text") == "text":
        width = shutil.get_terminal_size((120, 24)).columns
        named = len(found) > 1 or found[0].name != "scheduler"
        say("\n\n".join((f"{shown(_title(one))}\n" if named else "") + jobs_text(one.jobs(), width) for one in found))
    else:
        for one in found:
            display(scheduler_bundle(one), raw=True)


def show_scheduler(scheduler: Scheduler) -> None:
    """Show the table: once as text or in a document, else so that it follows."""
    from IPython.display import display

    kind = display_kind("auto", running_shell()) or "text"
    if kind == "text":
        say(jobs_text(scheduler.jobs(), shutil.get_terminal_size((120, 24)).columns))
    elif kind == "static":
        display(scheduler_bundle(scheduler), raw=True)
    else:
        cell, _ = cell_id(running_shell())
        views = _views.setdefault(scheduler, [])
        for view in [view for view in views if view.cell == cell]:
            view.close()
        views.append(JobsView(scheduler, cell, buttons=kind == "widget"))
        for view in views[:-_MOST]:
            view.close()


class JobsView:
    """One display of a scheduler, changed from a thread of its own while there is something to change.

    `cell` is the cell that it is in, where the front end says that.
    """

    def __init__(self, scheduler: Scheduler, cell: str | None, *, buttons: bool) -> None:
        from IPython.display import display

        self.cell = cell
        self._scheduler = scheduler
        self._context = contextvars.copy_context()  # what the thread shows belongs to this cell
        self._lock = threading.Lock()
        self._news = self._at_work = self._closed = False
        self._mark = f"alloy-jobs-{''.join(choices(ascii_lowercase, k=12))}" if buttons else ""
        self._table = display(scheduler_bundle(scheduler, self._mark), raw=True, display_id=True)
        self._live: LiveJobs | None = None
        if buttons and not scheduler.stopped:
            from .live.jobs import LiveJobs

            self._live = LiveJobs(scheduler, self._mark, _words(scheduler))
        self._subscription = scheduler.subscribe(self._changed)

    def close(self) -> None:
        """It follows no more, and has no buttons."""
        self._subscription.cancel()
        with self._lock:
            closed, self._closed = self._closed, True
        with suppress(ValueError):  # closed before
            _views.get(self._scheduler, []).remove(self)
        if not closed and self._live is not None:
            self._live.close()

    def _changed(self) -> None:
        with self._lock:
            self._news = True
            if self._at_work or self._closed:
                return
            self._at_work = True
        work = self._context.copy()
        threading.Thread(target=work.run, args=(self._follow,), name="alloy-jobs", daemon=True).start()

    def _follow(self) -> None:
        pause = threading.Event()
        while True:
            with self._lock:
                if not self._news or self._closed:
                    self._at_work = False
                    return
                self._news = False
            try:
                self._table.update(scheduler_bundle(self._scheduler, self._mark), raw=True)
                if self._live is not None:
                    self._live.refresh(_words(self._scheduler))
            except Exception:  # whatever a front end raises: the jobs go on
                logger.exception("a scheduler could not be shown; its jobs go on")
            if self._scheduler.stopped:
                self.close()
            pause.wait(_PAUSE)
