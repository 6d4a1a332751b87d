"""Colours for code."""

from __future__ import annotations

import re
from html import unescape

from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.render.highlight import highlight


def read(html: str) -> str:
    return unescape(re.sub("<[^>]+>", "", html))


@given(
    st.text(st.sampled_from("ab +-@#'\"`<>&{}()=:;$\\/*\n\t"), max_size=80),
    st.sampled_from(["python", "diff", "json", "bash", "html", "sql", "r", "yaml"]),
)
def test_no_character_is_added_or_lost(code: str, language: str) -> None:
    assert read(highlight(code, language)) == code


def test_the_last_line_of_a_diff_has_its_colour_too() -> None:
    assert highlight("- a\n+ b", "diff").count("<span") == 2
