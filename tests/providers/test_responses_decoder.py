"""Responses: what is understood of an answer, streamed or whole."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alloy_nb.errors import ContentFilterError, ProviderError, RateLimitError, ServerError, StreamError
from alloy_nb.messages import Image, Message, Opaque, Text, Thinking, ToolCall
from alloy_nb.providers._payload import to_json
from alloy_nb.providers.answer import Answer
from alloy_nb.providers.base import Request
from alloy_nb.providers.openai import OpenAI
from alloy_nb.providers.responses_decoder import ResponsesDecoder, read_usage
from alloy_nb.usage import Usage

Event = dict[str, Any]


def message(text: str, **more: Any) -> Event:
    return {"type": "message", "id": "m", "content": [{"type": "output_text", "text": text}], **more}


def call(arguments: Any = "{}", **more: Any) -> Event:
    return {"type": "function_call", "id": "fc", "call_id": "c1", "name": "read", "arguments": arguments, **more}


def thought(summary: list[str] | None = None, content: list[str] | None = None, **more: Any) -> Event:
    return {
        "type": "reasoning",
        "id": "rs",
        "summary": [{"type": "summary_text", "text": text} for text in summary or ()],
        "content": [{"type": "reasoning_text", "text": text} for text in content or ()],
        **more,
    }


def added(at: int, item: Event) -> Event:
    return {"type": "response.output_item.added", "output_index": at, "item": item}


def done(at: int, item: Event) -> Event:
    return {"type": "response.output_item.done", "output_index": at, "item": item}


def text(delta: str, at: int = 0, part: int = 0) -> Event:
    return {"type": "response.output_text.delta", "output_index": at, "content_index": part, "delta": delta}


def ended(status: str = "completed", **more: Any) -> Event:
    return {"type": f"response.{status}", "response": {"status": status, "model": "m", **more}}


def decode(*events: Event) -> Answer:
    decoder, answer = ResponsesDecoder("openai"), Answer("openai")
    for event in events:
        for delta in decoder.feed(event):
            answer.feed(delta)
    for delta in decoder.end():
        answer.feed(delta)
    return answer


def parts_of(*events: Event) -> tuple[Any, ...]:
    return decode(*events).message().parts


def failing(*events: Event) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        decode(*events)
    return caught.value


# Words


def test_words_as_they_come_and_as_they_are_in_the_end() -> None:
    """RSP-3, EVT-12: the item's last event is the one that counts, and says nothing twice."""
    whole = [text("He"), text("llo"), done(0, message("Hello")), ended(output=[message("Hello")])]
    assert parts_of(*whole) == (Text("Hello"),)
    assert parts_of(text("He"), done(0, message("Hello")), ended()) == (Text("Hello"),)
    assert parts_of(done(0, message("Hello")), ended()) == (Text("Hello"),)
    assert parts_of(added(0, message("")), text("He"), ended(output=[message("Hello")])) == (Text("Hello"),)
    assert parts_of(ended(output=[message("Hello")])) == (Text("Hello"),)
    assert parts_of(text("Hi"), done(0, message("Other")), ended()) == (Text("Hi"),)


def test_each_part_of_each_item_is_a_part() -> None:
    two = message("a")
    two["content"].append({"type": "output_text", "text": "b"})
    assert parts_of(text("a"), text("b", part=1), done(0, two), text("c", at=1), ended()) == (
        Text("a"),
        Text("b"),
        Text("c"),
    )


def test_the_phase_and_the_sources_of_words_are_kept_beside_them() -> None:
    """RSP-w1"""
    note = {"type": "url_citation", "url": "https://x.test"}
    item = message("Hi", phase="final_answer")
    item["content"][0]["annotations"] = [note]
    assert parts_of(done(0, item), ended()) == (
        Text("Hi"),
        Opaque("openai", {"phase": "final_answer", "annotations": [note]}),
    )
    streamed = {"type": "response.output_text.annotation.added", "output_index": 0, "annotation": note}
    assert parts_of(text("Hi"), streamed, done(0, message("Hi")), ended()) == (
        Text("Hi"),
        Opaque("openai", {"annotations": [note]}),
    )
    assert parts_of(done(0, {"type": "message", "phase": "x", "content": []}), ended()) == ()


def test_a_refusal_keeps_its_words() -> None:
    """RSP-2"""
    delta = {"type": "response.refusal.delta", "output_index": 0, "content_index": 0, "delta": "I can"}
    item = {"type": "message", "content": [{"type": "refusal", "refusal": "I cannot"}]}
    for events in ([delta, done(0, item), ended()], [done(0, item), ended()], [ended(output=[item])]):
        answer = decode(*events)
        assert (answer.message().text, answer.stop_reason) == ("I cannot", "refusal")


