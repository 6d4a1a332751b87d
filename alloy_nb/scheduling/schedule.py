"""When a job is due: each so many seconds, as cron says, or once. Values, which are told the time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from cronsim import CronSim, CronSimError

from ..errors import ConfigError, SessionError
from .zones import change_between, moment_of, offset_at, shown_at, zone_name, zone_named

__all__ = ["LEAST", "MOST", "At", "Cron", "Every", "Schedule", "read_interval", "schedule_from"]

#: The shortest time between two runs of a job, and the longest, in seconds.
LEAST = 0.1
MOST = 366 * 24 * 3600.0
#: No number of seconds reaches here, nor does an infinite one.
_ENDLESS = 1e15
#: So many times that were missed are counted.
_COUNTED = 1000

#: The first and the last year in which a moment can be reckoned with, whatever the zone and the machine.
_YEARS = (1970, 9000)

_UNITS = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1, "ms": 0.001}
_PART = re.compile(
    r"\s*(\d{1,15}(?:\.\d{1,15})?)\s*(w|weeks?|d|days?|h|hours?|hrs?|m|min|mins|minutes?|s|secs?|seconds?|ms)(?![a-z])",
    re.IGNORECASE,
)
_RANGE_OF_ONE = re.compile(r"\b(\w+)-\1/\d+")
_SECOND = timedelta(seconds=1)


class Schedule(Protocol):
    """When a job is due. Moments are datetimes with a zone; what is returned is in UTC."""

    @property
    def words(self) -> str:
        """For a person."""

    def next_after(self, moment: datetime) -> datetime | None:
        """The first time after `moment`; None when there is none."""

    def passed(self, due: datetime, now: datetime) -> tuple[datetime, int]:
        """From where to go on when what was due at `due` is done at `now`, and how many more were due by then."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON; `schedule_from` reads it."""


