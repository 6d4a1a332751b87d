"""Framing of streamed answers: bytes in, events out. Lines are cut on bytes, before any decoding."""

from __future__ import annotations

import re

from ..errors import StreamError

__all__ = ["MAX_EVENT_BYTES", "LineDecoder", "NDJSONDecoder", "SSEDecoder"]

#: An event larger than this is refused: no model sends one, and it would grow without end.
MAX_EVENT_BYTES = 10 * 1024 * 1024

# Only these end a line. `str.splitlines` and the iterators built on it also cut at U+2028, U+0085 and others,
# which are legal inside a JSON string.
_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"


class LineDecoder:
    """Whole lines out of bytes that are cut anywhere; CR, LF and CRLF end a line.

    >>> decoder = LineDecoder()
    >>> decoder.feed(b"a\\r"), decoder.feed(b"\\nb"), decoder.end()
    ([b'a'], [], b'b')
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self._after_cr = False

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes. A line over `MAX_EVENT_BYTES` is a `StreamError`."""
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
            self._after_cr = False
        if not data:
            return []
        # A CR ends its line at once; if an LF follows in the next piece, it belongs to this line end.
        self._after_cr = data.endswith(b"\r")
        lines = _LINE_END.split(data) if b"\r" in data else data.split(b"\n")
        self._pending += lines[0]
        check_size(len(self._pending))
        if len(lines) == 1:
            return []
        lines[0] = bytes(self._pending)
        self._pending = bytearray(lines.pop())
        check_size(len(self._pending))
        return lines

    def end(self) -> bytes:
        """What came after the last line end."""
        rest = bytes(self._pending)
        self._pending.clear()
        return rest


class SSEDecoder:
    """Server-sent events out of bytes: ``(event name or None, data)``. ``[DONE]`` is delivered as it is.

    JSON that stands in the stream without ``data:``, as some services send an error, is an event as well.

    >>> decoder = SSEDecoder()
    >>> decoder.feed(b"event: ping\\ndata: {}\\n\\ndata: [DONE]")
    [('ping', b'{}')]
    >>> decoder.end()
    [(None, b'[DONE]')]
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self._lines: LineDecoder | None = None  # once a CR was seen: nearly all services send none
        self._first = True
        self._event: str | None = None
        self._data: list[bytes] = []
        self._bare: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[tuple[str | None, bytes]]:
        """The events that `data` completes. One over `MAX_EVENT_BYTES` is a `StreamError`."""
        if self._lines is not None:
            return self._from_lines(self._lines.feed(data))
        if b"\r" in data:
            # What is pending began after a blank line: from here on, line by line.
            self._lines = LineDecoder()
            return self._from_lines(self._lines.feed(bytes(self._pending) + data))
        pending = self._pending
        start = max(0, len(pending) - 1)
        pending += data
        end = pending.rfind(b"\n\n", start)
        check_size(len(pending) - max(end, 0))
        if end < 0:
            return []
        blocks = bytes(pending[:end]).split(b"\n\n")
        del pending[: end + 2]
        return self._from_blocks(blocks)

    def end(self) -> list[tuple[str | None, bytes]]:
        """The last event, when no blank line followed it."""
        if self._lines is not None:
            return self._from_lines([self._lines.end(), b""])
        return self._from_blocks([bytes(self._pending)])

    def _from_blocks(self, blocks: list[bytes]) -> list[tuple[str | None, bytes]]:
        """Events of blocks between blank lines; those of one line, which are nearly all, at once."""
        if self._first:
            blocks[0] = blocks[0].removeprefix(_BOM)
            self._first = False
        events: list[tuple[str | None, bytes]] = []
        for block in blocks:
            if block[:6] == b"data: " and b"\n" not in block:
                check_size(len(block))
                events.append((None, block[6:]))
            else:
                events += self._from_lines([*block.split(b"\n"), b""])
        return events

    def _from_lines(self, lines: list[bytes]) -> list[tuple[str | None, bytes]]:
        if self._first and lines:
            lines[0] = lines[0].removeprefix(_BOM)
            self._first = False
        events: list[tuple[str | None, bytes]] = []
        for line in lines:
            if line:
                self._field(line)
            elif self._size:
                data = self._data or self._bare
                events.append((self._event, data[0] if len(data) == 1 else b"\n".join(data)))
                self._event, self._data, self._bare, self._size = None, [], [], 0
            else:
                self._event = None
        return events

    def _field(self, line: bytes) -> None:
        if line.startswith(b"data:"):
            value = line[6:] if line[5:6] == b" " else line[5:]
            self._data.append(value)
            self._count(value)
        elif line.startswith(b"event:"):
            self._event = line[6:].removeprefix(b" ").decode("utf-8", "replace")
        elif line == b"data":
            self._data.append(b"")
            self._count(b"")
        elif self._bare or line[:1] in (b"{", b"["):
            self._bare.append(line)
            self._count(line)
        # A line that starts with a colon is a comment (a keep-alive); unknown fields are passed over.

    def _count(self, value: bytes) -> None:
        self._size += len(value) + 1
        check_size(self._size)


class NDJSONDecoder:
    """Lines of JSON out of bytes, as events without a name; blank lines are passed over.

    >>> NDJSONDecoder().feed(b'{"a":1}\\n{"b"')
    [(None, b'{"a":1}')]
    """

    def __init__(self) -> None:
        self._lines = LineDecoder()

    def feed(self, data: bytes) -> list[tuple[str | None, bytes]]:
        return [(None, line) for line in self._lines.feed(data) if line.strip()]

    def end(self) -> list[tuple[str | None, bytes]]:
        rest = self._lines.end()
        return [(None, rest)] if rest.strip() else []


def check_size(size: int) -> None:
    if size > MAX_EVENT_BYTES:
        raise StreamError(
            f"the service sent an event of more than {MAX_EVENT_BYTES // 1024 // 1024} MB",
            hint="no model sends such an event: check the base_url",
            retryable=False,
        )
