"""A scheduler shown in a cell: its table, which follows what happens, and buttons where there are widgets."""

from __future__ import annotations

import contextvars
import logging
import shutil
import threading
from collections.abc import Callable, Iterable
from html import escape
from typing import Any
from weakref import WeakKeyDictionary

from ..errors import AlloyError
from ..render.clean import shown
from ..render.formulas import UNTOUCHED
from ..render.jobs import jobs_html, jobs_text
from ..render.markdown import sanitize
from ..scheduler import Scheduler, schedulers_here
from ..scheduling.job import Job
from .cell import running_shell, say
from .display import display_kind

__all__ = ["JobsView", "list_jobs", "scheduler_bundle", "show_scheduler"]

logger = logging.getLogger("alloy_nb")

#: Seconds between two looks of a table.
_PAUSE = 0.25

#: The table that follows each scheduler: the newest one; the others stay as they were.
_views: WeakKeyDictionary[Scheduler, JobsView] = WeakKeyDictionary()


def scheduler_bundle(scheduler: Scheduler) -> dict[str, Any]:
    """The table in the forms that front ends know, as it stands."""
    jobs = scheduler.jobs()
    words = "scheduler" if scheduler.name == "scheduler" else f"scheduler {scheduler.name}"
    words += ", stopped: nothing fires any more" if scheduler.stopped else ""
    return {"text/html": jobs_html(jobs, words), "text/plain": f"{jobs_text(jobs)}\n\n{shown(words)}"}


def list_jobs() -> str:
    """The jobs of all schedulers of this process, for a command."""
    found = schedulers_here()
    if not found:
        return "No scheduler is here: alloy.Scheduler() makes one."
    width = shutil.get_terminal_size((120, 24)).columns
    named = len(found) > 1 or found[0].name != "scheduler"
    return "\n\n".join((f"{shown(one.name)}\n" if named else "") + jobs_text(one.jobs(), width) for one in found)


def show_scheduler(scheduler: Scheduler) -> None:
    """Show the table: once as text or in a document, else so that it follows."""
    from IPython.display import display

    kind = display_kind("auto", running_shell()) or "text"
    if kind == "text":
        say(jobs_text(scheduler.jobs(), shutil.get_terminal_size((120, 24)).columns))
    elif kind == "static":
        display(scheduler_bundle(scheduler), raw=True)
    else:
        earlier = _views.get(scheduler)
        if earlier is not None:
            earlier.close()
        _views[scheduler] = JobsView(scheduler, buttons=kind == "widget")


class JobsView:
    """One display of a scheduler, changed from a thread of its own while there is something to change."""

    def __init__(self, scheduler: Scheduler, *, buttons: bool) -> None:
        from IPython.display import display

        self._scheduler = scheduler
        self._context = contextvars.copy_context()  # what the thread shows belongs to this cell
        self._lock = threading.Lock()
        self._news = self._at_work = self._closed = False
        self._table = display(scheduler_bundle(scheduler), raw=True, display_id=True)
        self._buttons = _Buttons(scheduler) if buttons and not scheduler.stopped else None
        self._subscription = scheduler.subscribe(self._changed)

    def close(self) -> None:
        """It follows no more, and has no buttons."""
        self._subscription.cancel()
        with self._lock:
            closed, self._closed = self._closed, True
        if _views.get(self._scheduler) is self:
            del _views[self._scheduler]
        if not closed and self._buttons is not None:
            self._buttons.close()

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
                self._table.update(scheduler_bundle(self._scheduler), raw=True)
                if self._buttons is not None:
                    self._buttons.refresh()
            except Exception:  # whatever a front end raises: the jobs go on
                logger.exception("a scheduler could not be shown; its jobs go on")
            if self._scheduler.stopped:
                self.close()
            pause.wait(_PAUSE)


class _Buttons:
    """A row of buttons a job, below the table. What they are named by is escaped, and no formula."""

    def __init__(self, scheduler: Scheduler) -> None:
        from IPython.display import display
        from ipywidgets import HTML, VBox

        self._scheduler = scheduler
        self._rows: dict[tuple[str, bool], Any] = {}
        self._told = HTML()
        self._box = VBox()
        self.refresh()
        self._handle = display(self._box, display_id=True)

    def refresh(self) -> None:
        wanted = {(job.name, job.paused): job for job in self._scheduler.jobs()}
        if self._box.children and list(wanted) == list(self._rows):
            return
        earlier, self._rows = self._rows, {key: self._rows.get(key) or self._row(job) for key, job in wanted.items()}
        self._box.children = [*self._rows.values(), self._told]
        _close(row for key, row in earlier.items() if key not in wanted)

    def close(self) -> None:
        self._handle.update({"text/plain": ""}, raw=True)
        _close([self._box])

    def _row(self, job: Job) -> Any:
        from ipywidgets import HTML, HBox, Layout

        name, scheduler = job.name, self._scheduler
        other = ("Resume", scheduler.resume) if job.paused else ("Pause", scheduler.pause)
        return HBox(
            [
                HTML(_escaped(name), layout=Layout(width="12em")),
                self._button("Run now", lambda: scheduler.trigger(name)),
                self._button(other[0], lambda: other[1](name)),
                self._button("Remove", lambda: scheduler.remove(name), sure=True),
            ]
        )

    def _button(self, words: str, press: Callable[[], Any], *, sure: bool = False) -> Any:
        """`sure`: the first press asks, the second one does it."""
        from ipywidgets import Button, Layout

        button = Button(description=words, layout=Layout(width="auto"))

        def pressed(_: Any) -> None:
            if sure and button.description == words:
                button.description = f"{words}: sure?"
                return
            try:
                press()
                self._told.value = ""
            except AlloyError as error:
                self._told.value = _escaped(error.message)

        button.on_click(pressed)
        return button


def _close(widgets: Iterable[Any]) -> None:
    """With all that is in them: a kernel keeps each widget until it is closed."""
    for widget in widgets:
        _close(getattr(widget, "children", ()))
        widget.close()


def _escaped(text: str) -> str:
    return sanitize(f'<span class="{UNTOUCHED}">{escape(shown(text), quote=False)}</span>')
