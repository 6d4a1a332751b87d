"""A model that is a function."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb import ConfigError, RateLimitError, StreamError
from alloy_nb.providers.base import Done, Provider, Request, TextDelta, ThinkingDelta, ToolCallDelta
from alloy_nb.testing import Function, no_delays


def text_of(function: Any, **options: Any) -> str:
    return alloy.run("hi", model=Function(function), **options).text


def test_it_is_a_provider_that_records_what_it_is_asked() -> None:
    """TH-w2: what was sent to the model can be asserted."""
    model = Function(lambda request: f"{len(request.messages)} messages", "mine")
    assert isinstance(model, Provider)
    assert repr(model) == "<Function mine>"
    result = alloy.run("hi", model=model, system_prompt="Be brief.", temperature=0.5)
    assert result.text == "1 messages"
    (request,) = model.requests
    assert (request.system_prompt, request.temperature, request.messages[0].text) == ("Be brief.", 0.5, "hi")


def test_an_answer_may_be_written_in_many_ways() -> None:
    """TP-4"""

    async def waited(_: Request) -> str:
        await asyncio.sleep(0)
        return "waited"

    def pieces(_: Request) -> Iterator[str]:
        yield "one "
        yield "two"

    async def async_pieces(_: Request) -> AsyncIterator[Any]:
        yield ThinkingDelta("hm")
        yield "three"
        await asyncio.sleep(0)
        yield TextDelta(" four")

    assert text_of(waited) == "waited"
    assert text_of(pieces) == "one two"
    assert text_of(async_pieces) == "three four"
    assert text_of(lambda _: ["a", "b"]) == "ab"
    assert text_of(lambda _: {"text": "a line"}) == "a line"
    assert text_of(lambda _: [TextDelta("x"), Done("max_tokens")]) == "x"
    assert text_of(lambda _: Done("end_turn")) == ""


def test_a_line_may_call_tools_with_ids_of_their_own() -> None:
    def answer(request: Request) -> Any:
        done = sum(len(message.tool_results) for message in request.messages)
        return {"tool_calls": [{"name": "add", "input": {"a": done}}]} if done < 3 else "enough"

    def add(a: int) -> int:
        return a + 1

    result = alloy.run("count", model=Function(answer), tools=[add])
    assert result.text == "enough"
    assert [record.output for record in result.tool_calls] == ["1", "2", "3"]
    assert len({record.id for record in result.tool_calls}) == 3


def test_deltas_alone_say_their_own_end() -> None:
    """A cut can be tested, and so can calls."""
    with pytest.raises(StreamError, match="before it was complete"):
        text_of(lambda _: [TextDelta("half")], max_retries=0)
    call = [ToolCallDelta(0, "c1", "nothing", "{}"), Done("tool_use")]
    answers = iter([call, "ok"])
    assert text_of(lambda _: next(answers)) == "ok"


@pytest.mark.parametrize("how", ["raised", "returned", "in pieces"])
def test_an_error_may_be_raised_or_returned(how: str) -> None:
    def fail(_: Request) -> Any:
        error = RateLimitError("slow down", retry_after=2)
        if how == "raised":
            raise error
        return error if how == "returned" else ["begun ", error]

    with no_delays() as delays, pytest.raises(RateLimitError) as caught:
        text_of(fail, max_retries=2)
    # Nothing is tried again after something was emitted.
    assert delays == ([] if how == "in pieces" else [2, 2])
    assert caught.value.result is not None
    assert caught.value.result.text == ("begun " if how == "in pieces" else "")


async def _fails_later(_: Request) -> AsyncIterator[str]:
    yield "begun "
    raise KeyError("x")


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda _: {}["x"], r"failed with KeyError: 'x' \(test_function.py, line \d+\)"),
        (_fails_later, r"`_fails_later` behind the model 'function' failed with KeyError: 'x'"),
        (lambda: "x", "failed with TypeError: .*positional arguments"),
        (lambda _: None, "gave None"),
        (lambda _: 5, "gave an int"),
        (lambda _: b"x", "gave a bytes"),
        (lambda _: ["a", 5], "gave an int among its pieces"),
    ],
)
def test_a_mistake_of_the_function_is_told_as_its_own(function: Any, words: str) -> None:
    """TP-4: It was called a bug in alloy_nb, or of a service that broke off."""
    with pytest.raises(ConfigError, match=words) as caught:
        text_of(function)
    assert "bug" not in f"{caught.value} {caught.value.hint}"
    assert (caught.value.__cause__ is not None) == ("failed" in words)


def test_what_is_no_function_is_told_at_once() -> None:
    with pytest.raises(ConfigError, match="the function is an int"):
        Function(5)  # type: ignore[arg-type]


def test_a_generator_is_closed_when_the_run_is_cancelled() -> None:
    closed: list[bool] = []

    async def endless(_: Request) -> AsyncIterator[str]:
        try:
            while True:
                yield "more "
                await asyncio.sleep(0.001)
        finally:
            closed.append(True)

    run = alloy.start("x", model=Function(endless))
    next(iter(run.text_stream()))
    assert run.cancel()
    assert run.result(check=False).status == "cancelled"
    assert closed == [True]
