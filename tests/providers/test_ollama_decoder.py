"""Ollama's own wire: what is understood."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.errors import ProviderError, ServerError, StreamError
from alloy_nb.messages import Message, Text, Thinking
from alloy_nb.providers._payload import to_json
from alloy_nb.providers.answer import Answer
from alloy_nb.providers.base import Request, TextDelta, ToolCallDelta
from alloy_nb.providers.ollama import Ollama
from alloy_nb.providers.ollama_decoder import OllamaDecoder
from alloy_nb.usage import Usage


def read(*events: Mapping[str, Any]) -> Answer:
    decoder, answer = OllamaDecoder(), Answer("ollama")
    for event in events:
        for delta in decoder.feed(event):
            answer.feed(delta)
    for delta in decoder.end():
        answer.feed(delta)
    return answer


def line(content: str = "", **message: Any) -> dict[str, Any]:
    return {"model": "llama4", "message": {"role": "assistant", "content": content, **message}, "done": False}


def last(content: str = "", reason: str | None = "stop", **fields: Any) -> dict[str, Any]:
    done = {"done_reason": reason} if reason else {}
    return {**line(content), "done": True, **done, "prompt_eval_count": 7, "eval_count": 5, **fields}


def call(name: str, arguments: Any = None, **fields: Any) -> dict[str, Any]:
    return {**fields, "function": {"name": name, "arguments": arguments}}


def test_a_streamed_answer_with_everything() -> None:
    answer = read(
        line(thinking="So"),
        line(thinking=" far"),
        line("Hel"),
        line("lo é 🙂"),
        line(tool_calls=[call("read", {"path": "é"}, id="call_1")]),
        line(tool_calls=[call("clock", {}, id="call_2")]),
        last(),
    )
    message = answer.message()
    assert (message.thinking, message.text) == ("So far", "Hello é 🙂")
    assert [(c.id, c.name, dict(c.input)) for c in message.tool_calls] == [
        ("call_1", "read", {"path": "é"}),
        ("call_2", "clock", {}),
    ]
    # It says "stop" also when tools are called.
    assert answer.stop_reason == "tool_use"
    assert (answer.usage, answer.model) == (Usage(7, 5), "llama4")


def test_a_whole_answer_is_one_line() -> None:
    answer = read({**last("Hi"), "message": {"content": "Hi", "thinking": "hm", "tool_calls": [call("f"), call("f")]}})
    assert answer.message().text == "Hi"
    assert answer.message().thinking == "hm"
    assert len(answer.message().tool_calls) == 2


def test_calls_without_ids_are_given_some() -> None:
    """Servers of 2025 give none: each piece of news of a call must name the same one."""
    deltas = list(OllamaDecoder().feed(line(tool_calls=[call("f", {}), call("f", '{"a": 1}'), "odd", {"function": 1}])))
    assert all(isinstance(delta, ToolCallDelta) and delta.id for delta in deltas)
    assert len({delta.id for delta in deltas if isinstance(delta, ToolCallDelta)}) == 3


@pytest.mark.parametrize(
    ("arguments", "given_input"), [({"a": 1}, {"a": 1}), ('{"a": 1}', {"a": 1}), (None, {}), ("", {})]
)
def test_arguments_in_all_their_forms(arguments: Any, given_input: dict[str, Any]) -> None:
    """PRV-7"""
    (found,) = read(line(tool_calls=[call("f", arguments)]), last()).message().tool_calls
    assert dict(found.input) == given_input


@pytest.mark.parametrize(
    ("reason", "stop"),
    [("stop", "end_turn"), ("length", "max_tokens"), ("load", "end_turn"), ("new", "end_turn"), (None, "end_turn")],
)
def test_reasons_to_stop(reason: str | None, stop: str) -> None:
    """OAI-4, bettered."""
    assert read(last("x", reason)).stop_reason == stop


def test_a_cut_answer_is_an_error() -> None:
    """PRV-w2: no line says that it is done."""
    for events in ([], [line("half")], [{"message": None}], [{**line("x"), "done": "yes"}]):
        with pytest.raises(StreamError):
            read(*events)


def test_an_error_in_a_line_is_raised() -> None:
    """SSE-w2"""
    with pytest.raises(ServerError, match="runner"):
        read(line("half"), {"error": "model runner has unexpectedly stopped"})


def test_counts_that_are_missing() -> None:
    """PRV-8"""
    assert read({"done": True}).usage == Usage()
    assert read(last(prompt_eval_count=None, eval_count=True)).usage == Usage()
    assert read(last(eval_count=-1)).usage == Usage(7, 0)


# Thinking between tags


def parts(*pieces: str) -> tuple[Any, ...]:
    return read(*map(line, pieces), last()).message().parts


def test_an_answer_that_opens_with_the_tag_begins_with_thinking() -> None:
    """Models whose template the server does not know write tags."""
    expected = (Thinking("So far", None, "ollama"), Text("Hello"))
    assert parts("<think>So far</think>\n\nHello") == expected
    assert parts("\n<th", "ink>", "\nSo", " far</", "think", ">\n", "\nHello") == expected
    assert parts("<think>So far") == (Thinking("So far", None, "ollama"),)
    assert parts("<think>So far</thi") == (Thinking("So far</thi", None, "ollama"),)
    assert parts("<think>a</b></think>c") == (Thinking("a</b>", None, "ollama"), Text("c"))
    assert parts("<think></think>", "\n", "Hi") == (Text("Hi"),)


def test_tags_elsewhere_are_words() -> None:
    """What was told as text stays text: nothing proves before the closing tag that it was thinking."""
    for words in ("So far</think>\n\nHello", "See <think>", "  <thin", "<", "a<think>b</think>"):
        assert parts(*words) == (Text(words),)
    assert parts("<thi", "s") == (Text("<this"),)


def test_a_server_that_tells_thinking_apart_leaves_no_tags() -> None:
    answer = read(line(thinking="hm"), line("<think>is a tag</think>"), last())
    assert answer.message().parts == (Thinking("hm", None, "ollama"), Text("<think>is a tag</think>"))
    held = read(line("<th"), line(tool_calls=[call("f")]), last())
    assert held.message().parts[0] == Text("<th")


@given(st.text("<thinkabc/> ", max_size=40), st.data())
def test_an_answer_is_the_same_however_it_is_cut(text: str, data: Any) -> None:
    """Law 4"""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    for opened in ("", "<think>"):
        assert parts(opened, *pieces) == parts(opened + text)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "x", "stop"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["content", "thinking", "tool_calls", "function", "name", "arguments", "id"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)
FIELDS = st.sampled_from(["message", "done", "done_reason", "error", "model", "eval_count"])


@given(st.lists(st.dictionaries(FIELDS, JUNK, max_size=4), max_size=4))
def test_no_shape_breaks_the_decoder(events: list[dict[str, Any]]) -> None:
    """Law 8: nothing but a ProviderError."""
    try:
        made = read(*events).message()
    except ProviderError:
        return
    body = Ollama("m").encode(Request((Message.user("Hello"), made, Message.user("Go on"))))[2]
    assert len(json.loads(to_json(body))["messages"]) >= 2


def test_a_count_that_nobody_counted_is_none() -> None:
    """Five thousand digits could not even be shown."""
    for odd in (10**400, 1e300, -1, True, "7", None, [1]):
        answer = read(last("Hi", prompt_eval_count=odd, eval_count=3))
        assert answer.usage == Usage(0, 3)


def test_an_answer_that_begins_with_many_blanks() -> None:
    """They were all copied with each piece, to see whether a tag begins."""
    decoder = OllamaDecoder()
    told = [delta for _ in range(3000) for delta in decoder.feed({"message": {"content": "\n"}})]
    assert len(told) > 1000
    assert "".join(delta.text for delta in told if isinstance(delta, TextDelta)) == "\n" * 3000
