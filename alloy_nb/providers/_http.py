"""What all wires over HTTP share: one request, its answer as deltas, and every failure as a `ProviderError`."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol
from urllib.parse import urlsplit, urlunsplit

from .._version import __version__
from ..errors import AlloyError, BadRequestError, ConfigError, ProviderError, ProviderTimeout, ServerError, StreamError
from ..redaction import redact, register_secret
from ._clients import ClientFactory, client_for
from ._environment import check_network, proxy_of
from ._failures import connect_error, make_error, proxy_error, reach_hint, request_id
from ._payload import parse_body, parse_event, to_json
from .base import Delta, Request
from .keys import Secret
from .sse import NDJSONDecoder, SSEDecoder

if TYPE_CHECKING:
    import httpx2

__all__ = ["Decoder", "Encoded", "HTTPProvider"]

_log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 10.0
#: Bytes read of an error's body, and of an answer in one piece.
LARGEST_ERROR = 1024 * 1024
LARGEST_ANSWER = 256 * 1024 * 1024
#: Seconds to wait for the end of a body whose last event came, so that the connection can be used again.
_DRAIN_SECONDS = 0.25
_SECRET_NAMES = ("auth", "key", "token", "secret", "cookie", "password")

#: Path (appended to the base_url), headers, and a body that JSON can hold.
Encoded = tuple[str, Mapping[str, str], Mapping[str, Any]]


class Decoder(Protocol):
    """Turns one answer's events into deltas; it may hold state.

    `feed` takes the JSON object of each event in turn, or the whole body of an answer that is not streamed.
    `end` is called once, after the last: it gives the `Done`, or raises `StreamError` for an answer that was
    cut. Both may raise the `ProviderError` of an error that the service put into its answer.
    """

    def feed(self, event: Mapping[str, Any]) -> Iterable[Delta]: ...

    def end(self) -> Iterable[Delta]: ...


class HTTPProvider:
    """The base of a wire: a subclass says how to `encode` a request and how to decode the answer.

    Connections are kept for each event loop and closed with it. Keys travel in headers that no repr, error or
    log shows. `http_client` is a function without arguments that makes an `httpx2.AsyncClient`, called once a
    loop.
    """

    name: str = "http"
    options: frozenset[str] = frozenset()
    constrains_arguments: bool = False
    #: How a streamed answer is framed.
    framing: ClassVar[Literal["sse", "ndjson"]] = "sse"

    def __init__(
        self,
        model: str,
        *,
        base_url: str,
        api_key: str | Secret | None = None,
        headers: Mapping[str, str] | None = None,
        http_client: ClientFactory | None = None,
    ) -> None:
        if not isinstance(model, str) or not model:
            raise ConfigError(f"model is {model!r}", hint="give the model's name, as the service spells it")
        if http_client is not None and not callable(http_client):
            raise ConfigError(
                f"http_client is a {type(http_client).__name__}",
                hint="give a function that makes the client: http_client=lambda: httpx2.AsyncClient(...)",
            )
        self.model = model
        self.base_url = check_base_url(base_url)
        self._api_key = check_key(api_key)
        self._headers = {name: check_header(name, value) for name, value in (headers or {}).items()}
        self._http_client = http_client

    # What a wire says

    def encode(self, request: Request) -> Encoded:
        """Path, headers and JSON body of one call. Raises `ConfigError` for what this wire cannot say."""
        raise NotImplementedError

    def streamed(self, encoded: Encoded) -> Encoded:
        """The same call, asking for the answer as it comes."""
        path, headers, body = encoded
        return path, headers, {**body, "stream": True}

    def decoder(self) -> Decoder:
        """A fresh one for each answer."""
        raise NotImplementedError

    def classify(self, status: int, headers: Mapping[str, str], body: str) -> ProviderError:
        """The error that an answer other than 2xx amounts to."""
        return make_error(status, headers, body, service=self.name)

    def auth_headers(self) -> dict[str, str]:
        """How this wire carries the key."""
        return {"authorization": f"Bearer {self._api_key.reveal()}"} if self._api_key else {}

    # What every wire does

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """The answer as it comes."""
        async with aclosing(self._guarded(request, stream=True)) as deltas:
            async for delta in deltas:
                yield delta

    async def complete(self, request: Request) -> Sequence[Delta]:
        """The answer in one reply."""
        async with aclosing(self._guarded(request, stream=False)) as deltas:
            return [delta async for delta in deltas]

    async def get_json(self, path: str) -> Any:
        """GET a JSON document below the base_url; failures as in `stream`."""
        failure: AlloyError
        try:
            async with self._opened("GET", path, {}, None, timeout=30.0) as response:
                return json.loads(await _read(response, LARGEST_ANSWER))
        except Exception as error:  # noqa: BLE001 - see `_guarded`
            failure = self._failure(error, answering=False)
        raise failure

    def check(self) -> None:
        """Raise the `ConfigError` of a proxy or certificate setting that keeps the service from being asked.

        Nothing is sent.
        """
        if self._http_client is None:
            check_network(self.base_url)

    async def _guarded(self, request: Request, *, stream: bool) -> AsyncGenerator[Delta, None]:
        """Deltas, and nothing raised but an `AlloyError`."""
        answering = False
        failure: AlloyError
        try:
            encoded = self.encode(request)
            path, headers, body = self.streamed(encoded) if stream else encoded
            opened = self._opened("POST", path, headers, to_json(body), timeout=request.request_timeout)
            async with opened as response:
                answering = True
                async with aclosing(self._deltas(response, stream=stream)) as deltas:
                    async for delta in deltas:
                        yield delta
            return
        except Exception as error:  # noqa: BLE001 - the contract: whatever goes wrong is a ProviderError
            failure = self._failure(error, answering=answering)
        # Raised out here, so that no exception that holds a request's headers stays attached to it.
        raise failure

    @asynccontextmanager
    async def _opened(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None, *, timeout: float | None
    ) -> AsyncIterator[httpx2.Response]:
        """A response with status 2xx, its body unread; any other status raises what `classify` makes of it."""
        import httpx2

        client = await client_for(self.base_url, self._http_client)
        request = client.build_request(
            method,
            self.url(path),
            content=body,
            headers=self._all_headers(headers, body),
            timeout=httpx2.Timeout(
                timeout, connect=CONNECT_TIMEOUT if timeout is None else min(CONNECT_TIMEOUT, timeout), pool=None
            ),
        )
        response = await client.send(request, stream=True, follow_redirects=False)
        try:
            if not response.is_success:
                text = (await _read(response, LARGEST_ERROR)).decode("utf-8", "replace")
                raise self.classify(response.status_code, _lower(response.headers), text)
            yield response
        except ProviderError as error:
            error.request_id = error.request_id or request_id(_lower(response.headers))
            raise
        finally:
            await response.aclose()

    async def _deltas(self, response: httpx2.Response, *, stream: bool) -> AsyncGenerator[Delta, None]:
        _refuse_page(self.name, response)
        decoder = self.decoder()
        if _is_whole(response, stream):
            body = await _read(response, LARGEST_ANSWER)
            for delta in (*decoder.feed(parse_body(body)), *decoder.end()):
                yield delta
            return
        frames = NDJSONDecoder() if self.framing == "ndjson" else SSEDecoder()
        async with aclosing(_pieces(response)) as pieces:
            async for piece in pieces:
                for name, data in frames.feed(piece):
                    if data == "[DONE]":
                        for delta in decoder.end():
                            yield delta
                        await _drain(pieces)
                        return
                    for delta in _feed(decoder, name, data):
                        yield delta
        for name, data in frames.end():
            for delta in _feed(decoder, name, data):
                yield delta
        for delta in decoder.end():
            yield delta

    def url(self, path: str) -> str:
        """`path` below the base_url, whose query (as Azure's ``?api-version=…``) is kept."""
        scheme, host, base, query, _ = urlsplit(self.base_url)
        path, _, more = path.partition("?")
        return urlunsplit((scheme, host, base + path, "&".join(filter(None, (query, more))), ""))

    def _all_headers(self, headers: Mapping[str, str], body: bytes | None) -> dict[str, str]:
        ours = {"user-agent": f"alloy-nb/{__version__}", "accept": "application/json, text/event-stream"}
        if body is not None:
            ours["content-type"] = "application/json"
        given = {name: value.reveal() for name, value in self._headers.items()}
        merged: dict[str, str] = {}
        for name, value in (*ours.items(), *self.auth_headers().items(), *headers.items(), *given.items()):
            merged[name.lower()] = value
        return merged

    def _failure(self, error: Exception, *, answering: bool) -> AlloyError:
        """`error` in our own words: those of the HTTP library may quote headers."""
        import httpx2

        if isinstance(error, AlloyError):
            return error.with_traceback(None)
        where = self._shown_url()
        # A client of the user's own may know proxies of its own.
        proxy = None if self._http_client else proxy_of(self.base_url)
        if isinstance(error, httpx2.ConnectTimeout):
            return ProviderTimeout(f"could not connect to {where} in time", hint=reach_hint(proxy, "is it reachable?"))
        if isinstance(error, httpx2.TimeoutException):
            return ProviderTimeout(f"{self.name} was silent for longer than the request_timeout")
        if isinstance(error, httpx2.ProxyError):
            return proxy_error(where, proxy, error)
        if isinstance(error, httpx2.ConnectError):
            return connect_error(where, proxy, error)
        if isinstance(error, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError | httpx2.InvalidURL):
            return ConfigError(f"{where} cannot be asked", hint="check base_url, api_key and headers")
        if isinstance(error, httpx2.HTTPError) and not answering:
            return ServerError(f"{where} closed the connection before it answered", hint="try again")
        if isinstance(error, httpx2.HTTPError):
            return StreamError(f"the answer of {self.name} was cut short")
        _log.debug("%s: unexpected %s", self.name, type(error).__name__, exc_info=error)
        return StreamError(
            f"the answer of {self.name} could not be understood ({type(error).__name__})", retryable=False
        )

    def _shown_url(self) -> str:
        """The address without user, password and query."""
        parts = urlsplit(self.base_url)
        host = parts.netloc.rpartition("@")[2]
        return redact(urlunsplit((parts.scheme, host, parts.path, "", "")))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.model!r}, base_url={self._shown_url()!r})"


