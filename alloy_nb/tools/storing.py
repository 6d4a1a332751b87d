"""How a file stores its text: its encoding, its byte order mark, its line ends."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from ..errors import ToolError
from .paths import looks_binary

__all__ = ["Encoding", "Stored", "decode", "encoding_of", "has_crlf", "store_like"]

# UTF-32 before UTF-16: the little-endian mark of the one begins with that of the other.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE = 8192


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file's text is stored: the codec, and the byte order mark it begins with."""

    name: str = "utf-8"
    mark: bytes = b""

    def __str__(self) -> str:
        return f"{self.name} with a byte order mark" if self.mark else self.name


@dataclass(frozen=True, slots=True)
class Stored:
    """A text as it will be in the file: its bytes, the text with the line ends it has there, what to say of it."""

    data: bytes
    text: str
    note: str = ""


def encoding_of(start: bytes) -> Encoding | None:
    """The encoding that the first bytes of a file tell; None when it is no text. Without a mark: UTF-8.

    >>> encoding_of(b"\\xff\\xfeh\\x00i\\x00").name, encoding_of(b"\\x89PNG\\r\\n\\x1a\\n\\x00")
    ('utf-16-le', None)
    """
    for mark, name in _MARKS:
        if start.startswith(mark):
            return Encoding(name, mark)
    return None if looks_binary(start) else Encoding()


def decode(data: bytes) -> tuple[str, Encoding] | None:
    """A file's text and how it is stored; None when it is none, `UnicodeDecodeError` when its mark is wrong.

    Without a mark, what is no UTF-8 is latin-1, as `read` shows it: every byte has a character there, so that the
    file comes back as it was.

    >>> decode(b"gr\\xfc\\xdfe")
    ('grüße', Encoding(name='latin-1', mark=b''))
    """
    encoding = encoding_of(data[:_SAMPLE])
    if encoding is None or (not encoding.mark and b"\0" in data):
        return None
    body = data[len(encoding.mark) :]
    try:
        return body.decode(encoding.name), encoding
    except UnicodeDecodeError:
        if encoding.mark:
            raise
        return body.decode("latin-1"), Encoding("latin-1")


def store_like(content: str, before: bytes) -> Stored:
    """`content` in the way that the file it replaces is stored, which begins with `before`, as far as it can be.

    A model never sees marks, encodings and carriage returns, so it cannot mean to change them by leaving them out:
    a byte order mark and its encoding stay; so does latin-1, unless the text has other characters, which make it
    UTF-8; and where all lines end in CRLF, plain newlines become that. Raises `ToolError` for half a character.

    >>> store_like("a\\nb\\n", b"x\\r\\n").data
    b'a\\r\\nb\\r\\n'
    """
    try:
        old, encoding = decode(before) or ("", Encoding())
    except UnicodeDecodeError:  # a mark, and rubbish behind it
        old, encoding = "", Encoding()
    notes = []
    if has_only_crlf(old) and "\n" in content and "\r\n" not in content:
        content = content.replace("\n", "\r\n")
        notes.append("with CRLF line ends")
    if encoding.mark:
        content = content.removeprefix("\ufeff")
    if encoding.name == "latin-1" and not _reads_as_latin1(content):
        encoding = Encoding()
        if not content.isascii():
            return Stored(_encode(content, encoding), content, " (in utf-8 now: its encoding cannot hold this text)")
    if encoding != Encoding():
        notes.insert(0, f"in {encoding}")
    return Stored(_encode(content, encoding), content, f" ({', '.join(notes)}, as before)" if notes else "")


def _reads_as_latin1(content: str) -> bool:
    """Whether the text can be latin-1, and would not be taken for UTF-8 then."""
    try:
        content.encode("latin-1").decode()
    except UnicodeDecodeError:
        return True
    except UnicodeEncodeError:
        return False
    return False


def has_crlf(text: str) -> bool:
    """The first line's end tells which kind the file has, as in most editors."""
    first = text.find("\n")
    return first > 0 and text[first - 1] == "\r"


def has_only_crlf(text: str) -> bool:
    """Whether there are lines' ends, and all are CRLF."""
    return "\n" in text and re.search(r"(?<!\r)\n", text) is None


def _encode(content: str, encoding: Encoding) -> bytes:
    try:
        return encoding.mark + content.encode(encoding.name)
    except UnicodeEncodeError as error:
        raise ToolError(f"content holds half a character (a lone surrogate) at {error.start}") from error
