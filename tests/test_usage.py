"""Counting tokens."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.usage import Usage

counts = st.integers(0, 10**12)
usages = st.builds(Usage, counts, counts, counts, counts, counts)


def test_nothing_used_is_all_zero() -> None:
    """USE-1"""
    assert Usage() == Usage(0, 0, 0, 0, 0)
    assert Usage().total_tokens == 0


def test_the_total_is_prompt_and_answer() -> None:
    """USE-2: of which cache and thinking are parts."""
    assert Usage(10, 5, cached_tokens=7, cache_write_tokens=2, reasoning_tokens=3).total_tokens == 15


@given(usages, usages)
def test_adding_adds_every_count(one: Usage, other: Usage) -> None:
    """USE-2"""
    total = one + other
    assert total == other + one
    assert total + Usage() == total
    assert total.to_dict() == {name: count + other.to_dict()[name] for name, count in one.to_dict().items()}


@given(usages)
def test_it_is_read_back_from_json(usage: Usage) -> None:
    assert Usage.from_dict(usage.to_dict()) == usage


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (7, 7),
        (7.9, 7),
        ("12", 12),
        (None, 0),
        (-3, 0),
        (True, 0),
        (float("nan"), 0),
        (float("inf"), 0),
        ("many", 0),
        ("9" * 50, 0),
        ([1], 0),
        ({"tokens": 1}, 0),
    ],
)
def test_what_is_no_count_is_none(given: Any, read: int) -> None:
    """USE-w2: a null in an answer ended the run."""
    assert Usage.from_dict({"input_tokens": given, "output_tokens": 1}) == Usage(read, 1)


@pytest.mark.parametrize("data", [None, {}, [], "usage", 3, {"unknown": 3, "input_tokens": None}])
def test_no_mapping_is_nothing_used(data: Any) -> None:
    """USE-w2"""
    assert Usage.from_dict(data) == Usage()


@given(st.dictionaries(st.sampled_from(list(Usage().to_dict())), st.integers() | st.floats() | st.text() | st.none()))
def test_whatever_is_read_can_be_counted(data: dict[str, Any]) -> None:
    assert all(isinstance(count, int) and count >= 0 for count in Usage.from_dict(data).to_dict().values())
