"""A model that is a function of what it is asked."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from pathlib import PurePath
from typing import Any, cast

from ..articles import a_kind
from ..errors import AlloyError, ConfigError, ProviderError
from ..options import PROVIDER_OPTIONS
from ..providers.base import NATIVE, Delta, Done, OutputForms, Request, TextDelta
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
    the loop of the run. `requests` records what was asked, in order. A function that fails, or gives something else,
    ends the run in a `ConfigError` that says where.

    >>> import alloy_nb as alloy
    >>> model = Function(lambda request: request.messages[-1].text.upper())
    >>> alloy.run("Hi", model=model).text, len(model.requests)
    ('HI', 1)
    """

    name = "function"
    options = frozenset(PROVIDER_OPTIONS)
    constrains_arguments = False
    output_forms: OutputForms | None = NATIVE

    def __init__(
        self,
        function: Callable[[Request], Said | Awaitable[Said] | AsyncIterable[Piece]],
        model: str = "function",
    ) -> None:
        if not callable(function):
            raise ConfigError(f"the function is {a_kind(function)}", hint="give a function of the request")
        self.function = function
        self.model = model
        self.requests: list[Request] = []

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        self.requests.append(request)
        try:
            async with aclosing(self._answer(request)) as deltas:
                async for delta in deltas:
                    yield delta
        except AlloyError:
            raise
        except Exception as error:
            raise self._mistake(f"failed with {type(error).__name__}: {error}{_place_of(error)}") from error

    async def _answer(self, request: Request) -> AsyncGenerator[Delta, None]:
        said: Any = self.function(request)
        if inspect.isawaitable(said):
            said = await said
        if isinstance(said, str | Mapping | ProviderError):
            said = Scripted([cast("str | Mapping[str, Any] | ProviderError", said)]).stream(request)
        elif isinstance(said, Delta):
            said = [said]
        elif isinstance(said, bytes) or not isinstance(said, Iterable | AsyncIterable):
            raise self._mistake(f"gave {a_kind(said)}")
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
                elif not isinstance(piece, Delta):
                    raise self._mistake(f"gave {a_kind(piece)} among its pieces")
                yield piece
        finally:
            if hasattr(said, "aclose"):
                await said.aclose()
        if not ended:
            yield Done("end_turn")

    def _mistake(self, words: str) -> ConfigError:
        """Whoever wrote the function is told: it is no failure of a service, and none of ours."""
        name = getattr(self.function, "__name__", type(self.function).__name__)
        return ConfigError(
            f"the function `{name}` behind the model {self.model!r} {words}",
            hint="it takes the request, and gives a text, a line of a script, an error, or texts and deltas in order",
        )

    def __repr__(self) -> str:
        return f"<Function {self.model}>"


async def _each(pieces: Iterable[Piece] | AsyncIterable[Piece]) -> AsyncIterator[Piece]:
    if isinstance(pieces, AsyncIterable):
        async for piece in pieces:
            yield piece
    else:
        for piece in pieces:
            yield piece


def _place_of(error: Exception) -> str:
    """Where it was raised, for a reader without the traceback; "" where that is here, as by a missing argument."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return "" if frame.filename == __file__ else f" ({PurePath(frame.filename).name}, line {frame.lineno})"
