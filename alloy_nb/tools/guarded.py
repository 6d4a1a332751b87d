"""One GET over connections that lead to checked addresses only.

What is checked is what is connected to: the name is resolved here, once for each connection, and the connection is made
to the address that was found and checked. The Host header and TLS keep the name. No proxy, cookie, stored password
or redirect takes part, since none of the HTTP client above the connections is used.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpcore2
import httpx2

from .._version import __version__
from ..errors import ToolError
from ..providers._environment import make_context
from .hosts import Reach, Resolver, addresses_of

__all__ = ["Answer", "GuardedBackend", "get"]

#: Seconds for one address to answer.
CONNECT_SECONDS = 5.0
#: Addresses of one host that are tried.
_ADDRESSES_TRIED = 4
_LARGEST_PIECE = 1 << 16


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Connects to hosts whose every address `reach` allows; `ToolError` else."""

    def __init__(self, reach: Reach, resolver: Resolver | None = None) -> None:
        self._reach = reach
        self._resolver = resolver
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        addresses = await addresses_of(host, port, self._reach, self._resolver)
        failure: Exception | None = None
        for address in addresses[:_ADDRESSES_TRIED]:
            try:
                return await self._network.connect_tcp(
                    str(address), port, timeout=timeout, local_address=local_address, socket_options=socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore2.ConnectError(f"{host} has no address")

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.AsyncNetworkStream:
        raise httpcore2.UnsupportedProtocol("a file is no host")

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. `data` is unpacked, and no longer than was asked for; `cut` when there was more."""

    status: int
    headers: httpx2.Headers
    data: bytes
    cut: bool


async def get(url: httpx2.URL, accept: str, *, limit: int, reach: Reach, resolver: Resolver | None) -> Answer:
    """GET, without following redirects; at most `limit` bytes, packed or unpacked. Raises `ToolError`."""
    try:
        async with _opened(url, accept, GuardedBackend(reach, resolver)) as response:
            headers = httpx2.Headers(response.headers)
            data, cut = await _read(response, headers.get("content-encoding", ""), limit)
            return Answer(response.status, headers, data, cut)
    except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError) as error:
        raise ToolError(f"{url.host} could not be asked: {str(error) or type(error).__name__}") from error


@asynccontextmanager
async def _opened(url: httpx2.URL, accept: str, network: GuardedBackend) -> AsyncIterator[httpcore2.Response]:
    context = make_context() if url.scheme == "https" else None
    headers = [
        (b"Host", url.netloc),
        (b"User-Agent", f"alloy-nb/{__version__}".encode()),
        (b"Accept", accept.encode()),
        (b"Accept-Encoding", b"gzip, deflate"),
        (b"Connection", b"close"),
    ]
    target = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    patience = {"timeout": {"connect": CONNECT_SECONDS}}
    async with (
        httpcore2.AsyncConnectionPool(ssl_context=context, network_backend=network) as pool,
        pool.stream("GET", target, headers=headers, extensions=patience) as response,
    ):
        yield response


async def _read(response: httpcore2.Response, packing: str, limit: int) -> tuple[bytes, bool]:
    unpack = _Unpacking(packing.strip().lower())
    data = bytearray()
    received = 0
    async with aclosing(response.aiter_stream()) as pieces:
        async for piece in pieces:
            received += len(piece)
            for start in range(0, len(piece), _LARGEST_PIECE):
                data += unpack.feed(piece[start : start + _LARGEST_PIECE], limit + 1 - len(data))
                if len(data) > limit or received > limit:
                    return bytes(data[:limit]), True
    return bytes(data), False


class _Unpacking:
    """Takes compression away, never making more than is asked for: a small bomb stays small."""

    def __init__(self, packing: str) -> None:
        if packing not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise ToolError(f"the answer is packed as {packing[:50]!r}, which was not asked for")
        self._packed = packing not in ("", "identity")
        self._deflate = packing == "deflate"
        self._stream: Any = None

    def feed(self, piece: bytes, most: int) -> bytes:
        """At most `most` bytes of what comes out; what is beyond is dropped."""
        if not self._packed or not piece:
            return piece[:most]
        if self._stream is None:
            # "deflate" may come with zlib's header (its first four bits are 8), or without.
            raw = self._deflate and piece[0] & 0x0F != 8
            self._stream = zlib.decompressobj(-zlib.MAX_WBITS if raw else zlib.MAX_WBITS | 32)
        try:
            unpacked: bytes = self._stream.decompress(piece, most)
        except zlib.error as error:
            raise ToolError(f"the answer cannot be unpacked: {error}") from error
        return unpacked
