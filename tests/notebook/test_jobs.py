"""A scheduler as a cell's value: its table, which follows what happens; and the command that lists the jobs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from alloy_nb import Scheduler, Scripted
from alloy_nb.scheduler import schedulers_here
from tests.scheduling.clocks import SteppedClock
from tests.test_scheduler import AGAIN, Results, until


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def scheduler(clock: SteppedClock) -> Iterator[Scheduler]:
    for other in schedulers_here():
        other.stop()
    with Scheduler(clock=clock) as scheduler:
        scheduler.cron("0 9 * * *", "hi", model=Scripted([AGAIN]), timezone="UTC", name="news")
        yield scheduler


class Handle:
    """A display whose updates are kept."""

    def __init__(self, first: dict[str, Any]) -> None:
        self.shown = [first]

    def update(self, data: dict[str, Any], raw: bool = False) -> None:
        self.shown.append(data)


@pytest.fixture
def displays(monkeypatch: pytest.MonkeyPatch) -> list[Handle]:
    made: list[Handle] = []

    def display(data: dict[str, Any], **_: Any) -> Handle:
        made.append(Handle(data))
        return made[-1]

    monkeypatch.setattr("IPython.display.display", display)
    return made


def test_the_table_is_text_where_nothing_else_is_shown(notebook: Any, scheduler: Scheduler) -> None:
    notebook.names["s"] = scheduler
    told = notebook.ok("s").stdout
    assert "At 09:00 every day (UTC)" in told
    assert "2026-12-01 09:00 UTC" in told


def test_in_a_document_it_is_shown_once(notebook: Any, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOY_DISPLAY", "static")
    notebook.names["s"] = scheduler
    (output,) = notebook.ok("s").outputs
    assert sorted(output["data"]) == ["text/html", "text/plain"]
    assert "<table" in output["data"]["text/html"]
    assert "<script" not in output["data"]["text/html"]
    assert "news" in output["data"]["text/plain"]
    assert scheduler._repr_mimebundle_() == output["data"]


def test_the_table_follows_what_happens(
    scheduler: Scheduler, clock: SteppedClock, displays: list[Handle], monkeypatch: pytest.MonkeyPatch, notebook: Any
) -> None:
    monkeypatch.setenv("ALLOY_DISPLAY", "html")
    scheduler._ipython_display_()
    (table,) = displays
    clock.advance(21 * 3600)
    until(lambda: "yes" in table.shown[-1]["text/html"])
    assert "2026-12-02 09:00 UTC" in table.shown[-1]["text/plain"]
    scheduler.remove("news")
    until(lambda: "no job yet" in table.shown[-1]["text/html"])
    scheduler.stop()
    until(lambda: "stopped" in table.shown[-1]["text/html"])
    until(lambda: not [thread for thread in threading.enumerate() if thread.name == "alloy-jobs"])


def shown_in(notebook: Any, scheduler: Scheduler, *cells: str | None) -> None:
    for notebook.cell_id in cells:
        scheduler._ipython_display_()


def test_the_newest_table_of_a_cell_alone_follows(
    scheduler: Scheduler, clock: SteppedClock, displays: list[Handle], monkeypatch: pytest.MonkeyPatch, notebook: Any
) -> None:
    """A cell that is run again and again leaves no thread and no display behind that has to be kept up."""
    monkeypatch.setenv("ALLOY_DISPLAY", "html")
    shown_in(notebook, scheduler, "a", "a", None, None, "a")
    scheduler.pause("news")
    for newest in (displays[3], displays[4]):
        until(lambda newest=newest: "paused" in newest.shown[-1]["text/html"])  # type: ignore[misc]
    assert [len(display.shown) for display in displays[:3]] == [1, 1, 1]


def test_the_tables_of_several_cells_follow_and_no_more_than_some(
    scheduler: Scheduler, clock: SteppedClock, displays: list[Handle], monkeypatch: pytest.MonkeyPatch, notebook: Any
) -> None:
    """A second one made the first a table of how it was."""
    monkeypatch.setenv("ALLOY_DISPLAY", "html")
    shown_in(notebook, scheduler, "a", "b", "c", "d")
    scheduler.pause("news")
    for display in displays[1:]:
        until(lambda display=display: "paused" in display.shown[-1]["text/html"])  # type: ignore[misc]
    assert len(displays[0].shown) == 1
    scheduler.stop()
    for display in displays[1:]:
        until(lambda display=display: "stopped" in display.shown[-1]["text/html"])  # type: ignore[misc]
    until(lambda: not [thread for thread in threading.enumerate() if thread.name == "alloy-jobs"])
    assert len(displays[0].shown) == 1


def test_a_display_that_fails_costs_no_job(
    scheduler: Scheduler, clock: SteppedClock, displays: list[Handle], monkeypatch: pytest.MonkeyPatch, notebook: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setenv("ALLOY_DISPLAY", "html")
    results = Results()
    scheduler.every("30m", "hi", model=Scripted([AGAIN]), name="x", on_result=results)
    scheduler._ipython_display_()
    monkeypatch.setattr(displays[0], "update", None)
    clock.advance(1800)
    assert results.next().text == "yes"
    until(lambda: any("could not be shown" in record.message for record in caplog.records))


def test_a_command_lists_the_jobs_of_all_schedulers(notebook: Any, scheduler: Scheduler, clock: SteppedClock) -> None:
    assert "news" in notebook.ok("%alloy /jobs").stdout
    with Scheduler(name="other", clock=clock) as other:
        other.every("30m", "hi", model=Scripted([AGAIN]), name="pace")
        told = notebook.ok("%alloy /jobs").stdout
        assert told.index("other") < told.index("pace") < told.index("scheduler") < told.index("news")
    scheduler.stop()
    assert "one that was stopped fires no more" in notebook.ok("%alloy /jobs").stdout
    assert "takes no argument" in str(notebook.run("%alloy /jobs x").error)


def test_the_command_shows_tables_where_a_scheduler_would_be_one(
    notebook: Any, scheduler: Scheduler, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As text they were wider than the cell; and two of one name were told apart by nothing."""
    monkeypatch.setenv("ALLOY_DISPLAY", "static")
    with Scheduler(clock=clock):
        first, second = notebook.ok("%alloy /jobs").outputs
    assert sorted(first["data"]) == ["text/html", "text/plain"]
    assert "<table" in first["data"]["text/html"]
    assert "scheduler (1 of 2)" in first["data"]["text/html"]
    assert "scheduler (2 of 2)" in second["data"]["text/html"]
    assert "1 of" not in notebook.ok("%alloy /jobs").outputs[0]["data"]["text/html"]
