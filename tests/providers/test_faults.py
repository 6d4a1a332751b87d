"""Whole runs against a service that fails in every way: the right error or a success, in time, and nothing left."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.errors import (
    BadRequestError,
    OverloadedError,
    ProviderError,
    ProviderTimeout,
    RateLimitError,
    ServerError,
    StreamError,
)
from alloy_nb.providers import retry

GOOD = (
    'data: {"choices": [{"index": 0, "delta": {"content": "Hello"}}]}\n\n'
    'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
)

pytestmark = pytest.mark.thorough
WORDS = 'data: {"choices": [{"index": 0, "delta": {"content": "Hel"}}]}\n\n'
HTML = {"content-type": "text/html"}
SOON = 0.3


def said(message: str) -> str:
    return json.dumps({"error": {"message": message, "type": "x", "code": None}})


#: name -> how the service answers, and what that is when it never answers otherwise.
FAULTS: dict[str, tuple[dict[str, Any], type[ProviderError]]] = {
    "429": ({"status": 429, "body": said("slow down"), "headers": {"retry-after": "2"}}, RateLimitError),
    "529": ({"status": 529, "body": said("overloaded")}, OverloadedError),
    "500": ({"status": 500, "body": said("oops")}, ServerError),
    "500 in HTML": (
        {"status": 500, "body": "<html>oops</html>", "headers": {"content-type": "text/html"}},
        ServerError,
    ),
    "502 without a body": ({"status": 502, "body": b""}, ServerError),
    "408": ({"status": 408, "body": said("too slow")}, ProviderTimeout),
    "409": ({"status": 409, "body": said("conflict")}, ServerError),
    "a reset before the answer": ({"end": "silent"}, ServerError),
    "a reset after the headers": ({"body": b"", "end": "reset"}, StreamError),
    "an end after the headers": ({"body": b"", "end": "cut"}, StreamError),
    "an answer without an end": ({"body": ": keep-alive\n\n"}, StreamError),
    "half an event": ({"body": WORDS[:40]}, StreamError),
    "half an event and a cut": ({"body": WORDS[:40], "end": "cut"}, StreamError),
    "a stall after the headers": ({"body": b"", "end": "hang"}, ProviderTimeout),
    "a stall in an event": ({"body": WORDS[:40], "end": "hang"}, ProviderTimeout),
    "an error in the stream": ({"body": f"data: {said('upstream is gone')}\n\n"}, ServerError),
}
#: What trying again does not mend.
LASTING: dict[str, tuple[dict[str, Any], type[ProviderError]]] = {
    "HTML with status 200": (
        {"body": "<html>log in</html>", "headers": {"content-type": "text/html"}},
        BadRequestError,
    ),
    "400": ({"status": 400, "body": said("no")}, BadRequestError),
    "a quota that is used up": (
        {"status": 429, "body": json.dumps({"error": {"message": "pay", "code": "insufficient_quota"}})},
        RateLimitError,
    ),
}


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(retry, "sleep", sleep)
    return waited


def ask(service: Any, **options: Any) -> alloy.Result:
    """One run on a loop of its own; asserts that no task, generator or connection outlives it."""
    model = alloy.OpenAICompatible("m", base_url=service.url, api_key="key-of-" + str(service.url))

    async def go() -> alloy.Result:
        result = await alloy.arun("hi", model=model, check=False, request_timeout=SOON, **options)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    result = asyncio.run(go())
    gc.collect()
    until(lambda: service.open == 0)
    return result


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_passes_is_overcome(
    fault: str, stream: bool, service: Any, reply: Any, waits: list[float]
) -> None:
    """RTY-8, RTY-9."""
    service.answers(reply(**FAULTS[fault][0]), reply(GOOD))
    result = ask(service, stream=stream)
    assert result.text == "Hello"
    assert [event.payload["attempt"] for event in result.events if event.type == "retry"] == [1]
    assert waits == [2] if fault == "429" else len(waits) == 1


@pytest.mark.parametrize("fault", [*FAULTS, *LASTING])
def test_a_fault_that_stays_is_told_as_what_it_is(fault: str, service: Any, reply: Any, waits: list[float]) -> None:
    """RTY-1, RTY-9, PRV-4, RTY-6."""
    answer, error = (FAULTS | LASTING)[fault]
    service.answers(reply(**answer))
    result = ask(service, max_retries=2)
    assert type(result.error) is error
    assert result.error.hint or result.error.message
    assert result.messages == ()
    # The first attempt and two more, but for what another attempt cannot mend, and for a silence, which costs time.
    again = 0 if fault in LASTING else 1 if error is ProviderTimeout else 2
    assert len(waits) == again
    assert 1 <= len(service.received) <= again + 1


@pytest.mark.parametrize("end", ["cut", "reset", "hang", "whole"])
def test_words_that_came_before_the_fault_are_kept_and_nothing_is_asked_again(
    end: str, service: Any, reply: Any, waits: list[float]
) -> None:
    """RTY-7, SSE-w2: an early end is an error, never a success."""
    service.answers(reply(WORDS, end=end))
    result = ask(service)
    assert isinstance(result.error, ProviderTimeout if end == "hang" else StreamError)
    assert result.text == "Hel"
    assert result.messages[-1].partial
    assert len(service.received) == 1


def test_bytes_that_are_no_utf8_are_replaced(service: Any, reply: Any) -> None:
    service.answers(reply(GOOD.encode().replace(b"Hello", b"Hel\xfflo")))
    assert ask(service).text == "Hel\ufffdlo"


def test_a_service_that_asks_for_two_seconds_gets_them(service: Any, reply: Any) -> None:
    """The clock is real here."""
    service.answers(reply(**FAULTS["429"][0]), reply(GOOD))
    started = time.monotonic()
    assert ask(service).text == "Hello"
    assert time.monotonic() - started >= 2


def test_nobody_is_asked_after_the_deadline(service: Any, reply: Any) -> None:
    """RTY-4: no wait that the run would not live to see."""
    service.answers(reply(**FAULTS["429"][0]))
    result = ask(service, timeout=1)
    assert isinstance(result.error, RateLimitError)
    assert len(service.received) == 1


@pytest.mark.parametrize("fault", ["500", "a stall after the headers", "a reset before the answer"])
def test_another_model_answers_instead(fault: str, service: Any, reply: Any, waits: list[float]) -> None:
    service.answers(reply(**FAULTS[fault][0]))
    result = ask(service, max_retries=1, fallback=[alloy.Scripted(["from elsewhere"])])
    assert result.text == "from elsewhere"
    assert len(service.received) == 2
