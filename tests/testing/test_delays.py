"""Trying again without waiting."""

from __future__ import annotations

import asyncio
import time

import pytest

import alloy_nb as alloy
from alloy_nb import OverloadedError, RateLimitError
from alloy_nb.providers import retry
from alloy_nb.testing import Scripted, no_delays

BUSY = RateLimitError("slow down", retry_after=45)


def ways() -> list[str]:
    return ["run", "arun", "start"]


@pytest.mark.parametrize("way", ways())
def test_retries_do_not_sleep(way: str) -> None:
    """TH-w2: a script may fail, and the test still takes no time; the delays are told all the same."""
    model = Scripted([BUSY, OverloadedError("no room"), "there"])
    began = time.monotonic()
    with no_delays() as delays:
        if way == "run":
            result = alloy.run("x", model=model)
        elif way == "arun":
            result = asyncio.run(alloy.arun("x", model=model))
        else:
            result = alloy.start("x", model=model).result()
    assert time.monotonic() - began < 40
    assert result.text == "there"
    assert delays[0] == 45
    told = [event.payload["delay_s"] for event in result.events if event.type == "retry"]
    assert told == delays


def test_a_run_that_has_no_time_for_a_delay_gives_up_all_the_same() -> None:
    with no_delays() as delays, pytest.raises(RateLimitError):
        alloy.run("x", model=Scripted([BUSY, "never"]), timeout=10)
    assert delays == []


def test_afterwards_delays_are_back_also_when_they_are_nested() -> None:
    before = retry.sleep
    with no_delays() as outer:
        with no_delays() as inner:
            asyncio.run(retry.sleep(3))  # type: ignore[arg-type]
        asyncio.run(retry.sleep(4))  # type: ignore[arg-type]
    assert (inner, outer) == ([3], [4])
    assert retry.sleep is before


def test_two_that_overlap_leave_delays_as_they_were() -> None:
    """As in the threads of two tests: whichever ends first, the other still holds, and after both nothing is left."""
    before = retry.sleep
    first, second = no_delays(), no_delays()
    older = first.__enter__()
    newer = second.__enter__()
    first.__exit__(None, None, None)
    asyncio.run(retry.sleep(3000))  # type: ignore[arg-type]
    second.__exit__(None, None, None)
    assert (older, newer) == ([], [3000])
    assert retry.sleep is before


def test_what_still_runs_after_the_end_waits_again() -> None:
    with no_delays() as delays:
        left = retry.sleep
    asyncio.run(left(0.001))  # type: ignore[arg-type]
    assert delays == []
