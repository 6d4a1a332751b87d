"""Lines that break at blanks."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.wrapping import columns, fold, width_of

LINES = st.text(alphabet="ab ·漢\u0301`(),", max_size=120)


@given(LINES, st.integers(8, 60))
def test_no_sign_is_lost_and_no_line_is_too_wide_but_for_a_word(line: str, width: int) -> None:
    folded = fold(line, width)
    assert "".join(folded.split()) == "".join(line.split())
    assert all(columns(part) <= width or len(part.split()) <= 2 for part in folded.split("\n"))


@given(LINES)
def test_what_fits_stays_as_it_is(line: str) -> None:
    assert fold(line, columns(line)) == line


def test_words_are_whole_and_what_goes_on_is_set_in() -> None:
    """At 40 columns the terminal broke hints in the middle of a word."""
    hint = "Hint: name one: anthropic, openai, google, or run the embedded model"
    assert fold(hint, 40) == "Hint: name one: anthropic, openai,\n  google, or run the embedded model"


def test_a_second_column_stays_a_column() -> None:
    assert fold("model   none: no model is named, and none", 30) == (
        "model   none: no model is\n        named, and none"
    )


def test_colours_take_no_room() -> None:
    line = "\x1b[2m" + "word " * 4 + "\x1b[0m"
    assert fold(line, 20) == line


def test_what_is_no_terminal_has_no_width() -> None:
    assert width_of(io.StringIO()) is None
