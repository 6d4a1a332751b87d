"""The HTTP client of the downloads: the user's proxy and certificates, and URLs shown without their passwords."""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit
from urllib.request import getproxies

from ..errors import AlloyError, ConfigError

if TYPE_CHECKING:
    import httpx2

__all__ = ["network_error", "open_client", "refusal", "without_credentials"]

_CREDENTIALS = re.compile(r"(?<=//)[^/@\s]+@")
_CONNECT, _SILENCE = 15.0, 60.0


def without_credentials(text: str) -> str:
    """`text` with user names and passwords taken out of the URLs in it.

    >>> without_credentials("https://me:secret@pypi.example/simple/")
    'https://pypi.example/simple/'
    """
    return _CREDENTIALS.sub("", text)


def open_client(*, certificates: str | None = None, proxy: str | None = None) -> httpx2.Client:
    """A client that follows redirects; httpx2 itself heeds HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE.

    `certificates` is the path of a bundle to trust, `proxy` a URL; both as pip's settings have them.
    """
    import httpx2

    from .._version import __version__

    try:
        verify: ssl.SSLContext | bool = _trust(certificates) if certificates else True
    except OSError as error:
        raise ConfigError(
            f"cannot read the certificates in {certificates}: {error.strerror or error}",
            hint="correct pip's `cert` setting or PIP_CERT",
        ) from error
    try:
        return httpx2.Client(
            verify=verify,
            proxy=proxy,
            follow_redirects=True,
            timeout=httpx2.Timeout(_SILENCE, connect=_CONNECT),
            # A compressed transfer could neither be resumed nor counted.
            headers={"User-Agent": f"alloy-nb/{__version__}", "Accept-Encoding": "identity"},
        )
    except (httpx2.InvalidURL, ValueError, ImportError) as error:
        raise ConfigError(
            f"the proxy setting cannot be used: {without_credentials(str(error))}",
            hint="correct HTTPS_PROXY, HTTP_PROXY or ALL_PROXY",
        ) from error


def _trust(certificates: str) -> ssl.SSLContext:
    folder = Path(certificates).is_dir()
    return ssl.create_default_context(cafile=None if folder else certificates, capath=certificates if folder else None)


def network_error(url: str, error: Exception) -> AlloyError:
    """What to tell when `url` could not be reached."""
    import httpx2

    shown = without_credentials(url)
    said = without_credentials(str(error)) or type(error).__name__
    if isinstance(error, httpx2.ProxyError):
        return AlloyError(f"the proxy did not let us reach {shown}: {said}", hint="check HTTPS_PROXY and NO_PROXY")
    if isinstance(error, httpx2.ConnectError) and getproxies().get(urlsplit(url).scheme):
        return AlloyError(
            f"cannot fetch {shown} through the proxy that is set: {said}", hint="check HTTPS_PROXY and NO_PROXY"
        )
    return AlloyError(
        f"cannot fetch {shown}: {said}",
        hint="check the network and run the command again: it goes on where it stopped; "
        "without a network, use `--from FILE`",
    )


def refusal(url: str, status: int) -> AlloyError:
    """What to tell when a server answered `url` with an error."""
    hints = {
        401: "the server wants a user name and password, or a token",
        403: "the server does not let you have this file",
        404: "check the name: the server has no such file",
        407: "the proxy wants a user name and password: set HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT",
        429: "the server is limiting requests: wait a little",
    }
    hint = hints.get(status, "try again later, or use `--from FILE`")
    return AlloyError(f"{without_credentials(url)} answered with HTTP {status}", hint=hint)


def inherit_credentials(url: str, base: str) -> str:
    """`url` with the credentials of `base` where both are the same server and `url` has none."""
    target, source = urlsplit(url), urlsplit(base)
    same = (target.scheme, target.netloc) == (source.scheme, source.netloc.rpartition("@")[2])
    if not same or "@" not in source.netloc:
        return url
    return urlunsplit(target._replace(netloc=source.netloc))
