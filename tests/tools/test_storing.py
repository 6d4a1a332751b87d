"""How a file stores its text, and that what replaces it is stored alike."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alloy_nb.errors import ToolError
from alloy_nb.tools.storing import Encoding, decode, encoding_of, has_crlf, store_like


def test_encodings_are_told_by_their_marks() -> None:
    assert encoding_of(b"") == encoding_of(b"plain") == Encoding("utf-8")
    assert encoding_of(b"\xff\xfe\0\0h\0\0\0") == Encoding("utf-32-le", b"\xff\xfe\0\0")
    assert encoding_of(b"h\0i\0") is None


def test_a_nul_far_behind_makes_a_file_binary() -> None:
    assert decode(b"text " * 5000 + b"\0") is None


def test_a_wrong_mark_is_an_error() -> None:
    with pytest.raises(UnicodeDecodeError):
        decode(b"\xff\xfea")
    assert store_like("neu", b"\xff\xfea").data == b"neu"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "latin-1"])
def test_the_encoding_of_what_is_replaced_stays_and_is_said(encoding: str) -> None:
    """A model sees neither mark nor encoding: it cannot mean to change them."""
    stored = store_like("größer\n", "größe\n".encode(encoding))
    assert stored.data == "größer\n".encode(encoding)
    assert stored.note.startswith(" (in ")
    assert stored.note.endswith(", as before)")


def test_a_mark_in_the_text_is_not_doubled() -> None:
    assert store_like("\ufeffneu", b"\xef\xbb\xbfalt").data == b"\xef\xbb\xbfneu"
    assert store_like("\ufeffneu", b"alt").data == b"\xef\xbb\xbfneu"


def test_a_text_that_latin1_cannot_hold_becomes_utf8_and_that_is_said() -> None:
    stored = store_like("größe 日", "größe".encode("latin-1"))
    assert stored.data == "größe 日".encode()
    assert stored.note == " (in utf-8 now: its encoding cannot hold this text)"


def test_latin1_that_would_be_taken_for_utf8_becomes_utf8() -> None:
    assert store_like("Â\x80", b"\x80").data == "Â\x80".encode()
    assert store_like("plain", b"\x80") == store_like("plain", b"")


def test_crlf_stays_where_all_lines_had_it() -> None:
    stored = store_like("one\ntwo\n", b"a\r\nb\r\n")
    assert (stored.data, stored.text) == (b"one\r\ntwo\r\n", "one\r\ntwo\r\n")
    assert stored.note == " (with CRLF line ends, as before)"


@pytest.mark.parametrize("before", [b"", b"one line", b"a\nb\n", b"a\r\nb\n", b"a\rb"])
def test_other_line_ends_are_as_the_text_has_them(before: bytes) -> None:
    assert store_like("one\ntwo\r\n", before).data == b"one\ntwo\r\n"
    assert store_like("one\ntwo\n", before).data == b"one\ntwo\n"


def test_a_text_with_its_own_crlf_is_taken_as_it_is() -> None:
    assert store_like("one\r\ntwo\n", b"a\r\nb\r\n").data == b"one\r\ntwo\n"


def test_half_a_character_is_an_error_in_every_encoding() -> None:
    for before in (b"", b"\xff\xfea\0", "ü".encode("latin-1"), b"\0"):
        with pytest.raises(ToolError, match="half a character"):
            store_like("a \ud800", before)


def test_the_first_line_tells_the_kind() -> None:
    assert has_crlf("a\r\nb\n")
    assert not has_crlf("a\nb\r\n")
    assert not has_crlf("\n")


@settings(deadline=None)
@given(st.binary(max_size=80), st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_what_is_stored_reads_back_as_the_text(before: bytes, content: str) -> None:
    """Whatever was there before; but for a mark of its own."""
    stored = store_like(content, before)
    decoded = decode(stored.data)
    if decoded is not None and not content.startswith("\ufeff"):
        assert decoded[0] == stored.text
        assert stored.text.replace("\r\n", "\n") == content.replace("\r\n", "\n")
