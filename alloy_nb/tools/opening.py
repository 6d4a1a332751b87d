"""Opening exactly the file that was decided about: name by name from the root, through no symlink.

A path may lead elsewhere from one moment to the next. So it is resolved once, and what came of it is opened by
holding each folder on the way: a link that turns up there later is an error, never a way out. Where the system cannot
hold folders (Windows), the path is compared with itself before and after opening: that leaves a moment in between.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..errors import ToolError

__all__ = ["Held", "PathChanged", "changed", "hold", "remove_empty"]

_CAN_HOLD = {os.open, os.stat, os.mkdir, os.rename, os.unlink} <= os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")

_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
#: A folder need not be readable to be gone through.
_FOLDER = _NO_FOLLOW | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_PATH", getattr(os, "O_SEARCH", 0))
#: What became a pipe or a terminal in the meantime is neither waited for nor taken over.
_READ = os.O_RDONLY | _NO_FOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_LIST = os.O_RDONLY | _NO_FOLLOW | getattr(os, "O_DIRECTORY", 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW


class PathChanged(ToolError):
    """A path no longer leads where it led, or the file there is another one by now."""


def changed(path: Path, how: str = "") -> PathChanged:
    """What is said when a path no longer leads where it led."""
    return PathChanged(f"{path} has changed since it was allowed{how}; try again.")


@dataclass(frozen=True, slots=True)
class Held:
    """The place of a file in a folder that is held open; the file itself need not exist.

    `path` is a real path; `made` are the folders that were made for it, the outermost first.
    """

    path: Path
    made: tuple[Path, ...] = ()
    _folder: int | None = None

    def status(self) -> os.stat_result | None:
        """The status of what is there, None when there is nothing. Raises `ToolError` when it became a link."""
        try:
            status = os.stat(self._at(self.path.name), dir_fd=self._folder, follow_symlinks=False)
        except FileNotFoundError:
            return None
        if stat.S_ISLNK(status.st_mode):
            raise changed(self.path)
        return status

    def open(self) -> BinaryIO:
        """The file, for reading bytes. Raises `OSError` when there is none, or it is no regular file."""
        status = self.status()
        if status is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        # Asked first too: opening a pipe wakes up who waits at its other end.
        _check_regular(status)
        try:
            descriptor = os.open(self._at(self.path.name), _READ, dir_fd=self._folder)
        except OSError as error:
            self.status()
            raise error
        file = open(descriptor, "rb")  # noqa: SIM115 - the caller closes it
        try:
            status = os.fstat(descriptor)
            _check_regular(status)
            self._check_unheld(status)
        except BaseException:
            file.close()
            raise
        return file

    @contextmanager
    def scan(self) -> Iterator[Iterator[os.DirEntry[str]]]:
        """The entries of the folder of this name, as long as it is open. Raises `OSError`, `ToolError` for a link."""
        if self._folder is None:
            _check_straight(self.path)
            with os.scandir(self.path) as entries:
                yield entries
            return
        self.status()
        descriptor = os.open(self._at(self.path.name), _LIST, dir_fd=self._folder)
        try:
            with os.scandir(descriptor) as entries:
                yield entries
        finally:
            os.close(descriptor)

    def replace(self, data: bytes, before: os.stat_result | None) -> os.stat_result:
        """Put `data` into the file, all at once; on any failure the old one stays as it was. The new status.

        Mode and owner are kept. `before` is the status that the file had when it was looked at: when it has another
        one by now, or is a link, that is an error. Raises `OSError` and `ToolError`.
        """
        if before is not None:
            self._check_replaceable(before)
        # Beside the target, since only a rename within one file system is atomic.
        temporary = self._at(f".alloy-{secrets.token_hex(6)}.tmp")
        # What replaces a private file is private from its first byte; `_take_over` gives it the old mode.
        descriptor = os.open(temporary, _CREATE, 0o666 if before is None else 0o600, dir_fd=self._folder)
        try:
            with open(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                if before is not None:
                    _take_over(descriptor, before)
                os.fsync(descriptor)
                status = os.fstat(descriptor)
            self._check_unchanged(before)
            target = self._at(self.path.name)
            os.replace(temporary, target, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except BaseException:
            os.unlink(temporary, dir_fd=self._folder)
            raise
        return status

    def remove(self, before: os.stat_result) -> None:
        """Remove the file, when it is still the one that was looked at. Raises `OSError` and `ToolError`."""
        self._check_unchanged(before)
        os.unlink(self._at(self.path.name), dir_fd=self._folder)

    def remove_folder(self) -> None:
        """Remove the folder of this name. Raises `OSError` when it is not empty."""
        os.rmdir(self._at(self.path.name), dir_fd=self._folder)

    def _at(self, name: str) -> str:
        """How a name in the folder is said to the system."""
        return (name or ".") if self._folder is not None else str(self.path.parent / name)

    def _check_replaceable(self, before: os.stat_result) -> None:
        if not stat.S_ISREG(before.st_mode):
            raise OSError(errno.EISDIR, "it is no regular file")
        if not os.access(self._at(self.path.name), os.W_OK, dir_fd=self._folder):
            # A rename would not heed that the file is read-only.
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    def _check_unchanged(self, before: os.stat_result | None) -> None:
        self._check_unheld(None)
        now = self.status()
        if _version(now) != _version(before):
            raise PathChanged(f"{self.path} was changed by somebody else at the same moment. Read it, then try again.")

    def _check_unheld(self, status: os.stat_result | None) -> None:
        """Without a folder that is held: whether the path is still its own real path, and leads to what was opened."""
        if self._folder is None:
            _check_straight(self.path.parent)
            now = self.status()
            if status is not None and (now is None or not os.path.samestat(now, status)):
                raise changed(self.path)


@contextmanager
def hold(path: Path, *, make: bool = False) -> Iterator[Held]:
    """Hold the folder of a real path, and name the file in it; `make` makes the folders that are missing.

    Folders that were made go again when what is done in them fails. Raises `ToolError` when a folder on the way has
    become a link, or cannot be made; `OSError` when it is missing.

    >>> with hold(Path(os.path.realpath(os.devnull))) as held:
    ...     held.status() is not None
    True
    """
    made: list[Path] = []
    _check_length(path)
    try:
        folder = _walk(path.parent, made if make else None)
        try:
            yield Held(path, tuple(made), folder)
        finally:
            if folder is not None:
                os.close(folder)
    except BaseException:
        remove_empty(made)
        raise


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove those of the folders that are empty, the innermost first; what is not empty any more stays."""
    for path in sorted(set(folders), key=lambda path: len(path.parts), reverse=True):
        try:
            with hold(path) as held:
                held.remove_folder()
        except (OSError, ToolError):  # somebody uses it, or it is no folder any more: it is not ours to remove
            continue


