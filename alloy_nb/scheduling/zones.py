"""From what a clock on the wall shows to moments and back, where it is put forward and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from ..errors import ConfigError
from ..options import nearest

__all__ = ["change_between", "clock_words", "moment_of", "offset_at", "shown_at", "zone_name", "zone_named"]

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


def zone_name(zone: Any) -> str | None:
    """The name of a time zone that is there: of a name, a `ZoneInfo` or UTC; None, this machine's own, stays None.

    >>> zone_name("Europe/Berlin"), zone_name(UTC), zone_name(None)
    ('Europe/Berlin', 'UTC', None)
    """
    if zone is None:
        return None
    name = "UTC" if zone is UTC else getattr(zone, "key", zone)
    if not isinstance(name, str):
        raise ConfigError(f"timezone is {zone!r}", hint="give a name, such as timezone='Europe/Berlin'")
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        known = available_timezones()
        within = [zone for zone in sorted(known) if name and name.lower() in zone.lower()]
        near = nearest(name, frozenset(known)) or next(iter(within), None)
        hint = f"did you mean {near!r}?" if near else "give a name such as 'Europe/Berlin' or 'UTC'"
        if not known:
            hint = "this system has no table of time zones: pip install tzdata"
        raise ConfigError(f"there is no time zone {name!r}", hint=hint) from error


def zone_named(name: str | None) -> tzinfo | None:
    """The zone of a name that `zone_name` gave; None is this machine's own."""
    return None if name is None else ZoneInfo(name)


def shown_at(moment: datetime, zone: tzinfo | None) -> datetime:
    """What the clock shows at a moment, without a zone."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def clock_words(moment: datetime, name: str | None) -> str:
    """What a person is told of a moment: the clock of the zone of that name, with seconds where there are any.

    >>> clock_words(datetime(2026, 1, 5, 8, tzinfo=UTC), "Europe/Berlin")
    '2026-01-05 09:00 CET'
    """
    local = moment.astimezone(zone_named(name))
    seconds = f":{local:%S}" if local.second else ""
    return f"{local:%Y-%m-%d %H:%M}{seconds} {local:%Z}"


def offset_at(moment: datetime, zone: tzinfo | None) -> timedelta:
    """How far the clock is ahead of UTC."""
    return shown_at(moment, zone) - moment.astimezone(UTC).replace(tzinfo=None)


def moment_of(shown: datetime, zone: tzinfo | None) -> datetime:
    """The first moment at which the clock shows this; where it is put forward over it, the moment of that.

    >>> moment_of(datetime(2026, 3, 29, 2, 30), ZoneInfo("Europe/Berlin")).isoformat()
    '2026-03-29T01:00:00+00:00'
    """
    found = shown.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if shown_at(found, zone) == shown:
        return found
    # On which side of the jump it is, differs: a `ZoneInfo` gives the later one, the machine's own clock the earlier.
    return change_between(found - _DAY, found + _DAY, zone) or found


def change_between(start: datetime, end: datetime, zone: tzinfo | None) -> datetime | None:
    """The first moment after `start`, up to `end`, from which the clock has another offset; None when it keeps its.

    >>> change_between(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
    datetime.datetime(2026, 3, 29, 1, 0, tzinfo=datetime.timezone.utc)
    """
    offset = offset_at(start, zone)
    # Day by day: a clock that was put forward and back in between has the same offset at both ends.
    while offset_at(day := min(start + _DAY, end), zone) == offset:
        if day >= end:
            return None
        start = day
    low, high = start.replace(microsecond=0), day
    while high - low > _SECOND:
        middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
        low, high = (middle, high) if offset_at(middle, zone) == offset else (low, middle)
    return high.replace(microsecond=0)
