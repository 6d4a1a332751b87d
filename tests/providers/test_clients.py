"""HTTP clients: few a loop, closed with it, and those that a user makes."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest

from alloy_nb.errors import ConfigError
from alloy_nb.providers import _clients
from alloy_nb.providers._clients import MOST_AT_ONCE, client_for, in_use
from alloy_nb.providers.base import Delta, Done
from tests.providers.wire import ANSWER, KEY, Wire, ask, failing, streamed


@pytest.fixture
def wire(service: Any) -> Wire:
    return Wire("m", base_url=service.url + "/base", api_key=KEY)


def test_a_client_that_is_none(wire: Wire, service: Any) -> None:
    with pytest.raises(ConfigError, match="http_client"):
        Wire("m", base_url="http://x.test", http_client=7)  # type: ignore[arg-type]
    error = failing(Wire("m", base_url=service.url, http_client=lambda: 7))  # type: ignore[arg-type,return-value]
    assert isinstance(error, ConfigError)

    def broken() -> httpx2.AsyncClient:
        raise RuntimeError(KEY)

    error = failing(Wire("m", base_url=service.url, http_client=broken, api_key=KEY))
    assert isinstance(error, ConfigError)
    assert "RuntimeError" in error.message


@pytest.mark.parametrize(
    "proxy",
    [
        "bob:s3cret@proxy.corp:3128",
        "ftp://bob:s3cret@proxy.corp:3128",
        "http://bob:s3cret/more@proxy.corp:3128",
        "http://bob:s3cret\n@proxy.corp:3128",
    ],
)
def test_what_a_factory_said_of_its_proxy_shows_no_password(service: Any, proxy: str) -> None:
    """A client quotes the address it cannot use, or the piece that it took for the port."""
    error = failing(Wire("m", base_url=service.url, http_client=lambda: httpx2.AsyncClient(proxy=proxy)))
    assert isinstance(error, ConfigError)
    assert error.message.startswith("http_client failed with ")
    assert "s3cret" not in f"{error.message} {error.hint}"
    assert "bob" not in f"{error.message} {error.hint}"
    assert error.__cause__ is error.__context__ is None


def test_one_client_a_loop_whatever_the_provider(service: Any, reply: Any) -> None:
    async def two() -> tuple[Any, Any, Any]:
        first = await client_for("http://127.0.0.1:1", None)
        second = await client_for("http://127.0.0.1:2", None)
        return first, second, await client_for("https://service.test", None)

    first, second, other = asyncio.run(two())
    assert first is second
    assert first is not other
    assert first.is_closed
    assert other.is_closed
    assert asyncio.run(two())[0] is not first


def test_many_requests_at_once_are_spread_over_several_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one pool, what each request costs grows with all connections: 200 idle ones made it six times as dear."""
    now = 0.0
    monkeypatch.setattr(_clients, "time", SimpleNamespace(monotonic=lambda: now))

    async def go() -> None:
        nonlocal now
        address = "http://127.0.0.1:1"
        under_way = []
        for _ in range(3 * MOST_AT_ONCE):
            client = await client_for(address, None)
            under_way.append((client, using := in_use(client)))
            using.__enter__()
        clients = list(dict.fromkeys(client for client, _ in under_way))
        assert len(clients) == 3
        assert all([client for client, _ in under_way].count(client) == MOST_AT_ONCE for client in clients)
        for _, using in under_way:
            using.__exit__(None, None, None)
        now += 29
        assert await client_for(address, None) is clients[0]
        assert not any(client.is_closed for client in clients)
        now += 2
        assert await client_for(address, None) is clients[0]
        await asyncio.sleep(0.01)
        assert [client.is_closed for client in clients] == [False, True, True]

    asyncio.run(go())


