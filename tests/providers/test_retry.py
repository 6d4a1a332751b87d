"""When to try again, and how long to wait."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.errors import (
    AuthError,
    BadRequestError,
    ConfigError,
    ContextOverflowError,
    OverloadedError,
    ProviderError,
    ProviderTimeout,
    RateLimitError,
    ServerError,
    StreamError,
)
from alloy_nb.providers.retry import BASE_DELAY, LONGEST_DELAY, LONGEST_RETRY_AFTER, delay_before, why_not

PASSING = [RateLimitError, OverloadedError, ServerError, StreamError, ProviderTimeout]
LASTING = [AuthError, BadRequestError, ContextOverflowError, ProviderError]


class Top:
    """Always the upper bound."""

    def uniform(self, a: float, b: float, /) -> float:
        assert a == 0
        return b


def test_max_retries_counts_the_retries() -> None:
    """RTY-1: 0 turns them off."""
    assert delay_before(1, ServerError("x"), max_retries=0) is None
    assert delay_before(3, ServerError("x"), max_retries=3) is not None
    assert delay_before(4, ServerError("x"), max_retries=3) is None


def test_the_bound_doubles_up_to_a_limit() -> None:
    """RTY-2"""
    delays = [delay_before(n, ServerError("x"), max_retries=99, rng=Top()) for n in range(1, 9)]
    assert delays == [0.5, 1, 2, 4, 8, 16, 20, 20]


@pytest.mark.parametrize("kind", PASSING)
def test_passing_errors_are_tried_again(kind: type[ProviderError]) -> None:
    """RTY-9, RTY-w1: the class decides, no words."""
    assert delay_before(1, kind("x"), max_retries=1) is not None


@pytest.mark.parametrize("kind", LASTING)
def test_lasting_errors_are_not(kind: type[ProviderError]) -> None:
    """RTY-9"""
    assert delay_before(1, kind("x"), max_retries=1) is None


def test_a_silence_is_tried_again_once_at_most() -> None:
    """Four times the request_timeout passed before a service that never answers was given up."""
    assert delay_before(1, ProviderTimeout("x"), max_retries=3) is not None
    assert delay_before(2, ProviderTimeout("x"), max_retries=3) is None
    assert delay_before(1, ProviderTimeout("x"), max_retries=0) is None


@pytest.mark.parametrize(("asked", "words"), [(90, "90 s"), (3600, "60 minutes"), (9000, "2.5 hours")])
def test_a_pause_that_is_not_waited_for_is_told(asked: float, words: str) -> None:
    hint = why_not(RateLimitError("x", retry_after=asked), 1, max_retries=3)
    assert hint is not None
    assert f"a pause of {words}" in hint


def test_a_pause_is_not_told_as_the_reason_where_another_one_counts() -> None:
    assert why_not(RateLimitError("x", retry_after=30), 1, max_retries=3) is None
    assert why_not(RateLimitError("x", retry_after=3600), 1, max_retries=0) is None
    assert why_not(RateLimitError("x", retry_after=3600, retryable=False), 1, max_retries=3) is None


def test_an_error_that_is_no_providers_is_not() -> None:
    assert delay_before(1, ConfigError("x"), max_retries=1) is None
    assert delay_before(1, ValueError("x"), max_retries=1) is None


def test_a_used_up_quota_fails_at_once() -> None:
    assert delay_before(1, RateLimitError("x", retryable=False, retry_after=1), max_retries=3) is None


def test_what_the_service_asks_for_is_obeyed() -> None:
    """RTY-w2"""
    assert delay_before(1, RateLimitError("x", retry_after=7.5), max_retries=3) == 7.5
    assert delay_before(1, RateLimitError("x", retry_after=LONGEST_RETRY_AFTER), max_retries=3) == 60
    assert delay_before(1, RateLimitError("x", retry_after=60.1), max_retries=3) is None


def test_asking_for_no_pause_is_no_leave_to_hammer() -> None:
    assert delay_before(1, RateLimitError("x", retry_after=0), max_retries=3, rng=Top()) == BASE_DELAY


@given(st.integers(1, 10_000), st.integers(0, 10_000), st.sampled_from(PASSING), st.integers())
def test_a_delay_is_within_its_bounds(attempt: int, most: int, kind: type[ProviderError], seed: int) -> None:
    """RTY-1, RTY-2."""
    delay = delay_before(attempt, kind("x"), max_retries=most, rng=random.Random(seed))
    assert (delay is None) == (attempt > min(most, 1 if kind is ProviderTimeout else most))
    if delay is not None:
        assert 0 <= delay <= min(LONGEST_DELAY, BASE_DELAY * 2 ** min(attempt - 1, 20))


@given(st.floats(0.001, 1e9), st.integers(1, 5))
def test_a_wish_is_never_undercut(asked: float, attempt: int) -> None:
    delay = delay_before(attempt, RateLimitError("x", retry_after=asked), max_retries=5)
    assert (delay if delay is not None else math.inf) >= min(asked, LONGEST_RETRY_AFTER)
    assert (delay is None) == (asked > LONGEST_RETRY_AFTER)
