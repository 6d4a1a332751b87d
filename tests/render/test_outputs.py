"""The few lines of a tool's output."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.render.outputs import output_lines, told_code

TEXTS = st.text(alphabet="ab \n\t漢", max_size=3_000)


@given(TEXTS, st.integers(1, 120), st.booleans())
def test_it_is_bounded_and_counts_what_is_left_out(text: str, width: int, failed: bool) -> None:
    lines = output_lines(text, width, failed=failed)
    assert len(lines) <= (16 if failed else 6)
    assert sum(map(len, lines)) <= (1500 if failed else 400) + width + 30
    whole = text.rstrip().split("\n") if text.strip() else []
    kept = [line for line in lines if not line.startswith("… ")]
    left = [int(line.split()[1].replace(",", "")) for line in lines if line.startswith("… ")]
    assert len(kept) + sum(left) == len(whole)


def test_a_long_line_is_cut() -> None:
    assert output_lines("x" * 1_000, 10) == ["x" * 9 + "…"]


def test_only_the_line_of_the_exit_code_is_left_out() -> None:
    assert told_code("a\nexit code: 1\nexit code: 0", 0) == "a\nexit code: 1"
    assert told_code("exit code: 7", None) == "exit code: 7"
