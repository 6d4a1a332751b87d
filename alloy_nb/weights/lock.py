"""One pull at a time: a lock between processes that the system frees when its holder dies."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from .store import folder_error

__all__ = ["hold"]

_POLL = 0.2


@contextmanager
def hold(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock file at `path`; `waiting` is called once when somebody else holds it. Ctrl-C ends the wait.

    The file stays: deleting it would let two holders in, one on the old file and one on the new.
    """
    try:
        file = path.open("a+b")
    except OSError as error:
        raise folder_error(path.parent, error) from error
    with file:
        if not _try_lock(file):
            waiting()
            while not _try_lock(file):
                time.sleep(_POLL)
        try:
            yield
        finally:
            _unlock(file)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[bytes]) -> bool:
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)