def _feed(decoder: Decoder, name: str | None, data: str) -> Iterable[Delta]:
    event = parse_event(name, data)
    return () if event is None else decoder.feed(event)


async def _pieces(response: httpx2.Response) -> AsyncGenerator[bytes, None]:
    async for piece in response.aiter_bytes():
        yield piece


def _is_whole(response: httpx2.Response, stream: bool) -> bool:
    """Services answer in one piece though a stream was asked for, and the other way round: the type decides."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("text/event-stream", "application/x-ndjson"):
        return False
    return kind == "application/json" or not stream


def _refuse_page(name: str, response: httpx2.Response) -> None:
    """A log-in page, a proxy's notice or a wrong address says 200 as well, and trying again brings no answer."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml"):
        raise BadRequestError(
            f"{name} sent a web page ({kind}) instead of an answer",
            hint="is the base_url right? A log-in page or a proxy may have answered in the service's place",
            status=response.status_code,
        )


async def _read(response: httpx2.Response, limit: int) -> bytes:
    pieces = bytearray()
    async for piece in response.aiter_bytes():
        pieces += piece
        if len(pieces) > limit:
            if response.is_success:
                raise StreamError(f"the answer is larger than {limit // 1024 // 1024} MB", retryable=False)
            break
    return bytes(pieces[:limit])


