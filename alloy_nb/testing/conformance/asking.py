"""Asking a provider, and what came of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from ...errors import ConfigError, ProviderError
from ...messages import Message
from ...providers.answer import Answer
from ...providers.base import Delta, Provider, Request
from ...usage import Usage
from ..loopback import Loopback, Received, Reply
from .cases import Case

__all__ = ["REQUEST", "Outcome", "ask", "ask_all", "expect", "first_of", "strings_of"]

REQUEST = Request((Message.user("What is a fjord?"),), request_timeout=30)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call came to: an answer, or the error. Ids are left out: some services give none."""

    text: str = ""
    thinking: str = ""
    calls: Sequence[tuple[str, Mapping[str, Any]]] = ()
    stop_reason: str | None = None
    usage: Usage = field(default_factory=Usage)
    error: ProviderError | None = None
    message: Message | None = None
    #: Why it was not sent at all.
    refusal: ConfigError | None = None

    @property
    def said(self) -> tuple[Any, ...]:
        """All that must be the same for the same answer; of an error, what it is."""
        kind = None if self.error is None else type(self.error)
        return self.text, self.thinking, list(self.calls), self.stop_reason, kind

    def __str__(self) -> str:
        if self.error is not None:
            return f"{type(self.error).__name__}: {self.error.message}"
        return f"text {self.text!r}, thinking {self.thinking!r}, calls {list(self.calls)!r}, {self.stop_reason!r}"


async def ask(
    provider: Provider, request: Request = REQUEST, *, whole: bool = False, may_refuse: bool = False
) -> Outcome:
    """One call. `AssertionError` for what a provider must never do. `may_refuse`: it may be unable to say this."""
    answer = Answer(provider.name, provider.model)
    try:
        if whole:
            complete: Any = provider
            for delta in await complete.complete(request):
                _feed(answer, delta)
        else:
            async with aclosing(_stream(provider, request)) as deltas:
                async for delta in deltas:
                    _feed(answer, delta)
    except ProviderError as error:
        return Outcome(answer.message().text, error=error)
    except AssertionError:
        raise
    except Exception as error:
        if may_refuse and isinstance(error, ConfigError):
            return Outcome(refusal=error)
        raise AssertionError(
            f"law 8: a provider raises nothing but ProviderError, and this was {type(error).__name__}: {error}"
        ) from error
    assert answer.done, "law 8: the stream ended without a Done and without an error"
    message = answer.message()
    calls = [(call.name, dict(call.input)) for call in message.tool_calls]
    return Outcome(message.text, message.thinking, calls, answer.stop_reason, answer.usage, message=message)


def _feed(answer: Answer, delta: Delta) -> None:
    assert isinstance(delta, Delta), f"{delta!r} is no delta"
    assert not answer.done, f"{delta!r} came after the Done"
    answer.feed(delta)


async def _stream(provider: Provider, request: Request) -> AsyncGenerator[Delta, None]:
    stream: Any = provider.stream(request)
    try:
        async for delta in stream:
            yield delta
    finally:
        if hasattr(stream, "aclose"):
            await stream.aclose()


async def first_of(stream: AsyncIterator[Delta], seconds: float) -> Delta | None:
    """The first delta; None when the provider says nothing before the whole answer is there."""
    try:
        async with asyncio.timeout(seconds):
            return await anext(stream)
    except TimeoutError:
        return None


def ask_all(
    service: Loopback, provider: Provider, replies: Sequence[Reply], request: Request = REQUEST, **options: bool
) -> list[Outcome]:
    """What each reply comes to, one after the other on one loop; `options` as in `ask`."""

    async def each() -> list[Outcome]:
        outcomes = []
        for reply in replies:
            service.answer(reply)
            try:
                outcomes.append(await ask(provider, request, **options))
            except AssertionError as error:
                sent = reply.body if isinstance(reply.body, bytes) else b"".join(reply.body)
                raise AssertionError(f"{error}\n  after {sent[:2000]!r}") from error
        return outcomes

    return asyncio.run(each())


def expect(outcome: Outcome, case: Case, why: str) -> None:
    """`AssertionError` unless the answer is the one of the case."""
    wanted = Outcome(case.text, case.thinking, [(name, dict(input)) for name, input in case.calls], case.ends_with)
    assert outcome.said == wanted.said, f"{why}\n  expected: {wanted}\n  was:      {outcome}"
    if case.usage is not None:
        assert outcome.usage == case.usage, f"{why}\n  expected: {case.usage}\n  was:      {outcome.usage}"


def strings_of(received: Received) -> str:
    """All strings of a JSON body, also of JSON written in them, as one text; another body as it is."""
    try:
        return "\n".join(_strings(received.json))
    except ValueError:
        return received.body.decode("utf-8", "replace")


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        if value[:1] in ("{", "["):
            try:
                yield from _strings(json.loads(value))
            except ValueError:
                return
    elif isinstance(value, dict):
        for key, member in value.items():
            yield str(key)
            yield from _strings(member)
    elif isinstance(value, list):
        for member in value:
            yield from _strings(member)
