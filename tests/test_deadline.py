from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.deadline import Deadline


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_no_timeout_means_no_limit() -> None:
    assert Deadline(None).remaining() is None
    assert not Deadline(None).passed


def test_it_passes_when_its_time_is_up_and_never_goes_below_zero() -> None:
    clock = Clock()
    deadline = Deadline(2.0, clock)
    clock.now = 5.0
    assert deadline.remaining() == 0.0
    assert deadline.passed


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 10)), max_size=20))
def test_the_clock_stops_while_a_person_is_asked(steps: list[tuple[bool, int]]) -> None:
    clock = Clock()
    deadline = Deadline(1000.0, clock)
    worked = 0
    for asking, seconds in steps:
        if asking:
            with deadline.paused(), deadline.paused():
                clock.now += seconds
                assert deadline.remaining() is None
        else:
            clock.now += seconds
            worked += seconds
    assert deadline.remaining() == 1000.0 - worked


def test_the_shorter_limit_counts() -> None:
    """RTY-5"""
    clock = Clock()
    assert Deadline(5.0, clock).shortest(3.0) == 3.0
    assert Deadline(2.0, clock).shortest(3.0) == 2.0
    assert Deadline(None, clock).shortest(None) is None
