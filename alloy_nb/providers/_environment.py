"""What the environment says of the network: its proxies and certificates, and whether they can work."""

from __future__ import annotations

import ipaddress
import os
import ssl
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ..errors import ConfigError

__all__ = [
    "Environment",
    "ProxySetting",
    "check_network",
    "is_loopback",
    "make_context",
    "proxy_of",
    "read_address",
    "read_environment",
]

_PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")


@dataclass(frozen=True, slots=True)
class Environment:
    """All that a client is made from: changed in a running kernel, it makes a new client."""

    certificates: tuple[str | None, ...]
    proxies: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class ProxySetting:
    """A proxy and the variable that names it; `shown` is its address without user and password."""

    variable: str
    shown: str


def read_environment() -> Environment:
    proxies = (os.environ.get(name) or os.environ.get(name.upper()) for name in _PROXY_VARIABLES)
    return Environment(tuple(os.environ.get(name) for name in _CERTIFICATE_VARIABLES), tuple(proxies))


def check_network(url: str) -> None:
    """Raise the `ConfigError` of a proxy or a certificate setting that keeps `url` from being asked. Sends nothing."""
    if not is_loopback(url):
        check_proxies()
    if needs_certificates(url):
        make_context()


def read_address(base_url: str) -> SplitResult:
    """The parts of a base_url; one without a readable host or port is a `ConfigError`, which quotes nothing of it."""
    try:
        parts = urlsplit(base_url)
        _ = parts.port  # raises for one that is no number
        return parts
    except ValueError:
        pass
    raise ConfigError(
        "the base_url cannot be read: its host or port is none",
        hint="give it in full, as in https://api.example.com/v1 or http://[::1]:8080/v1",
    )


# Proxies


def check_proxies() -> None:
    """A `ConfigError` that names the variable, for one that can be no proxy."""
    for scheme, value in _set_proxies().items():
        fault, remedy = _fault_of(value)
        if fault:
            name = _variable(scheme, value)
            raise ConfigError(
                f"the proxy in {name} cannot be used: {fault}",
                hint=f"{remedy or f'correct it, as in {name}=http://proxy.example:3128'}, or unset {name}",
            )


def proxy_of(url: str) -> ProxySetting | None:
    """The proxy through which `url` is reached, None where there is none."""
    from urllib.request import proxy_bypass

    parts = read_address(url)
    if is_loopback(url) or proxy_bypass(parts.hostname or ""):
        return None
    proxies = _set_proxies()
    scheme = parts.scheme if parts.scheme in proxies else "all"
    if scheme not in proxies:
        return None
    return ProxySetting(_variable(scheme, proxies[scheme]), _shown(proxies[scheme]))


def _set_proxies() -> dict[str, str]:
    """Scheme ("http", "https", "all") to address, as httpx2 reads them: none where NO_PROXY names every host."""
    from urllib.request import getproxies

    found = getproxies()
    if "*" in (host.strip() for host in found.get("no", "").split(",")):
        return {}
    return {scheme: found[scheme] for scheme in ("https", "http", "all") if found.get(scheme)}


def _variable(scheme: str, value: str) -> str:
    """As the user has spelled it. Without one it is the system's own setting, on macOS and Windows."""
    wanted = f"{scheme}_proxy"
    names = [name for name, said in os.environ.items() if name.lower() == wanted and said == value]
    return min(names, key=lambda name: name != wanted, default=wanted.upper())


def _split(proxy: str) -> SplitResult:
    return urlsplit(proxy if "://" in proxy else f"http://{proxy}")


def _shown(proxy: str) -> str:
    """Of one that can be none, nothing: who knows what in it is the password."""
    if _fault_of(proxy)[0]:
        return "…"
    parts = _split(proxy)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _fault_of(proxy: str) -> tuple[str, str]:
    """What is wrong with a proxy's address and, where it is not the address, what to do; empty when nothing is."""
    try:
        parts = _split(proxy)
        # A password with one of "/?#" as it is ends the host early, and would be taken for what it is not.
        if any("@" in part for part in (parts.path, parts.query, parts.fragment)):
            return "an @ stands behind its host", "percent-encode the user name and password (/ is %2F, # %23, ? %3F)"
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "its host or port cannot be read", ""
    if parts.scheme not in _PROXY_SCHEMES:
        return f"its scheme is none of {', '.join(_PROXY_SCHEMES)}", ""
    if not host or not host.isprintable() or " " in host:
        return "it names no host", ""
    if parts.scheme.startswith("socks") and not _speaks_socks():
        return "SOCKS needs the package `socksio`", "pip install 'httpx2[socks]'"
    return "", ""


def _speaks_socks() -> bool:
    try:
        import socksio  # type: ignore[import-not-found,unused-ignore]  # noqa: F401
    except ImportError:
        return False
    return True


# Certificates


@lru_cache(maxsize=128)
def needs_certificates(url: str) -> bool:
    """Whether TLS may be spoken: to the service, or to a proxy before it."""
    return read_address(url).scheme == "https" or not is_loopback(url)


def make_context() -> ssl.SSLContext:
    """The certificates of the environment, else of the system. A `ConfigError` names the variable that is wrong."""
    return _context(read_environment().certificates)


@lru_cache(maxsize=8)
def _context(certificates: tuple[str | None, ...]) -> ssl.SSLContext:
    """Shared by the clients of all loops: reading the trust store takes longer than a short request."""
    import httpx2

    file, folder = certificates
    name, problem = certificate_variable(), ""
    if folder and not file and not os.path.isdir(folder):
        problem = "it is no folder"  # which OpenSSL would pass over in silence, and then trust nobody
    try:
        if not problem:
            return httpx2.create_ssl_context()
    except ssl.SSLError:
        problem = "it holds no certificate"
    except OSError as error:
        problem = error.strerror or type(error).__name__
    if not name:
        raise ConfigError(f"no certificates of this system can be read: {problem}", hint="name some in SSL_CERT_FILE")
    raise ConfigError(
        f"the certificates of {name}={file or folder} cannot be read: {problem}",
        hint=f"correct {name}, or unset it to trust what the system trusts",
    )


def certificate_variable() -> str:
    """The variable that says whom to trust; empty when the system does."""
    return next((name for name in _CERTIFICATE_VARIABLES if os.environ.get(name)), "")


@lru_cache(maxsize=1)
def trust_nobody() -> ssl.SSLContext:
    """For connections that speak no TLS: certificates that cannot be read are then no hindrance."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@lru_cache(maxsize=128)
def is_loopback(url: str) -> bool:
    """Whether an address is this machine.

    >>> is_loopback("http://127.0.0.1:8080/v1"), is_loopback("http://localhost"), is_loopback("https://x.org")
    (True, True, False)
    """
    host = (read_address(url).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address: Any = ipaddress.ip_address(host)
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return bool(address.is_loopback or address.is_unspecified)
