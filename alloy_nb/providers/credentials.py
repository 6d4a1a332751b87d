"""Keys that `alloy login` stored: in the keyring where there is one, else in a file that only its owner can read."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..folders import CONFIG_VARIABLE, config_folder
from .secret import Secret

__all__ = ["KEYRING_SERVICE", "credentials_path", "forget_key", "from_keyring", "read_credentials", "store_key"]

_log = logging.getLogger(__name__)

#: The service name under which keys are looked up in a keyring; the user name is the variable's.
KEYRING_SERVICE = "alloy-nb"
_LARGEST = 1024 * 1024
#: Below it are keyrings that are none: those that fail, forget, or write plain text.
_REAL_KEYRING = 1


def credentials_path() -> Path:
    return config_folder() / "credentials"


# The file


def read_credentials() -> Mapping[str, str]:
    """The keys in the file, by the names of their variables; no file holds none.

    Raises `ConfigError` for a file that others may read, that is none of the user's own, or that is broken.
    """
    path = credentials_path()
    data = _read_own_file(path)
    if data is None:
        return {}
    keys = _parse(data)
    if keys is None:
        raise ConfigError(f"{path} is broken", hint=f"delete it, and store the keys again: rm {path}; alloy login NAME")
    return keys


def _read_own_file(path: Path) -> bytes | None:
    """What the file holds, looked at by what was opened, not by its name."""
    try:
        # Not through a link, and not waiting for whoever writes into a pipe.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return None
    except OSError as error:
        # A folder that cannot be entered, as where HOME is another user's, holds nothing of this user's.
        if not os.path.lexists(path):
            return None
        if path.is_symlink():
            raise ConfigError(f"{path} is a symbolic link", hint=f"put the file itself there: rm {path}") from None
        hint = f"take it back: chown $USER {path}; chmod 600 {path}"
        raise ConfigError(f"{path} cannot be read: {error.strerror}", hint=hint) from None
    try:
        _check_own(path, os.fstat(handle))
        return os.read(handle, _LARGEST)
    finally:
        os.close(handle)


def _check_own(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise ConfigError(f"{path} is no file", hint=f"take it away, then `alloy login` makes it: rm -r {path}")
    if os.name == "nt":  # its permissions say nothing there
        return
    if os.geteuid() not in (0, found.st_uid):
        raise ConfigError(f"{path} belongs to another user", hint=f"chown $USER {path}; chmod 600 {path}")
    if found.st_mode & 0o077:
        mode = stat.S_IMODE(found.st_mode)
        raise ConfigError(f"{path} holds keys, and others may read it (mode {mode:o})", hint=f"chmod 600 {path}")


def _parse(data: bytes) -> dict[str, str] | None:
    """None for what is no JSON object of texts; no exception, which would carry the text along."""
    with contextlib.suppress(ValueError, RecursionError):
        keys = json.loads(data or b"{}")
        if isinstance(keys, dict) and all(isinstance(value, str) for value in keys.values()):
            return keys
    return None


def _write(keys: Mapping[str, str]) -> Path:
    """Put the file there in one step: at no moment is it half, or open to others."""
    path = credentials_path()
    folder = _own_folder(path.parent)
    try:
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".credentials-")  # its mode is 0600 from the start
        try:
            with open(handle, "w", encoding="utf-8") as file:
                json.dump(keys, file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise _cannot_write(path, error) from None
    return path


def _own_folder(folder: Path) -> Path:
    """The folder, made for the user alone; one that others may write to is refused."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.stat()
        if os.name != "nt" and found.st_mode & 0o077:
            # One that the user named may be shared on purpose.
            if not os.environ.get(CONFIG_VARIABLE, "").strip():
                folder.chmod(0o700)
            elif found.st_mode & 0o022:
                raise ConfigError(f"others may write to {folder}", hint=f"chmod 700 {folder}")
    except OSError as error:
        raise _cannot_write(folder, error) from None
    return folder


def _cannot_write(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"cannot write {path}: {error.strerror or error}",
        hint=f"set {CONFIG_VARIABLE} to a folder of yours, or put the key into the environment or into .env",
    )


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Two logins at a time would lose one of the keys."""
    from ..weights.lock import hold

    with hold(_own_folder(credentials_path().parent) / ".lock", lambda: None):
        yield


# The keyring


def from_keyring(variable: str) -> str | None:
    """The key of that name; None where there is no keyring, or it fails."""
    if find_spec("keyring") is None:
        return None
    try:
        import keyring

        found = keyring.get_password(KEYRING_SERVICE, variable)
    except Exception as error:  # noqa: BLE001 - backends raise whatever they like, and none may stop a run
        _log.debug("the keyring is passed over: %s", type(error).__name__)
        return None
    return found if isinstance(found, str) else None


def _real_keyring() -> Any:
    """The keyring's module, where a real one is behind it."""
    if find_spec("keyring") is None:
        return None
    try:
        import keyring

        return keyring if keyring.get_keyring().priority >= _REAL_KEYRING else None
    except Exception as error:  # noqa: BLE001 - as above
        _log.debug("the keyring is passed over: %s", type(error).__name__)
        return None


def _put_into_keyring(variable: str, key: Secret) -> str | None:
    """Its name; None where it did not take the key."""
    keyring = _real_keyring()
    if keyring is None:
        return None
    try:
        keyring.set_password(KEYRING_SERVICE, variable, key.reveal())
        if keyring.get_password(KEYRING_SERVICE, variable) == key.reveal():
            return str(keyring.get_keyring().name)
    except Exception as error:  # noqa: BLE001 - as above; a locked one, for example
        _log.debug("the keyring took no key: %s", type(error).__name__)
    return None


def _take_from_keyring(variable: str) -> bool:
    if from_keyring(variable) is None:
        return False
    failure = ""
    try:
        import keyring

        keyring.delete_password(KEYRING_SERVICE, variable)
    except Exception as error:  # noqa: BLE001 - as above
        failure = type(error).__name__
    if failure:
        raise ConfigError(
            f"the keyring did not give up {variable} ({failure})",
            hint=f"unlock it, or delete the entry {KEYRING_SERVICE!r} / {variable!r} by its own program",
        )
    return True


# Both


def store_key(variable: str, key: Secret) -> str:
    """Store it under the variable's name; in words, where. An older one of that name is gone.

    Raises `ConfigError` where neither keyring nor file takes it.
    """
    read_credentials()  # one that is wrong is told before anything is stored
    name = _put_into_keyring(variable, key)
    if name is not None:
        _take_from_file(variable)
        return f"the keyring ({name})"
    with _alone():
        path = _write({**read_credentials(), variable: key.reveal()})
    return f"{path}, which only you can read"


def forget_key(variable: str) -> list[str]:
    """Delete what was stored under this name; in words, where it was."""
    places = []
    if _take_from_file(variable):
        places.append(str(credentials_path()))
    if _take_from_keyring(variable):
        places.append("the keyring")
    return places


def _take_from_file(variable: str) -> bool:
    if variable not in read_credentials():
        return False
    with _alone():
        keys = dict(read_credentials())
        keys.pop(variable, None)
        _write(keys)
    return True
