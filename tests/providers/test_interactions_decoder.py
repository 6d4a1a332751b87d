"""Answers of the Interactions API, event by event."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from alloy_nb.errors import ProviderError, RateLimitError, ServerError, StreamError
from alloy_nb.messages import Image, Message, Opaque, Text, Thinking
from alloy_nb.providers._payload import to_json
from alloy_nb.providers.answer import Answer
from alloy_nb.providers.base import Request
from alloy_nb.providers.interactions import encode
from alloy_nb.providers.interactions_decoder import InteractionsDecoder
from alloy_nb.usage import Usage

PNG = base64.b64encode(b"png").decode()


def read(*events: Any) -> Answer:
    decoder, answer = InteractionsDecoder(), Answer("google")
    for event in events:
        for delta in decoder.feed(event):
            answer.feed(delta)
    for delta in decoder.end():
        answer.feed(delta)
    return answer


def streamed(step: dict[str, Any], *deltas: Any, index: int = 0) -> list[dict[str, Any]]:
    start = {"event_type": "step.start", "index": index, "step": step}
    changes = [{"event_type": "step.delta", "index": index, "delta": delta} for delta in deltas]
    return [start, *changes, {"event_type": "step.stop", "index": index}]


def done(status: str = "completed", **fields: Any) -> dict[str, Any]:
    return {"event_type": "interaction.completed", "interaction": {"status": status, **fields}}


def whole(*steps: Any, status: str = "completed", **fields: Any) -> dict[str, Any]:
    return {"object": "interaction", "steps": list(steps), "status": status, **fields}


def sent_back(message: Message) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = encode(Request((message,)), "gemini-3-flash")["input"]
    return steps


THOUGHT: dict[str, Any] = {"type": "thought", "signature": "s", "summary": [{"type": "text", "text": "hm"}]}
OUTPUT: dict[str, Any] = {"type": "model_output", "content": [{"type": "text", "text": "Hi"}]}
CALL: dict[str, Any] = {"type": "function_call", "id": "fc_1", "name": "f", "arguments": {"n": 1}}


def test_streamed_and_whole_answers_are_read_alike() -> None:
    """PRV-1, law 5: and go back as they came."""
    pieces = read(
        *streamed(
            {"type": "thought"},
            {"type": "thought_summary", "content": {"type": "text", "text": "hm"}},
            {"type": "thought_signature", "signature": "s"},
        ),
        *streamed({"type": "model_output"}, {"type": "text", "text": "H"}, {"type": "text", "text": "i"}, index=1),
        *streamed(
            {"type": "function_call", "id": "fc_1", "name": "f", "arguments": {}},
            {"type": "arguments_delta", "arguments": '{"n":'},
            {"type": "arguments_delta", "arguments": " 1}"},
            {"type": "arguments_delta"},
            index=2,
        ),
        done("requires_action"),
    )
    at_once = read(whole(THOUGHT, OUTPUT, CALL, status="requires_action"))
    assert pieces.message() == at_once.message()
    assert pieces.stop_reason == "tool_use"
    assert pieces.message().parts[:3] == (
        Thinking("hm", None, "google"),
        Opaque("google", {"type": "step", "step": THOUGHT}),
        Text("Hi"),
    )
    assert sent_back(at_once.message()) == [THOUGHT, OUTPUT, CALL]


def test_a_step_may_begin_with_what_it_holds() -> None:
    events = [event for index, step in enumerate((THOUGHT, OUTPUT, CALL)) for event in streamed(step, index=index)]
    answer = read(*events, done("requires_action", steps=[OUTPUT]))
    assert sent_back(answer.message()) == [THOUGHT, OUTPUT, CALL]


def test_a_thought_without_a_signature_is_not_sent_back() -> None:
    thought = {"type": "thought", "summary": [{"type": "text", "text": "hm"}, {"type": "image"}, "odd"]}
    answer = read(whole(thought, OUTPUT))
    assert answer.message().thinking == "hm"
    assert sent_back(answer.message()) == [OUTPUT]


def test_the_service_s_own_tools_are_kept() -> None:
    answer = read(
        *streamed({"type": "google_search_call", "id": "x"}, {"type": "google_search_call", "arguments": {"q": [1]}}),
        *streamed(
            {"type": "google_search_result", "call_id": "x", "result": [1]},
            {"type": "google_search_result", "result": [2], "signature": "s"},
            index=1,
        ),
        done(),
    )
    assert sent_back(answer.message()) == [
        {"type": "google_search_call", "id": "x", "arguments": {"q": [1]}},
        {"type": "google_search_result", "call_id": "x", "result": [1, 2], "signature": "s"},
    ]
    assert answer.stop_reason == "end_turn"


def test_pictures_citations_and_what_nobody_knows() -> None:
    citation = {"type": "url_citation", "url": "https://x.test"}
    novel = {"type": "novel", "x": 1}
    answer = read(
        *streamed(
            {"type": "model_output", "content": [{"type": "text", "text": "a", "annotations": [citation]}]},
            {"type": "image", "mime_type": "image/png", "data": PNG},
            {"type": "text_annotation_delta", "annotations": [citation]},
            novel,
        ),
        done(),
    )
    assert answer.message().parts == (
        Text("a"),
        Image("image/png", b"png"),
        Opaque("google", {"type": "step", "step": {"type": "model_output", "content": [novel]}}),
        Opaque("google", {"type": "about", "annotations": [citation, citation]}),
    )


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"event_type": "new.event"},
        {"event_type": "interaction.status_update", "status": "in_progress"},
        {"event_type": "step.start", "index": 5},
        {"event_type": "step.delta", "index": 5, "delta": {"type": "text", "text": "x"}},
        {"event_type": "step.delta", "index": 0, "delta": None},
        {"event_type": "step.stop", "index": 5},
    ],
)
def test_what_is_odd_is_passed_over(event: dict[str, Any]) -> None:
    events = streamed({"type": "model_output", "content": ["odd"]}, {"type": "text", "text": "Hi"})
    assert read(events[0], event, *events[1:], event, done()).message().text == "Hi"


def test_an_id_and_a_name_that_are_none() -> None:
    (call,) = read(whole({"type": "function_call", "id": 3, "name": None})).message().tool_calls
    assert (call.name, call.input) == ("", {})


@pytest.mark.parametrize(
    ("status", "reason"),
    [("completed", "end_turn"), ("incomplete", "max_tokens"), ("requires_continuation", "max_tokens")],
)
def test_why_it_ended(status: str, reason: str) -> None:
    assert read(whole(OUTPUT, status=status)).stop_reason == reason


def test_a_call_that_the_limit_cuts_keeps_its_text() -> None:
    events = streamed(
        {"type": "function_call", "id": "c", "name": "f"}, {"type": "arguments_delta", "arguments": '{"a'}
    )
    answer = read(*events[:-1], done("incomplete"))
    assert [call.raw for call in answer.message().tool_calls] == ['{"a']
    assert answer.stop_reason == "max_tokens"


@pytest.mark.parametrize(
    ("events", "cls"),
    [
        ([], StreamError),
        ([whole(OUTPUT, status="in_progress")], StreamError),
        ([done("failed")], ServerError),
        ([done("cancelled")], ServerError),
        ([{"event_type": "error", "error": {"code": "resource_exhausted", "message": "Why."}}], ProviderError),
        ([{"error": {"code": 429, "message": "Why.", "status": "RESOURCE_EXHAUSTED"}}], RateLimitError),
        ([whole({"type": "model_output", "error": {"code": 13, "message": "Why."}})], ServerError),
        ([done("failed", error={"message": "Why."})], ServerError),
    ],
)
def test_an_answer_that_is_none(events: list[Any], cls: type[ProviderError]) -> None:
    """SSE-w2, PRV-w2."""
    with pytest.raises(cls):
        read(*events)


def test_what_was_used_and_who_answered() -> None:
    usage = {
        "total_input_tokens": 10,
        "total_tool_use_tokens": 2,
        "total_output_tokens": 3,
        "total_thought_tokens": 4,
        "total_cached_tokens": 5,
    }
    answer = read(whole(OUTPUT, model="gemini-3-flash-001", usage=usage))
    assert answer.usage == Usage(input_tokens=12, output_tokens=7, cached_tokens=5, reasoning_tokens=4)
    assert answer.model == "gemini-3-flash-001"


@pytest.mark.parametrize("index", [[1], {"a": 1}, None, "x", 1.5])
def test_steps_that_are_numbered_oddly(index: Any) -> None:
    events = streamed({"type": "model_output"}, {"type": "text", "text": "Hi"})
    assert read(*({**event, "index": index} for event in events), done()).message().text == "Hi"


@pytest.mark.parametrize(
    ("step", "delta"),
    [
        ({"type": "thought", "signature": "s"}, {"type": "new", "summary": "odd", "": "odd"}),
        ({"type": "thought", "summary": "odd"}, {"type": "thought_summary", "content": {"text": "x"}}),
        ({"type": "new"}, {"type": "thought_summary", "content": {"text": "x"}}),
        ({"type": "new", "": 7}, {"type": ["odd"], "": [], "type2": {}}),
        ({"type": ["odd"]}, {"type": "text", "text": 7}),
        ({"type": "model_output", "content": [{"type": ["odd"]}, {}]}, {"type": {}}),
        ({"type": "function_call", "name": "f"}, {"type": "arguments_delta", "arguments": {"n": 1}}),
        ({"type": "new"}, {"type": "arguments_delta", "arguments": [1]}),
    ],
)
def test_steps_out_of_shape_can_be_sent_again(step: Any, delta: Any) -> None:
    """Law 8"""
    made = read(*streamed(step, delta, delta), *streamed(OUTPUT), done()).message()
    body = encode(Request((Message.user("Hello"), made)), "gemini-3-flash")
    assert json.loads(to_json(body))["input"][-1]["type"] == "model_output"
    assert all(isinstance(step.get("type"), str) for step in body["input"])


def test_the_arguments_of_the_services_own_tool_are_no_call_of_ours() -> None:
    pieces = [{"type": "arguments_delta", "arguments": text} for text in ('{"code": ', '"1"}')]
    made = read(*streamed({"type": "code_execution_call", "id": "c"}, *pieces), *streamed(OUTPUT), done())
    assert sent_back(made.message())[0] == {"type": "code_execution_call", "id": "c", "arguments": {"code": "1"}}
    assert made.stop_reason == "end_turn"


def test_lists_of_a_step_grow_in_place() -> None:
    """Each piece copied the list as it was before; and what the event holds is never changed."""
    step = {"type": "search_result", "result": [0]}
    decoder = InteractionsDecoder()
    list(decoder.feed({"event_type": "step.start", "index": 0, "step": step}))
    lists = set()
    for number in range(1, 50):
        list(decoder.feed({"event_type": "step.delta", "index": 0, "delta": {"type": "x", "result": [number]}}))
        lists.add(id(decoder._steps[0].fields["result"]))
    assert len(lists) == 1
    (part,) = [delta.part for delta in decoder.feed({"event_type": "step.stop", "index": 0})]  # type: ignore[union-attr]
    assert isinstance(part, Opaque)
    assert part.data["step"]["result"] == list(range(50))
    assert step["result"] == [0]
