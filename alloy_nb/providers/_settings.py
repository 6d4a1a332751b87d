"""What a user sets of a service: address, key and headers, checked, and kept from sight."""

from __future__ import annotations

from urllib.parse import urlunsplit

from ..errors import ConfigError
from ..redaction import register_secret
from ._environment import read_address
from .keys import Secret

__all__ = ["check_base_url", "check_header", "check_key"]

_SECRET_NAMES = ("auth", "key", "token", "secret", "cookie", "password")


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


def check_key(api_key: str | Secret | None) -> Secret | None:
    value = api_key.reveal() if isinstance(api_key, Secret) else api_key
    value = (value or "").strip()
    return check_header("api_key", value) if value else None


def check_header(name: str, value: str) -> Secret:
    """The value, kept from sight; a `ConfigError` for what no HTTP header can carry."""
    if not all(isinstance(text, str) and text.isascii() and text.isprintable() for text in (name, value)):
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
