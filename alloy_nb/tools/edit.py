"""The `edit` tool: replace a piece of text in a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from ..errors import ToolError
from ..messages import ToolResult
from .base import Tool
from .context import ToolContext
from .paths import changed_since_seen, lock_of, note_seen, risk_of, to_path
from .read import Encoding, encoding_of
from .workers import call_in_thread
from .write import replace_file, unified_diff

__all__ = ["Edit"]

#: In bytes: a file is edited in memory.
MAX_FILE = 50_000_000

_LINE_NUMBER = re.compile(r"(?m)^ *\d+\t")


class Edit(Tool):
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
    key_argument: ClassVar[str | None] = "file_path"

    async def execute(self, input: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        path = to_path(input.get("file_path"), ctx)
        old, new = str(input.get("old_string", "")), str(input.get("new_string", ""))
        everywhere = bool(input.get("replace_all"))
        settling = call_in_thread(lambda: _edit(path, old, new, everywhere, ctx), self.name)
        diff: str = await settling.future
        return ToolResult(f"Successfully edited {path}", data={"diff": diff})

    def approval_reason(self, input: Mapping[str, Any], ctx: ToolContext) -> str:
        risk = risk_of(to_path(input.get("file_path"), ctx), ctx)
        return f"edit wants to change `{input['file_path']}`" + (f", which {risk}" if risk else "")


def _edit(path: Path, old: str, new: str, everywhere: bool, ctx: ToolContext) -> str:
    if not old:
        raise ToolError("old_string must not be empty. Use the write tool to create or overwrite a file.")
    if old == new:
        raise ToolError("old_string and new_string are identical; the edit would change nothing.")
    with lock_of(path):
        before, encoding = _load(path)
        after = _replace(before, old, new, everywhere)
        data = _encode(after, encoding)
        unseen_change = changed_since_seen(path, ctx)
        replace_file(path, data)
        # A change by somebody else stays unseen: only reading the file makes it known to the model.
        if not unseen_change:
            note_seen(path, ctx)
    return unified_diff(before, after, path.name)


def _load(path: Path) -> tuple[str, Encoding]:
    try:
        # A pipe or a device would never end.
        if path.exists() and not path.is_dir() and not path.is_file():
            raise ToolError(f"Cannot read {path}: it is no regular file")
        if path.is_file() and path.stat().st_size > MAX_FILE:
            raise ToolError(f"Cannot edit {path}: it is larger than {MAX_FILE // 1_000_000} MB. Use bash.")
        data = path.read_bytes()
    except OSError as error:
        raise ToolError(f"Cannot read {path}: {error.strerror or error}") from error
    encoding = encoding_of(data)
    if encoding is None:
        raise ToolError(f"Cannot edit {path}: it is a binary file")
    body = data[len(encoding.mark) :]
    try:
        return body.decode(encoding.name), encoding
    except UnicodeDecodeError as error:
        if encoding.mark:
            raise ToolError(f"Cannot edit {path}: it is no valid {encoding.name}") from error
        # As `read` shows it; every byte has a character, so the rest of the file comes back as it was.
        return body.decode("latin-1"), Encoding("latin-1")


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
    windows = _has_crlf(text)
    new_crlf = re.sub(r"\r?\n", "\r\n", new)

    def put(match: re.Match[str]) -> str:
        # What was matched tells the kind of its place; a piece of one line takes the file's.
        crlf = "\r\n" in match[0] if "\n" in match[0] else windows
        return new_crlf if crlf else new

    after = pattern.sub(put, text)
    if after == text:
        raise ToolError("old_string and new_string differ in line ends only; the edit would change nothing.")
    return after


def _has_crlf(text: str) -> bool:
    """The first line's end tells which kind the file has, as in most editors."""
    first = text.find("\n")
    return first > 0 and text[first - 1] == "\r"


def _advice(text: str, old: str) -> str:
    """What the model probably did wrong."""
    if _LINE_NUMBER.search(old) and _LINE_NUMBER.sub("", old) in text:
        return " Leave out the line numbers that read puts before each line."
    if " ".join(old.split()) in " ".join(text.split()):
        return " There is a match when whitespace is ignored: copy indentation and blanks exactly as they are."
    return " Read the file to see what it holds now."
