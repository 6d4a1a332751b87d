"""The `write` tool, and how a file is replaced: whole or not at all, with a diff."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from ..errors import ToolError
from ..messages import ToolResult
from .changes import MAX_KEPT_FILE, note_change
from .context import ToolContext
from .filetool import FileTool
from .opening import Held, hold
from .paths import Place, changed_since_seen, lock_of, note_seen
from .storing import Stored, decode, store_like
from .workers import call_in_thread

__all__ = ["Write", "put", "unified_diff"]

#: A diff of more than this is no longer read by anybody; in bytes of a file, and in lines.
MAX_DIFF_BYTES = 2_000_000
MAX_DIFF_LINES = 2000

_CONTEXT_LINES = 3
_HUNK = re.compile(r"@@ -(\d+)(,\d+)? \+(\d+)(,\d+)? @@")


class Write(FileTool):
    """Writes a whole file, atomically. What it replaces keeps its encoding and its line ends, see `store_like`."""

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
    verbs: ClassVar[tuple[str, ...]] = ("create", "replace")

    async def execute(self, input: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        content = str(input.get("content", ""))
        settling = call_in_thread(lambda: _write(self.decided_place(input, ctx), content, ctx), self.name)
        result: ToolResult = await settling.future
        return result

    def verb_for(self, place: Place) -> str:
        return "replace" if os.path.lexists(place.real) else "create"


def _write(place: Place, content: str, ctx: ToolContext) -> ToolResult:
    stored = store_like(content, b"")  # half a character is said before a folder is made
    path = place.path
    with lock_of(place.real):
        try:
            with hold(place.real, make=True) as held:
                status = held.status()
                if changed_since_seen(place.real, ctx, status):
                    raise ToolError(f"{path} has changed since it was last read. Read it again before you write it.")
                before = None if status is None else _load(held, status)
                if before is not None:
                    stored = store_like(content, before)
                after = put(held, stored.data, status, before, ctx)
        except OSError as error:
            raise ToolError(f"Cannot write {path}: {error.strerror or error}") from error
        note_seen(place.real, ctx, after)
    diff = _diff(path.name, before, stored, new=status is None)
    return ToolResult(f"Successfully wrote to {path}{stored.note}", data=None if diff is None else {"diff": diff})


def put(
    held: Held, data: bytes, status: os.stat_result | None, before: bytes | None, ctx: ToolContext
) -> os.stat_result:
    """Replace the file, unless the call was given up, and note for an undo what it was; its new status.

    `before` is what was in it, None when there was nothing, or more than can be kept; `status` tells which.
    """
    if ctx.cancelled.is_set():
        raise ToolError("this call was given up before it changed anything")
    after = held.replace(data, status)
    note_change(ctx, held, data, before, existed=status is not None)
    return after


def _load(held: Held, status: os.stat_result) -> bytes | None:
    """What is in the file, None when it is too much to keep or may not be read (it may be written all the same)."""
    if status.st_size > MAX_KEPT_FILE:
        return None
    try:
        with held.open() as file:
            return file.read(MAX_KEPT_FILE)
    except OSError:
        return None


def _diff(name: str, before: bytes | None, stored: Stored, *, new: bool) -> str | None:
    """What the result says of the change; None when there is nothing to compare, or too much of it."""
    if len(stored.data) > MAX_DIFF_BYTES:
        return None
    if new:
        return unified_diff("", stored.text, name, new=True)
    if before is None or len(before) > MAX_DIFF_BYTES:
        return None
    try:
        decoded = decode(before)
    except UnicodeDecodeError:
        return None
    return None if decoded is None else unified_diff(decoded[0], stored.text, name)


def unified_diff(before: str, after: str, name: str, *, new: bool = False) -> str:
    """What changed, as `diff -u` says it; "" when nothing did, counted only when it is very long.

    With `new` there was no file before: its name is then ``/dev/null``.

    >>> print(unified_diff("a\\nb\\n", "a\\nc\\n", "x.txt"))
    --- x.txt
    +++ x.txt
    @@ -1,2 +1,2 @@
     a
    -b
    +c
    """
    old, now = _lines(before), _lines(after)
    start, end = _same_ends(old, now)
    old, now = old[start : len(old) - end], now[start : len(now) - end]
    from_name = "/dev/null" if new else name
    if max(len(old), len(now)) > MAX_DIFF_LINES:
        return f"--- {from_name}\n+++ {name}\n... ({len(old)} lines replaced by {len(now)})"
    diff = difflib.unified_diff(old, now, from_name, name, lineterm="", n=_CONTEXT_LINES)
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
