"""What the file tools changed, and how to take it back.

`write` and `edit` note in the run's state what each file was before, as far as there is room for it. Undoing touches
only files that are still as the tool left them: what anybody did to one since then is never lost.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ..errors import ToolError
from .context import ToolContext
from .opening import Held, PathChanged, hold, remove_empty
from .paths import lock_of

__all__ = ["MAX_KEPT_FILE", "UndoneFile", "note_change", "share_changes", "undo_changes"]

#: In bytes: of one file's earlier content, and of all that is kept, the newest first.
MAX_KEPT_FILE = 50_000_000
MAX_KEPT = 200_000_000

_CHANGES = "file_changes"
_guard = threading.Lock()

Outcome = Literal["restored", "removed", "partly restored", "changed since", "missing", "not kept", "failed"]


@dataclass(frozen=True, slots=True)
class UndoneFile:
    """What became of one file when its changes were to be undone.

    `outcome` is ``"restored"`` (it is as it was before), ``"removed"`` (it was not there before), ``"partly
    restored"`` (of several changes only the last ones, up to where somebody else had changed it), ``"changed since"``
    (somebody else changed it last: left alone), ``"missing"`` (it is gone: left alone), ``"not kept"`` (it was too
    large to be remembered) or ``"failed"``; `reason` then says why.

    >>> UndoneFile(Path("/project/a.txt"), "restored")
    <UndoneFile /project/a.txt: restored>
    """

    path: Path
    outcome: Outcome
    reason: str = ""

    @property
    def done(self) -> bool:
        """Whether the file is as it was before."""
        return self.outcome in ("restored", "removed")

    def __repr__(self) -> str:
        return f"<UndoneFile {self.path}: {self.outcome}{f' ({self.reason})' if self.reason else ''}>"


@dataclass(frozen=True, slots=True)
class _Change:
    """One change of one file: which call made it, what was there (None: nothing), and what it left."""

    path: Path
    run_id: str
    call_id: str
    before: bytes | None
    after: str
    kept: bool = True
    folders: tuple[Path, ...] = ()

    @property
    def size(self) -> int:
        return len(self.before or b"")


def note_change(ctx: ToolContext, held: Held, after: bytes, before: bytes | None, *, existed: bool) -> None:
    """Remember that a call replaced a file's content; `before` is None when there was none, or it is not at hand."""
    kept = not existed or (before is not None and len(before) <= MAX_KEPT_FILE)
    change = _Change(held.path, ctx.run_id, ctx.call_id, before if kept else None, _fingerprint(after), kept, held.made)
    with _guard:
        changes: list[_Change] = ctx.state.setdefault(_CHANGES, [])
        changes.append(change)
        room = MAX_KEPT
        for index in range(len(changes) - 1, -1, -1):
            room -= changes[index].size
            if room < 0 and changes[index].size:
                changes[index] = replace(changes[index], before=None, kept=False)


def share_changes(state: MutableMapping[str, Any], other: MutableMapping[str, Any]) -> None:
    """Have what is changed under `other` be undone with `state`, too: for an agent within a call."""
    with _guard:
        other[_CHANGES] = state.setdefault(_CHANGES, [])


def undo_changes(state: MutableMapping[str, Any], run_id: str | None = None) -> list[UndoneFile]:
    """Undo what `write` and `edit` did to files in the run `run_id`, or in all runs, the newest change first.

    `state` is the runs' `ToolContext.state`. Each file is put back in one step, and only when it still is as the tool
    left it; files and folders that were created go, folders only when they are empty. What was undone is forgotten, so
    that a second call undoes nothing. One `UndoneFile` for each file, the one that was changed last first.
    """
    with _guard:
        chosen = [change for change in state.get(_CHANGES, ()) if run_id is None or change.run_id == run_id]
    by_path: dict[Path, list[_Change]] = {}
    for change in reversed(chosen):
        by_path.setdefault(change.path, []).append(change)
    told, undone = [], []
    for path, changes in by_path.items():
        file, taken_back = _undo_file(path, changes)
        told.append(file)
        undone += taken_back
    remove_empty(folder for change in undone for folder in change.folders)
    with _guard:
        gone = {id(change) for change in undone}
        if undone:
            state[_CHANGES][:] = [change for change in state[_CHANGES] if id(change) not in gone]
    return told


def _undo_file(path: Path, changes: list[_Change]) -> tuple[UndoneFile, list[_Change]]:
    """Take back changes of one file, the newest first; what became of it, and which are taken back."""
    try:
        with lock_of(path), hold(path) as held:
            status = held.status()
            if status is None:
                return UndoneFile(path, "missing"), []
            with held.open() as file:
                now = _fingerprint(file.read(MAX_KEPT_FILE + 1))
            undone = list(_chain(now, changes))
            if not undone:
                same = now == changes[0].after
                return UndoneFile(path, "not kept" if same else "changed since"), []
            before = undone[-1].before
            if before is None:
                held.remove(status)
            else:
                held.replace(before, status)
    except (FileNotFoundError, NotADirectoryError):
        return UndoneFile(path, "missing"), []
    except (PathChanged, IsADirectoryError):
        return UndoneFile(path, "changed since"), []
    except (OSError, ToolError) as error:
        return UndoneFile(path, "failed", getattr(error, "strerror", None) or str(error)), []
    if len(undone) < len(changes):
        return UndoneFile(path, "partly restored"), undone
    return UndoneFile(path, "removed" if before is None else "restored"), undone


def _chain(now: str, changes: Iterable[_Change]) -> Iterable[_Change]:
    """Those of the changes that lead back from what the file is now, without a gap."""
    current: str | None = now
    for change in changes:
        if change.after != current or not change.kept:
            return
        yield change
        current = None if change.before is None else _fingerprint(change.before)


def _fingerprint(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
