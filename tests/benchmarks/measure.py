"""Processor seconds of one job done by one contestant, measured in a process of its own: run as a program.

``measure.py ADDRESS JOB CONTESTANT`` prints the best of several tries. The contestants do the same work against the
same service; the floor is the least that anybody can do: the bytes by bare httpx2, each event parsed once, nothing
kept.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

TRIES = 3
DELTAS = 20_000
AGENTS = 200

Job = Callable[[], Awaitable[None]]


def echo(text: str) -> str:
    """Say it again."""
    return text


def floor(address: str) -> dict[str, Job]:
    import httpx2
    from pydantic_core import from_json

    async def ask(client: httpx2.AsyncClient, model: str, messages: list[Any]) -> None:
        body = json.dumps({"model": model, "messages": messages, "tools": [], "stream": True}).encode()
        headers = {"content-type": "application/json", "authorization": "Bearer key"}
        async with client.stream("POST", f"{address}/chat/completions", content=body, headers=headers) as response:
            rest = b""
            async for piece in response.aiter_bytes():
                *events, rest = (rest + piece).split(b"\n\n")
                for event in events:
                    if event != b"data: [DONE]":
                        from_json(event[6:])

    def opened() -> httpx2.AsyncClient:
        return httpx2.AsyncClient(limits=httpx2.Limits(max_connections=None))

    async def text() -> None:
        async with opened() as client:
            await ask(client, f"text-{DELTAS}", [{"role": "user", "content": "hi"}])

    def rounds(count: int) -> Job:
        async def job() -> None:
            messages: list[Any] = [{"role": "user", "content": "hi"}]
            async with opened() as client:
                for number in range(count + 1):
                    await ask(client, f"tools-{count}", messages)
                    function = {"name": "echo", "arguments": json.dumps({"text": str(number)})}
                    call = {"id": f"call_{number}", "type": "function", "function": function}
                    messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
                    messages.append({"role": "tool", "tool_call_id": f"call_{number}", "content": str(number)})

        return job

    async def agents() -> None:
        async with opened() as client:
            await asyncio.gather(*(ask(client, "text-20", [{"role": "user", "content": "hi"}]) for _ in range(AGENTS)))

    return {"text": text, "rounds-100": rounds(100), "rounds-300": rounds(300), "agents": agents}


def ours(address: str) -> dict[str, Job]:
    import alloy_nb as alloy

    def model(name: str) -> alloy.OpenAICompatible:
        return alloy.OpenAICompatible(name, base_url=address, api_key="key")

    async def text() -> None:
        result = await alloy.arun("hi", model=model(f"text-{DELTAS}"))
        assert result.usage.output_tokens == DELTAS

    def rounds(count: int) -> Job:
        async def job() -> None:
            result = await alloy.arun("hi", model=model(f"tools-{count}"), tools=[echo], max_turns=count + 1)
            assert len(result.tool_calls) == count

        return job

    async def agents() -> None:
        shared = model("text-20")
        await asyncio.gather(*(alloy.arun("hi", model=shared) for _ in range(AGENTS)))

    return {"text": text, "rounds-100": rounds(100), "rounds-300": rounds(300), "agents": agents}


def pydantic_ai(address: str) -> dict[str, Job]:
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider
    from pydantic_ai.usage import UsageLimits

    provider = None

    def agent(name: str, **options: Any) -> Any:
        made = provider or OpenAIProvider(base_url=address, api_key="key")
        return Agent(OpenAIChatModel(name, provider=made), **options)

    async def text() -> None:
        async with agent(f"text-{DELTAS}").run_stream("hi") as run:
            async for _ in run.stream_text(delta=True, debounce_by=None):
                pass

    def rounds(count: int) -> Job:
        async def job() -> None:
            limits = UsageLimits(request_limit=None)
            async with agent(f"tools-{count}", tools=[echo]).run_stream("hi", usage_limits=limits) as run:
                await run.get_output()

        return job

    async def agents() -> None:
        shared = agent("text-20")

        async def one() -> None:
            async with shared.run_stream("hi") as run:
                await run.get_output()

        await asyncio.gather(*(one() for _ in range(AGENTS)))

    return {"text": text, "rounds-100": rounds(100), "rounds-300": rounds(300), "agents": agents}


def chatlas(address: str) -> dict[str, Job]:
    from chatlas import ChatOpenAICompletions

    def chat(name: str) -> Any:
        return ChatOpenAICompletions(model=name, base_url=address, api_key="key")

    async def text() -> None:
        async for _ in await chat(f"text-{DELTAS}").stream_async("hi"):
            pass

    def rounds(count: int) -> Job:
        async def job() -> None:
            made = chat(f"tools-{count}")
            made.register_tool(echo)
            async for _ in await made.stream_async("hi"):
                pass

        return job

    async def agents() -> None:
        async def one() -> None:
            async for _ in await chat("text-20").stream_async("hi"):
                pass

        await asyncio.gather(*(one() for _ in range(AGENTS)))

    return {"text": text, "rounds-100": rounds(100), "rounds-300": rounds(300), "agents": agents}


CONTESTANTS: dict[str, Callable[[str], dict[str, Job]]] = {
    "floor": floor,
    "alloy_nb": ours,
    "pydantic_ai": pydantic_ai,
    "chatlas": chatlas,
}


def cpu_seconds(job: Job, tries: int) -> float:
    best = float("inf")
    for _ in range(tries):
        started = time.process_time()
        asyncio.run(job())  # type: ignore[arg-type]
        best = min(best, time.process_time() - started)
    return best


def main() -> None:
    address, name, contestant = sys.argv[1:4]
    if hasattr(os, "sched_setaffinity"):
        # On one core: what a second one would do for us is not counted as nothing.
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    job = CONTESTANTS[contestant](address)[name]
    tries = TRIES if contestant in ("floor", "alloy_nb") else 1
    cpu_seconds(job, 1)  # imports and compiles what is not yet
    print(cpu_seconds(job, tries))


if __name__ == "__main__":
    main()
