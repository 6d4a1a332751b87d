"""Chat Completions: what is sent, and what is understood."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.errors import (
    ConfigError,
)
from alloy_nb.messages import Audio, Document, Image, Message, Opaque, Text, Thinking, ToolCall, ToolResult
from alloy_nb.providers.base import Request, ToolSpec
from alloy_nb.providers.chat import ChatDialect, encode, streamed

DIALECT = ChatDialect()
PNG = Image("image/png", b"png")
READ = ToolSpec("read", "Read a file.", {"type": "object", "properties": {"path": {"type": "string"}}})


def body_of(*messages: Message, dialect: ChatDialect = DIALECT, **fields: Any) -> dict[str, Any]:
    return encode(Request(messages, **fields), "m", dialect, provider="us")


def messages_of(*messages: Message, dialect: ChatDialect = DIALECT, **fields: Any) -> list[dict[str, Any]]:
    encoded: list[dict[str, Any]] = body_of(*messages, dialect=dialect, **fields)["messages"]
    return encoded


# What is sent


def test_the_system_prompt_is_the_first_message() -> None:
    """OAI-1"""
    assert messages_of(Message.user("Hi"), system_prompt="Be brief.")[0] == {
        "role": "system",
        "content": "Be brief.",
    }
    later = messages_of(Message.user("Hi"), Message("system", (Text("Now in French."),)))
    assert later[1] == {"role": "system", "content": "Now in French."}


def test_nothing_is_sent_that_was_not_asked_for() -> None:
    """PRV-9: no tools, no system, no nulls."""
    assert body_of(Message.user("Hi")) == {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


def test_settings_and_what_is_merged_last() -> None:
    """PRV-w1"""
    body = body_of(
        Message.user("Hi"),
        temperature=0.0,
        top_p=0.9,
        max_output_tokens=7,
        stop_sequences=("END",),
        extra_body={"seed": 1, "temperature": 2},
    )
    del body["messages"]
    assert body == {
        "model": "m",
        "temperature": 2,
        "top_p": 0.9,
        "max_tokens": 7,
        "stop": ["END"],
        "seed": 1,
    }


def test_the_caps_name_is_the_dialects() -> None:
    """PRV-12"""
    body = body_of(Message.user("Hi"), max_output_tokens=7, dialect=ChatDialect(cap_field="max_completion_tokens"))
    assert body["max_completion_tokens"] == 7
    assert "max_tokens" not in body


@pytest.mark.parametrize(
    ("thinking", "effort"),
    [
        (True, "medium"),
        (False, "none"),
        ("high", "high"),
        (0, "none"),
        (1000, "low"),
        (8000, "medium"),
        (9000, "high"),
    ],
)
def test_thinking_is_an_effort(thinking: bool | str | int, effort: str) -> None:
    assert body_of(Message.user("Hi"), thinking=thinking)["reasoning_effort"] == effort
    none = ChatDialect(effort_field=None)
    assert "reasoning_effort" not in body_of(Message.user("Hi"), thinking=thinking, dialect=none)


def test_streaming_asks_for_usage() -> None:
    """OAI-5"""
    assert streamed({"model": "m"}, DIALECT) == {
        "model": "m",
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert streamed({"stream": False}, ChatDialect(stream_options=False)) == {"stream": True}
    assert streamed({"stream_options": {}}, DIALECT)["stream_options"] == {}


def test_a_schema_is_a_response_format() -> None:
    schema = {"title": "My Answer!", "type": "object"}
    assert body_of(Message.user("Hi"), output_schema=schema)["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "My_Answer_", "schema": schema},
    }
    loose = ChatDialect(output_format="json_object")
    body = body_of(Message.user("Hi"), output_schema=schema, dialect=loose)
    assert body["response_format"] == {"type": "json_object"}
    assert "response_format" not in body_of(
        Message.user("Hi"), output_schema=schema, dialect=ChatDialect(output_format=None)
    )


def test_tools_are_functions() -> None:
    """PRV-12"""
    assert body_of(Message.user("Hi"), tools=(READ,))["tools"] == [
        {
            "type": "function",
            "function": {"name": "read", "description": "Read a file.", "parameters": dict(READ.input_schema)},
        }
    ]


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", "auto"),
        ("required", "required"),
        ("none", "none"),
        ("read", {"type": "function", "function": {"name": "read"}}),
    ],
)
def test_a_tool_choice(choice: str, sent: Any) -> None:
    assert body_of(Message.user("Hi"), tools=(READ,), tool_choice=choice)["tool_choice"] == sent
    assert "tool_choice" not in body_of(Message.user("Hi"), tool_choice=choice)


def test_a_choice_of_no_tool_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="raed") as caught:
        body_of(Message.user("Hi"), tools=(READ,), tool_choice="raed")
    assert "'read'" in str(caught.value.hint)
    with pytest.raises(ConfigError) as caught:
        body_of(Message.user("Hi"), tools=(READ,), tool_choice="zzz")
    assert "required, none, read" in str(caught.value.hint)


def test_a_dialects_own_way_of_asking_for_thought() -> None:
    dialect = ChatDialect(thinking=lambda thinking: {"deep": thinking})
    body = body_of(Message.user("Hi"), thinking="high", dialect=dialect)
    assert body["deep"] == "high"
    assert "reasoning_effort" not in body
    assert "deep" not in body_of(Message.user("Hi"), dialect=dialect)


def test_a_service_without_schemas_is_told_the_schema() -> None:
    """What was asked for is not dropped in silence."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    for form in ("json_object", None):
        dialect = ChatDialect(output_format=form)
        system, _ = messages_of(Message.user("Hi"), output_schema=schema, system_prompt="Be brief.", dialect=dialect)
        assert system["content"].startswith("Be brief.\n\n")
        assert json.dumps(schema) in system["content"]
        (system, _) = messages_of(Message.user("Hi"), output_schema=schema, dialect=dialect)
        assert "JSON" in system["content"]
    assert len(messages_of(Message.user("Hi"), output_schema=schema)) == 1