# Thoughts


def summary(delta: str, part: int = 0, at: int = 0) -> Event:
    return {
        "type": "response.reasoning_summary_text.delta",
        "output_index": at,
        "summary_index": part,
        "delta": delta,
    }


def raw_thought(delta: str, part: int = 0, at: int = 0) -> Event:
    return {"type": "response.reasoning_text.delta", "output_index": at, "content_index": part, "delta": delta}


def test_the_secret_of_a_thought_is_that_of_its_end() -> None:
    """RSP-w1: the one that comes first is another."""
    item = thought(["a", "b"], encrypted_content="end")
    parts = parts_of(
        added(0, thought(encrypted_content="start")),
        summary("a"),
        summary("b", part=1),
        done(0, item),
        text("Hi", at=1),
        ended(),
    )
    assert parts == (Thinking("a", None, "openai"), Thinking("b", None, "openai"), Opaque("openai", item), Text("Hi"))


def test_a_thought_without_words_is_kept() -> None:
    item = thought(encrypted_content="e")
    assert parts_of(done(0, item), ended()) == (Opaque("openai", item),)


def test_thoughts_come_as_a_summary_or_as_they_were() -> None:
    shown = ("a", "b")
    for events in (
        [done(0, thought(["a", "b"]))],
        [done(0, thought([], ["a", "b"]))],
        [done(0, thought(["a", "b"], ["raw"]))],
        [summary("a"), done(0, thought(["a", "b"], ["raw"]))],
        [raw_thought("a"), summary("short"), done(0, thought(["short"], ["a", "b"]))],
        [raw_thought("a"), raw_thought("b", part=1), done(0, thought())],
    ):
        thoughts = [part.text for part in parts_of(*events, ended()) if isinstance(part, Thinking)]
        assert tuple(thoughts) == shown


# Calls


def piece(delta: str, at: int = 0) -> Event:
    return {"type": "response.function_call_arguments.delta", "output_index": at, "delta": delta}


def pieces_end(arguments: str, at: int = 0) -> Event:
    return {"type": "response.function_call_arguments.done", "output_index": at, "arguments": arguments}


WHOLE = '{"path": "x"}'


@pytest.mark.parametrize(
    "events",
    [
        [added(0, call("")), piece('{"path"'), piece(': "x"}'), pieces_end(WHOLE), done(0, call(WHOLE))],
        [added(0, call("")), piece('{"path"'), pieces_end(WHOLE), done(0, call(WHOLE))],
        [added(0, call("")), piece('{"path"'), done(0, call(WHOLE))],
        [added(0, call(WHOLE)), done(0, call(WHOLE))],
        [piece(WHOLE), done(0, call(WHOLE))],
        [done(0, call(WHOLE))],
        [done(0, call({"path": "x"}))],
        [added(0, call("")), piece(WHOLE)],
        [],
    ],
)
def test_a_call_however_it_comes(events: list[Event]) -> None:
    """RSP-2, OAI-6: under the id that pairs it with its result."""
    answer = decode(*events, ended(output=[call(WHOLE)]))
    assert answer.message().parts == (ToolCall("c1", "read", {"path": "x"}),)
    assert answer.stop_reason == "tool_use"


def test_calls_side_by_side() -> None:
    second = call("{}", call_id="c2", name="clock")
    events = [added(0, call("")), added(1, second), piece(WHOLE, 0), pieces_end("{}", 1), done(1, second)]
    answer = decode(*events, done(0, call(WHOLE)), ended())
    assert [(c.id, c.name, c.input) for c in answer.message().tool_calls] == [
        ("c1", "read", {"path": "x"}),
        ("c2", "clock", {}),
    ]


def test_a_call_without_arguments_or_without_an_id_of_its_own() -> None:
    """RSP-2, PRV-7"""
    assert parts_of(done(0, call("")), ended()) == (ToolCall("c1", "read"),)
    assert parts_of(done(0, call(None, call_id="")), ended()) == (ToolCall("fc", "read"),)
    (made,) = parts_of(done(0, call("{}", call_id=None, id=None)), ended())
    assert made.id.startswith("call_")


def test_a_call_that_the_limit_cut() -> None:
    """RSP-w1: nobody runs half of it."""
    cut = call('{"path": "', status="incomplete")
    limit = {"reason": "max_output_tokens"}
    answer = decode(
        added(0, call("")), piece('{"path": "'), done(0, cut), ended("incomplete", incomplete_details=limit)
    )
    assert answer.message().tool_calls[0].raw == '{"path": "'
    assert answer.stop_reason == "max_tokens"


