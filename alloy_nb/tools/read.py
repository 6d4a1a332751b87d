"""The `read` tool: a window of a text file, with line numbers."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, TextIO

from ..errors import ToolError
from .context import CancelToken, ToolContext
from .filetool import FileTool
from .kept import HANDLE
from .opening import hold
from .paths import Place, is_allowed, note_seen, real_path, text_files
from .results import MAX_TEXT
from .storing import Encoding, encoding_of
from .workers import call_in_thread

__all__ = ["DEFAULT_LINES", "Read", "read_place"]

DEFAULT_LINES = 2000
MAX_LINE = 2000
#: Below the cap on every result, so that the notices at the end are never what is cut.
MAX_CHARACTERS = MAX_TEXT - 1000
#: Counting the rest of a file stops here, in characters: a log of 50 GB must not hold the answer.
MAX_COUNTED = 200_000_000

_SAMPLE = 8192
#: How many kept outputs are offered to a model that is held to values that exist.
_OFFERED_OUTPUTS = 8
_CHUNK = 1 << 16


class Read(FileTool):
    """Reads a text file, numbered as `cat -n` does; ``output:3`` is what was kept of a result too long to be sent."""

    name = "read"
    description = (
        "Read a text file. Lines come numbered: the number, a tab, the line. Longer files come in windows: "
        "offset is the first line wanted, limit how many. What was kept of a long output is read in the same way, "
        "by the handle that stands in it."
    )
    input_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "file_path": {"type": "string", "description": "Path of the file to read, or a handle such as output:3"},
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
    reads_outputs: ClassVar[bool] = True
    verbs: ClassVar[tuple[str, ...]] = ("open",)

    async def execute(self, input: Mapping[str, Any], ctx: ToolContext) -> str:
        offset = _positive(input, "offset", 1)
        limit = _positive(input, "limit", DEFAULT_LINES)
        settling = call_in_thread(lambda: read_place(self.decided_place(input, ctx), offset, limit, ctx), self.name)
        text: str = await settling.future
        return text

    def asks_about(self, place: Place) -> bool:
        return place.risk is not None or self.requires_approval

    def candidates(self, ctx: ToolContext) -> Mapping[str, Sequence[str]]:
        directory = ctx.working_directory
        names = [name for name in text_files(directory) if is_allowed(directory / name, ctx)]
        if ctx.outputs is not None:
            names += ctx.outputs.handles()[-_OFFERED_OUTPUTS:]
        return {"file_path": names} if names else {}

    def _place(self, input: Mapping[str, Any], ctx: ToolContext) -> Place:
        value = input.get("file_path")
        if ctx.outputs is not None and isinstance(value, str) and HANDLE.fullmatch(value):
            return Place(Path(value), real_path(ctx.outputs.path(value)))
        return super()._place(input, ctx)


def _positive(input: Mapping[str, Any], key: str, default: int) -> int:
    value = input.get(key)
    if value is None:
        return default
    if not isinstance(value, int) or value < 1:
        raise ToolError(f"{key} must be a whole number, 1 or more (got {value!r}): lines count from 1")
    return value


def read_place(place: Place, offset: int, limit: int, ctx: ToolContext) -> str:
    """A window of the file that was decided about, numbered. Raises `ToolError` when it cannot be read as text."""
    with _open(place) as file:
        try:
            # The version that is read, whatever becomes of the file while that lasts.
            status = os.fstat(file.fileno())
            text = _read_open(file, place.path, offset, limit, ctx.cancelled)
        except OSError as error:
            raise ToolError(f"Cannot read {place.path}: {error.strerror or error}") from error
    note_seen(place.real, ctx, status)
    return text


def _open(place: Place) -> BinaryIO:
    try:
        with hold(place.real) as held:
            return held.open()
    except (OSError, ValueError) as error:
        raise ToolError(f"File does not exist or is not a readable file: {place.path}") from error


def _read_open(file: BinaryIO, path: Path, offset: int, limit: int, cancelled: CancelToken) -> str:
    # A handle is no absolute path. What was kept is text, whatever it begins with.
    encoding = encoding_of(file.read(_SAMPLE)) if path.is_absolute() else Encoding()
    if encoding is None:
        raise ToolError(f"Cannot read {path} as text: it is a binary file ({_kind(file, path)})")
    file.seek(len(encoding.mark))
    # Bytes that are no UTF-8 survive as lone surrogates, and become latin-1 below.
    errors = "surrogateescape" if encoding.name == "utf-8" else "replace"
    text = io.TextIOWrapper(file, encoding.name, errors, newline="\n")
    if not _skip_lines(text, offset - 1, cancelled):
        return ""
    lines, whole = _window(text, limit)
    notes = []
    if not _is_unicode("".join(lines)):
        lines = [line.encode("utf-8", "surrogateescape").decode("latin-1") for line in lines]
        notes.append("(this file is not valid UTF-8: shown as latin-1)")
    rest, more = _count_lines(text) if whole else (0, True)
    if rest:
        words = f"more than {rest}" if more else f"{rest}"
        notes.append(f"... ({words} more lines; use offset={offset + len(lines)} to read on)")
    text.detach()
    width = max(6, len(str(offset + len(lines) - 1)))
    numbered = [f"{number:>{width}}\t{line}\n" for number, line in enumerate(lines, offset)]
    return "".join(numbered) + "\n".join(notes)


def _window(text: TextIO, limit: int) -> tuple[list[str], bool]:
    """Up to `limit` lines without their ends, and no more than the model should get at once.

    And whether the last one was read to its end: counting a line without end stops somewhere.
    """
    lines: list[str] = []
    room = MAX_CHARACTERS
    while len(lines) < limit and room > MAX_LINE + 100:
        line = text.readline(MAX_LINE + 2)  # room for the end of a line that just fits
        if not line:
            break
        left, whole = 0, True
        if line.endswith("\n"):
            line = line[:-1].removesuffix("\r")
        else:
            left, whole = _skip_line(text)
            line = line if left else line.removesuffix("\r")  # its newline was just out of reach
        left += max(0, len(line) - MAX_LINE)
        more = f"{left}" if whole else f"more than {left}"
        lines.append(f"{line[:MAX_LINE]}... ({more} more characters in this line)" if left else line)
        if not whole:
            return lines, False
        room -= len(lines[-1]) + 16
    return lines, True


def _skip_lines(text: TextIO, count: int, cancelled: CancelToken) -> bool:
    """Step over `count` lines; False when the file ends before. Long files take their time, until given up."""
    while count > 0:
        piece = text.readline(_CHUNK)
        if not piece:
            return False
        if cancelled.is_set():
            raise ToolError("Reading was given up")
        count -= piece.endswith("\n")
    return True


def _skip_line(text: TextIO) -> tuple[int, bool]:
    """Step over the rest of a line: how many characters that were, without its end, and whether its end was reached."""
    skipped = 0
    while skipped < MAX_COUNTED:
        piece = text.readline(_CHUNK)
        skipped += len(piece)
        if piece.endswith("\n"):
            return skipped - 1 - piece.endswith("\r\n"), True
        if not piece:
            return skipped, True
    return skipped, False


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


def _kind(file: BinaryIO, path: Path) -> str:
    import mimetypes

    kind = mimetypes.guess_type(path.name)[0] or "unknown type"
    return f"{kind}, {os.fstat(file.fileno()).st_size} bytes"
