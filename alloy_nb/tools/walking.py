"""A walk through folders, bounded in entries and time, that goes through no link."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import ToolError
from .opening import hold
from .patterns import Pattern, Positions

__all__ = ["MAX_ENTRIES", "Walk"]

#: Directory entries that one walk looks at.
MAX_ENTRIES = 500_000

#: Files that mark a folder as a virtual environment or a cache (https://bford.info/cachedir/).
_MARKS = frozenset({"pyvenv.cfg", "CACHEDIR.TAG"})
_LOOK_AROUND_EVERY = 1000


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder still to be listed. `prefix` is its path below the root with a ``/`` at its end, or ""."""

    prefix: str
    positions: Positions
    #: It was asked for by its name: then it is listed, whatever it holds.
    named: bool


class Walk:
    """The files below `root` that match, as paths relative to it with ``/``: nearest to the root first, then by name.

    With `links`, links to files are among them; with `folders`, it is the matching folders instead. After the walk,
    `unfinished` says why it ended early, to follow "ended": "" when it did not. Memory is bounded by `entries`.
    `root` is a real path: a folder on the way that has become a link is not entered. Raises `ToolError` when `root`
    cannot be listed.
    """

    def __init__(
        self,
        root: Path,
        pattern: Pattern,
        *,
        seconds: float,
        entries: int = MAX_ENTRIES,
        links: bool = False,
        folders: bool = False,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._root = root
        self._pattern = pattern
        self._left = self._entries = entries
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self._links = links
        self._folders = folders
        self._is_cancelled = is_cancelled
        self.unfinished = ""

    def __iter__(self) -> Iterator[str]:
        waiting = deque([_Folder("", self._pattern.start, named=True)])
        while waiting and not self.is_over():
            folder = waiting.popleft()
            found, below = self._list(folder)
            waiting += below
            for name in found:
                yield folder.prefix + name

    def is_over(self) -> bool:
        """Whether the walk ends here, for a reason that is then in `unfinished`."""
        if not self.unfinished:
            if self._left <= 0:
                self.unfinished = f"after {self._entries} entries"
            elif self._is_cancelled():
                self.unfinished = "because it was stopped"
            elif time.monotonic() > self._end:
                self.unfinished = f"after {self._seconds:g} s"
        return bool(self.unfinished)

    def _list(self, folder: _Folder) -> tuple[list[str], list[_Folder]]:
        """What matches in one folder, and the folders in it that may hold more; both sorted."""
        found: list[str] = []
        below: list[_Folder] = []
        try:
            with hold(self._root / folder.prefix) as held, held.scan() as scan:
                for entry in scan:
                    self._left -= 1
                    if self._left % _LOOK_AROUND_EVERY == 0 and self.is_over():
                        break
                    if not folder.named and entry.name in _MARKS:
                        return [], []
                    self._sort_in(entry, folder, found, below)
        except (OSError, ToolError) as error:
            if not folder.prefix:
                reason = getattr(error, "strerror", None) or error
                raise ToolError(f"Cannot list {self._root}: {reason}") from error
        found.sort()
        below.sort(key=lambda one: one.prefix)
        return found, below

    def _sort_in(self, entry: os.DirEntry[str], folder: _Folder, found: list[str], below: list[_Folder]) -> None:
        name, pattern = entry.name, self._pattern
        try:
            if entry.is_dir(follow_symlinks=False):
                named = pattern.names(folder.positions, name)
                positions = pattern.enter(folder.positions, name)
                if positions:
                    below.append(_Folder(f"{folder.prefix}{name}/", positions, named))
                if self._folders and pattern.accepts(folder.positions, name):
                    found.append(name + "/")
            elif self._folders or not pattern.accepts(folder.positions, name):
                return
            elif entry.is_file(follow_symlinks=self._links):
                found.append(name)
        except OSError:  # gone meanwhile, or a link in a circle
            return
