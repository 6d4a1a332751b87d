"""What is told of a service that is not reached; proxies and certificates have files of their own."""

from __future__ import annotations

import socket
from typing import Any

import httpx2
import pytest

from alloy_nb.errors import ServerError
from alloy_nb.providers.ollama import Ollama
from tests.providers.wire import KEY, Wire, mocked, provider_error


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_that_nobody_knows_asks_for_the_network(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline, the hint asked whether the service was running."""

    def nobody(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    error = provider_error(Wire("m", base_url=f"{scheme}://api.nobody.test/v1", api_key=KEY))
    assert isinstance(error, ServerError)
    for words in ("api.nobody.test is not known here", "offline", "HTTPS_PROXY"):
        assert words in str(error.hint)


@pytest.mark.parametrize("kind", [httpx2.ConnectError, httpx2.ConnectTimeout])
def test_a_service_elsewhere_that_is_not_reached_asks_for_the_network(kind: type[Exception]) -> None:

    def fail(_: httpx2.Request) -> httpx2.Response:
        raise kind("no")

    hint = str(provider_error(mocked(fail)).hint)
    assert "is this machine offline" in hint
    assert "not known" not in hint


def test_ollamas_cloud_is_not_started_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    hint = str(provider_error(Ollama("m", base_url="https://ollama.com", api_key=KEY)).hint)
    assert "offline" in hint
    assert "ollama serve" not in hint