async def _drain(pieces: AsyncIterator[bytes]) -> None:
    """Read to the end of the body, but not for long: a service may keep the line open after its last event."""
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for _ in pieces:
                pass
    except Exception as error:  # noqa: BLE001 - the answer is complete, whatever happens now
        _log.debug("after the answer: %s", type(error).__name__)


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def check_base_url(base_url: str) -> str:
    """The address without a slash at its end; a password or key in it is remembered as a secret."""
    parts = urlsplit(base_url if isinstance(base_url, str) else "")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError("base_url is no http address", hint="give it in full, as in https://api.example.com/v1")
    if parts.password:
        register_secret(parts.password)
    for pair in parts.query.split("&"):
        name, _, value = pair.partition("=")
        if _is_secret(name):
            register_secret(value)
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), parts.query, ""))


def check_key(api_key: str | Secret | None) -> Secret | None:
    value = api_key.reveal() if isinstance(api_key, Secret) else api_key
    value = (value or "").strip()
    return check_header("api_key", value) if value else None


def check_header(name: str, value: str) -> Secret:
    """The value, kept from sight; a `ConfigError` for what no HTTP header can carry."""
    if not all(isinstance(text, str) and text.isascii() and text.isprintable() for text in (name, value)):
        raise ConfigError(
            f"{name!r} holds characters that no HTTP header can carry",
            hint="copy it again, without line breaks",
        )
    if _is_secret(name):
        register_secret(value)
        register_secret(value.rpartition(" ")[2])
    return Secret(value)


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in _SECRET_NAMES)
