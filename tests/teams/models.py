"""Models that misbehave, and some that do not, as plain providers: what they raise is not turned into anything."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import alloy_nb as alloy
from alloy_nb.providers.base import Delta, Done, TextDelta, ToolCallDelta, UsageDelta

Stream = Callable[[int, Any], AsyncIterator[Delta]]


class Model:
    """A provider of a function, which is called with the number of the call, from 1, and the request."""

    name = "plain"
    options: frozenset[str] = frozenset()
    constrains_arguments = False

    def __init__(self, stream: Stream) -> None:
        self.model = stream.__name__
        self._stream = stream
        self.requests: list[Any] = []

    async def stream(self, request: Any) -> AsyncIterator[Delta]:
        self.requests.append(request)
        async for delta in self._stream(len(self.requests), request):
            yield delta


async def breaks(number: int, request: Any) -> AsyncIterator[Delta]:
    raise ValueError("boom")
    yield


async def waits_for_ever(number: int, request: Any) -> AsyncIterator[Delta]:
    await asyncio.Event().wait()
    yield TextDelta("never")


async def ignores_stop(number: int, request: Any) -> AsyncIterator[Delta]:
    while not FREE.is_set():
        try:
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            continue
    yield TextDelta("late")


async def blocks(number: int, request: Any) -> AsyncIterator[Delta]:
    FREE.wait()
    yield TextDelta("late")
    yield Done("end_turn")


async def calls_hang(number: int, request: Any) -> AsyncIterator[Delta]:
    if number == 1:
        yield ToolCallDelta(0, "c1", "hang", "{}")
        yield Done("tool_use")
        return
    yield TextDelta("after all")
    yield Done("end_turn")


async def floods(number: int, request: Any) -> AsyncIterator[Delta]:
    for _ in range(20_000):
        yield TextDelta("word ")
    yield UsageDelta(alloy.Usage(10, 20_000))
    yield Done("end_turn")


async def answers_in_200_ms(number: int, request: Any) -> AsyncIterator[Delta]:
    """Two rounds of a tool, then the answer."""
    await asyncio.sleep(0.2)
    if number < 3:
        yield ToolCallDelta(0, f"c{number}", "note", "{}")
        yield Done("tool_use")
        return
    yield TextDelta("the answer")
    yield UsageDelta(alloy.Usage(10, 5))
    yield Done("end_turn")


#: What hangs comes back once this is set: `freed` of conftest does that when a test is over.
FREE = threading.Event()


@alloy.tool(name="hang")
def hang_in_a_thread() -> str:
    """Hang."""
    FREE.wait()
    return ""


@alloy.tool(name="hang")
async def hang_the_loop() -> str:
    """Hang, as an async tool must not."""
    FREE.wait()
    return ""


@alloy.tool
async def note() -> str:
    """Note."""
    return "noted"


class BreaksBefore(alloy.Middleware):
    def before_completion(self, ctx: Any) -> None:
        raise RuntimeError("a hook broke")


class BreaksAfter(alloy.Middleware):
    async def after_completion(self, ctx: Any) -> None:
        raise KeyError("a hook broke")


def twenty() -> dict[str, dict[str, Any]]:
    """Five that crash, five that hang, five that flood, five that answer."""
    crash = [
        {"model": Model(breaks)},
        {"model": Model(breaks)},
        {"model": alloy.Scripted(["x"]), "middleware": [BreaksBefore()]},
        {"model": alloy.Scripted(["x"]), "middleware": [BreaksAfter()]},
        {"model": Model(breaks), "middleware": [BreaksAfter()]},
    ]
    hang = [
        {"model": Model(waits_for_ever)},
        {"model": Model(calls_hang), "tools": [hang_in_a_thread]},
        {"model": Model(calls_hang), "tools": [hang_the_loop]},
        {"model": Model(blocks)},
        {"model": Model(ignores_stop)},
    ]
    flood = [{"model": Model(floods)} for _ in range(5)]
    answer = [{"model": Model(answers_in_200_ms), "tools": [note]} for _ in range(5)]
    kinds = {"crash": crash, "hang": hang, "flood": flood, "answer": answer}
    return {f"{kind}{number}": options for kind, all_of in kinds.items() for number, options in enumerate(all_of)}


def until(condition: Callable[[], Any], seconds: float = 30.0) -> None:
    """Wait until it holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.005)