# Other items


def test_items_of_the_services_own_are_kept() -> None:
    """RSP-w1, law 8: also those that are newer than this."""
    search = {"type": "web_search_call", "id": "ws"}
    new = {"type": "something_new", "id": "n"}
    parts = parts_of(added(0, search), done(0, search), done(1, new), done(2, {}), done(3, {"type": [1]}), ended())
    assert parts == (Opaque("openai", search), Opaque("openai", new))


def test_a_picture_is_a_picture() -> None:
    png = base64.b64encode(b"png").decode()
    item = {"type": "image_generation_call", "id": "ig", "result": png, "output_format": "webp"}
    kept = {"type": "image_generation_call", "id": "ig", "output_format": "webp"}
    assert parts_of(done(0, item), ended()) == (Image("image/webp", b"png"), Opaque("openai", kept))
    for result in (None, "", "no base64!"):
        broken = {"type": "image_generation_call", "result": result}
        assert parts_of(done(0, broken), ended()) == (Opaque("openai", broken),)


def test_items_that_a_service_does_not_number() -> None:
    """Their ids tell them apart."""
    first = {"type": "response.output_text.delta", "item_id": "m1", "delta": "a"}
    second = {"type": "response.output_text.delta", "item_id": "m2", "delta": "b"}
    ends = [{"type": "response.output_item.done", "item": message(t, id=i)} for t, i in (("a", "m1"), ("b", "m2"))]
    output = [message("a", id="m1"), message("b", id="m2")]
    assert parts_of(first, second, *ends, ended(output=output)) == (Text("a"), Text("b"))


def test_an_output_whose_places_are_others_in_the_end() -> None:
    """Items that are hidden have a place in the stream and none in the response."""
    assert parts_of(
        done(0, message("a")), text("b", at=2), done(2, message("b")), ended(output=[message("a"), message("b")])
    ) == (Text("a"), Text("b"))


def test_an_item_that_ends_twice_ends_once() -> None:
    assert parts_of(done(0, message("a")), done(0, message("a")), ended()) == (Text("a"),)


# The end


@pytest.mark.parametrize(
    ("status", "reason", "stop"),
    [
        ("completed", None, "end_turn"),
        ("incomplete", "max_output_tokens", "max_tokens"),
        ("incomplete", "content_filter", "content_filter"),
        ("incomplete", "something_new", "max_tokens"),
    ],
)
def test_why_it_ended(status: str, reason: str | None, stop: str) -> None:
    """RSP-w1"""
    details = {"incomplete_details": reason and {"reason": reason}}
    assert decode(text("a"), ended(status, **details)).stop_reason == stop


def test_the_whole_body() -> None:
    """RSP-2"""
    body = {
        "object": "response",
        "status": "completed",
        "model": "m-1",
        "error": None,
        "output": [thought(["t"], encrypted_content="e"), message("Hi"), call(WHOLE)],
        "usage": {"input_tokens": 3, "output_tokens": 2},
    }
    answer = decode(body)
    assert (answer.message().text, answer.message().thinking, answer.model) == ("Hi", "t", "m-1")
    assert (answer.stop_reason, answer.usage) == ("tool_use", Usage(3, 2))
    assert decode({"output": [message("Hi")]}).message().text == "Hi"
    assert decode({"object": "response", "output_text": "Hi"}).message().text == "Hi"
    assert decode({"object": "response", "output": None}).message().parts == ()


def test_the_model_is_known_from_the_start() -> None:
    created = {"type": "response.created", "response": {"model": "m-2026"}}
    assert decode(created, ended()).model == "m-2026"
    assert decode({"type": "response.completed", "response": {}}).model is None


def test_usage() -> None:
    """PRV-8: what is missing counts nothing."""
    assert decode(ended(usage=None)).usage == Usage()
    assert read_usage(
        {
            "input_tokens": 10,
            "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
            "output_tokens": 7,
            "output_tokens_details": {"reasoning_tokens": 5},
        }
    ) == Usage(10, 7, 4, 2, 5)
    assert read_usage({"input_tokens": True, "output_tokens": -1, "input_tokens_details": None}) == Usage()


