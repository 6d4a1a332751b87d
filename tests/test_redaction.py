from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb import redaction
from alloy_nb.redaction import MASK, redact, redact_known, register_environment, register_secret

SHAPES = [
    "sk-ant-api03-abcdefghijklmnopqrstuvwx",
    "sk-proj-abcdefghijklmnopqrst1234",
    "AIza" + "B" * 35,
    "ghp_" + "a" * 36,
    "xai-" + "Q1" * 20,
    "sk_live_" + "a1" * 12,
    "ASIA" + "A1" * 8,
    "glpat-" + "x" * 20,
    "gsk_" + "Q1" * 26,
    "npm_" + "a" * 36,
    "ya29." + "a" * 40,
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
]


@given(st.text(max_size=30), st.text(max_size=30), st.sampled_from(SHAPES))
def test_law_14_what_looks_like_a_vendors_key_is_taken_out(before: str, after: str, key: str) -> None:
    """Law 14: whatever a model or a tool says, no key is shown."""
    assert key not in redact(f"{before} {key} {after}")


@pytest.mark.parametrize("key", SHAPES)
@pytest.mark.parametrize("between", [" ", "\n", "\r\n", ";", "\t"])
def test_no_mark_hides_the_command_behind_a_key(key: str, between: str) -> None:
    """It would be hidden from whoever is asked whether it may run."""
    assert redact(f"echo {key}{between}reboot") == f"echo {MASK}{between}reboot"


def test_what_is_said_of_keys_stays() -> None:
    for text in (
        "Look for -----BEGIN PRIVATE KEY----- in it.",
        "a base64 text is eyJhIjoxfQ==",
        "sk_live_ begins a live key",
    ):
        assert redact(text) == text


def test_a_key_is_taken_out_where_a_language_has_no_blanks() -> None:
    assert redact(f"密钥是{SHAPES[0]}，请勿") == f"密钥是{MASK}，请勿"


def test_a_secret_once_seen_is_taken_out_wherever_it_turns_up() -> None:
    register_secret("correct horse battery")
    assert redact("x correct horse battery y") == f"x {MASK} y"


def test_a_secret_inside_a_longer_one_goes_with_it() -> None:
    register_secret("outer-inner-outer")
    register_secret("inner-outer")
    assert redact_known("outer-inner-outer") == MASK


def test_short_words_are_no_secrets() -> None:
    register_secret("test")
    assert redact("a test") == "a test"


def test_variables_that_name_a_secret_are_remembered() -> None:
    register_environment({"SOME_API_KEY": "value-of-some-key", "PATH": "/usr/local/sbin-and-more"})
    assert redact_known("value-of-some-key /usr/local/sbin-and-more") == f"{MASK} /usr/local/sbin-and-more"


def test_the_users_own_lookalikes_stay_for_the_model() -> None:
    """Only known secrets are kept from the model: a file it edits may hold what only looks like a key."""
    assert redact_known(SHAPES[0]) == SHAPES[0]


@given(st.text("abcXY", max_size=60), st.lists(st.integers(0, 60), max_size=6))
def test_a_text_in_pieces_is_redacted_as_the_whole(text: str, cuts: list[int]) -> None:
    """However it is cut, and where one secret begins as another one."""
    before, redaction._known = redaction._known, ("abcXYabc", "abcX", "caX")
    try:
        whole = redaction.Redactor().feed(text, last=True)
        redactor, told, place = redaction.Redactor(), "", 0
        for cut in sorted(cuts):
            told += redactor.feed(text[place:cut])
            place = max(place, cut)
        assert told + redactor.feed(text[place:], last=True) == whole
        assert not any(secret in part for part in whole.split(redaction.MASK) for secret in redaction._known)
    finally:
        redaction._known = before


def test_the_mark_of_one_secret_is_no_piece_of_another() -> None:
    register_secret("hunter22hunter[")
    register_secret("a-word-of-its-own")
    assert redact_known("hunter22hunter" + "a-word-of-its-own") == f"hunter22hunter{MASK}"
