"""A clock that a test steps."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class SteppedClock:
    """`advance` lets time pass, with every alarm in it; `jump` sets the clock on the wall alone, as a person does.

    Alarms go by time that passes, and ring on the thread that steps.
    """

    def __init__(self, start: str = "2026-11-30T12:00") -> None:
        self._wall = datetime.fromisoformat(start).replace(tzinfo=UTC)
        self._passed = 0.0
        self._alarms: dict[int, tuple[float, Callable[[], None]]] = {}
        self._numbers = itertools.count()

    def now(self) -> datetime:
        return self._wall

    def wake(self, seconds: float, call: Callable[[], None]) -> Callable[[], None]:
        number = next(self._numbers)
        self._alarms[number] = (self._passed + seconds, call)
        return lambda: void(self._alarms.pop(number, None))

    @property
    def alarms(self) -> list[float]:
        """In how many seconds each rings."""
        return sorted(at - self._passed for at, _ in self._alarms.values())

    def advance(self, seconds: float) -> None:
        end = self._passed + seconds
        while self._alarms:
            number, (at, call) = min(self._alarms.items(), key=lambda item: item[1][0])
            if at > end:
                break
            self._pass(max(0.0, at - self._passed))
            del self._alarms[number]
            call()
        self._pass(end - self._passed)

    def _pass(self, seconds: float) -> None:
        self._passed += seconds
        self._wall += timedelta(seconds=seconds)

    def jump(self, **by: float) -> None:
        self._wall += timedelta(**by)


def void(_: object) -> None:
    return None
