"""The jobs of a scheduler as a table: HTML that needs nothing, and text."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from ..plain import one_line
from ..scheduling.job import Job, JobRun
from ..scheduling.zones import clock_words
from .clean import shown
from .html_parts import div, escaped, table
from .markdown import sanitize
from .rich import Table
from .wording import cost_words, duration_words

__all__ = ["COLUMNS", "jobs_html", "jobs_table", "jobs_text", "last_words", "next_words"]

#: The heads of the table.
COLUMNS = ("job", "asks for", "when", "next run", "last run")
_LONGEST = 80
_NONE = "no job yet"


def jobs_table(jobs: Sequence[Job]) -> Table:
    """A row a job, every cell on one line, clean and without keys."""
    rows = [
        tuple(
            one_line(shown(cell), _LONGEST)
            for cell in (job.name, job.prompt, job.schedule.words, next_words(job), last_words(job.last, job.timezone))
        )
        for job in jobs
    ]
    return Table(COLUMNS, tuple(rows), 0, (False,) * len(COLUMNS))


def next_words(job: Job) -> str:
    """When it runs next, on the clock that its schedule goes by; or why it does not.

    >>> from datetime import UTC, datetime
    >>> from alloy_nb.scheduling.schedule import Cron
    >>> next_words(Job("x", Cron("0 9 * * *", "Europe/Berlin"), "", "", datetime(2026, 1, 5, 8, tzinfo=UTC)))
    '2026-01-05 09:00 CET'
    """
    if job.status != "due":
        return {
            "running": "at work now",
            "paused": "paused",
            "waits": f"waits for {', '.join(job.needs)}",
            "done": "done",
        }[job.status]
    assert job.next_run is not None
    return clock_words(job.next_run, job.timezone)


def last_words(run: JobRun | None, zone: str | None = None) -> str:
    """How it went last: a mark, when it began on the clock of `zone`, what it took, how the answer begins.

    >>> from datetime import UTC, datetime
    >>> last_words(JobRun(datetime(2026, 1, 5, tzinfo=UTC), "completed", text="Fine.", seconds=2.1, missed=3), "UTC")
    '✓ 2026-01-05 00:00 UTC · 2.1 s · 3 missed before · Fine.'
    """
    if run is None:
        return "none yet"
    words = [clock_words(run.started, zone)]
    if run.seconds:
        words.append(duration_words(run.seconds * 1000))
    if run.usage.total_tokens:
        words.append(cost_words(run.cost))
    if run.missed:
        words.append(f"{run.missed:,} missed before")
    if run.status == "lost":
        words.append("lost: its kernel ended before it did")
    elif run.error or not run.ok:
        words.append(run.error or run.status)
    elif run.text:
        words.append(run.text)
    return f"{'✓' if run.ok else '✗'} {' · '.join(words)}".rstrip()


def jobs_html(jobs: Sequence[Job], words: str = "", mark: str = "") -> str:
    """The table, and a quiet line of `words` below it; `mark` is its class, one that begins with ``alloy-``."""
    rows = table(jobs_table(jobs)) if jobs else div("alloy-notice", "notice", _NONE)
    foot = div("alloy-foot", "foot", escaped(shown(words))) if words else ""
    return sanitize(div(mark or "alloy-jobs", "run", rows + foot, quiet=True))


def jobs_text(jobs: Sequence[Job], width: int = 120) -> str:
    """The table for a terminal of so many columns, without colours.

    >>> jobs_text([])
    'no job yet'
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table as TextTable
    from rich.text import Text

    if not jobs:
        return _NONE
    grid = TextTable(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in COLUMNS:
        grid.add_column(column, overflow="fold")
    for row in jobs_table(jobs).rows:
        grid.add_row(*map(Text, row))
    # In a kernel rich would display what it writes, though that is captured: an empty output.
    settings: dict[str, Any] = {"color_system": None, "legacy_windows": False, "force_jupyter": False, "_environ": {}}
    console = Console(file=io.StringIO(), width=max(width, 40), highlight=False, emoji=False, markup=False, **settings)
    with console.capture() as capture:
        console.print(grid)
    return "\n".join(line.rstrip() for line in capture.get().strip("\n").split("\n"))
