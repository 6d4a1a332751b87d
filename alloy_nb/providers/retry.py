"""When to try a provider call again, and after how long: a pure policy. Whoever follows it calls `sleep`."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Protocol

from ..errors import ProviderError, ProviderTimeout

__all__ = ["BASE_DELAY", "LONGEST_DELAY", "LONGEST_RETRY_AFTER", "MOST_RETRIES", "delay_before", "sleep", "why_not"]

#: Seconds: the first delay is up to this, and the bound doubles with each attempt …
BASE_DELAY = 0.5
#: … up to this.
LONGEST_DELAY = 20.0
#: A service that asks for a longer pause than this is not waited for.
LONGEST_RETRY_AFTER = 60.0
#: Errors that are tried again less often than `max_retries` says: each silence costs a whole `request_timeout`.
MOST_RETRIES: dict[type[ProviderError], int] = {ProviderTimeout: 1}


#: How the time between two attempts is spent. Tests put something in its place that does not wait.
sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class _Random(Protocol):
    def uniform(self, a: float, b: float, /) -> float: ...


def delay_before(
    attempt: int,
    error: BaseException,
    *,
    max_retries: int,
    rng: _Random = random,
) -> float | None:
    """Seconds to wait before retry number `attempt` (1, 2, …), or None when there must be none.

    A `ProviderTimeout` is tried again once at most, as `MOST_RETRIES` says.
    What the service asked for is obeyed; otherwise full jitter over a bound that doubles. Whether an error
    can be retried is the error's own `retryable`, never a guess from its words. That nothing was emitted in
    this turn, and that the deadline allows the wait, is the caller's to check.

    >>> from alloy_nb.errors import AuthError, RateLimitError
    >>> delay_before(1, RateLimitError("slow down", retry_after=3), max_retries=3)
    3
    >>> delay_before(1, AuthError("wrong key"), max_retries=3) is None
    True
    """
    if not isinstance(error, ProviderError) or not _may_be_tried(attempt, error, max_retries):
        return None
    asked = error.retry_after
    if asked is not None and asked > 0:
        return asked if asked <= LONGEST_RETRY_AFTER else None
    # The exponent is bounded, so that a large max_retries overflows nothing.
    bound = min(LONGEST_DELAY, BASE_DELAY * 2 ** min(attempt - 1, 10))
    return rng.uniform(0.0, bound)


def why_not(error: ProviderError, attempt: int, *, max_retries: int) -> str | None:
    """A hint for an error that was not tried again only because the service asked for too long a pause; else None.

    >>> from alloy_nb.errors import RateLimitError
    >>> str(why_not(RateLimitError("slow down", retry_after=3600), 1, max_retries=3)).partition(",")[0]
    'the service asked for a pause of 60 minutes'
    """
    asked = error.retry_after
    if asked is None or asked <= LONGEST_RETRY_AFTER or not _may_be_tried(attempt, error, max_retries):
        return None
    return (
        f"the service asked for a pause of {_words(asked)}, and none longer than {LONGEST_RETRY_AFTER:g} s is waited "
        "for: try again then, or use another model or key"
    )


def _may_be_tried(attempt: int, error: ProviderError, max_retries: int) -> bool:
    most = min((most for kind, most in MOST_RETRIES.items() if isinstance(error, kind)), default=max_retries)
    return error.retryable and attempt <= min(most, max_retries)


def _words(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 2 * 3600 else f"{seconds / 3600:.1f} hours"