def test_what_only_says_how_things_go_is_passed_over() -> None:
    """Law 8: keep-alives, states, and events that are newer than this."""
    for kind in (
        "keepalive",
        "response.queued",
        "response.in_progress",
        "response.content_part.added",
        "response.web_search_call.searching",
        "response.code_interpreter_call_code.delta",
        "response.steer.accepted",
        "something.new",
    ):
        assert parts_of({"type": kind, "output_index": 0, "delta": "x"}, text("a"), ended()) == (Text("a"),)
    assert parts_of({}, {"type": 5}, {"delta": "x"}, ended()) == ()


@pytest.mark.parametrize(
    ("event", "kind", "retryable"),
    [
        ({"type": "error", "error": {"code": "rate_limit_exceeded", "message": "no"}}, RateLimitError, True),
        ({"type": "error", "code": "rate_limit_exceeded", "message": "no"}, RateLimitError, True),
        ({"error": {"code": "insufficient_quota", "message": "no"}}, RateLimitError, False),
        ({"error": "no"}, ServerError, True),
        ({"detail": "no"}, ServerError, True),
        (ended("failed", error={"code": "server_error", "message": "no"}), ServerError, True),
        (ended("failed", error={"code": "content_filter", "message": "no"}), ContentFilterError, False),
        (ended("failed", error={"code": "insufficient_quota", "message": "no"}), RateLimitError, False),
        ({"object": "response", "status": "failed", "error": {"message": "no"}}, ServerError, True),
        ({"type": "response.failed", "response": {"error": None}}, ServerError, True),
    ],
)
def test_an_error_in_the_place_of_an_answer(event: Event, kind: type[ProviderError], retryable: bool) -> None:
    """RSP-3, PRV-w2: also where the status said 200."""
    error = failing(event)
    assert type(error) is kind
    assert error.retryable is retryable


def test_an_answer_that_is_cut_is_no_answer() -> None:
    """PRV-w2, RSP-3"""
    assert "before it was complete" in failing(text("a"), done(0, message("a"))).message
    assert failing().retryable


@pytest.mark.parametrize("status", ["queued", "in_progress", "cancelled"])
def test_an_answer_that_is_not_there_is_none(status: str) -> None:
    """One that runs in the background says at once that it is queued: an empty answer would pass for the model's."""
    error = failing({"object": "response", "status": status, "output": []})
    assert isinstance(error, StreamError)
    assert "background" in str(error.hint)
    assert not error.retryable
    assert "cancelled" in failing({"type": "response.cancelled", "response": {}}).message


def test_an_answer_of_the_other_wire_says_so() -> None:
    """It was read as an answer that was cut, and asked for again three times."""
    error = failing({"choices": [{"delta": {"content": "Hi"}}]})
    assert (error.retryable, error.hint) == (False, 'set api="chat"')


def test_errors_are_made_by_whoever_knows_the_service() -> None:
    decoder = ResponsesDecoder("us", classify=lambda body: StreamError(str(body["error"])))
    with pytest.raises(StreamError, match="ours"):
        decoder.feed({"type": "error", "error": "ours"})


def sent_again(made: Message) -> None:
    """Law 8: what was read can be sent, also by the wires of others."""
    provider = OpenAI("gpt-5.2", api_key="sk-0")
    to_json(provider.encode(Request((Message.user("Hello"), made, Message.user("Go on"))))[2])


NONSENSE = st.one_of(
    st.none(), st.booleans(), st.integers(-1, 2), st.text(max_size=3), st.just([]), st.just([None]), st.just({})
)
KINDS = (
    "response.created",
    "response.output_text.delta",
    "response.refusal.delta",
    "response.reasoning_summary_text.delta",
    "response.reasoning_text.delta",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.output_text.annotation.added",
    "response.output_item.added",
    "response.output_item.done",
    "response.completed",
    "response.incomplete",
    "keepalive",
)
ITEMS = st.fixed_dictionaries(
    {"type": st.sampled_from(["message", "reasoning", "function_call", "image_generation_call", "new", 1])},
    optional=dict.fromkeys(
        ("id", "call_id", "name", "arguments", "content", "summary", "result", "phase", "encrypted_content"), NONSENSE
    ),
)
EVENTS = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS)},
    optional={
        **dict.fromkeys(("delta", "output_index", "content_index", "item_id", "arguments"), NONSENSE),
        "item": st.one_of(ITEMS, NONSENSE),
        "response": st.one_of(
            st.fixed_dictionaries({}, optional={"output": st.lists(ITEMS, max_size=2), "usage": NONSENSE}), NONSENSE
        ),
    },
)