def test_a_system_prompt_that_is_marked_for_the_cache() -> None:
    (system, _) = messages_of(Message.user("Hi"), system_prompt="Long.", dialect=ChatDialect(cache_system=True))
    assert system["content"] == [{"type": "text", "text": "Long.", "cache_control": {"type": "ephemeral"}}]


def test_ids_and_names_as_a_service_wants_them() -> None:
    """PRV-w5: the same id for the call and its result."""
    dialect = ChatDialect(call_id=str.upper, result_name=True)
    call, result = messages_of(
        Message.assistant([ToolCall("c1", "read")]),
        Message.user([ToolResult("fine", call_id="c1", name="read")]),
        dialect=dialect,
    )
    assert call["tool_calls"][0]["id"] == result["tool_call_id"] == "C1"
    assert result["name"] == "read"
    (nameless,) = messages_of(Message.user([ToolResult("fine", call_id="c1")]), dialect=dialect)
    assert "name" not in nameless


def test_own_thinking_among_the_words() -> None:
    dialect = ChatDialect(reasoning_parts=True)
    message = Message.assistant(
        [Thinking("hm", "sig", "us"), Thinking("foreign", "s", "them"), Text("Hi"), Text(""), ToolCall("c", "read")]
    )
    (sent,) = messages_of(message, dialect=dialect)
    assert sent["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}], "signature": "sig"},
        {"type": "text", "text": "Hi"},
    ]
    assert messages_of(Message.assistant([Thinking("foreign", None, "them"), Text("Hi")]), dialect=dialect) == [
        {"role": "assistant", "content": "Hi"}
    ]


def test_what_was_kept_of_another_models_answer_stays_here() -> None:
    """A gateway's models refuse each other's signatures."""
    dialect = ChatDialect(echoed=frozenset({"details"}), keeps=lambda message: message.model == "mine")
    parts = [Text("Hi"), Opaque("us", {"details": [1]})]
    assert "details" in messages_of(Message.assistant(parts, model="mine"), dialect=dialect)[0]
    assert "details" not in messages_of(Message.assistant(parts, model="theirs"), dialect=dialect)[0]


