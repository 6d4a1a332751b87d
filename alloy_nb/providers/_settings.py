"""What a user sets of a service: address, key and headers, checked, and kept from sight."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlunsplit

from ..articles import a_kind
from ..errors import ConfigError
from ..redaction import register_secret
from ._environment import read_address
from .keys import Secret, key_text

__all__ = ["check_base_url", "check_header", "check_headers", "check_key"]

_SECRET_NAMES = ("auth", "key", "token", "secret", "cookie", "password")
#: What a header's name is made of.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def check_base_url(base_url: str) -> str:
    """The address without a slash at its end; a password or key in it is remembered as a secret."""
    parts = read_address(base_url if isinstance(base_url, str) else "")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError("base_url is no http address", hint="give it in full, as in https://api.example.com/v1")
    if parts.password:
        register_secret(parts.password)
    for pair in parts.query.split("&"):
        name, _, value = pair.partition("=")
        if _is_secret(name):
            register_secret(value)
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), parts.query, ""))


def check_key(api_key: Any) -> Secret | None:
    value = key_text(api_key, "the api_key argument")
    return check_header("api_key", value) if value else None


def check_headers(headers: Any) -> dict[str, Secret]:
    """The headers, their values kept from sight; a `ConfigError` for what are none."""
    if headers is None:
        return {}
    if not isinstance(headers, Mapping):
        raise ConfigError(f"headers is {a_kind(headers)}", hint='give a mapping: headers={"X-Name": "value"}')
    if not all(isinstance(name, str) and _NAME.fullmatch(name) for name in headers):
        # It is not repeated: a whole line of a header, with its key, may stand there.
        raise ConfigError("headers holds a name that no header has", hint='give name and value: {"X-Name": "value"}')
    return {name: check_header(name, value) for name, value in headers.items()}


def check_header(name: str, value: Any) -> Secret:
    """The value, kept from sight; a `ConfigError` for what no HTTP header can carry."""
    if not isinstance(value, str):
        raise ConfigError(f"the header {name!r} is {a_kind(value)}", hint="give its value as a text")
    if not (value.isascii() and value.isprintable()):
        raise ConfigError(
            f"{name!r} holds characters that no HTTP header can carry",
            hint="copy it again, without line breaks",
        )
    if _is_secret(name):
        register_secret(value)
        register_secret(value.rpartition(" ")[2])
    return Secret(value)


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in _SECRET_NAMES)