@given(st.lists(EVENTS, max_size=6))
@example([{"type": "response.output_text.delta", "delta": "x", "content_index": [], "output_index": [], "item_id": 5}])
@example([done(0, {"type": "message", "content": 1}), done(1, {"type": "reasoning", "summary": 1, "content": [1]})])
def test_no_event_breaks_it(events: list[Event]) -> None:
    """Law 8: whatever a service sends, the end is an answer or a `ProviderError`."""
    try:
        answer = decode(*events, ended())
    except ProviderError:
        return
    made = answer.message()
    assert Message.from_dict(made.to_dict()).text == made.text
    sent_again(made)


@given(st.lists(st.sampled_from(["a", "bc", " "]), min_size=1, max_size=6), st.booleans())
def test_the_deltas_are_the_text(deltas: list[str], closed: bool) -> None:
    """Law 4"""
    whole = "".join(deltas)
    last = [done(0, message(whole))] if closed else []
    assert decode(*map(text, deltas), *last, ended(output=[message(whole)])).message().text == whole


# What is told in two ways, or only half


def test_arguments_that_were_told_otherwise_in_the_end_are_asked_for_again() -> None:
    """The finished item counts, and what was told of it cannot be taken back: the first ones were run."""
    for events in (
        [added(0, call("")), piece('{"path": "y"}'), pieces_end(WHOLE)],
        [added(0, call("")), piece('{"path": "y"}'), done(0, call(WHOLE))],
        [added(0, call("")), piece('{"po'), done(0, call({"path": "x"}, status="completed"))],
        [piece("no JSON"), ended(output=[call(WHOLE)]), done(0, call(WHOLE))],
    ):
        error = failing(*events)
        assert isinstance(error, StreamError)
        assert error.retryable


def test_arguments_that_are_written_otherwise_are_the_same() -> None:
    for last in ('{ "path":"x" }', "", None, {"path": "x"}):
        events = [added(0, call("{}")), piece('{"path":'), piece(' "x"}'), done(0, call(last)), ended()]
        assert parts_of(*events) == (ToolCall("c1", "read", {"path": "x"}),)


def test_arguments_that_came_with_the_beginning_only() -> None:
    assert parts_of(added(0, call(WHOLE)), ended()) == (ToolCall("c1", "read", {"path": "x"}),)
    # Some services begin each call so.
    assert parts_of(added(0, call("{}")), piece(WHOLE), ended()) == (ToolCall("c1", "read", {"path": "x"}),)


@pytest.mark.parametrize("arguments", ["", "{}", WHOLE, '{"pa'])
@pytest.mark.parametrize("status", ["incomplete", "in_progress", "something_new"])
def test_a_call_that_was_not_finished_has_nothing_to_run(arguments: str, status: str) -> None:
    """A call without its arguments was run with none, which for some tools means everything."""
    item = call(arguments, status=status)
    cut = ended("incomplete", incomplete_details={"reason": "content_filter"})
    for events in (
        [done(0, item), cut],
        [added(0, call("", status="in_progress")), piece(arguments), done(0, item), cut],
        [added(0, call("")), piece(arguments), piece(" "), done(0, item), cut],
        [added(0, call("", status="in_progress")), piece(arguments), cut],
        [piece(arguments), cut],
        [{**cut["response"], "output": [item]}],
    ):
        (made,) = decode(*events).message().tool_calls
        assert made.input == {}
        assert made.raw is not None
        assert made.raw.startswith(arguments)


def test_own_parts_of_the_wrong_kind_can_be_sent_again() -> None:
    """One such part made every later request fail."""
    odd = [
        thought(encrypted_content="e") | {"summary": 7, "content": "odd"},
        thought(encrypted_content="e") | {"summary": None, "content": {"a": 1}},
        {"type": ["odd"]},
        {"type": {"odd": 1}, "id": "x"},
        {"type": "image_generation_call", "result": "é"},
        message("Hi", phase=["odd"]) | {"content": [{"text": "Hi", "annotations": [7, None, {}]}]},
        call("{}", status=7, id=[1]),
    ]
    for item in odd:
        made = decode(done(0, item), text("Hello", at=1), ended()).message()
        sent_again(made)
    (kept, *_) = parts_of(done(0, odd[0]), ended())
    assert kept == Opaque("openai", {"type": "reasoning", "id": "rs", "encrypted_content": "e"})


def test_each_delta_is_looked_at_alone() -> None:
    """The parts before it were gone through for every piece of a thought."""

    class Counted(dict[Any, Any]):
        walks = 0

        def __iter__(self) -> Any:
            Counted.walks += 1
            return super().__iter__()

    decoder = ResponsesDecoder("openai")
    decoder._parts = Counted()
    for part in range(50):
        assert list(decoder.feed(summary("a", part)))
    assert Counted.walks == 0
