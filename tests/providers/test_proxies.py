"""Proxies of the environment: who is reached through one, and what a wrong one says."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alloy_nb.cli.main import main
from alloy_nb.errors import AlloyError, ConfigError, ProviderTimeout, ServerError
from alloy_nb.providers._clients import client_for
from alloy_nb.providers._environment import is_loopback, proxy_of
from alloy_nb.providers._reaching import reach_hint
from alloy_nb.providers.base import Done
from tests.providers.wire import ANSWER, KEY, Wire, answering, ask, failing, mocked, provider_error

DEAD = "http://127.0.0.1:9"
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
MALFORMED = [
    "http://",
    "http:///path",
    "   ",
    "\x01",
    "http://two words:3128",
    "http://host:port",
    "http://host:99999",
    "http://host:-1",
    "http://[::1",
    "http:127.0.0.1:3128",
    "://",
    "ftp://host:21",
    "socks4://host:1080",
    "nonsense://user:hunter2secret@host",
    "http://user:hunter2secret@host:port",
]
SAID = {"type": "message", "content": [{"type": "output_text", "text": "hello"}]}
RESPONSE = {"type": "response.completed", "response": {"status": "completed", "output": [SAID]}}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No proxy of whoever runs this."""
    for name in (*VARIABLES, "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.fixture
def service_on_v6() -> Iterator[str]:
    """The address of one on ::1."""
    try:
        with answering("::1") as port:
            yield f"http://[::1]:{port}"
    except OSError:
        pytest.skip("no IPv6 here")


# Who is reached through one


def test_loopback_addresses() -> None:
    for url in ("http://localhost:1", "http://a.localhost", "http://127.9.9.9", "http://[::1]:2", "http://0.0.0.0"):
        assert is_loopback(url)
    assert is_loopback("http://[::ffff:127.0.0.1]:8080")
    for url in ("http://localhost.example.com", "http://10.0.0.1", "https://api.example.com", "nonsense"):
        assert not is_loopback(url)
    assert not is_loopback("http://[::ffff:10.0.0.1]")
    for url in ("http://[::1", "http://localhost:port"):
        with pytest.raises(ConfigError, match="base_url cannot be read"):
            is_loopback(url)


@pytest.mark.parametrize("proxy", [DEAD, "http://host:port", "socks5://127.0.0.1:9"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_this_machine_is_never_reached_through_a_proxy(
    host: str, proxy: str, service: Any, reply: Any, environment: pytest.MonkeyPatch
) -> None:
    """Nor does a proxy that is none keep anybody from a model on this machine."""
    for name in VARIABLES:
        environment.setenv(name, proxy)
    service.answers(reply(ANSWER))
    wire = Wire("m", base_url=service.url.replace("127.0.0.1", host))
    wire.check()
    assert ask(wire)[-1] == Done("end_turn")


def test_nor_by_its_other_address(service_on_v6: str, environment: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        environment.setenv(name, DEAD)
    assert ask(Wire("m", base_url=service_on_v6))[-1] == Done("end_turn")


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_other_machines_are_reached_through_the_proxy(
    variable: str, service: Any, reply: Any, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv(variable, service.url)
    service.answers(reply(ANSWER))
    assert ask(Wire("m", base_url="http://service.test/v1"))[-1] == Done("end_turn")
    assert service.received[0].target == "http://service.test/v1/ask"


@pytest.mark.parametrize("exceptions", ["service.test", ".test,other", "*"])
def test_a_machine_that_needs_none_is_asked_itself(exceptions: str, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ALL_PROXY", "http://127.0.0.1:9")
    environment.setenv("NO_PROXY", exceptions)
    assert proxy_of("https://service.test") is None
    assert proxy_of("https://service.example") is None or exceptions != "*"


def test_the_variable_is_told_as_it_is_spelled_and_the_address_without_its_password(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("https_proxy", "http://user:hunter2secret@proxy.test:3128")
    environment.setenv("ALL_PROXY", "other.test:1")
    secure, plain = proxy_of("https://service.test"), proxy_of("http://service.test")
    assert secure is not None
    assert plain is not None
    assert (secure.variable, secure.shown) == ("https_proxy", "http://proxy.test:3128")
    assert (plain.variable, plain.shown) == ("ALL_PROXY", "http://other.test:1")
    assert "https_proxy" in reach_hint(secure, "nobody there")


# One that is wrong


@pytest.mark.parametrize("variable", ["ALL_PROXY", "https_proxy", "HTTP_PROXY"])
@pytest.mark.parametrize("proxy", MALFORMED)
def test_one_that_can_be_none_is_told_with_its_variable(
    proxy: str, variable: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv(variable, proxy)
    wire = Wire("m", base_url="https://service.test", api_key=KEY)
    for error in (failing(wire), checked(wire)):
        assert isinstance(error, ConfigError)
        assert variable in error.message
        assert f"unset {variable}" in str(error.hint)
        assert "hunter2secret" not in f"{error.message} {error.hint}"


@pytest.mark.parametrize("sign", "/?#")
@pytest.mark.parametrize("proxy", ["http://bob:4711{}hunter2@proxy.test:3128", "bob:hunter{}2@proxy.test:3128"])
def test_a_password_that_is_not_percent_encoded_is_told_and_not_shown(
    proxy: str, sign: str, environment: pytest.MonkeyPatch
) -> None:
    """It ends the host early: user and half a password were shown as the proxy's address."""
    environment.setenv("HTTPS_PROXY", proxy.format(sign))
    wire = Wire("m", base_url="https://service.test")
    setting = proxy_of("https://service.test")
    assert setting is not None
    for error in (failing(wire), checked(wire)):
        assert isinstance(error, ConfigError)
        assert "percent-encode the user name and password" in str(error.hint)
        shown = f"{error.message} {error.hint} {setting.shown}"
        assert not [word for word in ("bob", "4711", "hunter", "proxy.test") if word in shown]
    environment.setenv("HTTPS_PROXY", "http://bob:4711%2Fhunter2@proxy.test:3128/")
    wire.check()


def checked(wire: Wire) -> AlloyError:
    with pytest.raises(AlloyError) as caught:
        wire.check()
    return caught.value


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "socks5h://proxy.test:1080"])
def test_socks_needs_a_package(proxy: str, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ALL_PROXY", proxy)
    environment.setitem(sys.modules, "socksio", None)
    error = failing(Wire("m", base_url="https://service.test"))
    assert isinstance(error, ConfigError)
    assert "socksio" in error.message
    assert "pip install 'httpx2[socks]'" in str(error.hint)


@pytest.mark.parametrize("exceptions", ["[::1", "http://[", "[", "é", "http://x:port", "1.2.3.4/99", ",,", "a b"])
def test_exceptions_that_are_none_hurt_nobody(exceptions: str, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("NO_PROXY", exceptions)
    environment.setenv("HTTPS_PROXY", DEAD)
    assert isinstance(failing(Wire("m", base_url="https://service.test")), ServerError)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
@example("[")
@example("//[")
@example("http://\u2100")
def test_whatever_is_said_there_is_a_client_or_a_configuration_error(proxy: str) -> None:
    with pytest.MonkeyPatch.context() as environment, suppress(ConfigError):
        environment.setenv("ALL_PROXY", proxy)
        asyncio.run(client_for("https://service.test", None))


# One that is right, and not there or not willing


def test_one_that_is_not_there_is_told_from_a_service_that_is_not(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HTTPS_PROXY", "http://user:hunter2secret@127.0.0.1:9")
    error = provider_error(Wire("m", base_url="https://service.test", api_key=KEY))
    assert isinstance(error, ServerError)
    assert "through the proxy http://127.0.0.1:9" in error.message
    assert "HTTPS_PROXY" in str(error.hint)
    assert "hunter2secret" not in f"{error.message} {error.hint}"


@pytest.mark.parametrize(
    ("status", "hint", "retryable"), [(407, "USER:PASSWORD", False), (403, "HTTPS_PROXY and NO_PROXY", True)]
)
def test_one_that_refuses_is_told_with_its_reason(
    status: int, hint: str, retryable: bool, service: Any, reply: Any, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("HTTPS_PROXY", service.url)
    service.answers(reply("", status=status))
    error = provider_error(Wire("m", base_url="https://service.test", api_key=KEY))
    assert service.received[0].method == "CONNECT"
    assert isinstance(error, ServerError)
    assert f": {status} " in f"{error.message} "
    assert hint in str(error.hint)
    assert error.retryable is retryable


def test_a_client_of_the_users_own_is_not_told_of_the_environments_proxy(environment: pytest.MonkeyPatch) -> None:
    import httpx2

    def refuse(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectTimeout("x")

    environment.setenv("HTTPS_PROXY", "http://host:port")
    wire = mocked(refuse)
    wire.check()
    error = provider_error(wire)
    assert isinstance(error, ProviderTimeout)
    assert "PROXY" not in str(error.hint)


# On the command line


@pytest.fixture
def terminal(environment: pytest.MonkeyPatch, tmp_path: Any) -> pytest.MonkeyPatch:
    """A key and nothing else, in an empty folder, with nobody typing."""
    environment.chdir(tmp_path)
    environment.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    environment.setenv("OPENAI_API_KEY", KEY)
    environment.setenv("ALLOY_MODEL", "openai:m")
    return environment


@pytest.mark.parametrize(
    ("variable", "value"),
    [("HTTPS_PROXY", "http://host:port"), ("all_proxy", "nonsense://x"), ("SSL_CERT_FILE", "/nowhere/ca.pem")],
)
def test_a_wrong_setting_ends_the_command_with_two_lines(
    variable: str, value: str, terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.setenv(variable, value)
    assert main(["-p", "hi"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in said[-2:]] == ["Error", "Hint"]
    assert all(variable in line for line in said[-2:])
    assert "Traceback" not in "".join(said)


def test_a_model_on_this_machine_answers_whatever_is_set(
    service: Any, reply: Any, terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in VARIABLES:
        terminal.setenv(name, "http://host:port")
    terminal.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    terminal.setenv("OPENAI_BASE_URL", f"{service.url}/v1")
    service.answers(reply(f"data: {json.dumps(RESPONSE)}\n\n"))
    assert main(["-p", "hi"]) == 0
    assert capsys.readouterr().out.strip() == "hello"


@pytest.mark.parametrize(("variable", "value"), [("HTTPS_PROXY", "http://host:port"), ("SSL_CERT_FILE", "/nowhere")])
def test_the_doctor_survives_it(
    variable: str, value: str, terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.setenv(variable, value)
    assert main(["doctor"]) in (0, 1)
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.splitlines()[-1].startswith("next: ")
