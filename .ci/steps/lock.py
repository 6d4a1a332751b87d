"""Two `make` at once in one tree: one changes the environment, others wait or are told why not.

The locks are the operating system's, so a killed process leaves none behind.
"""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from .failure import Failure

UNSUPPORTED = {errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS}  # some network file systems


class Lock:
    """One lock file; `who` is what others are told, for example "make demo (process 123)"."""

    def __init__(self, path: Path, who: str) -> None:
        self.path = path
        self.who = who
        self.file: IO[str] | None = None

    def acquire(self, *, shared: bool = False, wait: bool = False) -> bool:
        """Take the lock, or change how it is held. False: somebody else has it."""
        if self.file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Not inherited: a child that outlives us must not keep it.
            self.file = self.path.open("a+", encoding="utf-8")
        try:
            take(self.file, shared=shared, wait=wait)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise
        if not shared:
            self.sign()
        return True

    def sign(self) -> None:
        """Leave word of who holds it."""
        with suppress(OSError):
            self.path.with_suffix(".holder").write_text(self.who)

    def holder(self) -> str:
        with suppress(OSError):
            return self.path.with_suffix(".holder").read_text()
        return "another make"

    def release(self) -> None:
        if self.file is not None:
            self.file.close()
            self.file = None


if os.name == "nt":  # pragma: no cover
    import msvcrt

    def take(file: IO[str], *, shared: bool, wait: bool) -> None:
        """Windows has no shared lock here: readers go without one."""
        if shared:
            return
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError from error

else:
    import fcntl

    def take(file: IO[str], *, shared: bool, wait: bool) -> None:
        how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        fcntl.flock(file, how if wait else how | fcntl.LOCK_NB)


@contextmanager
def exclusive(path: Path, who: str, doing: str) -> Iterator[None]:
    """For what only one process may do; a second one fails at once and says who is first."""
    lock = Lock(path, who)
    try:
        if not lock.acquire():
            raise Failure(
                f"{lock.holder()} is already {doing} in this tree",
                "wait until it has ended, or stop it; then run the same command again",
            )
        yield
    finally:
        lock.release()


def share(lock: Lock, doing: str) -> None:
    """Hold together with other readers, after whoever is changing things has finished."""
    if not lock.acquire(shared=True):
        print(f"waiting for {lock.holder()}, which is {doing} …", file=sys.stderr, flush=True)
        lock.acquire(shared=True, wait=True)


def take_alone(lock: Lock, what: str) -> bool:
    """From reader to only holder. False: another one was quicker, so look again.

    A reader that stays (say, an open JupyterLab) is a failure: its packages must not be
    changed under it.
    """
    lock.release()
    if lock.acquire():
        return True
    if lock.acquire(shared=True):  # nobody writes, so somebody reads
        raise Failure(
            f"{what} must be changed, but another make in this tree is using it",
            "end the other one (make lab, make test …), then run the same command again",
        )
    return False
