"""How a service fares for this process: pauses that it asked for, and rest for one that keeps failing.

A pause is shared by all who use the same provider with the same key, a circuit breaker by all who use the same model
there. Both only say what is so; who calls decides what to do.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import OverloadedError, ProviderError, ProviderTimeout, RateLimitError, ServerError, StreamError
from ..forks import renewed_in_child
from ..overrides import Overrides
from .retry import LONGEST_RETRY_AFTER

__all__ = ["Health", "health_of", "nothing_known"]

#: Failed attempts in a row after which a model is let rest …
FAILURES_TO_REST = 3
#: … for so many seconds; then one attempt shows whether it answers again.
REST_SECONDS = 30.0

_COUNTED = (OverloadedError, ProviderTimeout, RateLimitError, ServerError, StreamError)


class _Pause:
    """Until when nobody with this key should ask, by the monotonic clock."""

    __slots__ = ("__weakref__", "until")

    def __init__(self) -> None:
        self.until = 0.0


class Health:
    """One model at one service, with one key. Any thread may tell and ask.

    >>> health = Health()
    >>> for _ in range(3):
    ...     health.failed(ServerError("down"))
    >>> health.resting
    True
    >>> health.succeeded()
    >>> health.resting
    False
    """

    def __init__(self, pause: _Pause | None = None) -> None:
        self._pause = pause or _Pause()
        self._failures = 0
        self._rests_until = 0.0

    @property
    def pause(self) -> float:
        """Seconds that the service asked everybody with this key to wait, counted from now."""
        return max(0.0, self._pause.until - time.monotonic())

    @property
    def resting(self) -> bool:
        """It failed often, a moment ago: another model is the better choice."""
        return self._rests_until > time.monotonic()

    @property
    def on_trial(self) -> bool:
        """It failed often, and has rested since: one attempt will show."""
        return self._failures >= FAILURES_TO_REST and not self.resting

    def failed(self, error: ProviderError) -> None:
        """An attempt ended in `error`."""
        if not isinstance(error, _COUNTED):
            return
        self._failures += 1
        if self._failures >= FAILURES_TO_REST:
            self._rests_until = time.monotonic() + REST_SECONDS
        asked = error.retry_after
        if asked and error.retryable and asked <= LONGEST_RETRY_AFTER:
            self._pause.until = max(self._pause.until, time.monotonic() + asked)

    def succeeded(self) -> None:
        self._failures = 0
        self._rests_until = 0.0


class _Known:
    """Whose health is known."""

    def __init__(self) -> None:
        self.pauses: dict[Hashable, _Pause] = {}
        self.shared: dict[Hashable, Health] = {}
        self.own: weakref.WeakKeyDictionary[Any, Health] = weakref.WeakKeyDictionary()


_lock = renewed_in_child(threading.Lock)
_known = _Known()
_in_its_place: Overrides[_Known] = Overrides()


@contextmanager
def nothing_known() -> Iterator[None]:
    """While it is open, no service has failed yet; what fails meanwhile is forgotten after. For tests."""
    with _in_its_place.open(_Known()):
        yield


def health_of(provider: Any) -> Health:
    """The health of a provider, shared with its like: `provider.account` says who has the same key at the same place.

    A provider without an account is known by itself, or by the object that it stands for.
    """
    account: Hashable = getattr(provider, "account", None)
    with _lock():
        known = _in_its_place.newest or _known
        if account is None:
            return _health_of_object(getattr(provider, "stands_for", provider), known)
        key = (account, provider.model)
        health = known.shared.get(key)
        if health is None:
            health = known.shared[key] = Health(known.pauses.setdefault(account, _Pause()))
        return health


def _health_of_object(provider: Any, known: _Known) -> Health:
    try:
        return known.own.setdefault(provider, Health())
    except TypeError:  # it cannot be referred to weakly, or has no hash
        return Health()