def test_a_client_with_a_request_under_way_is_kept_however_long_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(_clients, "time", SimpleNamespace(monotonic=lambda: now))

    async def go() -> None:
        nonlocal now
        address = "http://127.0.0.1:1"
        first = await client_for(address, None)
        with ExitStack() as quick:
            for _ in range(MOST_AT_ONCE):
                quick.enter_context(in_use(first))
            second = await client_for(address, None)
            slow = in_use(second)
            slow.__enter__()
        now += 1000
        assert await client_for(address, None) is first
        await asyncio.sleep(0.01)
        assert not second.is_closed
        slow.__exit__(None, None, None)
        now += 29
        assert await client_for(address, None) is first
        await asyncio.sleep(0.01)
        assert not second.is_closed
        now += 2
        assert await client_for(address, None) is first
        await asyncio.sleep(0.01)
        assert second.is_closed

    asyncio.run(go())


def test_a_factory_is_called_once_a_loop(service: Any, reply: Any) -> None:
    """PRV-10"""
    service.answers(reply(ANSWER))
    made: list[httpx2.AsyncClient] = []

    def factory() -> httpx2.AsyncClient:
        made.append(httpx2.AsyncClient())
        return made[-1]

    provider = Wire("m", base_url=service.url, http_client=factory)

    async def twice() -> None:
        await asyncio.gather(streamed(provider), streamed(provider))

    asyncio.run(twice())
    asyncio.run(twice())
    assert len(made) == 2
    assert all(client.is_closed for client in made)


@pytest.mark.thorough
def test_a_factorys_client_goes_when_it_goes(service: Any, reply: Any) -> None:
    """A cell that is run again and again on a long-lived loop would leave a client behind each time."""
    service.answers(reply(ANSWER))
    made: list[httpx2.AsyncClient] = []

    async def one() -> None:
        def factory() -> httpx2.AsyncClient:
            made.append(httpx2.AsyncClient())
            return made[-1]

        await streamed(Wire("m", base_url=service.url, http_client=factory))

    async def several() -> None:
        await one()
        gc.collect()
        while not made[0].is_closed:
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(several(), 20))


def test_a_factory_that_cannot_be_referred_to_weakly(service: Any, reply: Any) -> None:
    class Factory:
        __slots__ = ()

        def __call__(self) -> httpx2.AsyncClient:
            return httpx2.AsyncClient()

    service.answers(reply(ANSWER))
    assert ask(Wire("m", base_url=service.url, http_client=Factory()))[-1] == Done("end_turn")


@pytest.mark.thorough
def test_a_factory_may_outlive_its_loop(service: Any, reply: Any) -> None:
    service.answers(reply(ANSWER))

    def factory() -> httpx2.AsyncClient:
        return httpx2.AsyncClient()

    ask(Wire("m", base_url=service.url, http_client=factory))
    loop = asyncio.new_event_loop()
    loop.run_until_complete(streamed(Wire("m", base_url=service.url, http_client=factory)))
    loop.close()
    del factory
    gc.collect()


def open_files() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


@pytest.mark.thorough
def test_many_loops_leak_nothing(wire: Wire, service: Any, reply: Any) -> None:
    """A thousand `asyncio.run` leave no client, file or thread; a quarter of it shows the same."""
    service.answers(reply(ANSWER, headers={"connection": "close"}))
    ask(wire)
    gc.collect()
    files, threads = open_files(), threading.active_count()
    running = [held for held in _clients._loops.values() if not held.loop.is_closed()]
    for _ in range(250):
        ask(wire)
    gc.collect()
    assert open_files() <= files + 8  # the server's side closes in its own time
    assert threading.active_count() <= threads + 4
    assert [held for held in _clients._loops.values() if not held.loop.is_closed()] == running


def test_a_loop_that_was_just_dropped_is_let_go(wire: Wire, service: Any, reply: Any) -> None:
    """Without `shutdown_asyncgens` nothing closes the client; the next loop forgets it."""
    service.answers(reply(ANSWER + "data: [DONE]\n\n"))
    loop = asyncio.new_event_loop()
    loop.run_until_complete(streamed(wire))
    loop.close()
    assert any(held.loop is loop for held in _clients._loops.values())
    ask(wire)
    assert not any(held.loop is loop for held in _clients._loops.values())


def test_loops_in_several_threads_do_not_meet(wire: Wire, service: Any, reply: Any) -> None:
    service.answers(reply(ANSWER))
    answers: list[Delta] = []
    threads = [threading.Thread(target=lambda: answers.append(ask(wire)[-1])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == [Done("end_turn")] * 8
