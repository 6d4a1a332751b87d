"""The service on this machine."""

from __future__ import annotations

import httpx2
import pytest

from alloy_nb.testing.loopback import Loopback, Reply


def client() -> httpx2.Client:
    return httpx2.Client(trust_env=False)


def test_replies_come_in_order_and_the_last_one_stays() -> None:
    with Loopback(Reply(b"one"), Reply([b"tw", b"", b"o"], 418, {"x-kind": "tea"})) as service, client() as http:
        assert http.post(service.url + "/a?b=c", content=b'{"n": 1}').text == "one"
        for _ in range(2):
            again = http.get(service.url)
            assert (again.status_code, again.text, again.headers["x-kind"]) == (418, "two", "tea")
        first = service.received[0]
        assert (first.method, first.target, first.json) == ("POST", "/a?b=c", {"n": 1})
        service.answer(Reply(b"three"))
        assert service.received == []
        assert http.get(service.url).text == "three"


def test_some_paths_are_answered_beside_the_others() -> None:
    with Loopback(Reply(b"one"), beside={"/models": Reply(b"list")}) as service, client() as http:
        assert http.get(service.url + "/models?page=1").text == "list"
        assert service.received == []
        assert http.get(service.url).text == "one"


def test_pieces_arrive_as_pieces() -> None:
    with Loopback(Reply([b"a", b"bc", b"d"])) as service, client() as http, http.stream("GET", service.url) as response:
        assert list(response.iter_raw()) == [b"a", b"bc", b"d"]


def test_an_answer_may_be_cut_or_hang() -> None:
    with Loopback(Reply(b"half", end="cut")) as service, client() as http:
        with pytest.raises(httpx2.RemoteProtocolError):
            http.get(service.url)
        service.answer(Reply(b"half", end="hang"))
        with http.stream("GET", service.url) as response:
            pieces = response.iter_raw()  # held: what is dropped is closed
            assert next(pieces) == b"half"
            assert service.hangs.wait(20)
            assert not service.left.is_set()
        assert service.left.wait(20)


def test_closing_it_closes_what_is_open() -> None:
    with client() as http:
        with Loopback(Reply(b"half", end="hang")) as service:
            stream = http.stream("GET", service.url)
            response = stream.__enter__()
            assert service.hangs.wait(20)
        with pytest.raises(httpx2.HTTPError):
            response.read()
        with pytest.raises(httpx2.ConnectError):
            http.get(service.url)
        stream.__exit__(None, None, None)
    service.close()
