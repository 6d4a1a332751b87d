"""A file of JSON lines that several processes append to, each line in one piece, perhaps chained by hashes."""

from __future__ import annotations

import errno
import json
import os
import stat
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..errors import ConfigError

__all__ = ["Ledger", "first_broken"]

#: What the first line of a chain says of the one before.
BEGINNING = "0" * 64
#: How long to wait for another process that writes, in seconds.
PATIENCE = 5.0
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)


class Ledger:
    """Opened for each line, so that a file that was moved away is made anew, and a fork shares nothing.

    A new file has mode 0600; one that is there keeps its own. Raises `ConfigError` when it cannot be written.
    """

    def __init__(self, path: Path, *, chain: bool = False) -> None:
        self.path = path
        self.chain = chain
        if chain and sys.platform == "win32":
            raise ConfigError("chain=True needs file locks, which are not to be had here", hint="leave it out")
        try:
            with self._opened() as file:
                self._check(file)
        except OSError as error:
            raise ConfigError(
                f"cannot write {path}: {error.strerror or error}",
                hint="name a file in a folder that is there and that you may write to",
            ) from error

    def _check(self, file: int) -> None:
        if not self.chain:
            return
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise ConfigError(f"{self.path} is no file: its lines cannot be chained", hint="name another one")
        last = _last_line(file)
        if last and _link(last.removesuffix(b"\n")) is None and first_broken(self.path) == 1:
            raise ConfigError(f"{self.path} holds lines that are not chained", hint="begin a new file")

    def append(self, entry: Mapping[str, Any]) -> None:
        """Write one line. Raises `OSError`."""
        with self._opened() as file:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                _write(file, _line(entry))
                return
            # The lock also without a chain: the size of a file grows by the page while another process writes, so that
            # a line in the making looks like one that was cut.
            with _locked(file, needed=self.chain):
                if not self.chain:
                    _write(file, _line(entry), after=_last_byte(file))
                    return
                last = _last_line(file)
                link = sha256(last.removesuffix(b"\n")).hexdigest() if last else BEGINNING
                _write(file, _line({**entry, "prev": link}), after=last[-1:])

    @contextmanager
    def _opened(self) -> Iterator[int]:
        file = os.open(self.path, _FLAGS, 0o600)
        try:
            yield file
        finally:
            os.close(file)


def first_broken(path: Path) -> int | None:
    """The number, from 1, of the first line that does not follow from the one before it; None when all do."""
    link = BEGINNING
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if _link(line.removesuffix(b"\n")) != link or not line.endswith(b"\n"):
                return number
            link = sha256(line.removesuffix(b"\n")).hexdigest()
    return None


def _link(line: bytes) -> Any:
    """What a line says of the one before."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry.get("prev") if isinstance(entry, dict) else None


def _line(entry: Mapping[str, Any]) -> bytes:
    # ASCII: whatever a model wrote, the line is one line, and safe to print.
    return json.dumps(entry, separators=(",", ":")).encode("ascii") + b"\n"


def _write(file: int, line: bytes, after: bytes = b"\n") -> None:
    """In one piece, also beside other processes. What a full disk cut before gets its end first."""
    if after not in (b"\n", b""):
        line = b"\n" + line
    if os.write(file, line) < len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _last_byte(file: int) -> bytes:
    size = os.fstat(file).st_size
    if not size:
        return b""
    os.lseek(file, size - 1, os.SEEK_SET)
    return os.read(file, 1)


def _last_line(file: int, block: int = 1 << 14) -> bytes:
    """With its end, where it has one; read from behind."""
    place = os.fstat(file).st_size
    found = b""
    while place > 0 and b"\n" not in found[:-1]:
        step = min(block, place)
        place -= step
        os.lseek(file, place, os.SEEK_SET)
        found = os.read(file, step) + found
        block *= 2
    return found[found.rfind(b"\n", 0, len(found) - 1) + 1 :] if found else b""


@contextmanager
def _locked(file: int, *, needed: bool) -> Iterator[None]:
    end = time.monotonic() + PATIENCE
    while not _try_lock(file, needed=needed):
        if time.monotonic() > end:
            raise OSError(errno.EAGAIN, "another process keeps the file locked")
        time.sleep(0.002)
    yield  # the lock goes when the file is closed


if sys.platform == "win32":

    def _try_lock(file: int, *, needed: bool) -> bool:  # noqa: ARG001 - chains are refused here
        return True

else:
    import fcntl

    def _try_lock(file: int, *, needed: bool) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            # Some network file systems have no locks. A chain cannot be without; lines of their own nearly can.
            if needed or error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS):
                raise
        return True
