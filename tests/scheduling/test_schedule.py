"""When a job is due: cron as Debian's cron says it, on clocks that are put forward and back."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb import ConfigError
from alloy_nb.scheduling.schedule import At, Cron, Every, Schedule, read_interval, schedule_from
from tests.scheduling.debian import fires

pytestmark = pytest.mark.thorough

BERLIN, NEW_YORK, SYDNEY = "Europe/Berlin", "America/New_York", "Australia/Sydney"
LORD_HOWE, SANTIAGO = "Australia/Lord_Howe", "America/Santiago"  # half an hour; at midnight


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local(text: str, zone: str, fold: int = 0) -> datetime:
    # In UTC: by Python's rules a time that a zone shows twice equals none of another zone.
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def next_times(schedule: Schedule, after: datetime, until: datetime) -> list[datetime]:
    found: list[datetime] = []
    while (due := schedule.next_after(found[-1] if found else after)) is not None and due <= until:
        found.append(due)
    return found


#: The days of 2026 and 2027 around which the clocks of the zones change, in UTC.
CHANGES = {
    BERLIN: ["2026-03-29T01:00", "2026-10-25T01:00"],
    NEW_YORK: ["2026-03-08T07:00", "2026-11-01T06:00"],
    SYDNEY: ["2026-04-04T16:00", "2026-10-03T16:00"],
    LORD_HOWE: ["2026-04-04T15:00", "2026-10-03T15:30"],
    SANTIAGO: ["2026-04-05T03:00", "2026-09-06T04:00"],
    "Africa/Casablanca": ["2026-02-15T02:00", "2026-03-22T02:00"],
    "UTC": ["2028-02-29T00:00"],
}
PLACES = [(zone, change) for zone, changes in CHANGES.items() for change in changes]

LINES = [
    "30 2 * * *", "0 2 * * *", "0 3 * * *", "15 1 * * *", "45 1 * * *", "59 23 * * *", "0 0 * * *", "30 0 * * *",
    "0,15,30,45 1,2,3 * * *", "0 9 * * 1-5", "10-20/5 0-4 * * *", "0 2 1 * 0", "30 2 29 3 *", "0 12 29 2 *",
    "* * * * *", "*/15 * * * *", "0 * * * *", "30 * * * *", "*/30 2 * * *", "* 3 * * *", "0 */2 * * *",
    "15 */3 * * 6,0", "*/20 1-2 * * *", "5 * 25 * 0",
]  # fmt: skip


@pytest.mark.parametrize(("zone", "change"), PLACES)
@pytest.mark.parametrize("line", LINES)
def test_cron_is_as_cron_says_where_the_clock_changes(line: str, zone: str, change: str) -> None:
    """SCH-w3: both directions, both hemispheres, half an hour, midnight: what minute by minute comes of it."""
    start, end = utc(change) - timedelta(hours=30), utc(change) + timedelta(hours=30)
    assert next_times(Cron(line, zone), start, end) == list(fires(line, ZoneInfo(zone), start, end))


def field(least: int, most: int) -> st.SearchStrategy[str]:
    number = st.integers(least, most)
    span = st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}")
    step = st.tuples(st.one_of(st.just("*"), span), st.integers(1, 20)).map(lambda pair: f"{pair[0]}/{pair[1]}")
    plain = st.one_of(number.map(str), span)
    return st.one_of(st.just("*"), step, plain, st.lists(plain, min_size=2, max_size=3).map(",".join))


@given(
    minute=field(0, 59),
    hour=field(0, 5),
    weekday=st.one_of(st.just("*"), field(0, 6)),
    place=st.sampled_from(PLACES),
    minutes=st.integers(-1500, 300),
    seconds=st.integers(0, 59),
)
def test_from_any_moment_the_next_time_is_the_one_that_cron_would_come_to(
    minute: str, hour: str, weekday: str, place: tuple[str, str], minutes: int, seconds: int
) -> None:
    """Also from within the hour that comes twice: what had its turn in the first does not get another one."""
    line, (zone, change) = f"{minute} {hour} * * {weekday}", place
    start = utc(change) + timedelta(minutes=minutes, seconds=seconds)
    end = start + timedelta(hours=27)
    assert next_times(Cron(line, zone), start, end) == list(fires(line, ZoneInfo(zone), start, end))


def test_what_the_clock_jumps_over_is_due_right_after_it() -> None:
    daily = Cron("30 2 * * *", BERLIN)
    assert daily.next_after(local("2026-03-28 12:00", BERLIN)) == local("2026-03-29 03:00", BERLIN)
    assert daily.next_after(local("2026-03-29 03:00", BERLIN)) == local("2026-03-30 02:30", BERLIN)


def test_what_the_clock_shows_twice_is_due_once() -> None:
    daily = Cron("30 2 * * *", BERLIN)
    first = local("2026-10-25 02:30", BERLIN)
    assert daily.next_after(local("2026-10-25 00:00", BERLIN)) == first
    for moment in (first, local("2026-10-25 02:10", BERLIN, fold=1), local("2026-10-25 02:40", BERLIN, fold=1)):
        assert daily.next_after(moment) == local("2026-10-26 02:30", BERLIN)


def test_an_hourly_job_runs_each_real_hour() -> None:
    day = next_times(Cron("0 * * * *", BERLIN), local("2026-10-25 00:00", BERLIN), local("2026-10-26 00:00", BERLIN))
    assert len(day) == 25
    assert {later - earlier for earlier, later in pairwise(day)} == {timedelta(hours=1)}
    day = next_times(Cron("0 * * * *", BERLIN), local("2026-03-29 00:00", BERLIN), local("2026-03-30 00:00", BERLIN))
    assert len(day) == 23


def test_the_leap_day_comes_every_fourth_year() -> None:
    times = next_times(Cron("0 12 29 2 *", "UTC"), utc("2026-01-01"), utc("2037-01-01"))
    assert [time.isoformat()[:10] for time in times] == ["2028-02-29", "2032-02-29", "2036-02-29"]
    assert Cron("0 12 29 2 *", "UTC").next_after(utc("2096-03-01")) == utc("2104-02-29T12:00")  # 2100 is none
    last = next_times(Cron("0 0 L 2 *", "UTC"), utc("2027-01-01"), utc("2028-12-31"))
    assert [time.day for time in last] == [28, 29]


def test_a_day_of_the_month_and_one_of_the_week_are_either_of_them() -> None:
    times = next_times(Cron("0 0 13 * 5", "UTC"), utc("2026-11-01"), utc("2026-11-30"))
    assert [time.day for time in times] == [6, 13, 20, 27]
    assert [t.day for t in next_times(Cron("0 0 13 * *", "UTC"), utc("2026-11-01"), utc("2026-12-31"))] == [13, 13]


@pytest.mark.parametrize(
    ("line", "words", "hint"),
    [
        ("0 9 * *", "has 4 fields, not 5", "minute hour day month weekday"),
        ("0 0 9 * * *", "has 6 fields, not 5; seconds are no part of it", "minute hour day"),
        ("", "has no field", "minute hour day"),
        ("61 9 * * *", "the minute is wrong", "minute hour day"),
        ("0 9 * * FOO", "the day-of-week is wrong", "minute hour day"),
        ("0 0 30 2 *", "the day-of-month is wrong", "minute hour day"),
        ("0 0 31 2,4 *", "the day-of-month is wrong", "minute hour day"),
        ("0" * 5000 + " * * * *", "the line is wrong", "minute hour day"),
        (9, "is no line of cron", "minute hour day"),
    ],
)
def test_what_is_no_line_of_cron_is_said(line: Any, words: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        Cron(line)
    assert hint in (caught.value.hint or "")


def test_words_for_a_line_and_names_for_days() -> None:
    assert Cron("@daily").expression == "0 0 * * *"
    assert Cron(" 0  9 * * mon-fri ").expression == "0 9 * * mon-fri"
    assert Cron("0 9 * * mon-fri", "UTC").words == "At 09:00 on Monday through Friday (UTC)"


@pytest.mark.parametrize(
    ("zone", "hint"), [("Berlin", "did you mean 'Europe/Berlin'?"), ("Europe/Berln", "did you mean 'Europe/Berlin'?"),
                       ("../etc", "give a name such as"), (5, "give a name"), ("", "give a name")]
)  # fmt: skip
def test_an_unknown_zone_names_the_nearest(zone: Any, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Cron("0 9 * * *", zone)
    assert hint in (caught.value.hint or "")


def test_a_zone_may_be_given_as_such() -> None:
    assert Cron("0 9 * * *", ZoneInfo(BERLIN)).timezone == BERLIN  # type: ignore[arg-type]
    assert Cron("0 9 * * *", UTC).timezone == "UTC"  # type: ignore[arg-type]


# Each so many seconds


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("30m", 1800), ("1h30m", 5400), ("1 h 30 min", 5400), ("90s", 90), ("2 days", 172_800), ("1.5h", 5400),
     ("500ms", 0.5), ("1W", 604_800), (45, 45), (0.2, 0.2), (timedelta(minutes=5), 300)],
)  # fmt: skip
def test_an_interval_is_read(given: Any, seconds: float) -> None:
    assert read_interval(given) == seconds


@pytest.mark.parametrize(
    ("given", "hint"),
    [("30", "say the unit: '30s'"), ("soon", "'30m'"), ("", "'30m'"), ("0 9 * * 1", "there is cron"), (True, "'30m'"),
     (None, "'30m'"), (float("nan"), "'30m'"), (10**400, "'30m'"), ("9" * 400 + "s", "'30m'"),
     ("5 minuets", "'30m'"), ("-5m", "'30m'")],
)  # fmt: skip
def test_what_is_no_interval_is_said(given: Any, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Every(read_interval(given))
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(("seconds", "words"), [(0.05, "too often"), (0, "too often"), (-5, "too often"),
                                                 (10**9, "too seldom")])  # fmt: skip
def test_a_pace_that_cannot_be_kept_is_said(seconds: float, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        Every(seconds)
    assert caught.value.hint


def test_a_late_run_moves_no_later_one() -> None:
    """What was missed counts, and the next time is where it would have been."""
    every, start = Every(600), utc("2026-01-01T12:00")
    assert every.next_after(start) == utc("2026-01-01T12:10")
    assert every.passed(utc("2026-01-01T12:10"), utc("2026-01-01T12:10:03")) == (utc("2026-01-01T12:10"), 0)
    assert every.passed(utc("2026-01-01T12:10"), utc("2026-01-01T12:44")) == (utc("2026-01-01T12:40"), 3)


def test_times_of_cron_that_were_missed_are_counted() -> None:
    cron, due, now = Cron("0 9 * * *", "UTC"), utc("2026-01-01T09:00"), utc("2026-01-04T12:00")
    assert cron.passed(due, now) == (now, 3)
    assert Cron("* * * * *", "UTC").passed(due, utc("2027-01-01")) == (utc("2027-01-01"), 1000)


def test_an_interval_in_words() -> None:
    assert [Every(s).words for s in (0.2, 90, 5400, 86_400)] == [
        "every 0.2 s", "every 1 min 30 s", "every 1 h 30 min", "every 1 d"
    ]  # fmt: skip


# Once


def test_a_time_without_a_zone_is_what_the_clock_shows() -> None:
    assert At.read("2026-07-01 12:00", BERLIN).when == utc("2026-07-01T10:00")
    assert At.read("2026-03-29 02:30", BERLIN).when == utc("2026-03-29T01:00")  # jumped over
    assert At.read("2026-10-25 02:30", BERLIN).when == utc("2026-10-25T00:30")  # the first of two
    assert At.read(local("2026-07-01 12:00", NEW_YORK), BERLIN).when == utc("2026-07-01T16:00")
    assert At.read("2026-07-01 12:00", BERLIN).words == "once, 2026-07-01 12:00 Europe/Berlin"


def test_it_comes_once() -> None:
    at = At(utc("2026-07-01T12:00"))
    assert at.next_after(utc("2026-07-01T11:59")) == at.when
    assert at.next_after(at.when) is None
    assert at.passed(at.when, utc("2026-07-02")) == (utc("2026-07-02"), 0)


@pytest.mark.parametrize("zone", [None, "Asia/Tokyo", "America/New_York"])
@pytest.mark.parametrize("given", ["0001-01-01", "9999-12-31 23:59", datetime.max.replace(tzinfo=UTC)])
def test_a_time_at_the_end_of_all_times_is_said(given: Any, zone: str | None) -> None:
    with pytest.raises(ConfigError, match="out of reach"):
        At.read(given, zone)


@pytest.mark.parametrize("given", ["tomorrow", 5, None])
def test_what_is_no_time_is_said(given: Any) -> None:
    with pytest.raises(ConfigError, match="is no time") as caught:
        At.read(given)
    assert "2026-12-24" in (caught.value.hint or "")


@pytest.mark.parametrize("schedule", [Every(0.5), Cron("0 9 * * 1", BERLIN), Cron("@daily"), At(utc("2026-01-01"))])
def test_a_schedule_comes_back_from_its_json(schedule: Schedule) -> None:
    assert schedule_from(schedule.to_dict()) == schedule


# This machine's own clock


def told_by(code: str, **environment: str) -> str:
    """What another Python says."""
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, LORD_HOWE])
@pytest.mark.skipif(not hasattr(time, "tzset"), reason="TZ says nothing here")
def test_without_a_zone_it_is_the_clock_of_the_machine(zone: str) -> None:
    code = f"""
from datetime import datetime, timedelta, UTC
from alloy_nb.scheduling.schedule import At, Cron
for line in ("30 2 * * *", "*/30 2 * * *", "15 * * * *", "0 9 * * 1-5"):
    for start in {CHANGES[zone]!r}:
        now = datetime.fromisoformat(start).replace(tzinfo=UTC) - timedelta(hours=30)
        for _ in range(40):
            here, there = (Cron(line, zone).next_after(now) for zone in (None, {zone!r}))
            assert here == there, (line, now, here, there)
            now = here
for shown in ("2026-03-29 02:30", "2026-10-25 02:30", "2026-07-01 12:00", "2026-04-05 01:45"):
    assert At.read(shown).when == At.read(shown, {zone!r}).when, shown
print("the same")
"""
    assert told_by(code, TZ=zone) == "the same\n"


def test_a_system_without_a_table_of_zones_is_told_what_to_install() -> None:
    code = """
import sys
sys.modules["tzdata"] = None
from alloy_nb import ConfigError
from alloy_nb.scheduling.schedule import Cron
try:
    Cron("0 9 * * *", "Europe/Berlin")
except ConfigError as error:
    print(error.hint)
"""
    assert "pip install tzdata" in told_by(code, PYTHONTZPATH="")