def _walk(folder: Path, made: list[Path] | None) -> int | None:
    """A descriptor of the folder, None where none can be held; missing ones are made and noted, if there is a list."""
    try:
        if _CAN_HOLD:
            return _walk_held(folder, made)
        _walk_straight(folder, made)
    except OSError as error:
        if made is None:
            raise
        raise ToolError(f"Cannot create directory: {folder}: {error.strerror or error}") from error
    return None


def _walk_held(folder: Path, made: list[Path] | None) -> int:
    descriptor = os.open(folder.anchor, _FOLDER)
    path = Path(folder.anchor)
    try:
        for name in folder.parts[1:]:
            path /= name
            if made is not None:
                _make(path, name, descriptor, made)
            inner = _enter(path, name, descriptor)
            os.close(descriptor)
            descriptor = inner
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _enter(path: Path, name: str, above: int) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=above)
    except OSError as error:
        # A link is refused as no folder, or in other words on other systems; it may be gone again by now.
        if error.errno not in (errno.ENOENT, errno.EACCES, errno.ENAMETOOLONG):
            mode = os.stat(name, dir_fd=above, follow_symlinks=False).st_mode
            if stat.S_ISLNK(mode) or stat.S_ISDIR(mode):
                raise changed(path) from error
        raise


def _make(path: Path, name: str, above: int | None, made: list[Path]) -> None:
    try:
        os.stat(name, dir_fd=above, follow_symlinks=False)
    except FileNotFoundError:
        try:
            os.mkdir(name, dir_fd=above)
        except FileExistsError:  # somebody was faster
            return
        made.append(path)


def _walk_straight(folder: Path, made: list[Path] | None) -> None:
    if made is not None:
        for path in (*reversed(folder.parents), folder):
            if not path.exists():
                _check_straight(path.parent)
                _make(path, str(path), None, made)
    if not stat.S_ISDIR(os.stat(folder).st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    _check_straight(folder)


def _check_length(path: Path) -> None:
    """Name by name, a path could be made that is longer than anybody can say."""
    try:
        os.lstat(path)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise


def _check_straight(folder: Path) -> None:
    if os.path.realpath(folder) != str(folder):
        raise changed(folder)


def _check_regular(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")


def _version(status: os.stat_result | None) -> tuple[int, ...] | None:
    if status is None:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _take_over(descriptor: int, before: os.stat_result) -> None:
    """Give the new file the old one's owner and mode: owner first, since a change of it takes mode bits away."""
    if hasattr(os, "fchown") and (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
        try:
            os.fchown(descriptor, before.st_uid, before.st_gid)
        except OSError:  # only root may: then it belongs to who wrote it, as with any editor
            pass
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, stat.S_IMODE(before.st_mode))
