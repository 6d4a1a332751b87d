"""What reaches a terminal: the whole answer, and nothing that could steer it."""

from __future__ import annotations

import errno
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.cli.console import Answer, Notes, OutputGone
from alloy_nb.plain import printable
from alloy_nb.redaction import MASK, redact_known, register_secret

KEY = "canary-8d1f0a77b3"

PIECES = st.sampled_from(
    [
        "\x1b",
        "[",
        "31",
        "m",
        "]",
        "0;title",
        "\x07",
        "\\",
        "\r",
        "\n",
        " ",
        "ö",
        "\x9b",
        "\u202e",
        "word",
        KEY[:6],
        KEY[6:],
    ]
)


def written(chunks: list[str]) -> str:
    stream = io.StringIO()
    answer = Answer(stream)
    for chunk in chunks:
        answer.write(chunk)
    answer.flush()
    return stream.getvalue()


@given(st.lists(PIECES | st.text(max_size=6), max_size=30))
def test_law_4_however_the_chunks_are_cut_the_text_is_the_whole_one_made_safe(chunks: list[str]) -> None:
    """Law 4, at the terminal."""
    register_secret(KEY)
    assert written(chunks) == redact_known(printable("".join(chunks)))


def test_an_escape_sequence_cut_in_two_never_reaches_the_terminal() -> None:
    assert written(["red: \x1b", "[3", "1mred\x1b]0;owned", "\x07 end"]) == "red: red end"


def test_law_14_a_key_that_comes_in_pieces_is_not_shown() -> None:
    """Law 14: whatever a model says, no key is shown."""
    register_secret(KEY)
    assert written([*f"the key is {KEY}."]) == f"the key is {MASK}."


def test_words_are_shown_as_soon_as_they_are_complete() -> None:
    stream = io.StringIO()
    answer = Answer(stream)
    answer.write("one tw")
    assert stream.getvalue() == "one "
    answer.write("o three")
    assert stream.getvalue() == "one two "
    answer.end_line()
    assert stream.getvalue() == "one two three\n"
    answer.end_line()
    assert stream.getvalue() == "one two three\n"


class _Full(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_ends_the_run_once_and_is_remembered() -> None:
    answer = Answer(_Full())
    with pytest.raises(OutputGone):
        answer.write("some words ")
    answer.write("more words ")
    answer.end_line()
    assert answer.failure is not None
    assert answer.failure.errno == errno.ENOSPC


def test_a_note_is_one_safe_line_without_keys() -> None:
    register_secret(KEY)
    stream = io.StringIO()
    Notes(stream).line(f"✗ bash: line one\nline two \x1b[2J {KEY}")
    assert stream.getvalue() == f"✗ bash: line one line two {MASK}\n"


def test_a_broken_stderr_loses_no_answer() -> None:
    Notes(_Full()).line("a warning")


@pytest.mark.parametrize("secret", ["long-canary-" * 40, "canary-a with blanks-in-it canary-b"], ids=["long", "blanks"])
@pytest.mark.parametrize("size", [1, 7, 300])
def test_no_part_of_a_key_is_written_however_long_and_whatever_is_in_it(secret: str, size: int) -> None:
    """Of a key of over 256 characters all but its end was written while it came."""
    register_secret(secret)
    out = io.StringIO()
    answer = Answer(out)
    text = f"the key is {secret}, and more"
    for at in range(0, len(text), size):
        answer.write(text[at : at + size])
    answer.flush()
    assert out.getvalue() == "the key is [redacted], and more"
