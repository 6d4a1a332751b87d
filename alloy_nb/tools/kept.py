"""Outputs that are too long to be sent: kept whole in a private folder, where `read` finds them by a handle."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
import weakref
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import ToolError
from ..forks import renewed_in_child
from ..redaction import Redactor

__all__ = ["HANDLE", "KeptOutput", "KeptOutputs", "kept_outputs"]

#: Bytes that are kept of one output, its first ones; and of all outputs of one state, the newest ones.
MAX_OUTPUT = 50_000_000
MAX_ALL = 200_000_000
#: Characters of a line, after which it is folded: `read` goes by lines, and shows no more than this of one.
LINE = 2000

#: What a model writes in place of a path.
HANDLE = re.compile(r"output:([0-9]{1,9})")

_STATE = "_kept_outputs"
_PREFIX = "alloy-nb-outputs-"
_lock = renewed_in_child(threading.Lock)


def kept_outputs(state: MutableMapping[str, Any]) -> KeptOutputs:
    """The outputs kept for a tool state; they are deleted with it, and never stored in a session."""
    kept: KeptOutputs = state.setdefault(_STATE, KeptOutputs())
    return kept


class KeptOutputs:
    """The outputs of one state. May be used from any thread; nothing is written before the first one is kept.

    The folder is in the system's place for temporary files, readable by its owner only (0700, files 0600). It is
    deleted with this object and at exit; what a killed process left is deleted by the next one that keeps something.

    >>> outputs = KeptOutputs()
    >>> outputs.keep("one\\ntwo\\n").handle
    'output:1'
    >>> outputs.path("output:1").read_text()
    'one\\ntwo\\n'
    """

    def __init__(self) -> None:
        self._kept: dict[int, KeptOutput] = {}
        self._last = 0
        self._folder: Path | None = None
        self._owner = 0
        self._origin: KeptOutputs | None = None  # whose folder lives as long as a copy

    def begin(self) -> KeptOutput:
        """A new output, to be written piece by piece and closed. That it cannot be kept is no error."""
        with _lock():
            self._last += 1
            kept = self._kept[self._last] = KeptOutput(self, self._last)
        try:
            kept.open(self._place() / str(kept.number))
        except OSError as error:
            kept.give_up(error.strerror or type(error).__name__)
        return kept

    def keep(self, text: str) -> KeptOutput:
        """Keep a text that is there as a whole."""
        kept = self.begin()
        kept.write(text)
        kept.close()
        return kept

    def path(self, handle: str) -> Path:
        """The file of what is kept by this handle; `ToolError` when there is none (any more)."""
        match = HANDLE.fullmatch(handle)
        with _lock():
            kept = self._kept.get(int(match[1])) if match else None
            if kept is not None and kept.path is not None:
                return kept.path
            if kept is not None:
                raise ToolError(f"{handle} is not kept: {kept.problem}")
            known = [one.handle for one in self._kept.values() if one.path is not None]
        listed = ", ".join(known[-10:]) or "nothing so far"
        raise ToolError(f"There is no {handle}. What is kept: {listed}")

    def handles(self) -> list[str]:
        """What can be read, the oldest first."""
        with _lock():
            return [kept.handle for kept in self._kept.values() if kept.path is not None]

    def make_room(self, size: int, writing: KeptOutput) -> bool:
        """Drop the oldest outputs until `size` more bytes fit; False when they do not even so."""
        with _lock():
            rest = [kept for kept in self._kept.values() if kept.path is not None]
            total = sum(kept.size for kept in rest)
            for kept in rest:
                if total + size <= MAX_ALL:
                    break
                if kept is not writing and kept.closed:
                    total -= kept.size
                    kept.give_up(f"newer outputs took its place, of which {_megabytes(MAX_ALL)} are kept")
            return total + size <= MAX_ALL

    def owns(self, path: Path) -> bool:
        """Whether a file is of this process: a forked child leaves those of its parent alone."""
        return self._owner == os.getpid() and path.parent == self._folder

    def _place(self) -> Path:
        with _lock():
            if self._folder is None or self._owner != os.getpid():
                _sweep()
                self._folder, lock = _make_folder()
                self._owner = os.getpid()
                weakref.finalize(self, _remove, self._folder, lock, self._owner)
            return self._folder

    def __deepcopy__(self, memo: Any) -> KeptOutputs:
        """A copied state reads what was kept so far; what comes is its own."""
        copied = KeptOutputs()
        with _lock():
            copied._kept, copied._last, copied._origin = dict(self._kept), self._last, self
        return copied

    def __reduce__(self) -> Any:
        return (KeptOutputs, ())  # another process has none of them

    def __repr__(self) -> str:
        return f"<KeptOutputs {', '.join(self.handles()) or 'none'}>"


class KeptOutput:
    """One output: its lines folded, without the secrets seen so far, in UTF-8."""

    def __init__(self, outputs: KeptOutputs, number: int) -> None:
        self._outputs = weakref.ref(outputs)
        self._redactor = Redactor()
        self._file: BinaryIO | None = None
        self._column = 0
        self.number = number
        self.size = 0
        #: None once it is not kept (any more), for the reason that `problem` tells.
        self.path: Path | None = None
        self.problem = ""
        self.full = False

    @property
    def handle(self) -> str:
        return f"output:{self.number}"

    @property
    def closed(self) -> bool:
        return self._file is None

    def open(self, path: Path) -> None:
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0)
        self.path = path

    def write(self, text: str) -> None:
        """Add a piece; what is too much, or comes after a failure, is passed over."""
        self._store(self._redactor.feed(text))

    def close(self) -> None:
        """Nothing more comes."""
        self._store(self._redactor.feed("", last=True))
        if self._file is not None:
            self._file.close()
            self._file = None

    def give_up(self, problem: str) -> None:
        """Keep it no longer, for a reason."""
        path, file = self.path, self._file
        self.path, self._file, self.problem = None, None, problem
        if file is not None:
            file.close()
        outputs = self._outputs()
        if path is not None and outputs is not None and outputs.owns(path):
            path.unlink(missing_ok=True)

    def notice(self, shown: str) -> str:
        """Where the model finds what follows `shown`, the beginning of the output; "" when nowhere."""
        if self.path is None:
            return ""
        folded = _fold(shown, 0)[0]
        what = f"the first {_megabytes(MAX_OUTPUT)} are" if self.full else "the whole is"
        return f'; {what} kept: read it with file_path="{self.handle}", offset={folded.count(chr(10)) + 1}'

    def _store(self, text: str) -> None:
        outputs = self._outputs()
        if not text or self.full or self._file is None or outputs is None:
            return
        text, self._column = _fold(text, self._column)
        data = text.encode("utf-8", "replace")
        if self.size + len(data) > MAX_OUTPUT:
            data = data[: MAX_OUTPUT - self.size]
            self.full = True
        try:
            if not outputs.make_room(len(data), self):
                self.give_up(f"more than {_megabytes(MAX_ALL)} were written at once")
                return
            self._file.write(data)
            self.size += len(data)
            if self.full:
                self._file.write(f"\n... (only the first {_megabytes(MAX_OUTPUT)} of this output are kept)\n".encode())
        except OSError as error:
            self.give_up(error.strerror or type(error).__name__)


def _fold(text: str, column: int) -> tuple[str, int]:
    """`text`, which goes on at a column, with no line longer than LINE; and the column where it ends."""
    lines = text.split("\n")
    if column + len(lines[0]) > LINE or max(map(len, lines)) > LINE:
        room = [LINE - column] + [LINE] * (len(lines) - 1)
        lines = [piece for line, first in zip(lines, room, strict=True) for piece in _pieces(line, first)]
    if len(lines) > 1:
        column = 0
    return "\n".join(lines), column + len(lines[-1])


def _pieces(line: str, first: int) -> list[str]:
    return [line[:first], *(line[start : start + LINE] for start in range(first, len(line), LINE))]


def _megabytes(size: int) -> str:
    return f"{size // 1_000_000} MB"


# -- folders ----------------------------------------------------------------------------------------------------------


def _make_folder() -> tuple[Path, int | None]:
    """A new folder, and the open lock that says that its owner lives; locked before it has the name that is swept."""
    folder = Path(tempfile.mkdtemp(prefix=f"new-{_PREFIX}"))
    lock = _lock_folder(folder)
    return folder.rename(folder.with_name(folder.name.removeprefix("new-"))), lock


def _lock_folder(folder: Path) -> int | None:
    """Take a folder's lock; None when another process has it, or where there are no such locks (Windows)."""
    try:
        import fcntl

        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except (ImportError, OSError):
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _sweep() -> None:
    """Delete what processes left that were killed: outputs may be confidential."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        lock = _lock_folder(folder)
        if lock is not None:
            _remove(folder, lock, os.getpid())


def _remove(folder: Path, lock: int | None, owner: int) -> None:
    if owner == os.getpid():
        shutil.rmtree(folder, ignore_errors=True)
    if lock is not None:
        os.close(lock)
