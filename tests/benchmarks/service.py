"""A service that speaks Chat Completions and thinks nothing: run as a program, it prints its port.

The model's name says what it answers: ``text-N`` streams N deltas, ``tools-N`` asks for N rounds of one tool call.
"""

from __future__ import annotations

import asyncio
import json
from functools import cache
from typing import Any

DONE = b"data: [DONE]\n\n"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
#: Bytes written at once.
PIECE = 16 * 1024


def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    event = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(event, separators=(",", ":")).encode() + b"\n\n"


@cache
def text(deltas: int) -> bytes:
    usage = {"prompt_tokens": 10, "completion_tokens": deltas, "total_tokens": deltas + 10}
    last = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m", "choices": [], "usage": usage}
    words = b"".join(chunk({"content": f"word{n} "}) for n in range(deltas))
    return words + chunk({}, "stop") + b"data: " + json.dumps(last).encode() + b"\n\n" + DONE


def call(number: int) -> bytes:
    function = {"name": "echo", "arguments": json.dumps({"text": str(number)})}
    piece = {"index": 0, "id": f"call_{number}", "type": "function", "function": function}
    return chunk({"tool_calls": [piece]}) + chunk({}, "tool_calls") + DONE


def answer(asked: dict[str, Any]) -> bytes:
    kind, _, count = asked["model"].partition("-")
    if kind == "text":
        return text(int(count))
    rounds = sum(message["role"] == "tool" for message in asked["messages"])
    return call(rounds) if rounds < int(count) else text(5)


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.lower().split(b"\r\n")
            length = next(int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:"))
            body = answer(json.loads(await reader.readexactly(length)))
            writer.write(HEAD)
            for start in range(0, len(body), PIECE):
                piece = body[start : start + PIECE]
                writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                await writer.drain()
            writer.write(b"0\r\n\r\n")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # the other side has gone
    finally:
        writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
