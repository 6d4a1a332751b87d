"""The `write` tool, and how a file is replaced: whole or not at all, with a diff."""

from __future__ import annotations

import difflib
import errno
import os
import re
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from ..errors import ToolError
from ..messages import ToolResult
from .base import Tool
from .context import ToolContext
from .paths import changed_since_seen, lock_of, note_seen, real_path, risk_of, to_path
from .read import encoding_of
from .workers import call_in_thread

__all__ = ["Write", "replace_file", "unified_diff"]

#: A diff of more than this is no longer read by anybody; in bytes of the old file, and in lines.
MAX_DIFF_BYTES = 2_000_000
MAX_DIFF_LINES = 2000

_CONTEXT_LINES = 3
_HUNK = re.compile(r"@@ -(\d+)(,\d+)? \+(\d+)(,\d+)? @@")


class Write(Tool):
    """Writes a whole file, atomically."""

    name = "write"
    description = (
        "Write a file: create it, with its folders, or replace all of its content. "
        "To change a part of a file, use edit."
    )
    input_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "file_path": {"type": "string", "description": "Path of the file to write"},
            "content": {"type": "string", "description": "The whole new content"},
        },
        "required": ["file_path", "content"],
        "additionalProperties": False,
    }
    parallel = False
    idempotent = True
    key_argument: ClassVar[str | None] = "file_path"

    async def execute(self, input: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        path = to_path(input.get("file_path"), ctx)
        content = str(input.get("content", ""))
        settling = call_in_thread(lambda: _write(path, content, ctx), self.name)
        diff: str | None = await settling.future
        return ToolResult(f"Successfully wrote to {path}", data=None if diff is None else {"diff": diff})

    def approval_reason(self, input: Mapping[str, Any], ctx: ToolContext) -> str:
        path = to_path(input.get("file_path"), ctx)
        risk = risk_of(path, ctx)
        verb = "replace" if path.exists() else "create"
        return f"write wants to {verb} `{input['file_path']}`" + (f", which {risk}" if risk else "")


def _write(path: Path, content: str, ctx: ToolContext) -> str | None:
    """Replace the file; a diff when there was one before, and it was text of a sensible size."""
    data = _encode(content)
    with lock_of(path):
        if changed_since_seen(path, ctx):
            raise ToolError(f"{path} has changed since it was last read. Read it again before you write it.")
        folder = real_path(path).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ToolError(f"Cannot create directory: {folder}: {error.strerror or error}") from error
        before = _text_before(path)
        replace_file(path, data)
        note_seen(path, ctx)
    return None if before is None else unified_diff(before, content, path.name)


def _encode(content: str) -> bytes:
    try:
        return content.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ToolError(f"content holds half a character (a lone surrogate) at {error.start}") from error


def _text_before(path: Path) -> str | None:
    """What the file says now; None when there is none, or it is not to be compared."""
    try:
        if not path.is_file() or path.stat().st_size > MAX_DIFF_BYTES:
            return None
        data = path.read_bytes()
    except OSError:
        return None
    encoding = encoding_of(data)
    if encoding is None:
        return None
    return data[len(encoding.mark) :].decode(encoding.name, "replace")


def replace_file(path: Path, data: bytes) -> None:
    """Put `data` into the file that `path` leads to, all at once; on any failure the old file stays as it was.

    Mode and owner are kept, a symlink stays one. Raises `ToolError`.
    """
    target = real_path(path)
    # Beside the target, since only a rename within one file system is atomic.
    temporary = target.with_name(f".alloy-{secrets.token_hex(6)}.tmp")
    try:
        before = _status_of(target)
        # What replaces a private file is private from its first byte; `_take_over` gives it the old mode.
        mode = 0o666 if before is None else 0o600
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            with open(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                if before is not None:
                    _take_over(temporary, before)
                os.fsync(descriptor)
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ToolError(f"Cannot write {path}: {error.strerror or error}") from error


def _status_of(target: Path) -> os.stat_result | None:
    """The status of a file that may be replaced; None when there is none yet."""
    try:
        status = target.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EISDIR, "it is no regular file")
    if not os.access(target, os.W_OK):
        # A rename would not heed that the file is read-only.
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return status


def _take_over(temporary: Path, before: os.stat_result) -> None:
    """Give the new file the old one's owner and mode: owner first, since a change of it takes mode bits away."""
    if hasattr(os, "chown") and (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
        try:
            os.chown(temporary, before.st_uid, before.st_gid)
        except OSError:  # only root may: then it belongs to who wrote it, as with any editor
            pass
    temporary.chmod(stat.S_IMODE(before.st_mode))


def unified_diff(before: str, after: str, name: str) -> str:
    """What changed, as `diff -u` says it; "" when nothing did, the end left out when it is very long.

    >>> print(unified_diff("a\\nb\\n", "a\\nc\\n", "x.txt"))
    --- x.txt
    +++ x.txt
    @@ -1,2 +1,2 @@
     a
    -b
    +c
    """
    old, new = _lines(before), _lines(after)
    start, end = _same_ends(old, new)
    old, new = old[start : len(old) - end], new[start : len(new) - end]
    if max(len(old), len(new)) > MAX_DIFF_LINES:
        return f"--- {name}\n+++ {name}\n... ({len(old)} lines replaced by {len(new)})"
    diff = difflib.unified_diff(old, new, name, name, lineterm="", n=_CONTEXT_LINES)
    return "\n".join(_shift(line, start) for line in diff)


def _lines(text: str) -> list[str]:
    """Lines as `diff` sees them: cut at newlines only, a missing last one marked."""
    lines = text.split("\n")
    if lines[-1]:
        lines[-1] += "\n\\ No newline at end of file"
    else:
        lines.pop()
    return lines


def _same_ends(old: list[str], new: list[str]) -> tuple[int, int]:
    """How many lines at the start and at the end need not be compared: difflib is slow on long files."""
    most = min(len(old), len(new))
    start = 0
    while start < most and old[start] == new[start]:
        start += 1
    end = 0
    while end < most - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return max(0, start - _CONTEXT_LINES), max(0, end - _CONTEXT_LINES)


def _shift(line: str, lines: int) -> str:
    """Put right the line numbers of a hunk that was compared without the first `lines` lines."""
    hunk = _HUNK.fullmatch(line)
    if hunk is None or not lines:
        return line
    old, old_length, new, new_length = hunk.groups(default="")
    return f"@@ -{int(old) + lines}{old_length} +{int(new) + lines}{new_length} @@"
