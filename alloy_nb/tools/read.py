"""The `read` tool: a window of a text file, with line numbers."""

from __future__ import annotations

import codecs
import io
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, TextIO

from ..errors import ToolError
from .base import Tool
from .context import ToolContext
from .paths import looks_binary, note_seen, risk_of, text_files, to_path
from .results import MAX_TEXT
from .workers import call_in_thread

__all__ = ["Encoding", "Read", "encoding_of"]

DEFAULT_LINES = 2000
MAX_LINE = 2000
#: Below the cap on every result, so that the notices at the end are never what is cut.
MAX_CHARACTERS = MAX_TEXT - 1000
#: Counting the rest of a file stops here, in characters: a log of 50 GB must not hold the answer.
MAX_COUNTED = 200_000_000

_SAMPLE = 8192
_CHUNK = 1 << 16

# UTF-32 before UTF-16: the little-endian mark of the one begins with that of the other.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file's text is stored: the codec, and the byte order mark it begins with."""

    name: str = "utf-8"
    mark: bytes = b""


def encoding_of(start: bytes) -> Encoding | None:
    """The encoding that the first bytes of a file tell; None when it is no text. Without a mark: UTF-8.

    >>> encoding_of(b"\\xff\\xfeh\\x00i\\x00").name, encoding_of(b"\\x89PNG\\r\\n\\x1a\\n\\x00")
    ('utf-16-le', None)
    """
    for mark, name in _MARKS:
        if start.startswith(mark):
            return Encoding(name, mark)
    return None if looks_binary(start) else Encoding()


class Read(Tool):
    """Reads a text file, numbered as `cat -n` does."""

    name = "read"
    description = (
        "Read a text file. Lines come numbered: the number, a tab, the line. Longer files come in windows: "
        "offset is the first line wanted, limit how many."
    )
    input_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "file_path": {"type": "string", "description": "Path of the file to read"},
            "offset": {"type": "integer", "minimum": 1, "description": "First line to read (default: 1)"},
            "limit": {
                "type": "integer",
                "minimum": 1,
                "description": f"Number of lines to read (default: {DEFAULT_LINES})",
            },
        },
        "required": ["file_path"],
        "additionalProperties": False,
    }
    idempotent = True
    key_argument: ClassVar[str | None] = "file_path"

    async def execute(self, input: Mapping[str, Any], ctx: ToolContext) -> str:
        offset = _positive(input, "offset", 1)
        limit = _positive(input, "limit", DEFAULT_LINES)
        path = to_path(input.get("file_path"), ctx)
        settling = call_in_thread(lambda: _read(path, offset, limit), self.name)
        text: str = await settling.future
        note_seen(path, ctx)
        return text

    def approval_reason(self, input: Mapping[str, Any], ctx: ToolContext) -> str | None:
        risk = risk_of(to_path(input.get("file_path"), ctx), ctx)
        if risk is not None:
            return f"read wants to open `{input['file_path']}`, which {risk}"
        return super().approval_reason(input, ctx)

    def candidates(self, ctx: ToolContext) -> Mapping[str, Sequence[str]]:
        names = text_files(ctx.working_directory)
        return {"file_path": names} if names else {}


def _positive(input: Mapping[str, Any], key: str, default: int) -> int:
    value = input.get(key)
    if value is None:
        return default
    if not isinstance(value, int) or value < 1:
        raise ToolError(f"{key} must be a whole number, 1 or more (got {value!r}): lines count from 1")
    return value


def _read(path: Path, offset: int, limit: int) -> str:
    with _open(path) as file:
        try:
            return _read_open(file, path, offset, limit)
        except OSError as error:
            raise ToolError(f"Cannot read {path}: {error.strerror or error}") from error


def _open(path: Path) -> BinaryIO:
    try:
        # Asked first: opening a pipe would wait for somebody who writes into it.
        if stat.S_ISREG(path.stat().st_mode):
            return path.open("rb")
    except (OSError, ValueError):
        pass
    raise ToolError(f"File does not exist or is not a readable file: {path}")


def _read_open(file: BinaryIO, path: Path, offset: int, limit: int) -> str:
    start = file.read(_SAMPLE)
    encoding = encoding_of(start)
    if encoding is None:
        raise ToolError(f"Cannot read {path} as text: it is a binary file ({_kind(path)})")
    file.seek(len(encoding.mark))
    # Bytes that are no UTF-8 survive as lone surrogates, and become latin-1 below.
    errors = "surrogateescape" if encoding.name == "utf-8" else "replace"
    text = io.TextIOWrapper(file, encoding.name, errors, newline="\n")
    if not _skip_lines(text, offset - 1):
        return ""
    lines = _window(text, limit)
    notes = []
    if not _is_unicode("".join(lines)):
        lines = [line.encode("utf-8", "surrogateescape").decode("latin-1") for line in lines]
        notes.append("(this file is not valid UTF-8: shown as latin-1)")
    rest, more = _count_lines(text)
    if rest:
        words = f"more than {rest}" if more else f"{rest}"
        notes.append(f"... ({words} more lines; use offset={offset + len(lines)} to read on)")
    text.detach()
    width = max(6, len(str(offset + len(lines) - 1)))
    numbered = [f"{number:>{width}}\t{line}\n" for number, line in enumerate(lines, offset)]
    return "".join(numbered) + "\n".join(notes)


def _window(text: TextIO, limit: int) -> list[str]:
    """Up to `limit` lines without their ends, and no more than the model should get at once."""
    lines: list[str] = []
    room = MAX_CHARACTERS
    while len(lines) < limit and room > MAX_LINE + 100:
        line = text.readline(MAX_LINE + 2)  # room for the end of a line that just fits
        if not line:
            break
        left = 0
        if line.endswith("\n"):
            line = line[:-1].removesuffix("\r")
        else:
            left = _skip_line(text)
            line = line if left else line.removesuffix("\r")  # its newline was just out of reach
        left += max(0, len(line) - MAX_LINE)
        lines.append(f"{line[:MAX_LINE]}... ({left} more characters in this line)" if left else line)
        room -= len(lines[-1]) + 16
    return lines


def _skip_lines(text: TextIO, count: int) -> bool:
    """Step over `count` lines; False when the file ends before."""
    for _ in range(count):
        piece = text.readline(_CHUNK)
        if not piece:
            return False
        if len(piece) == _CHUNK and not piece.endswith("\n"):
            _skip_line(text)
    return True


def _skip_line(text: TextIO) -> int:
    """Step over the rest of a line; how many characters that were, without its end."""
    skipped = 0
    while piece := text.readline(_CHUNK):
        skipped += len(piece)
        if piece.endswith("\n"):
            return skipped - 1 - piece.endswith("\r\n")
    return skipped


def _count_lines(text: TextIO) -> tuple[int, bool]:
    """How many lines are left, and whether there may be yet more than that."""
    count = counted = 0
    last = "\n"
    while counted < MAX_COUNTED:
        piece = text.read(_CHUNK)
        if not piece:
            return count + (last != "\n"), False
        count += piece.count("\n")
        counted += len(piece)
        last = piece[-1]
    return count, True


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _kind(path: Path) -> str:
    import mimetypes

    kind = mimetypes.guess_type(path.name)[0] or "unknown type"
    return f"{kind}, {os.stat(path).st_size} bytes"
