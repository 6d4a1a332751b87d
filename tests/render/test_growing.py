"""Text that grows: at every moment it is what looking at all of it would show, and a look costs what is new.

An end of it with which a known secret may begin, eight characters or more, is not shown while the text grows, and a
mark stands for it where the text ends so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alloy_nb import redaction
from alloy_nb.redaction import DECIDED, MASK, SHAPES, register_secret, secret_begins
from alloy_nb.render import growing
from alloy_nb.render.clean import clean, shown
from alloy_nb.render.drafts import WordsDraft
from alloy_nb.render.growing import GrowingText, Seen
from alloy_nb.render.values import Text, Thinking

SECRETS = ("abcXYabcXYcb", "caXabcaXb", "abcXYabc", "aaaaaaaa", "abcXYab", "caXabc[", "]Xabcca", "sk-aXbYc", "aXbc Bea")
LONGEST_FIRST = tuple(sorted(SECRETS, key=len, reverse=True))

#: What keys, escape sequences and ends of lines are made of, whole and cut.
CRUMBS = st.sampled_from(
    [
        *("sk-", "sk-ant-", "pk-live-", "xai-", "AIza", "ghp_", "github_pat_", "hf_", "AKIA", "xoxb-", "Bearer "),
        *("bearer ", "b" * 16, "Q1" * 15, "A" * 16, "=", "==", ".", "_", "-", " ", "é", "\r", "\n", "\r\n", "\x07"),
        *("\x1b", "\x1b[", "\x1b[31", "m", "\x1b]", "\x1b]0;t", "\x1b\\", "\\", "[", "]", "\x1bM", "\0", "\u202e"),
        *("\ud83d", "\ude00", "😀", MASK, *SECRETS, *(secret[:5] for secret in SECRETS), "Yabc", "\U000e0041"),
        *("sk_live_", "ASIA", "glpat-", "eyJhbGciOi", "npm_", "ya29."),
        *("b" * 70, "c" * 130, "a" * 70, "0" * 130, "/" * 9, "<b>", "日本"),
    ]
)
PIECES = st.lists(CRUMBS | st.text("abcXY[] \x1b]=.-_\r\n", max_size=9), max_size=14)


@pytest.fixture(scope="module", autouse=True)
def secrets() -> Iterator[None]:
    before, redaction._known = redaction._known, LONGEST_FIRST
    yield
    redaction._known = before


def shown_of(whole: str, *, ended: bool = False) -> str:
    """What is shown of a text that came to `whole`: all that is shown of it, but an end that may become a secret."""
    text = clean(whole)
    for secret in LONGEST_FIRST:
        text = text.replace(secret, "\0")
    place = secret_begins(text, LONGEST_FIRST)
    if place == len(text):
        assert SHAPES.sub(MASK, text).replace("\0", MASK) == shown(whole)
    held = MASK if ended and place < len(text) else ""
    return SHAPES.sub(MASK, text[:place]).replace("\0", MASK) + held


@pytest.mark.thorough
@given(PIECES)
@example(["abcXYabcX", "\x1b[31m", "Ycb"])
@example(["sk-" + "b" * 20, "abcXYabcXY", "b"])
@example(["Bearer ", "sk-" + "b" * 13, ".b"])
@example(["sk-xoxb-bbbbbbbbbb", "_", " "])
@example(["\x1b]0;t", "\x1b", "]x", "\x07after"])
@example(["Bearer " + "b" * 70, "==", "", "b"])
@example(["Bearer ", "b" * DECIDED, " x"])
@example(["zsk-", "b" * (DECIDED - 3), " x"])
@example(["eyJhbGciOi", "b" * 70, ".", "b" * 70, "!"])
@settings(deadline=None, max_examples=1500)
def test_at_every_moment_it_is_what_looking_at_all_of_it_shows(pieces: list[str]) -> None:
    text, whole, seen, page = GrowingText(), "", Seen(), ""
    for number, piece in enumerate(pieces):
        text.add(piece)
        whole += piece
        if number % 3 == 2:
            continue  # not every piece is looked at
        change = text.since(seen)
        assert change.cut == (change.keep < len(page))
        assert change.units == len(page[: change.keep].encode("utf-16-le")) // 2
        page, seen = page[: change.keep] + change.text, change.seen
        assert page == shown_of(whole)
        assert str(text) == page
    for ended in (False, True):
        last = text.since(seen)
        page, seen = page[: last.keep] + last.text, last.seen
        assert page == str(text) == shown_of(whole, ended=ended)
        text.end()


def test_the_beginning_of_a_secret_is_not_shown_while_it_comes_nor_where_the_text_ends() -> None:
    """It was seen as it streamed, and stayed where the run was stopped just there."""
    text, secret = GrowingText(), "S3CRET-of-the-house-0123456789"
    register_secret(secret)
    text.add("the key is ")
    for place, letter in enumerate(secret[:-1], 1):
        text.add(letter)
        assert str(text) == "the key is " + (secret[:place] if place < 8 else "")
    text.end()
    assert str(text) == f"the key is {MASK}"


def test_what_was_no_secret_after_all_is_shown_as_soon_as_that_is_known() -> None:
    text = GrowingText()
    register_secret("S3CRET-of-the-house-0123456789")
    text.add("the S3CRET-of-the")
    before = text.since(Seen())
    assert before.text == "the "
    text.add(" garden")
    assert text.since(before.seen)[:4] == (4, 4, "S3CRET-of-the garden", False)


@given(st.text("ak-sAIz[]m0\x1b;\r\nBearer ", max_size=160), st.lists(st.integers(0, 160), max_size=8))
@settings(deadline=None, max_examples=5 * settings().max_examples)
def test_however_it_is_cut_it_ends_as_the_same(whole: str, cuts: list[int]) -> None:
    text, place = GrowingText(), 0
    for cut in [*sorted(cuts), len(whole)]:
        text.add(whole[place:cut])
        place = max(place, cut)
        assert str(text) == shown_of(whole[:place])


@pytest.mark.parametrize("shape", redaction.SHAPES.pattern.split("\n")[1:-1])
def test_each_shape_of_a_key_is_decided_within_the_end_that_is_held(shape: str) -> None:
    """A longer one could be settled before it is recognised. Words before it are 11 characters at most."""
    assert 0 < sum(int(count) for count in re.findall(r"\{(\d+),?\}", shape)) < DECIDED - 11


@pytest.mark.parametrize(
    "piece",
    ["word and word, ", "a" * 40, "sk-" + "a" * 40, "=", "\x1b]0;title ", "\x1b[0", "0", "\r\n", "Bearer ", "abcXY"],
)
def test_a_look_costs_what_is_new(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a text of any length; counted in characters, at every place where some are looked at."""
    looked_at = 0

    def counted(stage: type, name: str) -> None:
        plain = getattr(stage, name)

        def counting(self, text: str) -> str:
            nonlocal looked_at
            looked_at += len(text) + len(self._held)
            return plain(self, text)

        monkeypatch.setattr(stage, name, counting)

    for stage in (growing._Clean, growing._Known, growing._Shaped):
        counted(stage, "feed")
        counted(stage, "rest")
    text, seen, costs = GrowingText(), Seen(), []
    text.add("Bearer ")
    for _ in range(2_000):
        text.add(piece)
        looked_at, change = 0, text.since(seen)
        seen = change.seen
        costs.append(looked_at + len(change.text) + len(seen.tail))
    bound = 2 * (len(SECRETS) + 2) * (len(piece) + 2 * DECIDED + 140 + sum(map(len, SECRETS)))
    assert max(costs) < bound
    assert max(costs[1_000:]) <= max(costs[:1_000])


