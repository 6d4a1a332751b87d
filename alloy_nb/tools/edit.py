"""The `edit` tool: replace a piece of text in a file."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from ..errors import ToolError
from ..messages import ToolResult
from .context import ToolContext
from .filetool import FileTool
from .opening import Held, hold
from .paths import Place, changed_since_seen, lock_of, note_seen
from .storing import Encoding, decode, has_crlf
from .workers import call_in_thread
from .write import put, unified_diff

__all__ = ["Edit"]

#: In bytes: a file is edited in memory.
MAX_FILE = 50_000_000

_LINE_NUMBER = re.compile(r"(?m)^ *\d+\t")


class Edit(FileTool):
    """Replaces text in a file, literally. Line ends, encoding and byte order mark stay as they are."""

    name = "edit"
    description = (
        "Replace text in a file. old_string must be in the file exactly as given, with its whitespace and without "
        "the line numbers of read, and only once; set replace_all to replace it everywhere."
    )
    input_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "file_path": {"type": "string", "description": "Path of the file to edit"},
            "old_string": {"type": "string", "description": "The text to find"},
            "new_string": {"type": "string", "description": "The text to put in its place"},
            "replace_all": {"type": "boolean", "description": "Replace every occurrence (default: false)"},
        },
        "required": ["file_path", "old_string", "new_string"],
        "additionalProperties": False,
    }
    parallel = False
    verbs: ClassVar[tuple[str, ...]] = ("change",)

    async def execute(self, input: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        old, new = str(input.get("old_string", "")), str(input.get("new_string", ""))
        everywhere = bool(input.get("replace_all"))
        settling = call_in_thread(lambda: _edit(self.decided_place(input, ctx), old, new, everywhere, ctx), self.name)
        result: ToolResult = await settling.future
        return result


def _edit(place: Place, old: str, new: str, everywhere: bool, ctx: ToolContext) -> ToolResult:
    if not old:
        raise ToolError("old_string must not be empty. Use the write tool to create or overwrite a file.")
    if old == new:
        raise ToolError("old_string and new_string are identical; the edit would change nothing.")
    path = place.path
    with lock_of(place.real):
        try:
            with hold(place.real) as held:
                status, data = _load(held, path)
                before, encoding = _decode(data, path)
                after = _replace(before, old, new, everywhere)
                unseen_change = changed_since_seen(place.real, ctx, status)
                try:
                    now = put(held, _encode(after, encoding), status, data, ctx)
                except OSError as error:
                    raise ToolError(f"Cannot write {path}: {error.strerror or error}") from error
        except OSError as error:
            raise ToolError(f"Cannot read {path}: {error.strerror or error}") from error
        # A change by somebody else stays unseen: only reading the file makes it known to the model.
        if not unseen_change:
            note_seen(place.real, ctx, now)
    return ToolResult(f"Successfully edited {path}", data={"diff": unified_diff(before, after, path.name)})


def _load(held: Held, path: Path) -> tuple[os.stat_result, bytes]:
    with held.open() as file:
        status = os.fstat(file.fileno())
        if status.st_size > MAX_FILE:
            raise ToolError(f"Cannot edit {path}: it is larger than {MAX_FILE // 1_000_000} MB. Use bash.")
        return status, file.read(MAX_FILE)


def _decode(data: bytes, path: Path) -> tuple[str, Encoding]:
    try:
        decoded = decode(data)
    except UnicodeDecodeError as error:
        raise ToolError(f"Cannot edit {path}: it is no valid {error.encoding}") from error
    if decoded is None:
        raise ToolError(f"Cannot edit {path}: it is a binary file")
    return decoded


def _encode(text: str, encoding: Encoding) -> bytes:
    try:
        return encoding.mark + text.encode(encoding.name)
    except UnicodeEncodeError as error:
        wrong = f"new_string has {text[error.start : error.end]!r}"
        raise ToolError(f"{wrong}, which the file's encoding ({encoding.name}) cannot hold.") from error


def _replace(text: str, old: str, new: str, everywhere: bool) -> str:
    """`text` with `old` replaced; `ToolError` unless it is there once, or `everywhere` is set."""
    pattern = re.compile(r"\r?\n".join(map(re.escape, re.split(r"\r?\n", old))))
    count = sum(1 for _ in pattern.finditer(text))
    if count == 0:
        raise ToolError("No match found for the provided old_string in the file." + _advice(text, old))
    if count > 1 and not everywhere:
        raise ToolError(
            f"old_string appears {count} times (ambiguous). Use replace_all: true to replace all occurrences, "
            "or give more of the text around it."
        )
    windows = has_crlf(text)
    new_crlf = re.sub(r"\r?\n", "\r\n", new)

    def put(match: re.Match[str]) -> str:
        # What was matched tells the kind of its place; a piece of one line takes the file's.
        crlf = "\r\n" in match[0] if "\n" in match[0] else windows
        return new_crlf if crlf else new

    after = pattern.sub(put, text)
    if after == text:
        raise ToolError("old_string and new_string differ in line ends only; the edit would change nothing.")
    return after


def _advice(text: str, old: str) -> str:
    """What the model probably did wrong."""
    if _LINE_NUMBER.search(old) and _LINE_NUMBER.sub("", old) in text:
        return " Leave out the line numbers that read puts before each line."
    if " ".join(old.split()) in " ".join(text.split()):
        return " There is a match when whitespace is ignored: copy indentation and blanks exactly as they are."
    return " Read the file to see what it holds now."
