"""Reading the body of an answer: whole, in pieces, to its end; and what is no answer at all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING

from ..errors import BadRequestError, StreamError

if TYPE_CHECKING:
    import httpx2

__all__ = ["drain", "is_whole", "let_go", "pieces_of", "read_body", "refuse_page"]

_log = logging.getLogger(__name__)

#: Seconds to wait for the end of a body whose last event came, so that the connection can be used again.
_DRAIN_SECONDS = 0.25


async def pieces_of(response: httpx2.Response) -> AsyncGenerator[bytes, None]:
    async with aclosing(response.aiter_bytes()) as pieces:
        async for piece in pieces:
            yield piece


def is_whole(response: httpx2.Response, stream: bool) -> bool:
    """Services answer in one piece though a stream was asked for, and the other way round: the type decides."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("text/event-stream", "application/x-ndjson"):
        return False
    return kind == "application/json" or not stream


def refuse_page(name: str, response: httpx2.Response) -> None:
    """A log-in page, a proxy's notice or a wrong address says 200 as well, and trying again brings no answer."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml"):
        raise BadRequestError(
            f"{name} sent a web page ({kind}) instead of an answer",
            hint="is the base_url right? A log-in page or a proxy may have answered in the service's place",
            status=response.status_code,
        )


async def read_body(response: httpx2.Response, limit: int) -> bytes:
    pieces = bytearray()
    async with aclosing(response.aiter_bytes()) as body:
        async for piece in body:
            pieces += piece
            if len(pieces) > limit:
                if response.is_success:
                    raise StreamError(f"the answer is larger than {limit // 1024 // 1024} MB", retryable=False)
                break
    return bytes(pieces[:limit])


async def let_go() -> None:
    """After an answer that was not read to its end: leave nothing of it behind.

    The HTTP library drops a generator that it has not finished. The garbage collector has it closed by a task, which
    is made and run in the loop's next rounds.
    """
    for _ in range(3):
        await asyncio.sleep(0)


async def drain(pieces: AsyncIterator[bytes]) -> None:
    """Read to the end of the body, but not for long: a service may keep the line open after its last event."""
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for _ in pieces:
                pass
    except Exception as error:  # noqa: BLE001 - the answer is complete, whatever happens now
        _log.debug("after the answer: %s", type(error).__name__)
