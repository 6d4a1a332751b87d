"""Printed lines as HTML: each breaks at its blanks and goes on below its second column."""

from __future__ import annotations

import re

import pytest

from alloy_nb.render.lines import lines_html


def depth(line: str) -> int:
    (found,) = re.findall(r"padding-left:(\d+)ch;text-indent:-\1ch", lines_html(line))
    return int(found)


@pytest.mark.parametrize(
    ("line", "deep"),
    [
        ("  /model [NAME]    which model answers", 19),
        ("2026-11-29 17:47  a b  2 messages", 18),
        ("               because: it is installed", 17),
        ("openai (no key): one, two, three", 2),
        ("one  ", 2),
        ("x" * 40 + "  too far to the right", 2),
        (" " * 99 + "deep", 34),
        ("", 2),
    ],
)
def test_a_line_goes_on_below_its_second_column(line: str, deep: int) -> None:
    assert depth(line) == deep


def test_what_is_said_does_nothing_but_be_read() -> None:
    html = lines_html("<img src=x onerror=y> & $x^2$\n\n\x1b[31m\u202ered")
    assert "<img" not in html
    assert "&lt;img src=x onerror=y&gt; &amp; $x^2$" in html
    assert "mathjax_ignore" in html
    assert "<br>" in html
    assert not {"\x1b", "\u202e"} & set(html)
