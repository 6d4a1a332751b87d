"""A provider of a user's own that leaves out what has a plain default."""

from __future__ import annotations

import copy
import pickle
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.providers._filling import as_provider
from alloy_nb.providers.base import Delta, Done, Request, TextDelta
from alloy_nb.providers.health import health_of


class Streams:
    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        yield TextDelta("good ")
        yield TextDelta("morning")
        yield Done("end_turn")


class Completes:
    async def complete(self, request: Request) -> Sequence[Delta]:
        return [TextDelta("good morning"), Done("end_turn")]


class Named(alloy.Provider):
    """It inherits a `stream` that says nothing."""

    name = "acme"
    model = "m1"

    async def complete(self, request: Request) -> Sequence[Delta]:
        return [TextDelta("good morning"), Done("end_turn")]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("kind", [Streams, Completes, Named])
def test_an_object_that_streams_or_completes_is_a_model(kind: Any, stream: bool) -> None:
    result = alloy.run("x", model=kind(), stream=stream)
    assert (result.text, result.status) == ("good morning", "completed")


def test_one_that_only_completes_tells_its_answer_as_one_piece() -> None:
    run = alloy.start("x", model=Completes())
    assert list(run.text_stream()) == ["good morning"]


def test_what_it_has_of_its_own_is_kept() -> None:
    assert alloy.Agent(model=Named()).model == "acme:m1"  # type: ignore[abstract]
    assert alloy.Agent(model=Streams()).model == "custom:Streams"
    whole = alloy.Scripted(["x"])
    assert as_provider(whole) is whole


def test_an_option_it_does_not_name_is_refused() -> None:
    with pytest.raises(alloy.ConfigError, match="custom takes no `temperature`"):
        alloy.run("x", model=Streams(), temperature=0.5)


def test_what_is_known_of_its_health_is_known_from_run_to_run() -> None:
    given = Streams()
    assert health_of(as_provider(given)) is health_of(as_provider(given))
    assert health_of(as_provider(given)) is not health_of(as_provider(Streams()))


def test_what_it_says_of_itself_may_change() -> None:
    """One that chooses among models was known for ever by what it said first."""
    given: Any = Completes()
    filled: Any = as_provider(given)
    assert (filled.model, filled.options) == ("Completes", frozenset())
    given.model, given.options = "large", frozenset({"temperature"})
    assert (filled.model, filled.options) == ("large", {"temperature"})


def test_it_may_be_copied_and_pickled_and_has_all_of_the_protocol() -> None:
    filled = as_provider(Completes())
    for again in (copy.copy(filled), copy.deepcopy(filled), pickle.loads(pickle.dumps(filled))):
        assert isinstance(again, alloy.Provider)
        assert (again.name, again.model, again.options) == ("custom", "Completes", frozenset())


class Elsewhere:
    """As the models of other libraries are."""

    def stream(self, prompt: str) -> Iterator[str]:
        yield prompt


@pytest.mark.parametrize("given", [3, object(), [], Streams, alloy.OpenAI, Elsewhere()])
def test_what_does_neither_is_no_model(given: Any) -> None:
    with pytest.raises(alloy.ConfigError) as caught:
        alloy.run("x", model=given)
    assert caught.value.hint


class Gives:
    """Completes with what it was made with."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def complete(self, request: Request) -> Any:
        return self.answer


class Sync:
    def complete(self, request: Request) -> Any:
        return [Done("end_turn")]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("given", "error", "hint"),
    [
        (Gives("hello"), "`complete` of custom gave a str", "[TextDelta('Hello'), Done('end_turn')]"),
        (Gives(None), "`complete` of custom gave None", "[TextDelta('Hello'), Done('end_turn')]"),
        (Gives({"text": "hello"}), "`complete` of custom gave a dict", "[TextDelta('Hello'), Done('end_turn')]"),
        (Gives(["hello", Done("end_turn")]), "custom told a str, which is no delta", "TextDelta('Hello')"),
        (Gives([TextDelta("hello")]), "custom ended its answer before it was complete", "ends in no Done"),
        (Sync(), "`complete` of custom is not async: it gave a list at once", "async def complete"),
    ],
)
def test_an_answer_that_is_none_is_told_as_such(given: Any, error: str, hint: str, stream: bool) -> None:
    """An empty text was the answer, or it was tried again, and the connection was said to be cut."""
    result = alloy.run("x", model=given, stream=stream, check=False, max_retries=0)
    assert result.text in ("", "hello")
    assert result.error is not None
    assert result.error.message == error
    assert hint in str(result.error.hint)