@dataclass(frozen=True, slots=True)
class Every:
    """Each so many seconds, counted from when the job was added: a late run moves no later one.

    >>> Every(1800).next_after(datetime(2026, 1, 1, 12, tzinfo=UTC)).isoformat()
    '2026-01-01T12:30:00+00:00'
    """

    seconds: float

    def __post_init__(self) -> None:
        if not LEAST <= self.seconds <= MOST:
            raise ConfigError(
                f"every {self.seconds:g} s is too {'often' if self.seconds < LEAST else 'seldom'}",
                hint=f"give {LEAST:g} seconds or more, such as every('30m', ...)"
                if self.seconds < LEAST
                else "give a year at most, or say the days by cron(...)",
            )

    @property
    def words(self) -> str:
        left, parts = round(self.seconds * 1000), []
        for name, factor in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000)):
            count, left = divmod(left, factor)
            parts += [f"{count} {name}"] if count else []
        parts += [f"{left / 1000:g} s"] if left else []
        return "every " + " ".join(parts)

    def next_after(self, moment: datetime) -> datetime | None:
        return moment.astimezone(UTC) + timedelta(seconds=self.seconds)

    def passed(self, due: datetime, now: datetime) -> tuple[datetime, int]:
        missed = max(0, int((now - due).total_seconds() // self.seconds))
        return due + timedelta(seconds=self.seconds * missed), missed

    def to_dict(self) -> dict[str, Any]:
        return {"every": self.seconds}


@dataclass(frozen=True, slots=True)
class At:
    """Once.

    >>> At(datetime(2026, 1, 1, 12, tzinfo=UTC)).words
    'once, 2026-01-01 12:00 UTC'
    """

    when: datetime
    timezone: str | None = None

    @classmethod
    def read(cls, when: Any, timezone: Any = None) -> At:
        """Of a datetime or an ISO text; without a zone of its own it is what the clock shows in `timezone`."""
        name = zone_name(timezone)
        try:
            moment = datetime.fromisoformat(when) if isinstance(when, str) else when
        except ValueError as error:
            raise ConfigError(f"{when!r} is no time", hint="write it as '2026-12-24 18:00'") from error
        if not isinstance(moment, datetime):
            raise ConfigError(f"{when!r} is no time", hint="give a datetime, or a text like '2026-12-24 18:00'")
        if not _YEARS[0] <= moment.year <= _YEARS[1]:
            raise ConfigError(f"the year of {moment} is out of reach", hint="give one of these days")
        if moment.tzinfo is None:
            moment = moment_of(moment, zone_named(name))
        return cls(moment.astimezone(UTC), name)

    @property
    def words(self) -> str:
        if self.timezone is None:
            return f"once, {self.when:%Y-%m-%d %H:%M} UTC"
        return f"once, {shown_at(self.when, zone_named(self.timezone)):%Y-%m-%d %H:%M} {self.timezone}"

    def next_after(self, moment: datetime) -> datetime | None:
        return self.when if self.when > moment else None

    def passed(self, due: datetime, now: datetime) -> tuple[datetime, int]:
        return max(due, now), 0

    def to_dict(self) -> dict[str, Any]:
        return {"at": self.when.isoformat(), "timezone": self.timezone}


@dataclass(frozen=True, slots=True)
class Cron:
    """As cron says, on the clock of `timezone`; None is this machine's own.

    Five fields: minute, hour, day of the month, month, day of the week; or a word such as ``@daily``. As in Debian's
    cron a time that the clock jumps over is due right after the jump, and one that it shows twice the first time;
    where minute or hour begins with ``*`` a job is due whenever the clock shows such a time, and only then.

    >>> Cron("0 9 * * 1-5", "Europe/Berlin").next_after(datetime(2026, 1, 2, 12, tzinfo=UTC)).isoformat()
    '2026-01-05T08:00:00+00:00'
    """

    expression: str
    timezone: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.expression, str):
            raise ConfigError(f"{self.expression!r} is no line of cron", hint=_SHAPE)
        fields = _WORDS.get(self.expression.strip().lower(), self.expression).split()
        # Of `5-5/2` cronsim would make 5, 7, 9, …: it takes a range of one for a number.
        fields = [_RANGE_OF_ONE.sub(r"\1", field) for field in fields]
        object.__setattr__(self, "expression", " ".join(fields))
        object.__setattr__(self, "timezone", zone_name(self.timezone))
        if len(fields) != 5:
            what = "no field" if not fields else f"{len(fields)} field{'s' if len(fields) > 1 else ''}"
            more = "; seconds are no part of it" if len(fields) == 6 else ""
            raise ConfigError(f"cron({self.expression!r}) has {what}, not 5{more}", hint=_SHAPE)
        try:
            CronSim(self.expression, datetime(2024, 1, 1))
        except (CronSimError, ValueError) as error:  # a number of thousands of digits is no CronSimError
            wrong = str(error).removeprefix("Bad ") if isinstance(error, CronSimError) else "line"
            raise ConfigError(f"cron({self.expression!r}): the {wrong} is wrong", hint=_SHAPE) from error

    @property
    def words(self) -> str:
        said = CronSim(self.expression, datetime(2024, 1, 1)).explain()
        return f"{said} ({self.timezone})" if self.timezone else said

    def next_after(self, moment: datetime) -> datetime | None:
        minute, hour = self.expression.split()[:2]
        follows_clock = minute.startswith("*") or hour.startswith("*")
        moment = moment.astimezone(UTC)  # with another zone it would be counted on by what that one shows
        return self._next_shown(moment) if follows_clock else self._next_of_times(moment)

    def _next_of_times(self, moment: datetime) -> datetime | None:
        """Times of the day: each comes once, whatever is done to the clock."""
        zone = zone_named(self.timezone)
        for shown in CronSim(self.expression, shown_at(moment, zone)):
            found = moment_of(shown, zone)
            if found > moment:  # else the clock, put back, is on its way there for the second time
                return found
        return None

    def _next_shown(self, moment: datetime) -> datetime | None:
        """Whenever the clock shows it: from one change of the clock to the next one, it runs evenly."""
        zone = zone_named(self.timezone)
        start, shown = moment, shown_at(moment, zone)
        while (match := next(CronSim(self.expression, shown), None)) is not None:
            found = (match - offset_at(start, zone)).replace(tzinfo=UTC)
            change = change_between(start, found, zone)
            if change is None:
                return found
            start, shown = change, shown_at(change, zone) - _SECOND
        return None

    def passed(self, due: datetime, now: datetime) -> tuple[datetime, int]:
        missed, following = 0, self.next_after(due)
        while following is not None and following <= now and missed < _COUNTED:
            missed, following = missed + 1, self.next_after(following)
        return max(due, now), missed

    def to_dict(self) -> dict[str, Any]:
        return {"cron": self.expression, "timezone": self.timezone}


_SHAPE = "minute hour day month weekday, such as '0 9 * * 1-5': at nine from Monday to Friday"
_WORDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


def read_interval(interval: Any) -> float:
    """Seconds, of a number, a `timedelta` or a text of numbers with units.

    >>> read_interval("1h30m"), read_interval(90), read_interval(timedelta(days=1))
    (5400, 90, 86400.0)
    """
    if isinstance(interval, timedelta):
        return interval.total_seconds()
    if isinstance(interval, int | float) and not isinstance(interval, bool) and abs(interval) < _ENDLESS:
        return interval
    hint = "give seconds, a timedelta, or a text such as '30m', '1h30m', '2 days'"
    if not isinstance(interval, str):
        raise ConfigError(f"every {interval!r} is no time", hint=hint)
    place, total = 0, 0.0
    text = interval.strip()
    while (part := _PART.match(text, place)) is not None:
        unit = part[2].lower()
        total += float(part[1]) * (_UNITS["ms"] if unit == "ms" else _UNITS[unit[0]])
        place = part.end()
    if place < len(text) or not text:
        if re.fullmatch(r"\d+(\.\d+)?", text):
            hint = f"say the unit: '{text}s', '{text}m', …"
        elif len(text.split()) == 5:
            hint = "for a line of cron there is cron(...)"
        raise ConfigError(f"every {interval!r} is no time", hint=hint)
    return int(total) if total == int(total) else total


def schedule_from(data: Mapping[str, Any]) -> Schedule:
    """What a schedule's `to_dict` wrote.

    >>> schedule_from(Every(60).to_dict())
    Every(seconds=60)
    """
    if "every" in data:
        return Every(read_interval(data["every"]))
    if "cron" in data:
        return Cron(data["cron"], data.get("timezone"))
    if "at" in data:
        return At.read(data["at"], data.get("timezone"))
    raise SessionError("a stored job has no schedule", hint="it was changed since it was written")
