"""Framing of streamed answers: bytes in, events out. Lines are cut on bytes, before any decoding."""

from __future__ import annotations

import re
from collections.abc import Iterator

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
        lines = _LINE_END.split(data)
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

    >>> decoder = SSEDecoder()
    >>> decoder.feed(b"event: ping\\ndata: {}\\n\\ndata: [DONE]")
    [('ping', '{}')]
    >>> decoder.end()
    [(None, '[DONE]')]
    """

    def __init__(self) -> None:
        self._lines = LineDecoder()
        self._first = True
        self._event: str | None = None
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[tuple[str | None, str]]:
        """The events that `data` completes. One over `MAX_EVENT_BYTES` is a `StreamError`."""
        return list(self._events(self._lines.feed(data)))

    def end(self) -> list[tuple[str | None, str]]:
        """The last event, when no blank line followed it."""
        return list(self._events([self._lines.end(), b""]))

    def _events(self, lines: list[bytes]) -> Iterator[tuple[str | None, str]]:
        for line in lines:
            if self._first:
                line = line.removeprefix(_BOM)
                self._first = False
            if line:
                self._field(line)
                continue
            if self._data:
                yield self._event, b"\n".join(self._data).decode("utf-8", "replace")
            self._clear()

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name == b"data":
            value = value.removeprefix(b" ")
            self._size += len(value) + 1
            check_size(self._size)
            self._data.append(value)
        elif name == b"event":
            self._event = value.removeprefix(b" ").decode("utf-8", "replace")
        # A line that starts with a colon is a comment (a keep-alive); unknown fields are passed over.

    def _clear(self) -> None:
        self._event, self._data, self._size = None, [], 0


class NDJSONDecoder:
    """Lines of JSON out of bytes, as events without a name; blank lines are passed over.

    >>> NDJSONDecoder().feed(b'{"a":1}\\n{"b"')
    [(None, '{"a":1}')]
    """

    def __init__(self) -> None:
        self._lines = LineDecoder()

    def feed(self, data: bytes) -> list[tuple[str | None, str]]:
        return [(None, line.decode("utf-8", "replace")) for line in self._lines.feed(data) if line.strip()]

    def end(self) -> list[tuple[str | None, str]]:
        rest = self._lines.end()
        return [(None, rest.decode("utf-8", "replace"))] if rest.strip() else []


def check_size(size: int) -> None:
    if size > MAX_EVENT_BYTES:
        raise StreamError(
            f"the service sent an event of more than {MAX_EVENT_BYTES // 1024 // 1024} MB",
            hint="no model sends such an event: check the base_url",
            retryable=False,
        )