def test_an_answer_of_nothing_is_left_out_where_it_is_refused() -> None:
    """Law 1: a model may stop while it thinks, and the next one be another's."""
    dialect = ChatDialect(empty_answers=False, echoed=frozenset({"details"}))
    nothing = Message.assistant([Thinking("hm", None, "them")])
    assert messages_of(nothing, dialect=dialect) == []
    assert len(messages_of(Message.assistant("x"), dialect=dialect)) == 1
    assert len(messages_of(Message.assistant([ToolCall("c", "f")]), dialect=dialect)) == 1
    assert len(messages_of(Message.assistant([Opaque("us", {"details": [1]})]), dialect=dialect)) == 1


def test_items_of_the_other_wire_are_not_sent() -> None:
    """The same provider may speak another wire today than yesterday."""
    message = Message.assistant([Text("Hi"), Opaque("us", {"type": "reasoning", "id": "rs_1"})])
    assert messages_of(message, dialect=OWN_BACK) == [{"role": "assistant", "content": "Hi", "reasoning_content": ""}]


def test_a_picture_in_a_system_message_is_named() -> None:
    (told,) = messages_of(Message("system", (Text("See:"), PNG)))
    assert told["content"] == "See:\n[image that this service cannot be given: image/png]"


def test_a_dialects_own_word_for_a_choice() -> None:
    dialect = ChatDialect(tool_choices={"required": "any"})
    assert body_of(Message.user("x"), tools=(READ,), tool_choice="required", dialect=dialect)["tool_choice"] == "any"


def test_an_assistants_text_and_calls_are_one_message() -> None:
    """OAI-1"""
    message = Message.assistant(
        [
            Thinking("hm", "sig", "us"),
            Text("One."),
            ToolCall("c1", "read", {"path": "é"}),
            Opaque("them", {"secret": 1}),
            Text("Two."),
        ]
    )
    assert messages_of(message) == [
        {
            "role": "assistant",
            "content": "One.\nTwo.",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "read", "arguments": '{"path": "é"}'}}
            ],
        }
    ]


def test_null_content_comes_only_beside_calls() -> None:
    """PRV-w3: some services refuse a message of nothing."""
    assert messages_of(Message.assistant([Thinking("hm")])) == [{"role": "assistant", "content": ""}]
    assert messages_of(Message.assistant([ToolCall("c", "read")]))[0]["content"] is None


@pytest.mark.parametrize(("raw", "sent"), [('{"a": 1', "{}"), ("[1]", "[1]"), (None, "{}"), ("[" * 99_999, "{}")])
def test_arguments_that_were_no_json_are_not_sent_back(raw: str | None, sent: str) -> None:
    (message,) = messages_of(Message.assistant([ToolCall("c", "read", {}, raw=raw)]))
    assert message["tool_calls"][0]["function"]["arguments"] == sent


OWN_BACK = ChatDialect(reasoning_echo="reasoning_content", echoed=frozenset({"details"}))


def test_own_parts_go_back_and_thinking_where_it_is_wanted() -> None:
    message = Message.assistant(
        [
            Thinking("mine", None, "us"),
            Thinking("theirs", None, "them"),
            Text("Hi"),
            Opaque("us", {"details": [1], "citations": [2]}),
        ]
    )
    (sent,) = messages_of(message, dialect=OWN_BACK)
    assert sent == {"role": "assistant", "content": "Hi", "reasoning_content": "mine", "details": [1]}


def test_a_picture_that_an_assistant_made_is_named() -> None:
    assert messages_of(Message.assistant([Text("Look:"), PNG]))[0]["content"] == "Look:\n[image]"


def test_results_come_before_everything_else_of_their_message() -> None:
    """OAI-2, PRV-w3: text beside results is not dropped, and errors are said to be errors."""
    message = Message.user(
        [
            Text("And hurry."),
            ToolResult("fine", call_id="c1", name="read"),
            ToolResult("no such file", call_id="c2", name="read", is_error=True),
        ]
    )
    assert messages_of(message) == [
        {"role": "tool", "tool_call_id": "c1", "content": "fine"},
        {"role": "tool", "tool_call_id": "c2", "content": "Error: no such file"},
        {"role": "user", "content": "And hurry."},
    ]


