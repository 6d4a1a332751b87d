"""A provider that does not keep the contract is found out, and told what is wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, ClassVar

import pytest

from alloy_nb.errors import BadRequestError, StreamError
from alloy_nb.providers import Done, HTTPProvider, Request, TextDelta, ToolCallDelta, make_error
from alloy_nb.testing.conformance import Case, Cases, ErrorCase, check_provider


def dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


def line(**event: Any) -> bytes:
    return b"data: " + dumped(event) + b"\n\n"


END = line(end="done")
CASES = Cases(
    text=Case(line(say="Hel") + line(say="lo") + END, "Hello", whole=dumped({"say": "Hello", "end": "done"})),
    call=Case(line(call="look_up", input={"word": "fjord"}) + END, calls=[("look_up", {"word": "fjord"})]),
    calls=Case(line(call="a", input={}) + line(call="b", input={"x": 1}) + END, calls=[("a", {}), ("b", {"x": 1})]),
    errors=[ErrorCase(404, b'{"error": "no such model"}', BadRequestError)],
)

pytestmark = pytest.mark.thorough


class PlainDecoder:
    def __init__(self) -> None:
        self.ended = False
        self.calls = 0

    def feed(self, event: Mapping[str, Any]) -> Iterable[Any]:
        if "error" in event:
            raise make_error(None, {}, event)
        if isinstance(event.get("say"), str):
            yield TextDelta(event["say"])
        if isinstance(event.get("call"), str):
            self.calls += 1
            input = event.get("input")
            text = dumped(input).decode() if isinstance(input, dict) else ""
            yield ToolCallDelta(self.calls, f"c{self.calls}", event["call"], text)
        self.ended = self.ended or bool(event.get("end"))

    def end(self) -> Iterable[Any]:
        if not self.ended:
            raise StreamError("cut")
        yield Done("tool_use" if self.calls else "end_turn")


class Plain(HTTPProvider):
    """A small invented wire, well done."""

    name = "plain"
    options = frozenset({"temperature", "extra_body"})
    decode: type[Any] = PlainDecoder

    def encode(self, request: Request) -> tuple[str, Mapping[str, str], dict[str, Any]]:
        tools = [{"name": t.name, "about": t.description, "takes": t.input_schema} for t in request.tools]
        said = [text for message in request.messages for text in self.words(message)]
        return "/ask", {}, {"said": said, "system": request.system_prompt, "tools": tools, **(request.extra_body or {})}

    def words(self, message: Any) -> list[str]:
        results = [f"{'failed: ' if r.is_error else ''}{r.text}" for r in message.tool_results]
        return [message.text, *results, *(call.name for call in message.tool_calls)]

    def decoder(self) -> Any:
        return self.decode()


class Credulous(PlainDecoder):
    def end(self) -> Iterable[Any]:
        yield Done("tool_use" if self.calls else "end_turn")


class Strict(PlainDecoder):
    def feed(self, event: Mapping[str, Any]) -> Iterable[Any]:
        if set(event) - {"say", "call", "input", "end", "error"}:
            raise StreamError("unknown")
        return super().feed(event)


class Remembering(PlainDecoder):
    seen: ClassVar[list[str]] = []

    def feed(self, event: Mapping[str, Any]) -> Iterable[Any]:
        if "say" in event:
            self.seen.append(event["say"])
            event = {**event, "say": f"{event['say']}{len(self.seen)}"}
        return super().feed(event)


class Doubling(PlainDecoder):
    def end(self) -> Iterable[Any]:
        yield from super().end()
        yield Done("end_turn")


class Leaking(Plain):
    def classify(self, status: int | None, headers: Mapping[str, str], body: Any) -> Any:
        error = super().classify(status, headers, body)
        error.body = str(self.auth_headers())
        return error


class Telling(Plain):
    def words(self, message: Any) -> list[str]:
        return [*super().words(message), *(str(part) for part in message.parts)]


class Smoothing(Plain):
    def words(self, message: Any) -> list[str]:
        return [message.text, *(r.text for r in message.tool_results), *(call.name for call in message.tool_calls)]


class Omitting(Plain):
    def words(self, message: Any) -> list[str]:
        return [message.text]


class Counting(Plain):
    count = 0

    def encode(self, request: Request) -> Any:
        path, headers, body = super().encode(request)
        Counting.count += 1
        return path, headers, {**body, "nonce": self.count}


class Vague(Plain):
    def classify(self, status: int | None, headers: Mapping[str, str], body: Any) -> Any:
        return BadRequestError("something is wrong")


class Reluctant(Plain):
    options = frozenset({"temperature", "extra_body"})

    def encode(self, request: Request) -> Any:
        path, headers, body = super().encode(request)
        return path, headers, {name: value for name, value in body.items() if name != "conformance"}


class Straying(Plain):
    """Goes on in the background when it is cancelled."""

    async def stream(self, request: Request) -> AsyncIterator[Any]:
        queue: asyncio.Queue[Any] = asyncio.Queue()
        ask = super().stream

        async def fetch() -> None:
            try:
                async for delta in ask(request):
                    queue.put_nowait(delta)
                queue.put_nowait(None)
            except Exception as error:
                queue.put_nowait(error)

        self.task = asyncio.create_task(fetch())
        while (delta := await queue.get()) is not None:
            if isinstance(delta, Exception):
                raise delta
            yield delta


def with_decoder(decoder: type[Any]) -> type[Plain]:
    return type(f"With{decoder.__name__}", (Plain,), {"decode": decoder})


def made(cls: type[Plain]) -> Any:
    return lambda base_url, api_key: cls("m", base_url=base_url, api_key=api_key)


def test_a_provider_that_keeps_the_contract_passes() -> None:
    report = check_provider(made(Plain), CASES)
    assert "a cut stream is an error" in report.passed
    assert set(report.skipped) == {
        "a call without arguments has an empty input",
        "thinking is the same in any split",
        "other answers are the same in any split",
        "an answer by a tool",
    }
    assert str(report).endswith(f"{len(report.passed)} passed, 4 left out")
    assert "– thinking is the same in any split: the cases have no `thinking`" in str(report)


@pytest.mark.parametrize(
    ("faulty", "found"),
    [
        (with_decoder(Credulous), "✗ a cut stream is an error"),
        (with_decoder(Strict), "✗ unknown events and fields are passed over"),
        (with_decoder(Remembering), "✗ text is the same in any split"),
        (with_decoder(Doubling), "came after the Done"),
        (Leaking, "✗ the key shows nowhere"),
        (Telling, "✗ a conversation with another provider goes on"),
        (Omitting, "✗ its own answers go back"),
        (Smoothing, "✗ that a tool failed is told"),
        (Counting, "✗ the same request is the same bytes"),
        (Vague, "✗ each status is an error whatever the body"),
        (Reluctant, "extra_body was not sent"),
        (Straying, "✗ cancelling closes the connection"),
    ],
)
def test_a_fault_is_found(faulty: type[Plain], found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Of the faulty ones some never close a connection: that need not be waited for.
    monkeypatch.setattr("alloy_nb.testing.conformance.answers.SECONDS", 1.0)
    with pytest.raises(AssertionError) as caught:
        check_provider(made(faulty), CASES)
    assert found in str(caught.value)


class Raising:
    """No HTTPProvider, and one that lets its own errors through."""

    name = model = "raising"
    options: frozenset[str] = frozenset()
    constrains_arguments = False

    async def stream(self, request: Request) -> AsyncIterator[Any]:
        yield TextDelta("Hel")
        raise KeyError("choices")


def test_an_error_of_another_kind_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alloy_nb.testing.conformance.answers.SECONDS", 0.1)
    with pytest.raises(AssertionError, match="nothing but ProviderError, and this was KeyError: 'choices'"):
        check_provider(lambda *_: Raising(), CASES)


def test_it_may_be_checked_where_a_loop_runs() -> None:
    """As in a notebook."""

    async def cell() -> None:
        check_provider(made(Plain), CASES)

    asyncio.run(cell())
