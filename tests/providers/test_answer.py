"""Putting deltas together."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.messages import Image, Opaque, Text, Thinking, ToolCall
from alloy_nb.providers.answer import Answer, parse_arguments
from alloy_nb.providers.base import (
    Delta,
    Done,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    UsageDelta,
    WholePart,
)
from alloy_nb.usage import Usage


def collected(*deltas: Delta) -> Answer:
    answer = Answer("us", "asked-for")
    for delta in deltas:
        answer.feed(delta)
    return answer


def test_nothing_yet_is_an_empty_partial_message() -> None:
    answer = collected()
    assert answer.message().parts == ()
    assert answer.message().partial
    assert not answer.emitted


def test_parts_keep_the_order_in_which_they_began() -> None:
    answer = collected(
        ThinkingDelta("h"),
        ThinkingDelta("m"),
        TextDelta("a"),
        ToolCallDelta(0, "c0", "f"),
        TextDelta("b"),
        ToolCallDelta(0, arguments="{}"),
        Done("tool_use"),
    )
    assert answer.message().parts == (
        Thinking("hm", None, "us"),
        Text("a"),
        ToolCall("c0", "f"),
        Text("b"),
    )


def test_a_signature_closes_its_thought() -> None:
    """ANT-1: two signed thoughts stay two."""
    answer = collected(ThinkingDelta("a"), ThinkingDelta("", "s1"), ThinkingDelta("b"), ThinkingDelta("", "s2"))
    answer.feed(Done("end_turn"))
    assert answer.message().parts == (Thinking("a", "s1", "us"), Thinking("b", "s2", "us"))


def test_an_empty_thought_with_a_signature_is_kept_and_empty_text_is_not() -> None:
    """The signature is the payload."""
    answer = collected(TextDelta(""), ThinkingDelta("", "s"), Done("end_turn"))
    assert answer.message().parts == (Thinking("", "s", "us"),)


def test_a_cut_answer_keeps_its_words_and_no_signature() -> None:
    """A provider refuses a signature without all that it signs."""
    answer = collected(ThinkingDelta("a", "s1"), TextDelta("b"))
    assert answer.message().parts == (Thinking("a"), Text("b"))


def test_another_block_is_another_part() -> None:
    """ANT-6: text blocks stay separate."""
    answer = collected(TextDelta("a", 1), TextDelta("b", 1), TextDelta("c", 2), ThinkingDelta("d"), ThinkingDelta("e"))
    answer.feed(ThinkingDelta("f", None, 4))
    assert answer.message().parts == (Text("ab"), Text("c"), Thinking("de"), Thinking("f"))


def test_whole_parts_are_kept_as_they_are() -> None:
    image = Image("image/png", b"x")
    answer = collected(TextDelta("a"), WholePart(image), WholePart(Opaque("us", {"x": 1})), TextDelta("b"))
    assert answer.message().parts == (Text("a"), image, Text("b"))
    answer.feed(Done("end_turn"))
    assert answer.message().parts == (Text("a"), image, Opaque("us", {"x": 1}), Text("b"))


def test_the_first_real_id_and_name_stay() -> None:
    """OAI-w1"""
    answer = collected(
        ToolCallDelta("k"), ToolCallDelta("k", "c"), ToolCallDelta("k", "", "f"), ToolCallDelta("k", "d", "g")
    )
    assert answer.call_name("k") == ("c", "f")
    answer.feed(Done("tool_use"))
    assert answer.message().tool_calls == (ToolCall("c", "f"),)


def test_a_call_without_an_id_gets_one() -> None:
    (call,) = collected(ToolCallDelta(0, None, "f"), Done("tool_use")).message().tool_calls
    assert call.id.startswith("call_")


def test_usage_is_replaced_not_added() -> None:
    """ANT-w3"""
    answer = collected(UsageDelta(Usage(1, 1)), UsageDelta(Usage(1, 2)))
    assert answer.usage == Usage(1, 2)
    assert not answer.emitted


def test_the_end_names_model_and_reason() -> None:
    message = collected(TextDelta("x"), Done("max_tokens", "answered")).message()
    assert (message.model, message.stop_reason, message.partial) == ("answered", "max_tokens", False)
    assert collected(Done("end_turn")).message().model == "asked-for"


@pytest.mark.parametrize("delta", [TextDelta("x"), ThinkingDelta("x"), ToolCallDelta(0), WholePart(Text("x"))])
def test_whatever_shows_counts_as_emitted(delta: Delta) -> None:
    """RTY-7: after it nothing is tried again."""
    assert collected(delta).emitted


def test_a_cut_answer_keeps_no_call() -> None:
    """It never ran, and nobody can tell whether it is whole."""
    deltas = [ToolCallDelta(0, "a", "f", "{}"), ToolCallDelta(1, "b", "f", '{"x": ')]
    assert collected(TextDelta("x"), *deltas).message().parts == (Text("x"),)
    assert [call.id for call in collected(*deltas, Done("max_tokens")).message().tool_calls] == ["a", "b"]


@pytest.mark.parametrize(
    ("raw", "parsed"),
    [("", {}), ("  \n", {}), ("null", {}), ('{"a": 1}', {"a": 1}), ("{", None), ("[1]", None), ("7", None)],
)
def test_arguments(raw: str, parsed: Any) -> None:
    """PRV-7: empty is none; what is no object is an error, never a crash."""
    assert parse_arguments(raw) == parsed
    (call,) = collected(ToolCallDelta(0, "c", "f", raw), Done("tool_use")).message().tool_calls
    assert (dict(call.input), call.raw) == (parsed or {}, None if parsed is not None else raw)


@given(st.lists(st.text(max_size=4)), st.lists(st.text(max_size=4)))
def test_the_deltas_joined_are_the_message(texts: list[str], thoughts: list[str]) -> None:
    """EVT-12: however they were cut."""
    answer = collected(*map(ThinkingDelta, thoughts), *map(TextDelta, texts), Done("end_turn"))
    assert answer.message().text == "".join(texts)
    assert answer.message().thinking == "".join(thoughts)


@given(st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.booleans())))
def test_arguments_come_back_as_they_were(given_input: dict[str, Any]) -> None:
    assert parse_arguments(json.dumps(given_input)) == given_input
