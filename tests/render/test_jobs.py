"""A scheduler's table: what it says, that nothing in it runs, and that it holds no key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given

from alloy_nb import Job, JobRun, Usage
from alloy_nb.render.jobs import jobs_html, jobs_table, jobs_text, last_words, next_words
from alloy_nb.scheduling.schedule import At, Cron, Every
from tests.render.test_xss import HOSTILE, UNFIT

NOW = datetime(2026, 1, 5, 8, tzinfo=UTC)
BERLIN = Cron("0 9 * * *", "Europe/Berlin")


def job(name: str = "news", **facts: object) -> Job:
    return Job(**{"name": name, "schedule": Every(1800), "asks": "x", "prompt": "What is new?", **facts})  # type: ignore[arg-type]


def hostile(text: str) -> list[Job]:
    run = JobRun(NOW, "error", text=text, error=text)
    said = JobRun(NOW, "completed", text=text)
    return [job(text, prompt=text, needs=(text,), last=run), job(text, prompt=text, last=said)]


def test_a_row_says_what_when_and_how_it_went() -> None:
    run = JobRun(NOW, "completed", text="All is well.", usage=Usage(10, 5), cost=0.017, seconds=2.14, missed=2)
    (row,) = jobs_table(
        [job(next_run=NOW + timedelta(minutes=30), schedule=Cron("*/30 * * * *", "UTC"), last=run)]
    ).rows
    assert row == (
        "news",
        "What is new?",
        "Every 30th minute of every hour (UTC)",
        "2026-01-05 08:30 UTC",
        "✓ 2026-01-05 08:00 UTC · 2.1 s · $0.017 · 2 missed before · All is well.",
    )


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"running": True, "next_run": NOW}, "at work now"),
        ({"paused": True}, "paused"),
        ({"needs": ("agent", "tools")}, "waits for agent, tools"),
        ({"schedule": At(NOW)}, "done"),
        ({"schedule": At(NOW, "America/New_York"), "next_run": NOW}, "2026-01-05 03:00 EST"),
        ({"schedule": BERLIN, "next_run": NOW + timedelta(seconds=7)}, "2026-01-05 09:00:07 CET"),
    ],
)
def test_why_it_does_not_run_next_or_when(facts: dict[str, object], words: str) -> None:
    assert next_words(job(**facts)) == words


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (None, "none yet"),
        (
            JobRun(NOW, "error", error="Busy: it is at work", seconds=0.038),
            "✗ 2026-01-05 09:00 CET · 38 ms · Busy: it is at work",
        ),
        (JobRun(NOW, "cancelled"), "✗ 2026-01-05 09:00 CET · cancelled"),
        (JobRun(NOW, "lost"), "✗ 2026-01-05 09:00 CET · lost: its kernel ended before it did"),
        (JobRun(NOW, "completed", usage=Usage(1, 1), text="ok"), "✓ 2026-01-05 09:00 CET · cost unknown · ok"),
        (JobRun(NOW, "waiting"), "✓ 2026-01-05 09:00 CET"),
    ],
)
def test_how_it_went_last(run: JobRun | None, words: str) -> None:
    assert last_words(run, "Europe/Berlin") == words


def test_a_table_of_none_says_so() -> None:
    assert "no job yet" in jobs_html([])
    assert jobs_text([]) == "no job yet"


def test_a_hostile_job_is_inert_and_legible(vector, judge) -> None:  # type: ignore[no-untyped-def]
    html = jobs_html(hostile(vector), vector)
    seen = judge(html)
    assert seen.faults == []
    assert not UNFIT.search(html)
    assert "<script" not in html
    assert "<style" not in html


@given(HOSTILE)
def test_any_text_is_a_table_of_as_many_cells(text: str) -> None:
    """No name makes a row or a cell of its own."""
    html, plain = jobs_html(hostile(text), text), jobs_text(hostile(text), 80)
    assert (html.count("<tr>"), html.count("<td ")) == (3, 10)
    assert not UNFIT.search(plain.replace("\n", ""))
    assert "\x1b" not in plain


def test_no_line_of_the_text_is_wider_than_the_terminal() -> None:
    jobs = [job("x" * 50, prompt="long words " * 20, last=JobRun(NOW, "completed", text="answer " * 30))]
    assert max(map(len, jobs_text(jobs, 60).splitlines())) <= 60
    assert "[bold]" in jobs_text([job("[bold]x")], 100)  # no markup of the terminal's either


def test_no_key_is_in_it() -> None:
    key = "sk-ant-canary0123456789abcdef"
    assert "canary" not in jobs_html(hostile(f"key {key}"), key) + jobs_text(hostile(key))


def test_a_class_of_its_own_is_kept_by_the_sanitiser() -> None:
    """By it a page hides the table below which the same one has buttons."""
    assert jobs_html([job()], "x", "alloy-jobs-abcdefghijkl").startswith('<div class="alloy-jobs-abcdefghijkl tex2jax')
