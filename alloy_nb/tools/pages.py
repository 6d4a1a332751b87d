"""The text of a web page: its encoding is told by a mark, a header or the page itself, else it is UTF-8."""

from __future__ import annotations

import codecs
import re

from .storing import encoding_of

__all__ = ["decode_page"]

# What web pages may be written in, by Python's names: other codecs are no text, or slow by design.
_WEB = frozenset(
    "utf-8 utf-16 utf-16-le utf-16-be ascii iso8859-1 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 "
    "iso8859-8 iso8859-9 iso8859-10 iso8859-13 iso8859-14 iso8859-15 iso8859-16 koi8-r koi8-u mac-roman mac-cyrillic "
    "cp866 cp874 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 gbk gb2312 gb18030 big5 big5hkscs "
    "euc_jp iso2022_jp shift_jis euc_kr tis-620".split()
)
_DECLARED = re.compile(
    rb"""<(?:meta|\?xml)\b[^>]{0,200}?\b(?:charset|encoding)\s{0,9}=\s{0,9}["']?([\w-]{1,40})""", re.IGNORECASE
)


def decode_page(data: bytes, charset: str | None = None) -> str:
    """The text of a web page or another answer: by its mark, what its header says, what it says itself, else UTF-8.

    What is none of these is read as Windows-1252, as browsers do.

    >>> decode_page(b"gr\\xf6\\xdfe"), decode_page("größe".encode()), decode_page(b"\\xcf\\xf0", "windows-1251")
    ('größe', 'größe', 'Пр')
    """
    marked = encoding_of(data[:4])
    if marked is not None and marked.mark:
        return data[len(marked.mark) :].decode(marked.name, "replace")
    declared = _DECLARED.search(data[:2048])
    name = _web_codec(charset) or _web_codec(declared[1].decode("ascii", "replace") if declared else None)
    if name is not None and name != "utf-8":
        return data.decode(name, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        # Named, or cut in the middle of its last character: it is UTF-8 all the same.
        if name is not None or error.reason == "unexpected end of data":
            return data.decode("utf-8", "replace")
        return data.decode("cp1252", "replace")


def _web_codec(name: str | None) -> str | None:
    try:
        found = codecs.lookup((name or "").strip(" \"'")).name
    except (LookupError, ValueError):
        return None
    if found in ("ascii", "iso8859-1"):  # what says so is Windows-1252 on the web
        return "cp1252"
    return found if found in _WEB else None
