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
        """Take the lock, or change how it is held. False: somebody else has it, we have not."""
        if self.file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Not inherited: a child that outlives us must not keep it.
            self.file = self.path.open("a+", encoding="utf-8")
        try:
            take(self.file, shared=shared, wait=wait)
        except BlockingIOError:
            self.release()
            return False
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise
        self.sign()
        return True

    def sign(self) -> None:
        """Leave word of who holds it, one file a process: readers hold it together."""
        with suppress(OSError):
            self.word(os.getpid()).write_text(self.who)

    def word(self, process: object) -> Path:
        return self.path.with_name(f"{self.path.name}.{process}")

    def holder(self) -> str:
        """One that holds it now. Words of killed processes stay behind; they are passed over."""
        for word in sorted(self.path.parent.glob(f"{self.path.name}.*")):
            with suppress(OSError):
                if lives(word.suffix[1:]):
                    return word.read_text()
        return "another make"

    def release(self) -> None:
        if self.file is not None:
            with suppress(OSError):
                self.word(os.getpid()).unlink()
            self.file.close()
            self.file = None


def lives(process: str) -> bool:
    """Whether a process of this number runs. (Windows has no harmless way to ask.)"""
    if os.name == "nt" or not process.isdigit():
        return process.isdigit()
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's, so it is there
    return True


if sys.platform == "win32":  # pragma: no cover
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


@contextmanager
def queued(path: Path, who: str, doing: str) -> Iterator[None]:
    """For what only one process may do at a time, and soon has done: the next one waits."""
    lock = Lock(path, who)
    try:
        if not lock.acquire():
            print(f"waiting for {lock.holder()}, which is {doing} …", file=sys.stderr, flush=True)
            lock.acquire(wait=True)
        yield
    finally:
        lock.release()
