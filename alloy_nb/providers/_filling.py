"""A provider of a user's own may leave out what has a plain default."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, cast

from ..articles import a_kind
from ..errors import StreamError
from .base import Delta, Provider, Request

__all__ = ["as_provider", "whole_answer"]

_DEFAULTS = {"name": "custom", "options": frozenset[str](), "constrains_arguments": False}


def as_provider(given: Any) -> Provider | None:
    """An object as a provider that has all of the protocol; None for what can neither stream nor complete.

    >>> class Echo:
    ...     async def complete(self, request):
    ...         return [TextDelta(request.messages[-1].text), Done("end_turn")]
    >>> from alloy_nb import run
    >>> from alloy_nb.providers.base import Done, TextDelta
    >>> run("Hello", model=Echo()).text, as_provider(Echo()).model, as_provider("Echo")
    ('Hello', 'Echo', None)
    """
    if isinstance(given, type) or not (_streams(given) or _is_async(getattr(given, "complete", None))):
        return None
    if _streams(given) and all(hasattr(given, name) for name in (*_DEFAULTS, "model")):
        return cast("Provider", given)
    return cast("Provider", _Filled(given))


def _streams(given: Any) -> bool:
    """A subclass of the protocol that does not write its own `stream` inherits one that says nothing."""
    return _is_async(getattr(given, "stream", None)) and getattr(type(given), "stream", None) is not Provider.stream


def _is_async(method: Any) -> bool:
    """As far as can be seen: the models of other libraries have a `stream` too, which is a plain generator."""
    return callable(method) and not inspect.isgeneratorfunction(method)


def _own(name: str) -> Any:
    """Asked anew each time: an object that chooses among models has another name from answer to answer."""
    return property(lambda filled: getattr(filled.stands_for, name, _DEFAULTS[name]))


async def whole_answer(provider: Any, request: Request) -> Sequence[Delta]:
    """What the provider's `complete` gives. Raises `StreamError` for what is no sequence of deltas."""
    given = provider.complete(request)
    if not inspect.isawaitable(given):
        raise _wrong_answer(provider, f"is not async: it gave {a_kind(given)} at once")
    answer = await given
    if isinstance(answer, str | bytes | Mapping) or not isinstance(answer, Sequence):
        raise _wrong_answer(provider, f"gave {a_kind(answer)}")
    return answer


def _wrong_answer(provider: Any, what: str) -> StreamError:
    return StreamError(
        f"`complete` of {provider.name} {what}",
        hint="it is `async def complete(self, request)`, and returns deltas: [TextDelta('Hello'), Done('end_turn')]",
        retryable=False,
    )


class _Filled:
    """What the object has, and defaults for what it lacks."""

    name, options, constrains_arguments = map(_own, _DEFAULTS)

    def __init__(self, given: Any) -> None:
        self.stands_for = given

    @property
    def model(self) -> Any:
        return getattr(self.stands_for, "model", type(self.stands_for).__name__)

    def __getattr__(self, name: str) -> Any:
        if name == "stands_for":  # a copy that is just being made
            raise AttributeError(name)
        return getattr(self.stands_for, name)

    def __repr__(self) -> str:
        return repr(self.stands_for)

    def stream(self, request: Request) -> AsyncIterator[Delta]:
        given = self.stands_for
        return given.stream(request) if _streams(given) else self._whole(request)

    async def _whole(self, request: Request) -> AsyncIterator[Delta]:
        for delta in await whole_answer(self, request):
            yield delta
