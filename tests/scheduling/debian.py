"""Debian's cron, minute by minute, as its manual says it: what the schedule is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def values(field: str, least: int, most: int) -> set[int]:
    found: set[int] = set()
    for term in field.split(","):
        part, _, step = term.partition("/")
        low, _, high = part.partition("-")
        first, last = (least, most) if part == "*" else (int(low), int(high or (most if step else low)))
        found |= set(range(first, last + 1, int(step or 1)))
    return found


class Line:
    """One line of a crontab."""

    def __init__(self, expression: str) -> None:
        self.fields = expression.split()
        self.minutes, self.hours, self.days, self.months, self.weekdays = (
            values(field, *limits) for field, limits in zip(self.fields, RANGES, strict=True)
        )

    @property
    def follows_clock(self) -> bool:
        return self.fields[0].startswith("*") or self.fields[1].startswith("*")

    def matches(self, shown: datetime) -> bool:
        weekday = shown.isoweekday()
        by_day, by_week = shown.day in self.days, bool({weekday, weekday % 7} & self.weekdays)
        both = self.fields[2].startswith("*") or self.fields[4].startswith("*")
        return (
            shown.minute in self.minutes
            and shown.hour in self.hours
            and shown.month in self.months
            and (by_day and by_week if both else by_day or by_week)
        )


def fires(expression: str, zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[datetime]:
    """The moments after `start`, up to `end`, at which cron that ran all the time starts the job."""
    line = Line(expression)
    now = start.replace(second=0, microsecond=0) - timedelta(days=1)
    handled = _shown(now, zone)  # times of the day up to here have had their turn
    while (now := now + MINUTE) <= end:
        shown = _shown(now, zone)
        if line.follows_clock:
            due = line.matches(shown)
        else:
            passed = [handled + MINUTE * n for n in range(1, int((shown - handled) / MINUTE) + 1)]
            due = any(map(line.matches, passed))
            handled = max(handled, shown)
        if due and now > start:
            yield now


def _shown(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)
