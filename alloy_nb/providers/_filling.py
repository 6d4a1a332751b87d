"""A provider of a user's own may leave out what has a plain default."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

from .base import Delta, Provider, Request

__all__ = ["as_provider"]

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
    if isinstance(given, type) or not (_streams(given) or callable(getattr(given, "complete", None))):
        return None
    if _streams(given) and all(hasattr(given, name) for name in (*_DEFAULTS, "model")):
        return cast("Provider", given)
    return cast("Provider", _Filled(given))


def _streams(given: Any) -> bool:
    """A subclass of the protocol that does not write its own `stream` inherits one that says nothing."""
    return callable(getattr(given, "stream", None)) and getattr(type(given), "stream", None) is not Provider.stream


class _Filled:
    """What the object has, and defaults for what it lacks."""

    def __init__(self, given: Any) -> None:
        self.stands_for = given
        for name, default in _DEFAULTS.items():
            setattr(self, name, getattr(given, name, default))
        self.model = getattr(given, "model", type(given).__name__)

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
        for delta in await self.stands_for.complete(request):
            yield delta
