"""What all wires over HTTP share: one request, its answer as deltas, and every failure as a `ProviderError`."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol
from urllib.parse import urlsplit, urlunsplit

from .._version import __version__
from ..articles import a_kind
from ..errors import AlloyError, ConfigError, ProviderError, ProviderTimeout, ServerError, StreamError
from ..keywords import keywords_told
from ..redaction import redact
from ._clients import ClientFactory, client_for, in_use
from ._environment import check_network, proxy_of
from ._failures import Vocabulary, make_error, request_id
from ._payload import parse_body, parse_document, parse_event, to_json
from ._reaching import absence_hint, connect_error, proxy_error, reach_hint
from ._reading import drain, is_whole, let_go, pieces_of, read_body, refuse_page
from ._settings import check_base_url, check_headers, check_key
from .base import Delta, OutputForms, Request
from .keys import Secret
from .sse import NDJSONDecoder, SSEDecoder
from .vendors import VENDORS

if TYPE_CHECKING:
    import httpx2

__all__ = ["Decoder", "Encoded", "HTTPProvider"]

_log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 10.0
#: Bytes read of an error's body, and of an answer in one piece.
LARGEST_ERROR = 1024 * 1024
LARGEST_ANSWER = 256 * 1024 * 1024

#: Path (appended to the base_url), headers, and a body that JSON can hold.
Encoded = tuple[str, Mapping[str, str], Mapping[str, Any]]


class Decoder(Protocol):
    """Turns one answer's events into deltas; it may hold state.

    `feed` takes the JSON object of each event in turn, or the whole body of an answer that is not streamed.
    `end` is called once, after the last: it gives the `Done`, or raises `StreamError` for an answer that was
    cut. A `finished` of its own, once true, says that no more comes, however long the line stays open. `feed` and
    `end` may raise the `ProviderError` of an error that the service put into its answer.
    """

    def feed(self, event: Mapping[str, Any]) -> Iterable[Delta]: ...

    def end(self) -> Iterable[Delta]: ...


@keywords_told
class HTTPProvider:
    """The base of a wire: a subclass says how to `encode` a request and how to decode the answer.

    Connections are kept for each event loop and closed with it. Keys travel in headers that no repr, error or
    log shows. `http_client` is a function without arguments that makes an `httpx2.AsyncClient`, called once a
    loop.
    """

    name: str = "http"
    options: frozenset[str] = frozenset()
    constrains_arguments: bool = False
    #: How its models are asked for an answer of a type; None: in words.
    output_forms: OutputForms | None = None
    #: The time limit is on the bytes: a service that sends signs of life, but no words yet, is not silent.
    watches_silence: bool = True
    #: The service's own words for what went wrong, beside those that all use.
    vocabulary: ClassVar[Vocabulary] = Vocabulary()
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
        if not isinstance(model, str) or not model.strip():
            raise ConfigError(f"model is {model!r}", hint="give the model's name, as the service spells it")
        if http_client is not None and not callable(http_client):
            raise ConfigError(
                f"http_client is {a_kind(http_client)}",
                hint="give a function that makes the client: http_client=lambda: httpx2.AsyncClient(...)",
            )
        self.model = model
        self.base_url = check_base_url(base_url)
        self._api_key = check_key(api_key)
        self._headers = check_headers(headers)
        self._http_client = http_client
        #: Stands for all that the encoding of a message depends on; see `_encoding.encode_all`.
        self.encoding_key = object()

    @property
    def own(self) -> str:
        """The name on what only this service can read, such as signatures; with the address, if it is not the vendor's.

        >>> HTTPProvider("m", base_url="https://x.test/v1").own
        'http@x.test'
        """
        host = urlsplit(self.base_url).netloc.rpartition("@")[2].lower()
        vendor = VENDORS.get(self.name)
        return self.name if vendor and urlsplit(vendor.address).netloc == host else f"{self.name}@{host}"

    @property
    def account(self) -> Hashable:
        """Who shares the service's limits: all with the same key at the same address.

        The key, or whose it is, may be in a header of the user's own.
        """
        headers = frozenset((name.lower(), value) for name, value in self._headers.items())
        return (self.name, self.base_url, self._api_key, headers)

    # What a wire says

    def encode(self, request: Request) -> Encoded:
        """Path, headers and JSON body of one call. Raises `ConfigError` for what this wire cannot say."""
        raise NotImplementedError

    def streamed(self, encoded: Encoded) -> Encoded:
        """The same call, asking for the answer as it comes."""
        path, headers, body = encoded
        return path, headers, {**body, "stream": True}

    async def prepare(self, request: Request) -> Request:
        """The request to encode; for wires that must ask their service something first."""
        return request

    def decoder(self) -> Decoder:
        """A fresh one for each answer."""
        raise NotImplementedError

    def classify(self, status: int | None, headers: Mapping[str, str], body: Any) -> ProviderError:
        """The error that an answer other than 2xx amounts to; `status` is None for one inside a stream.

        `headers` has lower-case names, `body` is text or parsed JSON.
        """
        return make_error(status, headers, body, service=self.name, model=self.model, vocabulary=self.vocabulary)

    def auth_headers(self) -> dict[str, str]:
        """How this wire carries the key."""
        return {"authorization": f"Bearer {self._api_key.reveal()}"} if self._api_key else {}

    # What every wire does

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """The answer as it comes."""
        async with aclosing(self.bursts(request)) as bursts:
            async for burst in bursts:
                for delta in burst:
                    yield delta

    async def bursts(self, request: Request) -> AsyncGenerator[Sequence[Delta], None]:
        """The same, with the deltas that arrived together told together."""
        async with aclosing(self._guarded(request, stream=True)) as bursts:
            async for burst in bursts:
                yield burst

    async def complete(self, request: Request) -> Sequence[Delta]:
        """The answer in one reply."""
        async with aclosing(self._guarded(request, stream=False)) as bursts:
            return [delta async for burst in bursts for delta in burst]

    async def get_json(self, path: str) -> Any:
        """GET a JSON document below the base_url; failures as in `stream`."""
        failure: AlloyError
        try:
            async with self._opened("GET", path, {}, None, timeout=30.0) as response:
                return parse_document(await read_body(response, LARGEST_ANSWER))
        except Exception as error:  # noqa: BLE001 - see `_guarded`
            failure = self._failure(error, answering=False)
        raise failure

    def check(self) -> None:
        """Raise the `ConfigError` of a proxy or certificate setting that keeps the service from being asked.

        Nothing is sent.
        """
        if self._http_client is None:
            check_network(self.base_url)

    async def _guarded(self, request: Request, *, stream: bool) -> AsyncGenerator[Sequence[Delta], None]:
        """Deltas, and nothing raised but an `AlloyError`."""
        answering = False
        failure: AlloyError
        try:
            request = await self.prepare(request)
            encoded = self.encode(request)
            path, headers, body = self.streamed(encoded) if stream else encoded
            opened = self._opened("POST", path, headers, to_json(body), timeout=request.request_timeout)
            async with opened as response:
                answering = True
                async with aclosing(self._read_answer(response, stream=stream)) as bursts:
                    async for burst in bursts:
                        yield burst
            return
        except Exception as error:  # noqa: BLE001 - the contract: whatever goes wrong is a ProviderError
            failure = self._failure(error, answering=answering)
        # Raised out here, so that no exception that holds a request's headers stays attached to it.
        await let_go()
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
            _parsed(self.url(path)),
            content=body,
            headers=self._all_headers(headers, body),
            timeout=httpx2.Timeout(
                timeout, connect=CONNECT_TIMEOUT if timeout is None else min(CONNECT_TIMEOUT, timeout), pool=None
            ),
        )
        with in_use(client):
            response = await client.send(request, stream=True, follow_redirects=False)
            try:
                if not response.is_success:
                    text = (await read_body(response, LARGEST_ERROR)).decode("utf-8", "replace")
                    raise self.classify(response.status_code, _lower(response.headers), text)
                yield response
            except ProviderError as error:
                error.request_id = error.request_id or request_id(_lower(response.headers))
                raise
            finally:
                if not response.is_closed:
                    await response.aclose()
                    await let_go()

    async def _read_answer(self, response: httpx2.Response, *, stream: bool) -> AsyncGenerator[Sequence[Delta], None]:
        refuse_page(self.name, response)
        decoder = _Decoding(self.decoder())
        if is_whole(response, stream):
            body = parse_body(await read_body(response, LARGEST_ANSWER))
            for burst in decoder.feed([(None, event) for event in body]):
                yield burst
        else:
            frames = NDJSONDecoder() if self.framing == "ndjson" else SSEDecoder()
            async with aclosing(pieces_of(response)) as pieces:
                async for piece in pieces:
                    for burst in decoder.feed(frames.feed(piece)):
                        yield burst
                    if decoder.complete:
                        # Before it is told that it is over: whoever reads on until then keeps the connection usable.
                        await drain(pieces)
                        yield decoder.end()
                        return
            for burst in decoder.feed(frames.end()):
                yield burst
        yield decoder.end()

    def url(self, path: str) -> str:
        """`path` below the base_url, whose query (as Azure's ``?api-version=…``) is kept."""
        return _joined(self.base_url, path)

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
        own_client = self._http_client is not None
        proxy = None if own_client else proxy_of(self.base_url)
        if isinstance(error, httpx2.ConnectTimeout):
            hint = reach_hint(proxy, absence_hint(where, own_client=own_client))
            return ProviderTimeout(f"could not connect to {where} in time", hint=hint)
        if isinstance(error, httpx2.TimeoutException):
            return ProviderTimeout(f"{self.name} was silent for longer than the request_timeout")
        if isinstance(error, httpx2.ProxyError):
            return proxy_error(where, proxy, error)
        if isinstance(error, httpx2.ConnectError):
            return connect_error(where, proxy, error, own_client=own_client)
        if isinstance(error, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError | httpx2.InvalidURL):
            return ConfigError(f"{where} cannot be asked", hint="check base_url, api_key and headers")
        if isinstance(error, httpx2.HTTPError) and not answering:
            return ServerError(f"{where} closed the connection before it answered", hint="try again")
        if isinstance(error, httpx2.HTTPError):
            return StreamError(f"the answer of {self.name} was cut short")
        _log.debug("%s: unexpected %s", self.name, type(error).__name__, exc_info=error)
        what = f"the answer of {self.name} could not be understood" if answering else f"{self.name} could not be asked"
        return StreamError(
            f"{what} ({type(error).__name__})",
            hint="the service sent what nobody expects, or its provider has a bug: logged at DEBUG, with the place",
            retryable=False,
        )

    def _shown_url(self) -> str:
        """The address without user, password and query."""
        parts = urlsplit(self.base_url)
        host = parts.netloc.rpartition("@")[2]
        return redact(urlunsplit((parts.scheme, host, parts.path, "", "")))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.model!r}, base_url={self._shown_url()!r})"


