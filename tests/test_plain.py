from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.plain import one_line, printable


@given(st.text())
def test_law_14_nothing_printed_can_steer_a_terminal(text: str) -> None:
    """Law 14, for terminals: no escape sequence and no direction override comes through."""
    for character in printable(text):
        assert character in "\n\t" or unicodedata.category(character) != "Cc"
        assert unicodedata.bidirectional(character) not in ("LRO", "RLO", "LRE", "RLE", "LRI", "RLI", "FSI")


def test_a_title_that_a_terminal_would_take_is_removed_whole() -> None:
    assert printable("a\x1b]0;evil\x07b\x1b[31mc") == "abc"


def test_lines_and_tabs_stay() -> None:
    assert printable("a\r\nb\tc\rd") == "a\nb\tc\nd"


def test_one_line_is_cut_where_it_is_too_long() -> None:
    assert one_line("a\n  b") == "a b"
    assert one_line("x" * 300, 10) == "x" * 9 + "…"
