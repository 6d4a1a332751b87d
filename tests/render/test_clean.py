"""Text made fit to be shown."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.render.clean import clean, is_cut, shorten, shown, shown_value

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
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2066-\u2069\ufeff]", revealed)
    assert shown_value(revealed) == revealed


def test_two_names_that_look_the_same_are_both_shown() -> None:
    items = {"k\u200b": "evil", "k\\u200b": "good", "a\nb": 1, "a\\nb": 2}
    assert shown_value(items) == {"k\\u200b": "evil", "k\\u200b (again)": "good", "a\\nb": 1, "a\\nb (again)": 2}


def test_what_is_too_deep_to_be_shown_is_said() -> None:
    deep: object = "rm -rf /"
    for _ in range(23):
        deep = {"k": deep}
    assert "rm -rf" in str(shown_value([deep]))
    assert not is_cut(shown_value([deep]))
    assert "deeper than is shown here" in str(shown_value([[deep]]))
    assert is_cut(shown_value({"a": 1, "b": [[deep]]}))


@given(st.text(max_size=300), st.integers(1, 100))
def test_a_shortened_text_keeps_both_ends_and_counts_what_is_gone(text, longest) -> None:
    short = shorten(text, longest)
    if len(text) <= longest:
        assert short == text
    else:
        assert short.startswith(text[: longest - longest // 3])
        assert f"{len(text) - longest} characters left out" in short
        assert len(short) <= longest + 60
