"""A model that is a function of what it is asked."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any, cast

from ..errors import ProviderError
from ..options import PROVIDER_OPTIONS
from ..providers.base import Delta, Done, Request, TextDelta
from ..providers.scripted import Scripted

__all__ = ["Function"]

Piece = str | Delta | ProviderError
#: A text, the line of a script, an error, or the pieces of an answer.
Said = str | Mapping[str, Any] | ProviderError | Delta | Iterable[Piece]


class Function:
    """A model made of a function, which gets the `Request` and says the answer.

    The answer is a text; a line as in `Scripted` (``{"tool_calls": [...]}``); a `ProviderError`, returned or raised;
    or pieces, as a list or by `yield`: texts, deltas, an error. Pieces that are texts end well by themselves; an
    answer in deltas alone says its own `Done`, so that a cut can be tested. The function may be async; it is called on
    the loop of the run. `requests` records what was asked, in order.

    >>> import alloy_nb as alloy
    >>> model = Function(lambda request: request.messages[-1].text.upper())
    >>> alloy.run("Hi", model=model).text, len(model.requests)
    ('HI', 1)
    """

    name = "function"
    options = frozenset(PROVIDER_OPTIONS)
    constrains_arguments = False

    def __init__(
        self,
        function: Callable[[Request], Said | Awaitable[Said] | AsyncIterable[Piece]],
        model: str = "function",
    ) -> None:
        self.function = function
        self.model = model
        self.requests: list[Request] = []

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        self.requests.append(request)
        said: Any = self.function(request)
        if inspect.isawaitable(said):
            said = await said
        if isinstance(said, str | Mapping | ProviderError):
            said = Scripted([cast("str | Mapping[str, Any] | ProviderError", said)]).stream(request)
        elif isinstance(said, Delta):
            said = [said]
        ended = True
        try:
            async for piece in _each(said):
                if isinstance(piece, ProviderError):
                    raise piece
                if isinstance(piece, str):
                    ended = False
                    piece = TextDelta(piece)
                elif isinstance(piece, Done):
                    ended = True
                yield piece
        finally:
            if hasattr(said, "aclose"):
                await said.aclose()
        if not ended:
            yield Done("end_turn")

    def __repr__(self) -> str:
        return f"<Function {self.model}>"


async def _each(pieces: Iterable[Piece] | AsyncIterable[Piece]) -> AsyncIterator[Piece]:
    if isinstance(pieces, AsyncIterable):
        async for piece in pieces:
            yield piece
    else:
        for piece in pieces:
            yield piece
