"""Answers of Anthropic's Messages API, read: streams and whole messages, written after the documentation."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.errors import (
    AuthError,
    BadRequestError,
    ContextOverflowError,
    OverloadedError,
    ProviderError,
    ProviderTimeout,
    RateLimitError,
    ServerError,
    StreamError,
)
from alloy_nb.messages import Message, Opaque, Text, Thinking, ToolCall
from alloy_nb.providers._payload import to_json
from alloy_nb.providers.answer import Answer
from alloy_nb.providers.anthropic import Anthropic
from alloy_nb.providers.anthropic_decoder import AnthropicDecoder, read_usage
from alloy_nb.providers.base import Request, TextDelta, WholePart
from alloy_nb.usage import Usage

START = {"type": "message_start", "message": {"model": "claude-x", "content": [], "usage": {"input_tokens": 5}}}
STOP = {"type": "message_stop"}
PIECES = {
    "text": ("text_delta", "text"),
    "thinking": ("thinking_delta", "thinking"),
    "signature": ("signature_delta", "signature"),
    "input": ("input_json_delta", "partial_json"),
    "citation": ("citations_delta", "citation"),
}


def began(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, **said: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": said}


def piece(index: int, **said: Any) -> dict[str, Any]:
    ((name, value),) = said.items()
    kind, field = PIECES[name]
    return delta(index, type=kind, **{field: value})


def ended(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def finish(reason: str | None = "end_turn", **more: Any) -> dict[str, Any]:
    usage = more.pop("usage", {"output_tokens": 3})
    return {"type": "message_delta", "delta": {"stop_reason": reason, **more}, "usage": usage}


def read(*events: dict[str, Any]) -> Answer:
    answer = Answer("anthropic")
    decoder = AnthropicDecoder()
    for event in events:
        for one in decoder.feed(event):
            answer.feed(one)
    for one in decoder.end():
        answer.feed(one)
    return answer


def stream(*events: dict[str, Any], reason: str | None = "end_turn", **more: Any) -> Message:
    return read(START, *events, finish(reason, **more), STOP).message()


def whole(*content: dict[str, Any], reason: str | None = "end_turn", **more: Any) -> Answer:
    return read({"type": "message", "model": "claude-x", "content": [*content], "stop_reason": reason, **more})


# Streams


def test_text_comes_in_pieces_and_blocks_stay_apart() -> None:
    """ANT-4 to ANT-6"""
    message = stream(
        began(0, type="text", text=""), {"type": "ping"}, piece(0, text="He"), piece(0, text="llo"), ended(0),
        began(1, type="text", text="!"), piece(1, text="?"), ended(1),
    )  # fmt: skip
    assert message.parts == (Text("Hello"), Text("!?"))
    assert (message.model, message.stop_reason) == ("claude-x", "end_turn")


def test_thoughts_keep_their_signatures() -> None:
    """ANT-1, ANT-5: two in a row stay two, and one without a word is kept for its signature."""
    message = stream(
        began(0, type="thinking", thinking="", signature=""), piece(0, thinking="So"),
        piece(0, signature="s1"), ended(0),
        began(1, type="thinking", thinking="", signature=""), piece(1, signature="s2"), ended(1),
        began(2, type="thinking", thinking="", signature=""), ended(2),
        began(3, type="text", text=""), ended(3),
    )  # fmt: skip
    assert message.parts == (Thinking("So", "s1", "anthropic"), Thinking("", "s2", "anthropic"))


def test_a_call_comes_in_pieces_and_without_arguments_in_none() -> None:
    """ANT-5, PRV-7"""
    message = stream(
        began(0, type="tool_use", id="t1", name="read", input={}), piece(0, input=""), piece(0, input='{"a":'),
        piece(0, input="1}"), ended(0),
        began(1, type="tool_use", id="t2", name="now", input={}), piece(1, input=""), ended(1),
        reason="tool_use",
    )  # fmt: skip
    assert message.parts == (ToolCall("t1", "read", {"a": 1}), ToolCall("t2", "now"))
    assert message.stop_reason == "tool_use"


def test_arguments_that_were_cut_are_kept_as_they_are() -> None:
    """ANT-w2: they ran as {}."""
    message = stream(
        began(0, type="tool_use", id="t1", name="read", input={}), piece(0, input='{"a": "x'), ended(0),
        reason="max_tokens",
    )  # fmt: skip
    assert message.parts == (ToolCall("t1", "read", {}, raw='{"a": "x'),)
    assert message.stop_reason == "max_tokens"


def test_arguments_may_come_whole_with_the_call() -> None:
    """… and who called is kept, unless it was the model itself."""
    caller = {"type": "code_execution_20250825", "tool_id": "srvtoolu_1"}
    message = stream(
        began(0, type="tool_use", id="t1", name="read", input={"a": "ü"}, caller=caller), ended(0),
        began(1, type="tool_use", id="t2", name="read", input={"a": 2}, caller={"type": "direct"}), ended(1),
    )  # fmt: skip
    assert message.parts == (
        ToolCall("t1", "read", {"a": "ü"}),
        Opaque("anthropic", {"caller": caller}),
        ToolCall("t2", "read", {"a": 2}),
    )
    assert message.stop_reason == "tool_use"


def test_tools_of_the_service_are_no_calls_of_ours() -> None:
    """ANT-9, ANT-w5, MSG-3, EXE-11"""
    found = {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [{"encrypted_content": "x"}]}
    message = stream(
        began(0, type="server_tool_use", id="s1", name="web_search", input={}), piece(0, input=""),
        piece(0, input='{"query": '), piece(0, input='"x"}'), ended(0),
        began(1, **found), ended(1),
        began(2, type="mcp_tool_use", id="m1", name="x", server_name="y", input={}), piece(2, input=""), ended(2),
        began(3, type="redacted_thinking", data="abc"), ended(3),
        began(4, type="container_upload", file_id="f1"), ended(4),
        began(5, type="hologram", depth=3, name="a"),
        delta(5, type="hologram_delta", name="b", depth=4), ended(5),
        began(6, type="note"), piece(6, citation=1), piece(6, citation=2), ended(6),
    )  # fmt: skip
    assert [part.data for part in message.parts if isinstance(part, Opaque)] == [
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}},
        found,
        {"type": "mcp_tool_use", "id": "m1", "name": "x", "server_name": "y", "input": {}},
        {"type": "redacted_thinking", "data": "abc"},
        {"type": "container_upload", "file_id": "f1"},
        {"type": "hologram", "depth": 4, "name": "ab"},
        {"type": "note", "citations": [1, 2]},
    ]
    assert message.stop_reason == "end_turn"


def test_a_call_of_the_service_that_was_cut_is_left_out() -> None:
    """It never ran, and would be refused."""
    message = stream(
        began(0, type="server_tool_use", id="s1", name="web_search", input={}), piece(0, input='{"q'), ended(0),
        reason="max_tokens",
    )  # fmt: skip
    assert message.parts == ()


def test_a_summary_of_the_conversation_is_kept() -> None:
    """Its text comes in one delta, and may be missing."""
    message = stream(
        began(0, type="compaction", content=None),
        delta(0, type="compaction_delta", content="So far: …", encrypted_content="x"), ended(0),
        began(1, type="compaction", content=None), delta(1, type="compaction_delta", content=None), ended(1),
        reason="compaction",
    )  # fmt: skip
    assert [part.data for part in message.parts if isinstance(part, Opaque)] == [
        {"type": "compaction", "content": "So far: …", "encrypted_content": "x"},
        {"type": "compaction", "content": None},
    ]
    assert message.stop_reason == "pause_turn"


def test_citations_belong_to_the_text_before_them() -> None:
    message = stream(
        began(0, type="text", text="", citations=[]), piece(0, citation={"n": 1}), piece(0, text="Hi"),
        piece(0, citation={"n": 2}), ended(0),
        began(1, type="text", text="", citations=None), piece(1, text="!"), ended(1),
        began(2, type="text", text=""), piece(2, citation={"n": 3}), ended(2),
    )  # fmt: skip
    cited = Opaque("anthropic", {"citations": [{"n": 1}, {"n": 2}]})
    assert message.parts == (Text("Hi"), cited, Text("!"))


def test_a_message_that_goes_on_begins_with_what_its_code_gave() -> None:
    result = {"type": "code_execution_tool_result", "tool_use_id": "s1", "content": {}}
    call = {"type": "tool_use", "id": "t1", "name": "read", "input": {"a": 1}}
    message = {"content": [result, call], "model": "claude-x", "stop_reason": None, "container": {"id": "c1"}}
    answer = read(
        {"type": "message_start", "message": message},
        {"type": "message_start", "message": message},
        began(0, type="tool_use", id="t2", name="read", input={}),
        ended(0),
        finish("tool_use"),
    )
    parts = answer.message().parts
    assert parts[:3] == (Opaque("anthropic", result), ToolCall("t1", "read", {"a": 1}), ToolCall("t2", "read"))
    assert parts[3] == Opaque("anthropic", {"type": "container", "id": "c1"})


@pytest.mark.parametrize(
    ("reason", "meant"),
    [
        ("end_turn", "end_turn"),
        ("max_tokens", "max_tokens"),
        ("stop_sequence", "stop_sequence"),
        ("tool_use", "end_turn"),
        ("pause_turn", "pause_turn"),
        ("refusal", "refusal"),
        ("model_context_window_exceeded", "max_tokens"),
        ("compaction", "pause_turn"),
        ("a new one", "end_turn"),
        (None, "end_turn"),
    ],
)
def test_why_it_stopped(reason: str | None, meant: str) -> None:
    """ANT-3, PRV-2; an answer without a block is one as well."""
    message = stream(reason=reason, stop_sequence="x")
    assert (message.parts, message.stop_reason) == ((), meant)


@pytest.mark.parametrize(("reason", "meant"), [("end_turn", "tool_use"), ("refusal", "refusal"), (None, "tool_use")])
def test_calls_are_run_whatever_the_reason_says(reason: str | None, meant: str) -> None:
    """PRV-w4"""
    call = began(0, type="tool_use", id="t1", name="read", input={})
    assert stream(call, ended(0), reason=reason).stop_reason == meant


def test_a_refusal_says_why() -> None:
    details = {"type": "refusal", "category": "bio", "explanation": "No."}
    message = stream(reason="refusal", stop_details=details)
    assert (message.parts, message.text) == ((Opaque("anthropic", details),), "")


def test_counts_are_totals_so_far() -> None:
    """ANT-w3: they were added up. What is not said again stays."""
    more = {"input_tokens": 40, "output_tokens": 9, "cache_read_input_tokens": None}
    answer = read(
        {"type": "message_start", "message": {"usage": {
            "input_tokens": 5, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 10, "output_tokens": 1,
        }}},
        finish(None, usage={"output_tokens": 4}),
        finish(usage={**more, "output_tokens_details": {"thinking_tokens": 2}}),
        finish(usage=None),
    )  # fmt: skip
    assert answer.usage == Usage(150, 9, cached_tokens=100, cache_write_tokens=10, reasoning_tokens=2)
    assert whole(usage=None).usage == whole(usage={"input_tokens": True, "output_tokens": -1}).usage == Usage()


# Whole messages


def test_a_whole_message_is_read_like_a_stream() -> None:
    """PRV-1"""
    answer = whole(
        {"type": "thinking", "thinking": "So", "signature": "s1"},
        {"type": "text", "text": "Hi", "citations": [{"n": 1}]},
        {"type": "server_tool_use", "id": "s1", "name": "x", "input": {"q": 1}},
        {"type": "tool_use", "id": "t1", "name": "read", "input": {"a": 1}},
        reason="tool_use",
        usage={"input_tokens": 1, "output_tokens": 2},
        container={"id": "c1", "expires_at": "…"},
    )
    assert answer.message().parts == (
        Thinking("So", "s1", "anthropic"),
        Text("Hi"),
        Opaque("anthropic", {"citations": [{"n": 1}]}),
        Opaque("anthropic", {"type": "server_tool_use", "id": "s1", "name": "x", "input": {"q": 1}}),
        ToolCall("t1", "read", {"a": 1}),
        Opaque("anthropic", {"type": "container", "id": "c1", "expires_at": "…"}),
    )
    assert (answer.stop_reason, answer.model, answer.usage) == ("tool_use", "claude-x", Usage(1, 2))


def test_a_whole_message_without_a_block() -> None:
    """PRV-8"""
    assert whole().message().parts == ()
    assert whole(reason=None).stop_reason == "end_turn"
    assert read({"type": "message"}).message().parts == ()


# Errors and nonsense


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("overloaded_error", OverloadedError),
        ("api_error", ServerError),
        ("rate_limit_error", RateLimitError),
        ("timeout_error", ProviderTimeout),
        ("authentication_error", AuthError),
        ("permission_error", AuthError),
        ("invalid_request_error", BadRequestError),
        ("not_found_error", BadRequestError),
        ("request_too_large", ContextOverflowError),
        ("a_new_error", ServerError),
    ],
)
def test_an_error_inside_a_stream_is_raised_as_what_it_is(kind: str, expected: type[ProviderError]) -> None:
    """SSE-w2: it was passed over."""
    decoder = Anthropic("m", base_url="http://x").decoder()
    list(decoder.feed(START))
    with pytest.raises(ProviderError) as caught:
        decoder.feed({"type": "error", "error": {"type": kind, "message": "No."}})
    assert type(caught.value) is expected
    assert "No." in caught.value.message


@pytest.mark.parametrize(
    "event", [{"error": "No."}, {"type": "error", "message": "No."}, {"error": {"message": "No."}}]
)
def test_errors_of_any_shape_are_raised(event: dict[str, Any]) -> None:
    """PRV-w2"""
    with pytest.raises(ProviderError, match=r"No\."):
        AnthropicDecoder().feed(event)


@pytest.mark.parametrize(
    "events",
    [
        [],
        [START],
        [START, began(0, type="text", text="Hi"), ended(0)],
        [START, finish(None)],
        [{"unknown": 1}],
        [{"type": "message_start", "message": None}],
    ],
)
def test_an_answer_that_was_cut_is_an_error(events: list[dict[str, Any]]) -> None:
    """PRV-w2"""
    with pytest.raises(StreamError):
        read(*events)


def test_a_reason_is_enough_of_an_end() -> None:
    """… also for blocks whose own end never came."""
    message = read(
        START, began(0, type="text", text="Hi"), began(0, type="thinking", signature="s"), finish()
    ).message()
    assert message.parts == (Text("Hi"), Thinking("", "s", "anthropic"))


def test_pieces_of_a_block_that_never_began() -> None:
    message = stream(piece(0, text="Hi"), piece(1, thinking="Hm"), piece(2, input="{}"), piece(1, signature="s"))
    assert message.parts == (Text("Hi"), Thinking("Hm", "s", "anthropic"))


def sent_again(made: Message) -> None:
    body = Anthropic("claude-sonnet-4-6", api_key="sk-0").encode(
        Request((Message.user("Hello"), made, Message.user("Go on")))
    )[2]
    assert json.loads(to_json(body))["messages"]


nonsense = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 3) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["type", "text", "usage", "citations", "input", "stop_reason", "id"]), inner)
    ),
    max_leaves=5,
)
kinds = st.sampled_from([
    "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message",
    "text", "thinking", "tool_use", "x", "text_delta", "input_json_delta", "citations_delta", "signature_delta",
])  # fmt: skip
fields = ("text", "thinking", "signature", "partial_json", "citation", "citations", "input", "x")
blocks = st.fixed_dictionaries({"type": kinds}, optional=dict.fromkeys(fields, nonsense))
events = st.fixed_dictionaries({"type": kinds | nonsense}, optional={
    "index": nonsense, "delta": blocks | nonsense, "content_block": blocks | nonsense, "message": blocks | nonsense,
    "content": st.lists(blocks | nonsense, max_size=3) | nonsense, "usage": nonsense, "stop_reason": nonsense,
})  # fmt: skip


@pytest.mark.thorough
@given(st.lists(events, max_size=8))
def test_no_event_breaks_it(events: list[dict[str, Any]]) -> None:
    """Law 8"""
    try:
        message = read(*events).message()
    except StreamError:
        return
    assert all(isinstance(part.text, str) for part in message.parts if isinstance(part, Text | Thinking))
    sent_again(message)


@given(st.lists(st.text(max_size=5), max_size=6), st.integers(0, 3))
def test_deltas_joined_are_the_text(pieces: list[str], index: int) -> None:
    """Law 4"""
    decoder = AnthropicDecoder()
    sent = [began(index, type="text", text=""), *(piece(index, text=text) for text in pieces), ended(index)]
    deltas = [one for event in sent for one in decoder.feed(event)]
    assert "".join(one.text for one in deltas if isinstance(one, TextDelta)) == "".join(pieces)
    assert stream(*sent).text == "".join(pieces)


def test_arguments_may_nest_deeper_than_python_reads() -> None:
    deep = "[" * 100_000
    assert stream(began(0, type="server_tool_use", input={}), piece(0, input=deep), ended(0)).parts == ()
    assert read_usage({}) == Usage()


def test_a_block_of_the_services_own_in_many_pieces_is_joined_once() -> None:
    many, cited = 100_000, {"type": "citations_delta", "citation": {"a": 1}}
    decoder = AnthropicDecoder()
    list(decoder.feed(began(0, type="compaction", content="")))
    started = time.process_time()
    for _ in range(many):
        list(decoder.feed({"type": "content_block_delta", "index": 0, "delta": {"type": "x", "content": "0123456789"}}))
        list(decoder.feed({"type": "content_block_delta", "index": 0, "delta": cited}))
    (whole,) = decoder.feed(ended(0))
    assert isinstance(whole, WholePart)
    assert isinstance(whole.part, Opaque)
    assert len(whole.part.data["content"]) == many * 10
    assert len(whole.part.data["citations"]) == many
    assert time.process_time() - started < 30


def test_blocks_out_of_shape_can_be_sent_again() -> None:
    """One whose kind was a list made every later request fail."""
    odd: list[dict[str, Any]] = [
        began(0, type=["odd"]),
        began(0, type={"odd": 1}),
        began(0, text="x"),
        began(0, type="new", citations=7),
        began(0, type="text", text="Hi", citations=7),
        began(0, type="tool_use", id="t", name="f", input=[1], caller=[1]),
    ]
    for start in odd:
        pieces = [
            {"type": "content_block_delta", "index": 0, "delta": {"type": kind, "citation": {"a": 1}, "": "x"}}
            for kind in ("citations_delta", ["odd"], "new")
        ]
        made = stream(start, *pieces, ended(0), began(1, type="text", text="Hello"))
        sent_again(made)
        assert all(part.data.get("type", "") is not None for part in made.parts if isinstance(part, Opaque))
    lost = stream({"type": "message_delta", "delta": {"container": {"id": 7}}}, began(0, type="text", text="Hi"))
    assert lost.parts == (Text("Hi"),)


def test_a_half_of_a_character_in_arguments_of_the_service_is_replaced() -> None:
    made = stream(began(0, type="server_tool_use", id="s", input={}), piece(0, input='{"q": "\\ud83d"}'), ended(0))
    assert made.parts[0].data["input"] == {"q": "\ufffd"}  # type: ignore[union-attr]
