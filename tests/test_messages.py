from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb import Audio, ConfigError, Document, Image, Message, Opaque, Text, Thinking, ToolCall, ToolResult

words = st.text(max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)
objects = st.dictionaries(words, json_values, max_size=3)
images = st.builds(Image, st.just("image/png"), st.binary(max_size=10))
parts = st.one_of(
    st.builds(Text, words),
    st.builds(Thinking, words, st.none() | words, st.none() | words),
    st.builds(ToolCall, words, words, objects, st.none() | words),
    st.builds(
        ToolResult,
        words,
        data=json_values,
        images=st.lists(images, max_size=2),
        call_id=words,
        name=words,
        is_error=st.booleans(),
    ),
    images,
    st.builds(Audio, st.just("audio/wav"), st.binary(max_size=10)),
    st.builds(Document, st.just("application/pdf"), st.binary(max_size=10), name=st.none() | words.filter(bool)),
    st.builds(Opaque, words, objects),
)
messages = st.builds(
    Message,
    st.sampled_from(["user", "assistant", "system"]),
    st.lists(parts, max_size=4),
    model=st.none() | words,
    stop_reason=st.none() | words,
    partial=st.booleans(),
)


@given(messages)
def test_the_json_form_keeps_a_message_whole(message: Message) -> None:
    """MSG-w2, MSG-2: messages have a JSON form, and it loses nothing."""
    assert Message.from_dict(json.loads(json.dumps(message.to_dict()))) == message


def test_text_is_the_text_parts_joined_as_they_came() -> None:
    """MSG-5: always a string, "" when there is none; MSG-w1: nothing is put between the parts."""
    assert Message("assistant", (Text("a"), ToolCall("1", "read"), Text("b"))).text == "ab"
    assert Message("assistant", (ToolCall("1", "read"),)).text == ""


def test_tool_calls_and_results_are_found_in_order() -> None:
    """MSG-6: the calls of a message, none for plain text."""
    calls = (ToolCall("1", "read"), ToolCall("2", "write"))
    assert Message("assistant", (Text("x"), *calls)).tool_calls == calls
    assert Message.user("x").tool_calls == ()


def test_an_error_mark_is_written_only_when_it_is_one() -> None:
    """MSG-4: `is_error` is there only when true."""
    ok, bad = Message("user", (ToolResult("x"), ToolResult("y", is_error=True))).to_dict()["parts"]
    assert "is_error" not in ok
    assert bad["is_error"] is True


def test_a_part_of_a_later_version_is_kept_as_it_is() -> None:
    message = Message.from_dict({"role": "assistant", "parts": [{"type": "hologram", "x": 1}]})
    assert message.parts == (Opaque("unknown", {"type": "hologram", "x": 1}),)


def test_a_message_of_a_later_version_is_refused_with_a_hint() -> None:
    with pytest.raises(ConfigError, match="newer") as caught:
        Message.from_dict({"v": 99, "role": "user", "parts": []})
    assert caught.value.hint == "upgrade alloy-nb"


def test_a_string_is_one_text_part() -> None:
    """MSG-1, MSG-7: content may be given as a string."""
    assert Message.user("hello").parts == (Text("hello"),)
    assert Message("user", "hello").parts == (Text("hello"),)  # type: ignore[arg-type]


def test_what_a_tool_shows_is_neither_compared_nor_stored() -> None:
    assert ToolResult("x", display=object()) == ToolResult("x")
    assert "display" not in Message("user", (ToolResult("x", display=1),)).to_dict()["parts"][0]


def test_an_unreadable_picture_is_a_config_error(tmp_path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        Image.from_path(tmp_path / "none.png")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Message("robot", "hi"),  # type: ignore[arg-type]
        lambda: Message("user", [3]),  # type: ignore[arg-type]
        lambda: Message("user", None),  # type: ignore[arg-type]
        lambda: Message.user(b"hi"),  # type: ignore[arg-type]
        lambda: Message.user({"type": "text"}),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_message_is_said_where_it_is_made(wrong: Callable[[], Message]) -> None:
    """It failed when it was sent, far from where it came from."""
    with pytest.raises(ConfigError) as caught:
        wrong()
    assert caught.value.hint
