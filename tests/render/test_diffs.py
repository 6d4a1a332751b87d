"""What a call changes, as a diff: true to the last character, and never dear."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.render.clean import shown_value
from alloy_nb.render.diffs import asked_diff, diff_of
from alloy_nb.render.values import Approval, Tool

HALVES = ("old_string", "new_string")
TEXTS = st.lists(st.sampled_from(["a", "b", "", "c ", "-", "@@", " a"]), max_size=12).map("\n".join)


def asked(old: str, new: str, longest: int = 100_000):
    return asked_diff(Approval(input=shown_value({"old_string": old, "new_string": new})), longest)


def side(lines: tuple[str, ...], sign: str, *, whole: bool) -> str:
    """The text before or after a change, read off the diff alone."""
    text = ""
    for place, line in enumerate(lines):
        following = lines[place + 1] if place + 1 < len(lines) else ""
        if line[:1] in (sign, " "):
            text += line[1:] + ("" if following.startswith("\\") else "\n")
    return text if whole else text.removesuffix("\n")


@given(TEXTS, TEXTS)
def test_both_halves_can_be_read_off_the_diff_of_a_question(old: str, new: str) -> None:
    diff = asked(old, new)
    if old == new:
        assert diff.lines == ()
        assert diff.told == ()
        return
    # Where neither half ends in a newline, none is marked: pieces of a file seldom do.
    whole = any(not text or text.endswith("\n") for text in (old, new))
    assert side(diff.lines[1:], "-", whole=whole) == old
    assert side(diff.lines[1:], "+", whole=whole) == new
    assert diff.told == HALVES


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_what_ends_a_line_for_python_alone_is_spelt_out(sign: str) -> None:
    """The second line went into a comment, and the diff showed it as it was."""
    code = f"\\x{ord(sign):02x}" if ord(sign) < 256 else f"\\u{ord(sign):04x}"
    diff = asked("# only admins\ncheck()\nlimit = 1\n", f"# only admins{sign}check()\nlimit = 2\n")
    assert f"+# only admins{code}check()" in diff.lines
    assert "-check()" in diff.lines


def test_a_newline_that_one_half_lacks_is_said() -> None:
    assert asked("x=1\ny=1\n", "x=2\ny=1").lines[-2:] == ("+y=1", "\\ No newline at end of file")
    assert asked("a", "a\n").lines == ("@@ -1 +1 @@", "-a", "\\ No newline at end of file", "+a")
    assert asked("a", "b").lines == ("@@ -1 +1 @@", "-a", "+b")
    assert asked("", "b").lines == ("@@ -0,0 +1 @@", "+b", "\\ No newline at end of file")
    assert asked("", "b\n").lines == ("@@ -0,0 +1 @@", "+b")


def test_a_question_has_its_diff_whole_or_not_at_all() -> None:
    old = [f"line {number}" for number in range(900)]
    new = [*(f"{line}0" for line in old[:300]), "evil()", *(f"{line}0" for line in old[300:])]
    assert "+evil()" in asked("\n".join(old), "\n".join(new)).lines
    assert asked("\n".join(old), "\n".join(new), longest=10_000) == asked("", "")
    assert asked("x" * 60_000, "y") == asked("", "")


def test_a_change_that_was_made_is_shortened_beside_its_arguments() -> None:
    tool = Tool(input={"old_string": "a\n" * 500, "new_string": "b\n" * 500})
    assert diff_of(tool, 10_000).told == HALVES
    short = diff_of(tool, 400)
    assert any("left out" in line for line in short.lines)
    assert short.told == ()


def test_what_a_tool_says_that_it_changed_hides_no_argument_that_it_does_not_tell() -> None:
    input = {"file_path": "a", "old_string": "top\nx = 1", "new_string": "top\nx = 2", "content": "c"}
    true = diff_of(Tool(input=input, data={"diff": "--- a\n+++ a\n@@ -7 +7 @@\n-    x = 1\n+    x = 2\n"}), 999)
    assert true.told == HALVES
    assert true.lines[-1] == "+    x = 2"
    false = diff_of(Tool(input=input, data={"diff": "@@ -7 +7 @@\n-harmless\n+harmless too"}), 999)
    assert false.lines
    assert false.told == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n".join(str(i % 100) for i in range(16_000)), "\n".join(str(i * 7 % 100) for i in range(16_000))),
        ("\n".join(map(str, range(9_000))), "\n".join(map(str, reversed(range(9_000))))),
        ("same\n" * 5_000, "same\n" * 4_000 + "other\n"),
    ],
)
def test_no_change_takes_long_and_none_is_looked_for_twice(old: str, new: str) -> None:
    """Minutes, under a lock, at each word of a tool's progress."""
    start = time.process_time()
    lines = asked(old, new, longest=1_000_000).lines
    assert time.process_time() - start < 5
    assert side(lines[1:], "-", whole=True).removesuffix("\n") == old.removesuffix("\n")
    assert asked(old, new, longest=1_000_000).lines is lines


def test_of_a_change_that_is_too_dear_the_common_ends_are_shown_as_such() -> None:
    old = "\n".join(["head", *(f"old {i % 90}" for i in range(400)), "tail"])
    new = "\n".join(["head", *(f"new {i % 80}" for i in range(400)), "tail"])
    lines = asked(old, new).lines
    assert lines[:3] == ("@@ -1,402 +1,402 @@", " head", "-old 0")
    assert lines[401:403] == ("-old 39", "+new 0")
    assert lines[-1] == " tail"
