"""What it means that a service is not reached: nobody there, a proxy that says no, a certificate not trusted."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ..errors import ServerError
from ..redaction import redact
from ._environment import ProxySetting, certificate_variable, is_loopback

__all__ = ["absence_hint", "connect_error", "proxy_error", "reach_hint"]


def proxy_error(where: str, proxy: ProxySetting | None, error: Exception) -> ServerError:
    """A proxy that is there and says no."""
    # Status and reason of the proxy's refusal; other texts of the HTTP library may quote what was sent.
    said = re.match(r"\d{3}\b.{0,200}", redact(str(error)))
    wants_login = said is not None and said[0].startswith("407")
    name = proxy.variable if proxy else "HTTPS_PROXY"
    return ServerError(
        f"the proxy did not let {where} through{f': {said[0].strip()}' if said else ''}",
        hint=f"it wants a user name and password: {name}=http://USER:PASSWORD@HOST:PORT"
        if wants_login
        else f"check {name} and NO_PROXY",
        retryable=not wants_login,
    )


def connect_error(where: str, proxy: ProxySetting | None, error: Exception, *, own_client: bool = False) -> ServerError:
    """Nobody there, on the way or at its end; or nobody whose certificate is trusted."""
    import socket
    import ssl

    cause = _caused_by(error, ssl.SSLError)
    if cause is None:
        through = f" through the proxy {proxy.shown}" if proxy else ""
        unknown = _caused_by(error, socket.gaierror) is not None
        hint = reach_hint(proxy, absence_hint(where, unknown=unknown, own_client=own_client))
        return ServerError(f"could not connect to {where}{through}", hint=hint)
    reason = getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or "TLS failed"
    name = certificate_variable()
    hint = f"does {name} hold the certificate that signed it? Unset it to trust what the system trusts"
    return ServerError(
        f"no secure connection to {where}: {reason}",
        hint=hint if name else "behind a company proxy, name its certificates in SSL_CERT_FILE",
        retryable=False,
    )


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    """The first of that kind among what led to `error`."""
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error


def absence_hint(where: str, *, unknown: bool = False, own_client: bool = False) -> str:
    """What to look at when nobody answers at an address without a proxy.

    `unknown`: its name has no address; `own_client`: the client is the user's, which may not heed the environment.

    >>> absence_hint("http://localhost:8000/v1")
    'is the server at localhost:8000 running, and the base_url right?'
    """
    parts = urlsplit(where)
    if is_loopback(where):
        return f"is the server at {parts.netloc} running, and the base_url right?"
    what = f"the name {parts.hostname} is not known here: is" if unknown else "is"
    proxy = "" if own_client else " Where only a proxy leads out, set HTTPS_PROXY"
    return f"{what} this machine offline, or the base_url wrong?{proxy}"


def reach_hint(proxy: ProxySetting | None, otherwise: str) -> str:
    """What to look at when a service is not reached."""
    if proxy is None:
        return otherwise
    return f"is the proxy in {proxy.variable} right, and running? For hosts that need none: NO_PROXY"
