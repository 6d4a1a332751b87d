"""A thread that works much rests now and then, and one that does not never."""

from __future__ import annotations

import threading
import time

import pytest

from alloy_nb import pace as pace_module
from alloy_nb.pace import QUANTUM, Pace
from alloy_nb.portal import PORTAL, Portal


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each rest was to be; the processor's time is made up."""
    rests: list[float] = []
    monkeypatch.setattr(pace_module.time, "sleep", rests.append)
    return rests


def test_it_rests_after_so_much_work_and_only_then(slept: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    used = iter([QUANTUM * n for n in (1.5, 1.6, 1.7, 2.6)])
    monkeypatch.setattr(pace_module.time, "thread_time", lambda: next(used))
    pace = Pace()
    for _ in range(4):
        pace.rest()
    assert len(slept) == 2
    assert all(rest > 0 for rest in slept)


def test_the_more_work_at_once_the_longer_each_rests(slept: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace_module.time, "thread_time", lambda: time.perf_counter() * 1e6)
    monkeypatch.setattr(pace_module, "RECENT", 60.0)
    rested: list[float] = []
    all_there = threading.Barrier(4)

    def work() -> None:
        Pace().rest()
        all_there.wait()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    all_there.wait()
    Pace().rest()
    for thread in threads:
        thread.join()
    rested = sorted(slept)
    assert rested[-1] >= QUANTUM * 3.4
    assert rested[0] < rested[-1]


def test_the_portal_of_the_process_has_none() -> None:
    assert PORTAL.pace is None
    assert Portal("a lane", shared=False).pace is not None