def test_what_is_told_of_a_text_without_keys_is_about_the_text_itself() -> None:
    """Nothing is told twice: 2,000 deltas of 50 characters."""
    draft, seen, told = WordsDraft(False, 0), Seen(), 0
    piece = "The quick brown fox, sk-8 and a Bearer of news... "
    for number in range(2_000):
        draft.add(piece, number)
        change = draft.since(seen)
        assert not change.cut
        seen = change.seen
        told += len(change.text)
    assert told == 2_000 * len(piece)


def test_a_secret_that_is_learned_late_goes_from_what_was_shown() -> None:
    text = GrowingText()
    text.add("the word is opensesame-opensesame" + " and more" * 50)
    before = text.since(Seen())
    assert "opensesame" in before.text
    register_secret("opensesame-opensesame")
    change = text.since(before.seen)
    assert (change.keep, change.cut) == (0, True)
    assert change.text == str(text) == "the word is [redacted]" + " and more" * 50


def test_a_draft_tells_its_frame_apart_from_its_words() -> None:
    draft = WordsDraft(True, 1_000)
    draft.add("Hm", 1_500)
    assert draft.frame() == Thinking("", 0.5, True)
    draft.end(3_000)
    assert draft.frame() == Thinking("", 2.0, False)
    assert draft.block() == Thinking("Hm", 2.0, False)
    assert WordsDraft(False, 0).block() == Text("", live=True)
