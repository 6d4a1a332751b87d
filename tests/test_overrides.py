"""What stands in for something, where lifetimes overlap."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.overrides import Overrides


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9))))
def test_the_newest_that_is_open_counts_in_whichever_order_they_close(steps: list[tuple[bool, int]]) -> None:
    overrides: Overrides[int] = Overrides()
    model: list[tuple[int, object]] = []
    for opens, number in steps:
        if opens:
            using = overrides.open(number)
            assert using.__enter__() == number
            model.append((number, using))
        elif model:
            _, closed = model.pop(number % len(model))
            closed.__exit__(None, None, None)  # type: ignore[attr-defined]
        assert overrides.newest == (model[-1][0] if model else None)
        assert bool(overrides) == bool(model)


def test_equal_ones_are_two() -> None:
    overrides: Overrides[list[int]] = Overrides()
    first, second = [], []  # type: list[int], list[int]
    older, newer = overrides.open(first), overrides.open(second)
    older.__enter__()
    newer.__enter__()
    older.__exit__(None, None, None)
    assert overrides.newest is second


def test_threads_that_open_and_close_leave_nothing() -> None:
    overrides: Overrides[int] = Overrides()

    def work() -> None:
        for number in range(500):
            with overrides.open(number):
                assert overrides.newest is not None

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not overrides
