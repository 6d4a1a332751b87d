"""Chat Completions: what is understood."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.errors import (
    BadRequestError,
    ContentFilterError,
    OverloadedError,
    ProviderError,
    RateLimitError,
    ServerError,
    StreamError,
)
from alloy_nb.messages import Image, Message, Opaque, Text, Thinking
from alloy_nb.providers._payload import parse_event, to_json
from alloy_nb.providers.answer import Answer
from alloy_nb.providers.base import Done, Request, WholePart
from alloy_nb.providers.chat_decoder import ChatDecoder
from alloy_nb.providers.openai import OpenAI
from alloy_nb.providers.openrouter import OpenRouter
from alloy_nb.providers.sse import SSEDecoder
from alloy_nb.usage import Usage


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


def test_the_signature_of_a_thought_among_the_words() -> None:
    """Law 9 needs it: it is what lets the thought be handed back."""
    answer = read(
        chunk(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]),
        chunk(
            "stop", content=[{"type": "thinking", "thinking": [], "signature": "sig"}, {"text": "Hi", "signature": "x"}]
        ),
    )
    assert answer.message().parts == (Thinking("hm", "sig", "us"), Text("Hi"))


# What is kept


def keeping(*names: str) -> ChatDecoder:
    return ChatDecoder(("reasoning", "details"), kept=names, provider="us")


def test_details_in_pieces_are_one_item_each() -> None:
    """The words are joined, a signature comes later, and null takes nothing back."""
    answer = read(
        chunk(reasoning="So", details=[{"type": "reasoning.text", "index": 0, "text": "So", "format": None}]),
        chunk(details=[{"type": "reasoning.text", "index": 0, "text": " far", "format": "v1"}]),
        chunk(details=[{"type": "reasoning.encrypted", "index": 0, "data": "e1", "id": "a"}, None]),
        chunk(details=[{"type": "reasoning.encrypted", "index": 0, "data": "e2", "id": "b"}]),
        chunk("stop", details=[{"type": "reasoning.text", "index": 0, "signature": "sig", "format": None}]),
        decoder=keeping("details"),
    )
    assert answer.message().parts == (
        Thinking("So far", None, "us"),
        Opaque(
            "us",
            {
                "details": [
                    {"type": "reasoning.text", "index": 0, "text": "So far", "format": "v1", "signature": "sig"},
                    {"type": "reasoning.encrypted", "index": 0, "data": "e1", "id": "a"},
                    {"type": "reasoning.encrypted", "index": 0, "data": "e2", "id": "b"},
                ]
            },
        ),
    )


def test_what_has_no_index_is_an_item_of_its_own() -> None:
    notes = [{"type": "url_citation", "url": "a"}, {"type": "url_citation", "url": "b"}]
    answer = read(
        chunk(content="x", annotations=notes[:1]), chunk("stop", annotations=notes[1:]), decoder=keeping("annotations")
    )
    assert answer.message().parts[-1] == Opaque("us", {"annotations": notes})
    assert read(chunk("stop", content="x", annotations="odd"), decoder=keeping("annotations")).message().parts == (
        Text("x"),
    )


def test_the_details_of_a_whole_answer_are_kept_as_they_are() -> None:
    details = [{"type": "reasoning.summary", "index": 0, "summary": "a"}] * 2
    answer = read(whole(content="x", details=details), decoder=keeping("details"))
    assert answer.message().thinking == "aa"
    assert answer.message().parts[-1] == Opaque("us", {"details": details})


def test_pictures_that_the_model_made() -> None:
    images = [
        {"type": "image_url", "image_url": {"url": "data:image/webp;base64,cG5n"}},
        {"image_url": "https://x.test/a.png"},
        {"image_url": {}},
        "odd",
    ]
    answer = read(chunk("stop", content="Look", images=images))
    assert answer.message().parts == (
        Text("Look"),
        Image("image/webp", b"png"),
        Image("image/png", url="https://x.test/a.png"),
    )
    with pytest.raises(StreamError, match="picture"):
        read(chunk("stop", images=[{"image_url": {"url": "data:image/png;base64,x"}}]))


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


@pytest.mark.parametrize(
    ("finish", "kind"), [("error", StreamError), ("insufficient_system_resource", OverloadedError)]
)
def test_an_answer_that_ends_in_error_is_one(finish: str, kind: type[ProviderError]) -> None:
    with pytest.raises(kind):
        read(chunk(finish, content="half"))


# Laws

NAMES = sorted(
    {"choices", "index", "delta", "message", "finish_reason", "content", "tool_calls", "id", "function", "name"}
    | {"arguments", "usage", "prompt_tokens", "text", "thinking", "refusal", "function_call", "detail", "model"}
    | {"completion_tokens_details", "images", "image_url", "url", "details", "signature"}
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


def own(part: Any, provider: str) -> Any:
    return replace(part, provider=provider) if isinstance(part, Opaque | Thinking) else part


@pytest.mark.thorough
@given(st.lists(st.dictionaries(st.sampled_from(["choices", "usage", "error", "model"]), JUNK), max_size=4))
def test_no_shape_breaks_the_decoder(events: list[dict[str, Any]]) -> None:
    """PRV-w2: nothing but a ProviderError."""
    try:
        made = read(*events, decoder=keeping("reasoning_details")).message()
    except ProviderError:
        return
    for provider in (OpenRouter("openai/gpt-5.2", api_key="sk-0"), OpenAI("gpt-5.2", api="chat", api_key="sk-0")):
        made = replace(made, parts=tuple(own(part, provider.name) for part in made.parts))
        body = provider.encode(Request((Message.user("Hello"), made, Message.user("Go on"))))[2]
        assert len(json.loads(to_json(body))["messages"]) >= 2


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


def test_details_in_many_pieces_are_joined_once() -> None:
    """Each piece copied all that came before it."""
    piece, many = {"type": "reasoning.text", "index": 0, "text": "0123456789"}, 100_000
    decoder = keeping("details")
    started = time.process_time()
    for _ in range(many):
        list(decoder.feed({"choices": [{"index": 0, "delta": {"details": [piece]}}]}))
    list(decoder.feed(chunk("stop", content="x")))
    kept = next(delta.part for delta in decoder.end() if isinstance(delta, WholePart))
    assert isinstance(kept, Opaque)
    assert len(kept.data["details"][0]["text"]) == many * 10
    # Generous: joined anew each time, they took minutes.
    assert time.process_time() - started < 20


def test_details_that_are_none_are_left_out() -> None:
    """A service that sent them refuses them."""
    pieces: list[Any] = [None, 7, ["odd"], {"type": ["odd"], "index": [1], "text": 7}, {"type": "x", "id": []}]
    for whole_answer in (False, True):
        event = whole(content="x", details=pieces) if whole_answer else chunk("stop", content="x", details=pieces)
        answer = read(event, decoder=keeping("details"))
        assert answer.message().parts[-1] == Opaque("us", {"details": pieces[-2:]})
