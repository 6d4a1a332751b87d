"""A scheduler's jobs in a page: their rows as they stand, and what its buttons ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...errors import AlloyError
from ...render.clean import shown
from ...render.jobs import COLUMNS, jobs_table
from ...scheduler import Scheduler
from .widgets import JobsWidget, view_of

__all__ = ["LiveJobs"]


class LiveJobs:
    """The display of a scheduler with buttons, below the HTML of class `mark` that a page without a kernel shows."""

    def __init__(self, scheduler: Scheduler, mark: str, words: str) -> None:
        from IPython.display import display

        self._scheduler = scheduler
        self._widget = JobsWidget(mark=mark, columns=list(COLUMNS), rows=self._rows(), words=words)
        self._widget.on_msg(self._heard)
        # Nothing to read in it: where there are no widgets, the HTML before it is all.
        self._handle = display({**view_of(self._widget), "text/plain": ""}, raw=True, display_id=True)

    def refresh(self, words: str) -> None:
        """Tell the page how the jobs stand; what did not change is not sent."""
        with self._widget.hold_sync():
            self._widget.rows = self._rows()
            self._widget.words = words

    def close(self) -> None:
        """Nothing of it stays, not even an empty line."""
        self._handle.update({"text/html": "", "text/plain": ""}, raw=True)
        self._widget.close()

    def _rows(self) -> list[dict[str, Any]]:
        jobs = self._scheduler.jobs()
        rows = jobs_table(jobs).rows
        return [
            {"job": job.name, "cells": list(row), "paused": job.paused} for job, row in zip(jobs, rows, strict=True)
        ]

    def _heard(self, _: Any, asked: Any, __: Any) -> None:
        """A button was pressed. A page may say anything."""
        actions: Mapping[str, Callable[[str], Any]] = {
            "trigger": self._scheduler.trigger,
            "pause": self._scheduler.pause,
            "resume": self._scheduler.resume,
            "remove": self._scheduler.remove,
        }
        action, job = (asked.get("do"), asked.get("job")) if isinstance(asked, dict) else (None, None)
        if not isinstance(action, str) or action not in actions or not isinstance(job, str):
            return
        try:
            actions[action](job)
            self._widget.told = ""
        except AlloyError as error:
            self._widget.told = shown(error.message)
