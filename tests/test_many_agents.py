"""Agents by the thousand: what an idle one weighs, and hundreds in flight at once."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

import alloy_nb as alloy

pytestmark = pytest.mark.thorough

SERVICE = Path(__file__).parent / "benchmarks" / "service.py"


def conversation(number: int) -> list[alloy.Message]:
    pairs = [
        (
            alloy.Message.user(f"question {number} {n} " + "word " * 40),
            alloy.Message.assistant(f"answer {number} {n} " + "word " * 80),
        )
        for n in range(10)
    ]
    return [message for pair in pairs for message in pair]


@pytest.mark.thorough
def test_an_idle_agent_with_twenty_messages_weighs_at_most_60_kB() -> None:
    """Its messages included, which are about 12 kB of text; of 300 agents, as tracemalloc counts."""
    model = alloy.Scripted(["x"])
    alloy.Agent(model=model, tools=["read", "scratchpad"], messages=conversation(0))  # what is imported and made once
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        options = {"model": model, "tools": ["read", "scratchpad"]}
        agents = [alloy.Agent(**options, messages=conversation(number)) for number in range(300)]
        gc.collect()
        used = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert all(len(agent.messages) == 20 for agent in agents)
    assert used / len(agents) <= 60_000


def test_an_idle_agent_has_no_thread() -> None:
    import threading

    before = threading.active_count()
    agents = [alloy.Agent(model=alloy.Scripted(["x"]), pubsub=alloy.PubSub(), topics=["t"]) for _ in range(50)]
    assert threading.active_count() == before
    assert len(agents) == 50


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with subprocess.Popen([sys.executable, str(SERVICE)], stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        yield f"http://127.0.0.1:{int(service.stdout.readline())}/v1"
        service.terminate()


@pytest.mark.parametrize("count", [100, pytest.param(500, marks=pytest.mark.slow)])
def test_hundreds_in_flight_on_one_loop_fail_nowhere_and_tell_how_they_are(count: int, address: str) -> None:
    """Each with a round of a tool call, over real sockets, all on this loop."""

    @alloy.tool
    def echo(text: str) -> str:
        """Echo."""
        return text

    async def main() -> None:
        agents = [
            alloy.Agent(model=alloy.OpenAICompatible("tools-1", base_url=address), tools=[echo]) for _ in range(count)
        ]
        chats = [asyncio.create_task(agent.achat("go")) for agent in agents]
        seen_busy = 0
        while not all(chat.done() for chat in chats):
            seen_busy = max(seen_busy, sum(agent.health().busy for agent in agents))
            await asyncio.sleep(0)
        results = [chat.result() for chat in chats]
        assert [result.status for result in results] == ["completed"] * count
        assert all(result.turns == 2 for result in results)
        assert seen_busy == count
        assert not any(agent.health().busy for agent in agents)
        assert [agent.health().message_count for agent in agents] == [4] * count

    asyncio.run(main())
