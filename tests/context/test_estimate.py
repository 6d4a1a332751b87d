"""Estimates of tokens: cheap, close enough, and never an error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb import Audio, Document, Image, Message, Opaque, Text, Thinking, ToolCall, ToolResult
from alloy_nb.context import estimate
from alloy_nb.context.estimate import AROUND, Tally, history_tokens, json_tokens, message_tokens, part_tokens
from alloy_nb.context.estimate import text_tokens as tokens
from alloy_nb.providers.base import ToolSpec


def test_plain_words_are_four_characters_a_token() -> None:
    """TOK-1: rounded down; nothing for "" and less than four."""
    for length in (0, 1, 3, 4, 7, 8, 400, 403):
        assert tokens("a" * length) == length // 4
    prose = "The quick brown fox jumps over the lazy dog, and nobody knows why it did so. " * 20
    assert tokens(prose) == len(prose) // 4


def test_other_letters_and_dense_text_are_more_than_their_characters() -> None:
    """TOK-w1: code and CJK were estimated at a fraction of what they are."""
    assert tokens("日本語のテキスト" * 100) == 800  # a token a character, not a quarter
    assert tokens("Привет, мир " * 100) > 1.5 * len("Привет, мир " * 100) / 4
    code = 'if (x[i]) { y["a"] = f(x[i], 0.5) || {}; }\n' * 50
    assert 1.2 * len(code) / 4 < tokens(code) < 2.5 * len(code) / 4
    numbers = "0.12345, 6.78901, " * 100
    assert tokens(numbers) > 1.5 * len(numbers) / 4


def test_each_kind_of_part_has_its_size() -> None:
    """TOK-2: text, calls with their arguments, results, thoughts; media by kind."""
    assert part_tokens(Text("a" * 40)) == part_tokens(Thinking("a" * 40, "signature" * 100)) == 10
    arguments = {"text": "word " * 40}
    assert part_tokens(ToolCall("c1", "read", arguments)) == tokens("read") + tokens(json.dumps(arguments))
    assert part_tokens(ToolCall("c1", "read", {}, raw="a" * 40)) == 1 + 10
    assert part_tokens(ToolResult("a" * 40, data={"not": "sent"})) == 10
    assert part_tokens(ToolResult("a" * 40, images=(Image("image/png", b"x"),) * 2)) == 2010
    sizes = [Image("image/png", b"x" * 10**6), Audio("audio/mpeg", b"x"), Document("application/pdf", b"%PDF")]
    assert [part_tokens(part) for part in sizes] == [1000, 500, 3000]
    assert part_tokens(Document("video/mp4", b"x")) == 2000
    assert part_tokens(Document("text/plain", b"a" * 400)) == 100
    assert part_tokens(Opaque("anthropic", {"type": "server_tool_use", "text": "a" * 400})) > 100


class Odd:
    def __repr__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    "part",
    [None, 3, "text", object(), Text(None), Text(b"x"), ToolCall("c", None, None), Image(None, None)],  # type: ignore[arg-type]
)
def test_what_is_no_part_is_no_error(part: Any) -> None:
    """TOK-2: malformed parts count nothing, or what they seem to be."""
    assert part_tokens(part) in (0, 1, 1000)
    assert message_tokens(part) == 0


def test_arguments_that_are_no_json_are_estimated_all_the_same() -> None:
    """TOK-3: by how they look."""
    cycle: dict[str, Any] = {}
    cycle["self"] = cycle
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for value in ({"x": {1, 2}}, {("a", 1): "key"}, {"half": "\ud800"}, {"bytes": b"abc"}):
        assert json_tokens(value) > 0
        assert part_tokens(ToolCall("c", "t", value)) > 0  # type: ignore[arg-type]
    for value in (cycle, {"odd": Odd()}, {Odd(): 1}, deep):
        assert json_tokens(value) >= 0
    assert part_tokens(Document("text/plain", "no bytes")) == 3000  # type: ignore[arg-type]


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
)


@given(st.text(), json_values)
def test_no_text_and_no_value_raises(text: str, value: Any) -> None:
    """TOK-3"""
    assert 0 <= tokens(text) <= 2 * len(text)
    assert message_tokens(Message.user([Text(text), ToolCall("c", text, {"v": value})])) >= AROUND  # type: ignore[list-item]


def test_a_message_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 15: it cannot change, so what it comes to is noted with it."""
    message = Message.user("a" * 40)
    assert message_tokens(message) == 10 + AROUND
    monkeypatch.setattr(estimate, "part_tokens", lambda part: pytest.fail("counted again"))
    assert message_tokens(message) == 10 + AROUND
    assert message == Message.user("a" * 40)
    spec = ToolSpec("read", "Reads.", {"type": "object"})
    first = estimate.tool_tokens(spec)
    monkeypatch.setattr(estimate, "json_tokens", lambda value: pytest.fail("counted again"))
    assert estimate.tool_tokens(spec) == first > AROUND


def test_a_growing_list_is_counted_where_it_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 15"""
    looked: list[Message] = []
    real = message_tokens
    monkeypatch.setattr(estimate, "message_tokens", lambda message: looked.append(message) or real(message))
    messages = [Message.user(f"question {number}") for number in range(50)]
    tally = Tally(10)
    for length in range(10, 51):
        assert tally.of(messages[:length]) == sum(map(real, messages[10:length]))
    assert len(looked) == 40


def test_a_list_that_is_another_one_is_counted_anew() -> None:
    messages = [Message.user("a" * 40) for _ in range(4)]
    tally = Tally(1)
    assert tally.of(messages) == history_tokens(messages[1:])
    assert tally.of(messages[:2]) == history_tokens(messages[1:2])
    changed = [*messages[:3], Message.user("b" * 400)]
    assert tally.of(messages) < tally.of(changed) == history_tokens(changed[1:])
    assert tally.of([]) == 0
