"""Chat Completions: what is sent, and what is understood."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.errors import (
    BadRequestError,
    ConfigError,
    ContentFilterError,
    OverloadedError,
    ProviderError,
    RateLimitError,
    ServerError,
    StreamError,
)
from alloy_nb.messages import Audio, Document, Image, Message, Opaque, Text, Thinking, ToolCall, ToolResult
from alloy_nb.providers._payload import parse_event
from alloy_nb.providers.answer import Answer
from alloy_nb.providers.base import Done, Request, ToolSpec
from alloy_nb.providers.chat import ChatDecoder, ChatDialect, encode, streamed
from alloy_nb.providers.sse import SSEDecoder
from alloy_nb.usage import Usage

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
    [(True, "medium"), (False, "none"), ("high", "high"), (1000, "low"), (8000, "medium"), (9000, "high")],
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


def test_own_parts_go_back_and_thinking_where_it_is_wanted() -> None:
    message = Message.assistant(
        [Thinking("mine", None, "us"), Thinking("theirs", None, "them"), Text("Hi"), Opaque("us", {"details": [1]})]
    )
    (sent,) = messages_of(message, dialect=ChatDialect(reasoning_echo="reasoning_content"))
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


# What is understood


def read(*events: Mapping[str, Any], decoder: ChatDecoder | None = None) -> Answer:
    decoder = decoder or ChatDecoder()
    answer = Answer("us")
    for event in events:
        for delta in decoder.feed(event):
            answer.feed(delta)
    for delta in decoder.end():
        answer.feed(delta)
    return answer


def chunk(finish: str | None = None, *, index: int = 0, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": delta, "finish_reason": finish}]}


def piece(arguments: Any = "", **fields: Any) -> dict[str, Any]:
    name = fields.pop("name", None)
    return {**fields, "function": {"name": name, "arguments": arguments}}


def whole(finish: str | None = "stop", **message: Any) -> dict[str, Any]:
    return {"model": "big", "choices": [{"index": 0, "message": message, "finish_reason": finish}]}


def calls(answer: Answer) -> list[tuple[str, str, dict[str, Any]]]:
    return [(call.id, call.name, dict(call.input)) for call in answer.message().tool_calls]


def read_file(path: Path, size: int = 10**6) -> Answer:
    data = path.read_bytes()
    frames = SSEDecoder()
    events = [event for i in range(0, len(data), size) for event in frames.feed(data[i : i + size])]
    parsed = [parse_event(*event) for event in [*events, *frames.end()]]
    return read(*(event for event in parsed if event is not None))


@pytest.mark.parametrize("size", [1, 7, 997, 10**6])
def test_a_streamed_answer_with_everything(fixtures: Path, size: int) -> None:
    """OAI-5, OAI-6, OAI-w1: null calls, null and empty ids, null arguments, thinking, usage at the end."""
    answer = read_file(fixtures / "tools-in-pieces.sse", size)
    message = answer.message()
    assert message.thinking == "Two files. Read both."
    assert message.text == "Ich lese beide — é 🙂."
    assert calls(answer) == [("call_a", "read", {"path": "a b.txt"}), ("call_b", "clock", {})]
    assert answer.stop_reason == "tool_use"
    assert answer.usage == Usage(31, 29, cached_tokens=16, reasoning_tokens=9)
    assert answer.model == "hand-written"


def test_a_real_servers_answers(fixtures: Path) -> None:
    streamed_answer = read_file(fixtures / "llamacpp-text.sse")
    whole_answer = read(json.loads((fixtures / "llamacpp-text.json").read_text()))
    assert streamed_answer.message().text == whole_answer.message().text == "I'm glad you're having"
    assert streamed_answer.stop_reason == whole_answer.stop_reason == "max_tokens"
    assert (streamed_answer.usage.input_tokens, whole_answer.usage.output_tokens) == (34, 6)


@pytest.mark.parametrize(
    ("finish", "stop"),
    [
        ("stop", "end_turn"),
        ("length", "max_tokens"),
        ("model_length", "max_tokens"),
        ("content_filter", "content_filter"),
        ("tool_calls", "end_turn"),
        ("function_call", "end_turn"),
        ("eos", "end_turn"),
    ],
)
def test_finish_reasons(finish: str, stop: str) -> None:
    """OAI-4, bettered: length and filter are not the end of a turn; "tool_calls" without calls is."""
    assert read(chunk(finish, content="x")).stop_reason == stop
    assert read(whole(finish, content="x")).stop_reason == stop


@pytest.mark.parametrize(
    ("finish", "stop"), [("stop", "tool_use"), ("tool_calls", "tool_use"), ("length", "max_tokens")]
)
def test_calls_decide_whether_tools_run(finish: str, stop: str) -> None:
    """PRV-w4: "stop" comes with calls when a tool was forced."""
    assert read(chunk(finish, tool_calls=[piece("{}", index=0, id="c", name="f")])).stop_reason == stop


def test_a_cut_stream_is_an_error() -> None:
    """PRV-w2: what came is no success, whatever came."""
    for events in ([], [chunk(content="half")], [{"choices": [], "usage": {"prompt_tokens": 1}}], [chunk("")]):
        with pytest.raises(StreamError):
            read(*events)


def test_a_finish_reason_that_comes_twice_is_one() -> None:
    events = read(chunk("tool_calls", tool_calls=[piece(index=0, id="c", name="f")]), chunk("stop"))
    assert events.stop_reason == "tool_use"
    assert read(chunk("length", content="x"), chunk("stop")).stop_reason == "max_tokens"


def test_the_last_delta_counts() -> None:
    """A finish reason may share its chunk with text and calls."""
    answer = read(chunk(content="a"), chunk("tool_calls", content="b", tool_calls=[piece("{}", id="c", name="f")]))
    assert answer.message().text == "ab"
    assert calls(answer) == [("c", "f", {})]


def test_only_the_first_choice_is_read() -> None:
    """OAI-7"""
    other = chunk("stop", index=1, content="other")
    both = {"choices": [*other["choices"], *chunk(content="b")["choices"]]}
    assert read(chunk(content="a"), other, both, chunk("stop")).message().text == "ab"
    assert read({"choices": [{"delta": {"content": "no index"}, "finish_reason": "stop"}]}).message().text == "no index"


@pytest.mark.parametrize(
    "event", [{}, {"choices": None}, {"choices": [None]}, {"choices": [{"delta": None}]}, {"x": 1}]
)
def test_chunks_of_nothing_are_passed_over(event: dict[str, Any]) -> None:
    """OAI-6, OAI-8: Azure begins with one, xAI thinks with many."""
    answer = read(event, chunk(), chunk(content=None), chunk(content=""), chunk("stop", content="x"))
    assert answer.message().parts == (Text("x"),)


def test_indexes_that_are_missing() -> None:
    """OAI-w1: calls are told apart by id, or by name, or are the one before."""
    answer = read(
        chunk(tool_calls=[piece('{"a"', id="c1", name="f")]),
        chunk(tool_calls=[piece(": 1}")]),
        chunk(tool_calls=[piece('{"b": ', id="c2", name="f"), piece("2}", id="c2")]),
        chunk("tool_calls", tool_calls=[piece("{}", name="g"), piece("", name="h")]),
    )
    assert [(name, given) for _, name, given in calls(answer)] == [
        ("f", {"a": 1}),
        ("f", {"b": 2}),
        ("g", {}),
        ("h", {}),
    ]
    assert [call_id for call_id, _, _ in calls(answer)][:2] == ["c1", "c2"]


def test_a_first_piece_without_anything_is_a_call() -> None:
    assert calls(read(chunk("stop", tool_calls=[{"index": None}, "nonsense", {"function": None}])))[0][1] == ""


def test_two_calls_under_one_index() -> None:
    """Some services number every call 0: another id with a name begins another call."""
    answer = read(
        chunk(tool_calls=[piece('{"a": 1}', index=0, id="c1", name="f")]),
        chunk("stop", tool_calls=[piece('{"a": 2}', index=0, id="c2", name="f")]),
    )
    assert calls(answer) == [("c1", "f", {"a": 1}), ("c2", "f", {"a": 2})]


def test_interleaved_calls() -> None:
    """OAI-6: by index, in the order in which they began."""
    answer = read(
        chunk(tool_calls=[piece('{"a"', index=1, id="c1", name="f"), piece("{", index=0, id="c0", name="g")]),
        chunk("tool_calls", tool_calls=[piece("}", index=0), piece(": 1}", index=1)]),
    )
    assert calls(answer) == [("c1", "f", {"a": 1}), ("c0", "g", {})]


def test_the_first_real_id_stays() -> None:
    """OAI-w1"""
    pieces = [piece(index=0, id="", name="f"), piece(index=0, id="c"), piece(index=0, id=None), piece(index=0, id="")]
    answer = read(chunk("stop", tool_calls=pieces))
    assert calls(answer) == [("c", "f", {})]


@pytest.mark.parametrize(
    ("arguments", "given"),
    [("", {}), (None, {}), ({"a": 1}, {"a": 1}), ('{"a": 1}', {"a": 1}), ("null", {})],
)
def test_arguments_in_all_their_forms(arguments: Any, given: dict[str, Any]) -> None:
    """PRV-7: empty means none, in a stream and in a whole answer."""
    assert calls(read(chunk("stop", tool_calls=[piece(arguments, index=0, id="c", name="f")]))) == [("c", "f", given)]
    assert calls(read(whole("tool_calls", tool_calls=[piece(arguments, id="c", name="f")]))) == [("c", "f", given)]


def test_arguments_that_are_no_json_are_kept() -> None:
    """PRV-7, ANT-w2: never run as if there were none."""
    (call,) = read(whole("length", tool_calls=[piece('{"a": "cut', id="c", name="f")])).message().tool_calls
    assert (call.input, call.raw) == ({}, '{"a": "cut')


def test_calls_of_a_whole_answer_are_as_many_as_there_are() -> None:
    """Without indexes, and even without ids."""
    answer = read(whole("tool_calls", content=None, tool_calls=[piece("{}", name="f"), piece("{}", name="f")]))
    assert [name for _, name, _ in calls(answer)] == ["f", "f"]
    assert len({call_id for call_id, _, _ in calls(answer)}) == 2


def test_the_older_way_of_calling() -> None:
    streamed_answer = read(
        chunk(function_call={"name": "f", "arguments": ""}),
        chunk(function_call={"arguments": '{"a": 1}'}),
        chunk("function_call"),
    )
    assert [(name, given) for _, name, given in calls(streamed_answer)] == [("f", {"a": 1})]
    assert streamed_answer.stop_reason == "tool_use"
    answer = read(whole("function_call", content=None, function_call={"name": "f", "arguments": "{}"}))
    assert [name for _, name, _ in calls(answer)] == ["f"]


def test_a_refusal_is_text_and_a_reason() -> None:
    answer = read(chunk(refusal="I can"), chunk(refusal="not."), chunk("stop", content=None))
    assert (answer.message().text, answer.stop_reason) == ("I cannot.", "refusal")
    assert read(whole(content=None, refusal="No.")).stop_reason == "refusal"


def test_thinking_under_either_name_is_shown_once() -> None:
    """PRV-w5"""
    answer = read(chunk(reasoning="a", reasoning_content="a", content=None), chunk(reasoning="b"), chunk("stop"))
    assert answer.message().parts == (Thinking("ab", None, "us"),)
    assert read(whole(content="x", reasoning="r")).message().thinking == "r"
    assert read(whole(content="x", thoughts="t"), decoder=ChatDecoder(("thoughts",))).message().thinking == "t"


def test_content_as_a_list_of_parts() -> None:
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}, None], "closed": True},
        {"type": "thinking", "thinking": "!"},
        {"type": "text", "text": "Hi"},
        {"type": "reference", "reference_ids": [1]},
        "!",
        7,
    ]
    answer = read(whole(content=parts))
    assert (answer.message().thinking, answer.message().text) == ("hm!", "Hi!")


def test_a_message_beside_a_delta_is_not_read_twice() -> None:
    """Perplexity repeats the text so far."""
    event = {"choices": [{"delta": {"content": "a"}, "message": {"content": "a"}, "finish_reason": "stop"}]}
    assert read(event).message().text == "a"


def test_a_whole_answer_without_a_reason_is_complete() -> None:
    assert read(whole(None, content="x")).stop_reason == "end_turn"


def test_an_answer_without_choices_is_an_error() -> None:
    """PRV-w2"""
    for event in ({"id": "x"}, {"choices": []}):
        with pytest.raises(StreamError):
            read(event)


# Usage


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({}, Usage()),
        ({"prompt_tokens": None, "completion_tokens": "7"}, Usage()),
        ({"prompt_tokens": 5, "completion_tokens": 3.0, "prompt_tokens_details": None}, Usage(5, 3)),
        ({"prompt_tokens": -5, "completion_tokens": True}, Usage()),
        ({"prompt_tokens": 5, "prompt_cache_hit_tokens": 4}, Usage(5, 0, cached_tokens=4)),
        ({"prompt_tokens": 5, "cached_tokens": 3}, Usage(5, 0, cached_tokens=3)),
        (
            {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 1}},
            Usage(5, 0, cached_tokens=2, cache_write_tokens=1),
        ),
        (
            {
                "prompt_tokens": 5,
                "completion_tokens": 9,
                "total_tokens": 14,
                "completion_tokens_details": {"reasoning_tokens": 4},
            },
            Usage(5, 9, reasoning_tokens=4),
        ),
        (
            {
                "prompt_tokens": 5,
                "completion_tokens": 9,
                "total_tokens": 18,
                "completion_tokens_details": {"reasoning_tokens": 4},
            },
            Usage(5, 13, reasoning_tokens=4),
        ),
    ],
)
def test_usage_is_read_tolerantly(usage: dict[str, Any], expected: Usage) -> None:
    """PRV-8, PRV-w5: thinking counted beside the answer is added to it, thinking within is not."""
    assert read(chunk("stop", content="x"), {"choices": [], "usage": usage}).usage == expected


@pytest.mark.parametrize(
    "place",
    [
        {"choices": [], "usage": {"prompt_tokens": 5}},
        {**chunk(content="x"), "usage": {"prompt_tokens": 5}},
        {"choices": [{"index": 0, "delta": {}, "usage": {"prompt_tokens": 5}}]},
        {**chunk(), "x_groq": {"usage": {"prompt_tokens": 5}}},
    ],
)
def test_usage_is_found_where_services_put_it(place: dict[str, Any]) -> None:
    """OAI-5, OAI-w2; a later null takes nothing back, and cumulative counts are not added up."""
    answer = read({"usage": {"prompt_tokens": 1}}, place, {**chunk("stop"), "usage": None})
    assert answer.usage == Usage(5, 0)


# Errors inside an answer


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"error": {"message": "no", "code": 502}}, ServerError),
        ({"error": {"message": "no", "code": 429}, "choices": []}, RateLimitError),
        ({"error": {"message": "no", "type": "overloaded_error"}}, OverloadedError),
        ({"error": {"message": "no", "code": "content_filter"}}, ContentFilterError),
        ({"error": {"message": "no", "status_code": 400}}, BadRequestError),
        ({"error": "no"}, ServerError),
        ({"object": "error", "message": "no", "code": 400}, BadRequestError),
        ({"detail": "no"}, ServerError),
        ({"choices": [{"index": 0, "error": {"code": 502, "message": "no"}, "finish_reason": None}]}, ServerError),
        ({**chunk("stop", content="x"), "error": {"message": "no", "code": 500}}, ServerError),
    ],
)
def test_an_error_inside_an_answer_is_raised(event: dict[str, Any], kind: type[ProviderError]) -> None:
    """SSE-w2, OAI-w2, PRV-w2: also beside a finish reason, also as a string."""
    with pytest.raises(ProviderError, match="no") as caught:
        read(chunk(content="half"), event, chunk("stop"))
    assert type(caught.value) is kind


def test_an_answer_that_ends_in_error_is_one() -> None:
    with pytest.raises(StreamError):
        read(chunk("error", content="half"))


# Laws

NAMES = sorted(
    {"choices", "index", "delta", "message", "finish_reason", "content", "tool_calls", "id", "function", "name"}
    | {"arguments", "usage", "prompt_tokens", "text", "thinking", "refusal", "function_call", "detail", "model"}
    | {"completion_tokens_details"}
)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "x", "stop", "{}", "error"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(st.lists(st.dictionaries(st.sampled_from(["choices", "usage", "error", "model"]), JUNK), max_size=4))
def test_no_shape_breaks_the_decoder(events: list[dict[str, Any]]) -> None:
    """PRV-w2: nothing but a ProviderError."""
    try:
        read(*events).message()
    except ProviderError:
        return


@given(st.data())
def test_arguments_are_the_same_however_they_are_cut(data: Any) -> None:
    """OAI-6"""
    given_input = data.draw(st.dictionaries(st.text(), st.text() | st.integers() | st.none(), max_size=4))
    raw = json.dumps(given_input, ensure_ascii=data.draw(st.booleans()))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=5)))
    pieces: Iterable[str] = [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    events = [chunk(tool_calls=[piece(None, index=0, id="c", name="f")])]
    events += [chunk(tool_calls=[piece(part, index=0)]) for part in pieces]
    assert calls(read(*events, chunk("stop"))) == [("c", "f", given_input)]


def test_the_end_says_which_model_answered() -> None:
    decoder = ChatDecoder()
    list(decoder.feed({**chunk("stop", content="x"), "model": ""}))
    list(decoder.feed({"choices": [], "model": "m-2026"}))
    assert list(decoder.end()) == [Done("end_turn", "m-2026")]
