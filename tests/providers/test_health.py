"""How services fare: pauses they asked for, and rest after many failures."""

from __future__ import annotations

from typing import Any

import pytest

from alloy_nb.errors import AuthError, BadRequestError, ProviderError, RateLimitError, ServerError
from alloy_nb.providers.health import FAILURES_TO_REST, REST_SECONDS, Health, health_of, nothing_known
from alloy_nb.providers.openai_compatible import OpenAICompatible
from alloy_nb.providers.scripted import Scripted


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("alloy_nb.providers.health.time", made)
    return made


def at(address: str, key: str, model: str = "m") -> Health:
    return health_of(OpenAICompatible(model, base_url=address, api_key=key))


def test_a_pause_is_shared_by_all_with_the_same_key(clock: Clock) -> None:
    """RTY-w2: one that was told to wait waits for all."""
    at("http://one.test", "key-a").failed(RateLimitError("slow down", retry_after=20))
    clock.now += 5
    assert at("http://one.test", "key-a").pause == 15
    assert at("http://one.test", "key-a", "another").pause == 15
    assert at("http://one.test", "key-b").pause == 0
    assert at("http://two.test", "key-a").pause == 0
    clock.now += 15
    assert at("http://one.test", "key-a").pause == 0


def test_a_longer_pause_is_not_shortened_by_a_later_short_one(clock: Clock) -> None:
    health = Health()
    health.failed(RateLimitError("slow down", retry_after=20))
    health.failed(RateLimitError("slow down", retry_after=2))
    assert health.pause == 20


@pytest.mark.parametrize(
    "error",
    [
        RateLimitError("an hour", retry_after=3600),
        RateLimitError("the quota is used up", retry_after=20, retryable=False),
        RateLimitError("no word of when"),
    ],
)
def test_nobody_waits_for_what_is_not_waited_for(clock: Clock, error: ProviderError) -> None:
    health = Health()
    health.failed(error)
    assert health.pause == 0


def test_a_model_that_fails_often_rests_and_is_tried_again(clock: Clock) -> None:
    health = Health()
    for _ in range(FAILURES_TO_REST):
        assert not health.resting
        health.failed(ServerError("down"))
    assert health.resting
    assert not health.on_trial
    clock.now += REST_SECONDS
    assert not health.resting
    assert health.on_trial
    health.failed(ServerError("still down"))
    assert health.resting
    clock.now += REST_SECONDS
    health.succeeded()
    assert not health.on_trial
    health.failed(ServerError("once"))
    assert not health.resting


def test_what_the_user_got_wrong_counts_for_nothing(clock: Clock) -> None:
    health = Health()
    for _ in range(10):
        health.failed(AuthError("no"))
        health.failed(BadRequestError("no"))
    assert not health.resting


def test_a_model_rests_alone() -> None:
    """Another model of the same service may well answer."""
    for _ in range(FAILURES_TO_REST):
        at("http://rest.test", "key", "ill").failed(ServerError("down"))
    assert at("http://rest.test", "key", "ill").resting
    assert not at("http://rest.test", "key", "well").resting


def test_a_provider_without_an_account_is_known_by_itself() -> None:
    one, other = Scripted(["a"]), Scripted(["a"])
    for _ in range(FAILURES_TO_REST):
        health_of(one).failed(ServerError("down"))
    assert health_of(one).resting
    assert not health_of(other).resting


def test_a_provider_that_can_be_remembered_in_no_way_is_always_well() -> None:
    class Bare:
        __slots__ = ("model",)
        __hash__ = None  # type: ignore[assignment]

    bare = Bare()
    for _ in range(FAILURES_TO_REST):
        health_of(bare).failed(ServerError("down"))
    assert not health_of(bare).resting


@pytest.mark.parametrize("settings", [{"api_key": "sk-secret-x"}, {"headers": {"Authorization": "Bearer sk-secret-x"}}])
def test_a_key_shows_nowhere(settings: dict[str, Any]) -> None:
    provider = OpenAICompatible("m", base_url="http://one.test", **settings)
    assert "sk-secret" not in repr(provider.account)


@pytest.mark.parametrize("name", ["Authorization", "api-key", "OpenAI-Organization"])
def test_users_whose_keys_are_in_headers_share_nothing(name: str, clock: Clock) -> None:
    def of(key: str, name: str = name) -> Health:
        return health_of(OpenAICompatible("m", base_url="http://headers.test", headers={name: key}))

    for _ in range(FAILURES_TO_REST):
        of("Bearer hers").failed(RateLimitError("slow down", retry_after=20))
    assert (of("Bearer hers").resting, of("Bearer hers").pause) == (True, 20)
    assert (of("Bearer his").resting, of("Bearer his").pause) == (False, 0)
    assert of("Bearer hers", name.upper()).resting


def test_what_happens_in_a_test_is_forgotten_after_it(clock: Clock) -> None:
    at("http://one.test", "kept").failed(RateLimitError("slow down", retry_after=20))
    with nothing_known():
        assert at("http://one.test", "kept").pause == 0
        at("http://one.test", "forgotten").failed(RateLimitError("slow down", retry_after=20))
    assert at("http://one.test", "forgotten").pause == 0
    assert at("http://one.test", "kept").pause == 20


def test_tests_that_overlap_leave_nothing_behind() -> None:
    first, second = nothing_known(), nothing_known()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    for _ in range(FAILURES_TO_REST):
        at("http://overlap.test", "key").failed(ServerError("down"))
    assert at("http://overlap.test", "key").resting
    second.__exit__(None, None, None)
    assert not at("http://overlap.test", "key").resting