def test_pictures_of_a_result_follow_in_the_users_name() -> None:
    message = Message.user([ToolResult("a plot", images=(PNG,), call_id="c1", name="plot"), Text("Nice?")])
    result, user = messages_of(message)
    assert result["content"] == "a plot"
    assert [part["type"] for part in user["content"]] == ["text", "image_url", "text"]
    assert "plot" in user["content"][0]["text"]


def test_texts_of_a_user_are_one_string() -> None:
    """Not every service takes a list."""
    assert messages_of(Message.user(["One.", "", "Two."])) == [{"role": "user", "content": "One.\nTwo."}]
    assert messages_of(Message("user", ())) == [{"role": "user", "content": ""}]


@pytest.mark.parametrize(
    ("part", "sent"),
    [
        (PNG, {"type": "image_url", "image_url": {"url": "data:image/png;base64,cG5n"}}),
        (
            Image("image/png", url="https://x.test/a.png"),
            {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}},
        ),
        (Audio("audio/mpeg", b"a"), {"type": "input_audio", "input_audio": {"data": "YQ==", "format": "mp3"}}),
        (Audio("audio/x-wav", b"a"), {"type": "input_audio", "input_audio": {"data": "YQ==", "format": "wav"}}),
        (Audio("audio/ogg", b"a"), {"type": "input_audio", "input_audio": {"data": "YQ==", "format": "ogg"}}),
        (
            Document("application/pdf", b"a", name="a.pdf"),
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,YQ=="}},
        ),
        (
            Document("application/pdf", b"a"),
            {"type": "file", "file": {"filename": "document.pdf", "file_data": "data:application/pdf;base64,YQ=="}},
        ),
        (Document("text/csv", b"a,b", name="a.csv"), {"type": "text", "text": "a.csv:\na,b"}),
        (Document("application/json", b"{}"), {"type": "text", "text": "document:\n{}"}),
    ],
)
def test_a_users_part(part: Any, sent: dict[str, Any]) -> None:
    """OAI-3, PRV-21."""
    assert messages_of(Message.user([part, Text(""), Text("?")]))[0]["content"] == [
        sent,
        {"type": "text", "text": "?"},
    ]


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (Audio("audio/ogg", url="https://x.test/a"), "https://x.test/a"),
        (Document("application/pdf", url="https://x.test/b", name="b"), "b, https://x.test/b"),
    ],
)
def test_what_a_service_cannot_be_given_is_said_in_words(part: Any, words: str) -> None:
    """OAI-3: never dropped in silence."""
    (said,) = messages_of(Message.user([part]))[0]["content"]
    assert words in said["text"]
    (said,) = messages_of(Message.user([PNG]), dialect=ChatDialect(media=frozenset()))[0]["content"]
    assert said["text"] == "[image that this service cannot be given: image/png]"


ANY_PART = st.one_of(
    st.builds(Text, st.text(max_size=5)),
    st.builds(Thinking, st.text(max_size=5)),
    st.builds(ToolCall, st.text(max_size=3), st.text(max_size=3)),
    st.builds(ToolResult, st.text(max_size=5), call_id=st.text(max_size=3), is_error=st.booleans()),
    st.builds(Image, st.just("image/png"), st.binary(max_size=3)),
    st.builds(Audio, st.sampled_from(["audio/mpeg", "x", ""]), st.binary(max_size=3)),
    st.builds(Document, st.sampled_from(["application/pdf", "text/x", ""]), st.binary(max_size=3)),
    st.builds(Opaque, st.just("them"), st.just({"x": 1})),
)


@given(
    st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), st.lists(ANY_PART, max_size=5)), max_size=5)
)
def test_whatever_is_in_a_history_can_be_sent(history: list[tuple[Any, list[Any]]]) -> None:
    """PRV-21: and every result and every user's part arrives."""
    messages = [Message(role, tuple(parts)) for role, parts in history]
    sent = messages_of(*messages)
    json.dumps(sent)
    results = [result for message in messages if message.role == "user" for result in message.tool_results]
    assert [item["tool_call_id"] for item in sent if item["role"] == "tool"] == [r.call_id for r in results]
    assert all(item.get("content") is not None or item.get("tool_calls") for item in sent)
