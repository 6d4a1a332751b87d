"""Where API keys come from: argument, environment, `.env`, what `alloy login` stored; first come, first taken."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..articles import a_kind
from ..errors import ConfigError
from ..redaction import MASK, register_environment, register_secret
from .credentials import credentials_path, from_keyring, read_credentials
from .secret import Secret

__all__ = ["FoundKey", "Secret", "check_key_text", "find_key", "key_text", "read_dotenv", "register_dotenv"]

_log = logging.getLogger(__name__)

_LARGEST_DOTENV = 1024 * 1024
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=\s*(.*)")
_QUOTED = re.compile(r"""(?s)'([^']*)'|"((?:[^"\\]|\\.)*)\"""")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


class FoundKey(NamedTuple):
    """A key and where it was found; both None when there is none. The key does not show in its repr."""

    value: str | None
    where: str | None

    def __repr__(self) -> str:
        return f"FoundKey(value={MASK if self.value else None!r}, where={self.where!r})"


def find_key(
    argument: str | Secret | None,
    variables: Sequence[str],
    *,
    working_directory: str | os.PathLike[str] = ".",
) -> FoundKey:
    """The first key of: the argument, the environment, `.env` in the working directory, the file of `alloy login`,
    the keyring.

    `variables` are tried in their order at each place. `ALLOY_DOTENV=0` leaves `.env` unread. What is found
    is remembered as a secret, so that it is taken out of everything shown. A key that no HTTP header can
    carry is a `ConfigError`, and so is a file of keys that others may read.
    """
    if argument is not None:
        where = "the api_key argument"
        return _found(key_text(argument, where), where) or FoundKey(None, None)
    for variable in variables:
        if found := _found(os.environ.get(variable), f"environment variable {variable}"):
            return found
    if os.environ.get("ALLOY_DOTENV", "") != "0":
        path = Path(working_directory) / ".env"
        values = read_dotenv(path)
        for variable in variables:
            if found := _found(values.get(variable), f"{variable} in {path}"):
                return found
    stored = read_credentials()
    for variable in variables:
        if found := _found(stored.get(variable), f"{variable} in {credentials_path()}"):
            return found
    for variable in variables:
        if found := _found(from_keyring(variable), f"{variable} in the keyring"):
            return found
    return FoundKey(None, None)


def register_dotenv(working_directory: str | os.PathLike[str]) -> None:
    """Remember the secrets of `.env` there, and the stored keys: a tool that reads the file hands them to nobody."""
    if os.environ.get("ALLOY_DOTENV", "") != "0":
        register_environment(read_dotenv(Path(working_directory) / ".env"))
    try:
        stored = read_credentials()
    except ConfigError as error:  # told to whoever needs a key
        _log.debug("stored keys are passed over: %s", error)
        return
    for value in stored.values():
        register_secret(value)


def _found(value: str | None, where: str) -> FoundKey | None:
    value = key_text(value, where)
    if not value:
        return None
    register_secret(value)
    check_key_text(value, where)
    return FoundKey(value, where)


def key_text(given: Any, where: str) -> str:
    """The key itself, without what a shell or a file left around it: blanks, line breaks, quotes; "" for none.

    Raises `ConfigError` for what is no text.

    >>> key_text(" 'sk-example'", "the api_key argument")
    'sk-example'
    """
    value = given.reveal() if isinstance(given, Secret) else given
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ConfigError(f"{where} is {a_kind(value)}", hint="give the key as a text")
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        value = value[1:-1].strip()
    return value


def check_key_text(value: str, where: str) -> None:
    """Raise `ConfigError` for what no HTTP header can carry; `where` tells the user which key is meant."""
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ConfigError(
            f"the key from {where} holds characters that no key has",
            hint="copy the key again, without spaces, line breaks or quotes",
        )


def read_dotenv(path: Path) -> Mapping[str, str]:
    """The variables of a `.env` file: ``KEY=VALUE``, ``export``, quotes, comments. No file gives none.

    Values in double quotes know ``\\n``, ``\\t``, ``\\"`` and ``\\\\``. Nothing is expanded, and nothing put
    into the environment.
    """
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST_DOTENV:
            return {}
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        _log.debug("%s is passed over: %s", path, type(error).__name__)
        return {}
    values = {}
    for line in text.splitlines():
        if match := _LINE.match(line):
            values[match[1]] = _unquote(match[2])
    return values


def _unquote(value: str) -> str:
    if match := _QUOTED.match(value):
        if match[1] is not None:
            return match[1]
        return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), match[2])
    # Without quotes, a comment begins at a # after a space.
    return re.split(r"(?:^|\s)#", value, maxsplit=1)[0].strip()
