"""Certificates of the environment: whom they let us trust, and what wrong ones say."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from alloy_nb.errors import ConfigError, ServerError
from alloy_nb.providers import _environment
from alloy_nb.providers.base import Done
from tests.providers.wire import ANSWER, KEY, Wire, answering, ask, failing, provider_error

ELSEWHERE = "https://service.test"
#: Self-signed, for localhost, for a hundred years; with its key, which guards nothing.
OWN = Path(__file__).parent / "fixtures" / "localhost.pem"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The system's certificates, and no proxy."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    _environment._context.cache_clear()
    yield monkeypatch
    _environment._context.cache_clear()


@pytest.fixture
def secure_url() -> Iterator[str]:
    """A service on this machine that speaks TLS."""
    with answering("127.0.0.1", OWN) as port:
        yield f"https://localhost:{port}"


def test_whom_nobody_trusts_is_told_from_whom_nobody_reaches(secure_url: str) -> None:
    error = provider_error(Wire("m", base_url=secure_url, api_key=KEY))
    assert isinstance(error, ServerError)
    assert "self-signed certificate" in error.message
    assert not error.retryable
    assert "SSL_CERT_FILE" in str(error.hint)


def test_whom_the_users_own_certificates_vouch_for_is_asked(
    secure_url: str, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wire = Wire("m", base_url=secure_url)
    environment.setenv("SSL_CERT_FILE", str(OWN))
    environment.setenv("SSL_CERT_DIR", str(tmp_path / "missing"))  # the file counts
    wire.check()
    assert ask(wire)[-1] == Done("end_turn")
    # Taken back in a running process, they count no more.
    environment.delenv("SSL_CERT_FILE")
    environment.setenv("SSL_CERT_DIR", str(tmp_path))
    error = provider_error(wire)
    assert "SSL_CERT_DIR hold the certificate" in str(error.hint)


def test_tls_to_a_service_without_is_said_so(service: Any, reply: Any) -> None:
    service.answers(reply(ANSWER))
    error = provider_error(Wire("m", base_url=service.url.replace("http", "https"), api_key=KEY))
    assert isinstance(error, ServerError)


@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file"), ("", "holds no certificate"), ("nonsense", "holds no certificate")]
)
def test_certificates_that_cannot_be_read(
    content: str | None, why: str, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_text(content)
    environment.setenv("SSL_CERT_FILE", str(bundle))
    wire = Wire("m", base_url=ELSEWHERE)
    error = failing(wire)
    assert isinstance(error, ConfigError)
    assert f"SSL_CERT_FILE={bundle}" in error.message
    assert why in error.message
    assert "unset" in str(error.hint)
    # Mended in the running process, they are read again.
    bundle.write_bytes(OWN.read_bytes())
    wire.check()


@pytest.mark.parametrize("mode", ["a folder", "forbidden"])
def test_a_bundle_that_is_no_readable_file(mode: str, environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.mkdir() if mode == "a folder" else bundle.touch(0)
    if mode == "forbidden" and os.access(bundle, os.R_OK):
        pytest.skip("root may read everything")
    environment.setenv("SSL_CERT_FILE", str(bundle))
    error = failing(Wire("m", base_url=ELSEWHERE))
    assert isinstance(error, ConfigError)
    assert "SSL_CERT_FILE" in str(error.hint)


def test_a_folder_of_certificates_that_is_none(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """OpenSSL would pass over it in silence, and trust nobody."""
    environment.setenv("SSL_CERT_DIR", str(tmp_path / "missing"))
    error = failing(Wire("m", base_url=ELSEWHERE))
    assert isinstance(error, ConfigError)
    assert f"SSL_CERT_DIR={tmp_path}" in error.message


def test_without_tls_certificates_are_no_hindrance(service: Any, reply: Any, environment: pytest.MonkeyPatch) -> None:
    """A model on this machine answers though the company's bundle has moved."""
    environment.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    service.answers(reply(ANSWER))
    wire = Wire("m", base_url=service.url)
    wire.check()
    assert ask(wire)[-1] == Done("end_turn")


def test_a_client_of_the_users_own_with_certificates_that_cannot_be_read() -> None:
    def make() -> httpx2.AsyncClient:
        return httpx2.AsyncClient(verify=ssl.create_default_context(cafile="/nowhere/ca.pem"))

    error = failing(Wire("m", base_url=ELSEWHERE, http_client=make))
    assert isinstance(error, ConfigError)
    assert "No such file" in error.message
    assert "certificates" in str(error.hint)


def test_nor_is_its_proxys_password_shown() -> None:
    wire = Wire("m", base_url=ELSEWHERE, http_client=lambda: httpx2.AsyncClient(proxy="ftp://user:hunter2@secret@host"))
    error = failing(wire)
    assert isinstance(error, ConfigError)
    assert "hunter2" not in f"{error.message} {error.hint}"
    assert "secret" not in error.message
