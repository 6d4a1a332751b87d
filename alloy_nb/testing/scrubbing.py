"""Taking secrets out of what goes to disk: addresses, headers and bodies of HTTP traffic."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from ..redaction import MASK, redact, register_secret

__all__ = ["scrub_bytes", "scrub_headers", "scrub_json", "scrub_url", "secrets_of"]

_SECRET_WORDS = ("auth", "key", "token", "secret", "password", "cookie", "signature", "credential", "session")
_NO_SECRETS = ("ratelimit", "idempotency")
#: Headers that say how a body travelled, or who asked; none of them is part of an answer.
_DROPPED = (
    "content-encoding content-length transfer-encoding connection keep-alive date server via alt-svc "
    "strict-transport-security set-cookie location openai-organization openai-project anthropic-organization-id cf-ray"
).split()
#: Members of a JSON object whose value is a secret, whatever it looks like.
_SECRET_MEMBERS = frozenset(
    "api_key apikey api-key x-api-key access_token refresh_token id_token client_secret password passwd "
    "private_key authorization".split()
)

_FIELD = re.compile(r"[a-z]*: *")


def is_secret(name: str) -> bool:
    """Whether a header or a query key of this name carries a secret."""
    name = name.lower()
    return any(word in name for word in _SECRET_WORDS) and not any(word in name for word in _NO_SECRETS)


def secrets_of(url: str, headers: Iterable[tuple[str, str]]) -> None:
    """Remember what a request carries of secrets, so that an answer which quotes them is scrubbed of them, too."""
    parts = urlsplit(url)
    found = [unquote(part) for part in (parts.username, parts.password) if part]
    found += [value for name, value in parse_qsl(parts.query, keep_blank_values=True) if is_secret(name)]
    for name, value in headers:
        if is_secret(name):
            found += [value, value.rpartition(" ")[2], *(pair.partition("=")[2] for pair in value.split("; "))]
            found += _password_of(value)
    for value in found:
        # As it is, and as JSON and an address would quote it.
        for form in {value, json.dumps(value)[1:-1], quote(value, safe=""), quote(value)}:
            register_secret(form)


def _password_of(authorization: str) -> list[str]:
    """Of ``Basic …``, which is a user name and a password in base64."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return []
    try:
        return [base64.b64decode(value).decode("utf-8", "replace").partition(":")[2]]
    except ValueError:
        return []


def scrub_url(url: str) -> str:
    """The address without user and password, and without secrets in its path and query.

    >>> scrub_url("https://me:pw@api.test/v1/models?key=abc&alt=sse")
    'https://api.test/v1/models?key=%5Bredacted%5D&alt=sse'
    """
    parts = urlsplit(url)
    path = redact(parts.path)
    if (plain := redact(unquote(path))) != unquote(path):
        path = quote(plain)
    pairs = [
        (redact(name), MASK if is_secret(name) else redact(value))
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], path, urlencode(pairs), ""))


def scrub_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers of an answer that say something about it, in lower case."""
    return {
        name.lower(): redact(value) for name, value in headers if name.lower() not in _DROPPED and not is_secret(name)
    }


def scrub_json(value: Any) -> Any:
    """The value without secrets in any of its strings, also in JSON that is written in a string.

    >>> scrub_json({"api_key": "abc", "arguments": '{"password": "p"}'})
    {'api_key': '[redacted]', 'arguments': '{"password": "[redacted]"}'}
    """
    if isinstance(value, str):
        scrubbed = _scrub_written(value) if value[:1] in ("{", "[", '"') else None
        return redact(value if scrubbed is None else scrubbed)
    if isinstance(value, list):
        return [scrub_json(item) for item in value]
    if isinstance(value, Mapping):
        return {redact(name): _scrub_member(name, item) for name, item in value.items()}
    if isinstance(value, bool) or value is None:
        return value
    # A key of digits alone may be written as a number.
    return value if redact(str(value)) == str(value) else MASK


def _scrub_member(name: str, value: Any) -> Any:
    if isinstance(value, str) and value and name.lower() in _SECRET_MEMBERS:
        return MASK
    return scrub_json(value)


def _scrub_written(text: str) -> str | None:
    """JSON text without secrets; None when it is no JSON or holds none, so that it stays as it was written."""
    try:
        value = json.loads(text)
        scrubbed = scrub_json(value)
    except (ValueError, RecursionError):
        return None
    return None if scrubbed == value else json.dumps(scrubbed, ensure_ascii=False)


def scrub_bytes(body: bytes) -> bytes:
    """A body without secrets: JSON, lines of JSON, server-sent events, any other text, or bytes."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return redact(body.decode("latin-1")).encode("latin-1")
    whole = _scrub_written(text)
    text = "\n".join(map(_scrub_line, text.split("\n"))) if whole is None else whole
    return redact(text).encode("utf-8", "surrogatepass")


def _scrub_line(line: str) -> str:
    """A line of JSON, or a field of an event that holds some."""
    field = _FIELD.match(line)
    start = field.end() if field else 0
    if line[start : start + 1] not in ("{", "[", '"'):
        return line
    scrubbed = _scrub_written(line[start:])
    return line if scrubbed is None else line[:start] + scrubbed
