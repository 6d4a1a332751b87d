"""HTTP clients: few for each event loop and configuration, closed when their loop ends."""

from __future__ import annotations

import asyncio
import math
import time
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

from ..articles import a_kind
from ..errors import ConfigError
from ..overrides import Overrides
from ..redaction import redact
from ._environment import check_network, is_loopback, make_context, needs_certificates, read_environment, trust_nobody

if TYPE_CHECKING:
    import httpx2

__all__ = ["ClientFactory", "client_for", "in_use", "is_overridden", "transport_override"]

ClientFactory = Callable[[], "httpx2.AsyncClient"]
#: Makes the client to use instead. It gets a function that opens the one that would have been used, and the user's
#: factory of that one, if there is one.
Override = Callable[[Callable[[], Awaitable["httpx2.AsyncClient"]], "ClientFactory | None"], Awaitable[Any]]

_KEEP_ALIVE_SECONDS = 30.0
#: Requests that one client has under way before another one is made: what a pool does for each request grows with
#: all its connections, those that are idle too.
MOST_AT_ONCE = 16


class _LoopClients:
    """The clients of one loop.

    They are held by an async generator that was started on the loop: `shutdown_asyncgens`, which `asyncio.run`
    and every tidy end of a loop call, closes it, and with it them. No exit handler, no thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.clients: dict[Hashable, httpx2.AsyncClient] = {}
        #: Requests under way, by client; and when one of ours was made or last had none any more.
        self.load: dict[httpx2.AsyncClient, int] = {}
        self.idle_since: dict[httpx2.AsyncClient, float] = {}
        # A loop refers to its tasks weakly only.
        self._closing: set[asyncio.Task[None]] = set()
        self._keeper = self._keep()

    async def open(self) -> None:
        await anext(self._keeper)

    async def _keep(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            _loops.pop(id(self.loop), None)
            clients = list(self.clients.values())
            self.clients.clear()
            self.idle_since.clear()
            await asyncio.gather(*(client.aclose() for client in clients), return_exceptions=True)

    def close_soon(self, key: Hashable) -> None:
        """Close one client, from any thread."""
        client = self.clients.pop(key, None)
        if client is None:
            return
        self.idle_since.pop(client, None)
        try:
            self.loop.call_soon_threadsafe(self._close, client)
        except RuntimeError:  # the loop is closed, and its sockets with it
            return

    def choose(self, key: Hashable, make: Callable[[], httpx2.AsyncClient]) -> httpx2.AsyncClient:
        """The first client of this configuration that has room, else a new one; those long idle are closed."""
        place = 0
        while (client := self.clients.get((key, place))) is not None and not client.is_closed:
            load = self.load.get(client, 0)
            if load < MOST_AT_ONCE:
                if place == load == 0:
                    self._close_idle(key)
                return client
            place += 1
        client = self.clients[(key, place)] = make()
        self.idle_since[client] = time.monotonic()
        return client

    def _close_idle(self, key: Hashable) -> None:
        last = 0
        while (key, last + 1) in self.clients:
            last += 1
        limit = time.monotonic() - _KEEP_ALIVE_SECONDS
        # From the last one on, so that they stay without a gap.
        while last > 0 and self._idles_since(self.clients[(key, last)]) < limit:
            self.close_soon((key, last))
            last -= 1

    def _idles_since(self, client: httpx2.AsyncClient) -> float:
        """By the monotonic clock; never for one that has a request under way, however long that takes."""
        return math.inf if self.load.get(client) else self.idle_since[client]

    def _close(self, client: httpx2.AsyncClient) -> None:
        task = self.loop.create_task(client.aclose())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


# Each loop's entry is touched by its own thread alone, but for closed loops; single operations are atomic.
_loops: dict[int, _LoopClients] = {}


async def client_for(base_url: str, factory: ClientFactory | None) -> httpx2.AsyncClient:
    """The running loop's client for this configuration, made on first use.

    Without a `factory` all providers share them: keys and addresses travel with each request. A factory is
    called once a loop, and its client lives no longer than itself. A proxy or certificate setting that cannot
    work is a `ConfigError`.
    """
    override = _overrides.newest
    if override is not None:
        made: httpx2.AsyncClient = await override(partial(_open_client, base_url, factory), factory)
        return made
    return await _open_client(base_url, factory)


_overrides: Overrides[Override] = Overrides()


@contextmanager
def transport_override(override: Override) -> Iterator[None]:
    """While it is open, every provider of the process gets its clients from `override`; the newest one counts."""
    with _overrides.open(override):
        yield


def is_overridden() -> bool:
    """Whether somebody else answers in the services' place: then no key is needed."""
    return bool(_overrides)


