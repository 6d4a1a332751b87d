"""Rules about paths that the file tools share: where a path leads, what must be asked about, what is offered."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from ..errors import ToolError
from .context import ToolContext

__all__ = [
    "changed_since_seen",
    "is_inside",
    "is_secret",
    "lock_of",
    "looks_binary",
    "note_seen",
    "real_path",
    "risk_of",
    "text_files",
    "to_path",
]

#: Names of files that hold keys and passwords, as globs, in lower case.
SECRET_NAMES = (
    ".env", ".env.*", "*.env", ".envrc", "*.pem", "*.key", "id_*", "*.p12", "*.pfx", "*.jks", "*.kdbx", "*.ppk",
    "*.keystore", ".netrc", "_netrc", ".pgpass", ".npmrc", ".yarnrc.yml", ".pypirc", ".htpasswd", ".my.cnf",
    ".git-credentials", ".dockercfg", ".boto", ".s3cfg", "credentials", "credentials.*", "secrets.*", ".secrets",
    ".vault-token", ".bash_history", ".zsh_history", ".python_history", "*password*", "*credential*", "*secret*",
    "*.pem.*", "*-key.json", "*_key.json", "hosts.yml",
    "client_secret*.json", "service-account*.json", "jupyter_cookie_secret", "kaggle.json", "kubeconfig",
)  # fmt: skip
#: Folders everything below which is a secret.
SECRET_FOLDERS = frozenset({".ssh", ".aws", ".azure", ".gnupg", ".kube", ".docker", "gcloud", ".password-store"})

#: Folders that hold other people's files, by the thousand.
_DULL_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages", "venv"})
_SNIFF_BYTES = 1024
_SEEN = "files_seen"

_locks: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()
_locks_guard = threading.Lock()


def to_path(value: Any, ctx: ToolContext) -> Path:
    """The path a model gave, absolute and without ``..``; `ToolError` when it cannot be one.

    >>> to_path("a/../b.txt", ToolContext(Path("/project"))).as_posix()
    '/project/b.txt'
    """
    if not isinstance(value, str) or not value or "\0" in value:
        raise ToolError(f"{value!r} is no path of a file")
    try:
        return ctx.resolve(value)
    except (RuntimeError, ValueError) as error:  # ~nobody
        raise ToolError(f"{value!r} is no path of a file: {error}") from error


def real_path(path: Path) -> Path:
    """Where `path` leads when every symlink is followed; it need not exist."""
    return Path(os.path.realpath(path))


def is_inside(path: Path, directory: Path) -> bool:
    """Whether `path` really lies in `directory` (or is it): symlinks followed, whole names compared."""
    return real_path(path).is_relative_to(real_path(directory))


def is_secret(path: Path) -> bool:
    """Whether the file's name, or a folder's above it, says that it holds keys or passwords.

    >>> is_secret(Path("/project/.env")), is_secret(Path("/home/me/.ssh/config")), is_secret(Path("/project/env.py"))
    (True, True, False)
    """
    parts = [part.lower() for part in path.parts]
    if parts[1:2] == ["proc"] and path.is_absolute():  # the environment of every process, ours too
        return True
    if not SECRET_FOLDERS.isdisjoint(parts):
        return True
    return bool(parts) and any(fnmatchcase(parts[-1], pattern) for pattern in SECRET_NAMES)


def risk_of(path: Path, ctx: ToolContext) -> str | None:
    """Why a person should be asked about `path`, to follow "which …"; None when it is harmless."""
    if not is_inside(path, ctx.working_directory):
        return "is outside the working directory"
    if is_secret(path) or is_secret(real_path(path)):
        return "may hold secrets"
    return None


def lock_of(path: Path) -> threading.Lock:
    """The lock of the file that `path` leads to, so that two changes of one file never mix."""
    key = str(real_path(path))
    with _locks_guard:
        lock = _locks.get(key)
        if lock is None:
            lock = _locks[key] = threading.Lock()
        return lock


def note_seen(path: Path, ctx: ToolContext) -> None:
    """Remember in the run's state which version of the file the model knows."""
    version = _version(path)
    if version is not None:
        ctx.state.setdefault(_SEEN, {})[str(real_path(path))] = version


def changed_since_seen(path: Path, ctx: ToolContext) -> bool:
    """Whether the model knows an older version than the one on disk; False for a file it never saw."""
    seen = ctx.state.get(_SEEN, {}).get(str(real_path(path)))
    version = _version(path)
    return seen is not None and version is not None and list(seen) != version


def _version(path: Path) -> list[int] | None:
    """Time and size, as a list: a state that went through JSON compares equal."""
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_mtime_ns, status.st_size]


def looks_binary(start: bytes) -> bool:
    """Whether the first bytes of a file are no text: a NUL, or many control characters.

    Text in UTF-16 has NULs; ask for its byte order mark first.
    """
    if b"\0" in start or start.startswith((b"%PDF-", b"\x1f\x8b")):
        return True
    odd = sum(byte < 32 and byte not in b"\t\n\r\f\b\x1b" for byte in start)
    return odd * 10 > len(start)


def text_files(directory: Path, *, limit: int = 200, entries: int = 2000) -> list[str]:
    """Paths of text files below `directory`, relative, with ``/``, sorted; hidden and secret ones left out.

    Shallow files win when there are more than `limit`; no more than `entries` directory entries are looked at.
    """
    found = (name for name, path in _walk(directory, entries) if not is_secret(path) and _is_text(path))
    return sorted(islice(found, limit))


def _walk(directory: Path, entries: int) -> Iterator[tuple[str, Path]]:
    """Plain, visible files, breadth first: a link may lead anywhere, so none is followed."""
    folders = deque([""])
    while folders and entries > 0:
        prefix = folders.popleft()
        try:
            with os.scandir(directory / prefix) as scan:
                listed = sorted(islice(scan, entries), key=lambda entry: entry.name)
        except OSError:
            continue
        entries -= len(listed)
        for entry in listed:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _DULL_FOLDERS:
                    folders.append(f"{prefix}{entry.name}/")
            elif entry.is_file(follow_symlinks=False):
                yield prefix + entry.name, Path(entry.path)


def _is_text(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return not looks_binary(file.read(_SNIFF_BYTES))
    except OSError:
        return False
