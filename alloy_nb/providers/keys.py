"""Where API keys come from: argument, environment, `.env`, keyring; and how they are kept from sight."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from ..errors import ConfigError
from ..redaction import MASK, register_environment, register_secret

__all__ = ["FoundKey", "Secret", "find_key", "read_dotenv"]

_log = logging.getLogger(__name__)

#: The service name under which keys are looked up in a keyring; the user name is the variable's.
KEYRING_SERVICE = "alloy-nb"
_LARGEST_DOTENV = 1024 * 1024
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=\s*(.*)")
_QUOTED = re.compile(r"""(?s)'([^']*)'|"((?:[^"\\]|\\.)*)\"""")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


class Secret:
    """A text that shows itself only when asked to: every other way of printing it gives a mark.

    >>> key = Secret("sk-not-a-real-one")
    >>> key, f"{key}", key.reveal()[:3]
    (Secret('[redacted]'), '[redacted]', 'sk-')
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


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
    """The first key of: the argument, the environment, `.env` in the working directory, the keyring.

    `variables` are tried in their order at each place. `ALLOY_DOTENV=0` leaves `.env` unread. What is found
    is remembered as a secret, so that it is taken out of everything shown. A key that no HTTP header can
    carry is a `ConfigError`.
    """
    if isinstance(argument, Secret):
        argument = argument.reveal()
    if argument is not None:
        return _found(argument, "the api_key argument") or FoundKey(None, None)
    for variable in variables:
        if found := _found(os.environ.get(variable), f"environment variable {variable}"):
            return found
    if os.environ.get("ALLOY_DOTENV", "") != "0":
        path = Path(working_directory) / ".env"
        values = read_dotenv(path)
        for variable in variables:
            if found := _found(values.get(variable), f"{variable} in {path}"):
                return found
    for variable in variables:
        if found := _found(_from_keyring(variable), f"{variable} in the keyring"):
            return found
    return FoundKey(None, None)


def register_dotenv(working_directory: str | os.PathLike[str]) -> None:
    """Remember the secrets of `.env` there: a tool that reads the file hands them to nobody."""
    if os.environ.get("ALLOY_DOTENV", "") != "0":
        register_environment(read_dotenv(Path(working_directory) / ".env"))


def _found(value: str | None, where: str) -> FoundKey | None:
    value = (value or "").strip()
    if not value:
        return None
    register_secret(value)
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ConfigError(
            f"the key from {where} holds characters that no key has",
            hint="copy the key again, without spaces, line breaks or quotes",
        )
    return FoundKey(value, where)


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


def _from_keyring(variable: str) -> str | None:
    if find_spec("keyring") is None:
        return None
    try:
        import keyring

        found = keyring.get_password(KEYRING_SERVICE, variable)
    except Exception as error:  # noqa: BLE001 - backends raise whatever they like, and none may stop a run
        _log.debug("the keyring is passed over: %s", type(error).__name__)
        return None
    return found if isinstance(found, str) else None
