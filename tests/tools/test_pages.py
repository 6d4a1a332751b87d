"""How the text of a web page is read."""

from __future__ import annotations

import pytest

from alloy_nb.tools.pages import decode_page


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        ("größe".encode(), None, "größe"),
        ("größe".encode("latin-1"), None, "größe"),
        ("größe".encode("latin-1"), "ISO-8859-1", "größe"),
        (b"it\x92s", "latin1", "it’s"),  # what says latin-1 is Windows-1252 on the web
        ("größe".encode("utf-16"), "latin-1", "größe"),  # a mark counts more than a header
        ("日本".encode("shift_jis"), "shift_jis", "日本"),
        (b'<meta charset="koi8-r">' + "мир".encode("koi8-r"), None, '<meta charset="koi8-r">мир'),
        (
            b'<?xml version="1.0" encoding="big5"?>' + "中".encode("big5"),
            None,
            '<?xml version="1.0" encoding="big5"?>中',
        ),
        ("größe".encode()[:-1] + "ß".encode()[:1], None, "größ\ufffd"),  # cut in the middle of a character
        (b"a\xff", "utf-8", "a\ufffd"),
    ],
)
def test_a_page_is_read_as_browsers_do(data: bytes, charset: str | None, text: str) -> None:
    assert decode_page(data, charset) == text


@pytest.mark.parametrize(
    "charset", ["hex", "zip", "punycode", "idna", "unicode_escape", "rot13", "no\0such", "", "x" * 99]
)
def test_codecs_that_are_no_text_of_the_web_are_passed_over(charset: str) -> None:
    assert decode_page(b"6869", charset) == "6869"