@lru_cache(maxsize=256)
def _joined(base_url: str, path: str) -> str:
    scheme, host, base, query, _ = urlsplit(base_url)
    path, _, more = path.partition("?")
    return urlunsplit((scheme, host, base + path, "&".join(filter(None, (query, more))), ""))


@lru_cache(maxsize=256)
def _parsed(url: str) -> httpx2.URL:
    import httpx2

    return httpx2.URL(url)


class _Decoding:
    """An answer on its way through its decoder: framed events in, what they amount to out."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        #: The service said that no more comes.
        self.complete = False

    def feed(self, events: Iterable[tuple[str | None, bytes | Mapping[str, Any]]]) -> Iterator[Sequence[Delta]]:
        """One burst or none; then the error, if one of the events is or makes one."""
        deltas: list[Delta] = []
        feed = self._decoder.feed
        try:
            for name, data in events:
                if data == b"[DONE]":
                    self.complete = True
                    break
                event = parse_event(name, data) if isinstance(data, bytes) else data
                if event is not None:
                    deltas += feed(event)
            self.complete = self.complete or getattr(self._decoder, "finished", False)
        except Exception:
            # What came before it is the user's.
            if deltas:
                yield deltas
            raise
        if deltas:
            yield deltas

    def end(self) -> Sequence[Delta]:
        return list(self._decoder.end())


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
