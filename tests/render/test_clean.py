"""Text made fit to be shown."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.render.clean import clean, shorten, shown, shown_value

ANY = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\x1b[1;31mb\x1b[0m", "ab"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\x00b\x07c\x7f", "abc"),
        ("a\u202eb\u2066c", "abc"),
        ("a\ud800b", "ab"),
        ("a\U000e0041b", "ab"),
        ("\tkept\n ✓ 日本 👩‍👩‍👧 é", "\tkept\n ✓ 日本 👩‍👩‍👧 é"),
    ],
)
def test_cleaned(text, cleaned) -> None:
    assert clean(text) == cleaned


@given(ANY)
def test_clean_text_is_encodable_steers_nothing_and_stays_as_it_is(text) -> None:
    once = shown(text)
    once.encode()
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", once)
    assert clean(once) == once


@given(ANY)
def test_an_argument_shows_each_hidden_sign(text) -> None:
    revealed = shown_value(text)
    revealed.encode()
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ufeff]", revealed)
    assert shown_value(revealed) == revealed


@given(st.text(max_size=300), st.integers(1, 100))
def test_a_shortened_text_keeps_both_ends_and_counts_what_is_gone(text, longest) -> None:
    short = shorten(text, longest)
    if len(text) <= longest:
        assert short == text
    else:
        assert short.startswith(text[: longest - longest // 3])
        assert f"{len(text) - longest} characters left out" in short
        assert len(short) <= longest + 60