async def _open_client(base_url: str, factory: ClientFactory | None) -> httpx2.AsyncClient:
    held = await _of_running_loop()
    if factory is None:
        return held.choose(_default_key(base_url), partial(_make_client, base_url))
    key = ("factory", id(factory))
    client = held.clients.get(key)
    if client is None or client.is_closed:
        client = held.clients[key] = _call(factory, held, key)
    return client


@contextmanager
def in_use(client: httpx2.AsyncClient) -> Iterator[None]:
    """While a request of the running loop is under way with this client."""
    held = _loops.get(id(asyncio.get_running_loop()))
    if held is None:  # of a loop that is being closed
        yield
        return
    held.load[client] = held.load.get(client, 0) + 1
    try:
        yield
    finally:
        held.load[client] -= 1
        if not held.load[client]:
            del held.load[client]
            if client in held.idle_since:
                held.idle_since[client] = time.monotonic()


async def _of_running_loop() -> _LoopClients:
    loop = asyncio.get_running_loop()
    held = _loops.get(id(loop))
    if held is not None and held.loop is loop:
        return held
    # Loops that were closed without `shutdown_asyncgens`: let go of what they left.
    for key, other in list(_loops.items()):
        if other.loop.is_closed():
            _loops.pop(key, None)
    held = _loops[id(loop)] = _LoopClients(loop)
    await held.open()
    return held


def _call(factory: ClientFactory, held: _LoopClients, key: Hashable) -> httpx2.AsyncClient:
    problem = ""
    hint = "give a function without arguments that makes an httpx2.AsyncClient; call it to see more"
    try:
        client = factory()
    except (OSError, ImportError, ValueError) as error:  # of its options, most often `verify`, `cert` and `proxy`
        problem = _said(error)
        hint = "check its options: files that exist and hold certificates, a proxy's whole address; call it to see more"
    except Exception as error:  # noqa: BLE001 - said in our words, since a client's own may quote its headers
        problem = _said(error)
    if problem:
        raise ConfigError(f"http_client failed with {problem}", hint=hint)
    if not all(hasattr(client, name) for name in ("build_request", "send", "aclose", "is_closed")):
        raise ConfigError(
            f"http_client gave {a_kind(client)}",
            hint="give a function without arguments that makes an httpx2.AsyncClient",
        )
    try:
        weakref.finalize(factory, held.close_soon, key).atexit = False
    except TypeError:
        # What cannot be referred to weakly is kept, so that its id stays its own.
        _kept.append(factory)
    return client


_kept: list[Any] = []


def _default_key(base_url: str) -> Hashable:
    environment = read_environment()
    proxies = "direct" if is_loopback(base_url) else environment.proxies
    return ("default", proxies, environment.certificates if needs_certificates(base_url) else None)


def _make_client(base_url: str) -> httpx2.AsyncClient:
    import httpx2

    check_network(base_url)
    problem = ""
    try:
        return httpx2.AsyncClient(
            verify=make_context() if needs_certificates(base_url) else trust_nobody(),
            # Proxies come from the environment; what runs on this machine is never reached through one.
            trust_env=not is_loopback(base_url),
            limits=httpx2.Limits(max_connections=None, keepalive_expiry=_KEEP_ALIVE_SECONDS),
            # A call depends on nothing that an earlier one left behind.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        )
    except (ImportError, ValueError, TypeError, httpx2.InvalidURL) as error:
        problem = _said(error)
    raise ConfigError(
        f"the proxy of this environment cannot be used: {problem}",
        hint="check HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY",
    )


def _said(error: Exception) -> str:
    """What is wrong, without a word of its options: a proxy's address may hold a password, whole or in part."""
    name = type(error).__name__
    if isinstance(error, ImportError):
        return f"{name}: {redact(str(error))}"
    return f"{name}: {error.strerror}" if isinstance(error, OSError) and error.strerror else name
