"""What is learnt of models: how far estimates are off, and how much they take."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.context.gauge import LEAST, MOST, Gauge, Room, make_room


def test_reports_correct_the_estimate_step_by_step() -> None:
    """TOK-w1: what services report was never fed back."""
    gauge = Gauge()
    assert gauge.factor("a") == 1.0
    for _ in range(10):
        gauge.learn("a", 1000, 1600)
    assert gauge.factor("a") == pytest.approx(1.6, abs=0.01)
    gauge.learn("a", 1000, 800)
    assert 1.1 < gauge.factor("a") < 1.3  # one odd report does not throw it over
    assert gauge.factor("b") == 1.0


def test_a_report_of_something_else_is_passed_over() -> None:
    """A service that counts only what was not cached, a script with a fixed number, nothing at all."""
    gauge = Gauge()
    for estimated, reported in ((10_000, 10), (10_000, 0), (0, 50), (1000, 199)):
        gauge.learn("a", estimated, reported)
    assert gauge.factor("a") == 1.0


def test_reports_without_what_was_cached_fill_no_more_than_the_window() -> None:
    """They fall between the whole and a number that tells nothing; an Ollama would cut the beginning in silence."""
    gauge = Gauge()
    for _ in range(40):
        gauge.learn("a", 10_000, 3500)
    assert gauge.room("a", 10_000, 0.9, 0).most <= 10_000


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9))))
def test_the_correction_stays_within_bounds(reports: list[tuple[int, int]]) -> None:
    gauge = Gauge()
    for estimated, reported in reports:
        gauge.learn("a", estimated, reported)
    assert LEAST <= gauge.factor("a") <= MOST


def test_what_was_refused_is_more_than_fits_from_then_on() -> None:
    gauge = Gauge()
    before = gauge.room("a", 200_000, 0.9, None)
    gauge.overflowed("a", 8000)
    first = gauge.room("a", 200_000, 0.9, None)
    assert first.most < 8000 < before.most
    gauge.overflowed("a", 100_000)  # what is known already is not forgotten
    assert gauge.room("a", 200_000, 0.9, None) == first
    assert gauge.room("b", 200_000, 0.9, None) == before
    sizes = [8000]
    for _ in range(5):
        gauge.overflowed("a", sizes[-1])
        sizes.append(gauge.room("a", 200_000, 0.9, None).target)
    assert all(2 * after < before for before, after in pairwise(sizes))


def test_the_answer_has_room() -> None:
    """CMP-w4: the window was filled with the conversation alone."""
    assert make_room(100_000, 0.9, 20_000).most == 70_000
    assert make_room(100_000, 0.9, None).most == 90_000 - 8192
    assert make_room(100_000, 0.9, 10**9).most == 45_000  # no answer takes all of it


def test_system_prompt_and_tools_leave_some_room() -> None:
    """CMP-w4: they were not counted at all."""
    room = make_room(8000, 0.9, 0)
    assert room.less(2000).most == 5200
    assert room.less(10**9) == Room.of(720)
    assert room.less(0) == room


@given(
    st.integers(1, 10**7),
    st.floats(0.01, 1),
    st.none() | st.integers(0, 10**7),
    st.floats(LEAST, MOST),
    st.none() | st.integers(0, 10**7),
)
def test_sizes_are_in_order(window: int, at: float, answer: int | None, factor: float, limit: int | None) -> None:
    """TOK-4: the share of the window at which it begins is the caller's to say."""
    room = make_room(window, at, answer, factor, limit)
    assert 0 <= room.target <= room.comfortable <= room.most <= at * window / factor
