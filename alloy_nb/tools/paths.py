"""Rules about paths that the file tools share: where a path leads, what must be asked about, what is offered."""

from __future__ import annotations

import errno
import os
import sys
import threading
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from ..errors import ToolError
from .context import ToolContext

__all__ = [
    "Place",
    "changed_since_seen",
    "check_allowed",
    "folder_of",
    "is_allowed",
    "is_inside",
    "is_secret",
    "lock_of",
    "looks_binary",
    "note_seen",
    "place_of",
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


@dataclass(frozen=True, slots=True)
class Place:
    """A path that a model gave, and what it comes to at one moment.

    - `path`: absolute, without ``..``; `real`: where that leads when every symlink is followed.
    - `risk`: why a person should be asked about it, to follow "which …"; None when it is harmless.
    - `moved`: whether it leads elsewhere than it says, through a symlink.
    """

    path: Path
    real: Path
    risk: str | None = None
    moved: bool = False

    @property
    def told(self) -> str:
        """What a question says after the path: two questions about one path are equal only for one place."""
        if self.risk is None:
            return f", which leads to `{self.real}`" if self.moved else ""
        return f", which {self.risk}" + (f": it leads to `{self.real}`" if self.moved else "")


def place_of(value: Any, ctx: ToolContext) -> Place:
    """Resolve a path that a model gave, once. Raises `ToolError` for no path, and one that is not allowed.

    >>> place_of("a/../b.txt", ToolContext(Path("/project"))).told
    ''
    """
    path = to_path(value, ctx)
    try:
        real = Path(os.path.realpath(path, strict=True))
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ToolError(f"{path} is a link that leads in a circle") from error
        real = real_path(path)
    check_allowed(path, ctx, real)
    directory = real_path(ctx.working_directory)
    straight = path
    if path.is_relative_to(ctx.working_directory):
        straight = directory / path.relative_to(ctx.working_directory)
    return Place(path, real, _risk(path, real, directory), real not in (straight, path))


def folder_of(value: Any, ctx: ToolContext) -> Place:
    """The same for a folder that is looked through, or a file. A folder's own name says nothing of what is in it."""
    place = place_of(value, ctx)
    if not place.real.is_dir():
        return place
    return replace(place, risk=_risk(place.path / "any", place.real / "any", real_path(ctx.working_directory)))


def to_path(value: Any, ctx: ToolContext) -> Path:
    """The path a model gave, absolute and without ``..``; `ToolError` when it cannot be one.

    >>> to_path("a/../b.txt", ToolContext(Path("/project"))).as_posix()
    '/project/b.txt'
    """
    if not isinstance(value, str) or not value or "\0" in value:
        raise ToolError(f"{value!r} is no path of a file")
    try:
        os.fsencode(value)
        return ctx.resolve(value)
    except (RuntimeError, ValueError) as error:  # ~nobody; half a character
        raise ToolError(f"{value!r} is no path of a file: {error}") from error


def real_path(path: Path) -> Path:
    """Where `path` leads when every symlink is followed; it need not exist."""
    return Path(os.path.realpath(path))


def is_inside(path: Path, directory: Path) -> bool:
    """Whether `path` really lies in `directory` (or is it): symlinks followed, whole names compared."""
    return real_path(path).is_relative_to(real_path(directory))


def check_allowed(path: Path, ctx: ToolContext, real: Path | None = None) -> None:
    """Raise `ToolError` when the run's `context` has ``"allowed_paths"`` and `path` lies below none of them.

    Symlinks are followed, of the path (or `real` is given) and of what is allowed; whole names are compared.
    """
    if not is_allowed(path if real is None else real, ctx):
        raise ToolError(f"Path {path} is outside allowed directories")


def is_allowed(path: Path, ctx: ToolContext) -> bool:
    """Whether ``context["allowed_paths"]`` admits `path`; without them every path is.

    They are paths, relative ones from the working directory; a single one may stand alone.

    >>> ctx = ToolContext(Path("/project"), {"allowed_paths": ["src", "/data"]})
    >>> is_allowed(Path("/project/src/a.py"), ctx), is_allowed(Path("/data-old/a.csv"), ctx)
    (True, False)
    """
    allowed: Iterable[str | Path] | str | Path | None = ctx.context.get("allowed_paths")
    if allowed is None:
        return True
    if isinstance(allowed, (str, Path)):
        allowed = [allowed]
    real = real_path(path)
    return any(real.is_relative_to(real_path(ctx.resolve(directory))) for directory in allowed)


def is_secret(path: Path) -> bool:
    """Whether the file's name, or a folder's above it, says that it holds keys or passwords.

    >>> is_secret(Path("/project/.env")), is_secret(Path("/home/me/.ssh/config")), is_secret(Path("/project/env.py"))
    (True, True, False)
    """
    parts = [_fold(part) for part in path.parts]
    if parts[1:2] == ["proc"] and path.is_absolute():  # the environment of every process, ours too
        return True
    if not SECRET_FOLDERS.isdisjoint(parts):
        return True
    names = {parts[-1], _trim(parts[-1].partition(":")[0])} if parts else set()
    return any(fnmatchcase(name, pattern) for name in names for pattern in SECRET_NAMES)


def _fold(name: str) -> str:
    """A name as the least exact file system compares it: whatever is `.env` for one of them is a secret.

    For some, case and the form of letters do not count, nor characters that nobody sees; Windows drops blanks and
    dots at the end, and reads what follows a colon as a part of the file before it.
    """
    if not name.isascii():
        name = "".join(mark for mark in name if unicodedata.category(mark) != "Cf")
        name = unicodedata.normalize("NFKC", name)
    return _trim(name.casefold())


def _trim(name: str) -> str:
    return name.rstrip(". ")


def risk_of(path: Path, ctx: ToolContext) -> str | None:
    """Why a person should be asked about `path`, to follow "which …"; None when it is harmless."""
    return _risk(path, real_path(path), real_path(ctx.working_directory))


def _risk(path: Path, real: Path, directory: Path) -> str | None:
    if not real.is_relative_to(directory):
        return "is outside the working directory"
    if is_secret(path) or is_secret(real):
        return "may hold secrets"
    return None


def lock_of(path: Path) -> threading.Lock:
    """The lock of the file that `path` leads to, so that two changes of one file never mix."""
    key = _key(path)
    with _locks_guard:
        lock = _locks.get(key)
        if lock is None:
            lock = _locks[key] = threading.Lock()
        return lock


def note_seen(path: Path, ctx: ToolContext, status: os.stat_result | None = None) -> None:
    """Remember in the run's state which version of the file the model knows; `status` is that version's."""
    version = _version(path, status)
    if version is not None:
        ctx.state.setdefault(_SEEN, {})[_key(path)] = version


def changed_since_seen(path: Path, ctx: ToolContext, status: os.stat_result | None = None) -> bool:
    """Whether the model knows an older version than the one on disk; False for a file it never saw."""
    seen = ctx.state.get(_SEEN, {}).get(_key(path))
    version = _version(path, status)
    return seen is not None and version is not None and list(seen) != version


def _key(path: Path) -> str:
    """One name for all ways to a file, also where case and the form of letters do not count."""
    real = str(real_path(path))
    return unicodedata.normalize("NFC", real).casefold() if sys.platform in ("darwin", "win32") else real


def _version(path: Path, status: os.stat_result | None) -> list[int] | None:
    """Time and size, as a list: a state that went through JSON compares equal."""
    if status is None:
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
