"""Framing: the same events, however the bytes are cut."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.errors import StreamError
from alloy_nb.providers.sse import MAX_EVENT_BYTES, LineDecoder, NDJSONDecoder, SSEDecoder

Events = list[tuple[str | None, str]]


def decode(pieces: list[bytes], decoder: Any = None) -> Events:
    decoder = decoder or SSEDecoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return [(name, data.decode()) for name, data in [*events, *decoder.end()]]


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_events_end_at_a_blank_line_of_any_kind(end: str) -> None:
    """SSE-1, SSE-2, SSE-w1."""
    text = end.join(["event: ping", "data: 1", "", "data: 2", "", ""])
    assert decode([text.encode()]) == [("ping", "1"), (None, "2")]


def test_an_event_is_given_as_soon_as_its_blank_line_is_there() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: 1\r\n\r") == [(None, b"1")]
    assert decoder.feed(b"\ndata: 2\r\n\r\n") == [(None, b"2")]


def test_a_cr_and_its_lf_in_two_pieces_are_one_line_end() -> None:
    """SSE-2: an LF that belongs to the CR before it is no blank line."""
    assert decode([b"data: 1\r", b"\ndata: 2\r", b"\n\r", b"\n"]) == [(None, "1\n2")]


def test_several_data_lines_are_one_event_and_comments_are_none() -> None:
    """SSE-3"""
    assert decode([b": hello\ndata: 1\n:\ndata:2\nid: 7\nretry: 10\n\n"]) == [(None, "1\n2")]


def test_at_most_one_space_is_taken_off() -> None:
    """SSE-w1: text that begins with spaces keeps them."""
    assert decode([b"data:   x\n\ndata:y\n\n"]) == [(None, "  x"), (None, "y")]


def test_an_event_without_data_is_none_and_leaves_no_name_behind() -> None:
    """SSE-3"""
    assert decode([b"event: ping\n\ndata: 1\n\n"]) == [(None, "1")]


def test_a_field_without_a_colon_is_an_empty_one() -> None:
    assert decode([b"data\n\n"]) == [(None, "")]


def test_done_is_delivered_as_it_is() -> None:
    """SSE-4"""
    assert decode([b"data: [DONE]\n\n"]) == [(None, "[DONE]")]


@pytest.mark.parametrize("tail", [b"", b"\n", b"\r"])
def test_the_last_event_needs_no_blank_line(tail: bytes) -> None:
    """SSE-w1"""
    assert decode([b"data: 1\n\ndata: 2" + tail]) == [(None, "1"), (None, "2")]


@pytest.mark.parametrize("char", ["\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1c"])
def test_what_python_calls_a_line_end_does_not_end_a_line(char: str) -> None:
    data = json.dumps({"text": f"a{char}b"}, ensure_ascii=False)
    assert decode([f"data: {data}\n\n".encode()]) == [(None, data)]
    assert decode([f"{data}\n".encode()], NDJSONDecoder()) == [(None, data)]


def test_a_byte_order_mark_is_no_part_of_the_first_field() -> None:
    assert decode([b"\xef\xbb", b"\xbfdata: 1\n\n"]) == [(None, "1")]


def test_bytes_come_out_as_they_came() -> None:
    """Whether they are UTF-8 is seen where the JSON is read."""
    assert SSEDecoder().feed(b"data: a\xffb\n\n") == [(None, b"a\xffb")]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_json_without_data_in_front_is_an_event(end: str) -> None:
    """An error in mid-stream comes so from Gemini, over several lines."""
    bare = end.join(["{", '  "error": {"code": 503}', "}"])
    for tail in ("", end, end + end):
        events = decode([f"data: 1{end}{end}{bare}{tail}".encode()])
        assert events[0] == (None, "1")
        assert [json.loads(data) for _, data in events[1:]] == [{"error": {"code": 503}}]


@pytest.mark.parametrize("decoder", [SSEDecoder, NDJSONDecoder])
def test_an_event_without_end_is_refused(decoder: Any) -> None:
    with pytest.raises(StreamError, match="10 MB") as caught:
        decode([b"data: " + b"x" * 1024 * 1024] + [b"x" * 1024 * 1024] * 11, decoder())
    assert not caught.value.retryable


def test_an_event_of_very_many_lines_is_refused() -> None:
    with pytest.raises(StreamError, match="10 MB"):
        decode([b"data: " + b"x" * 1024 * 1024 + b"\n"] * 11)


def test_a_large_event_is_taken() -> None:
    data = b"x" * (MAX_EVENT_BYTES - 100)
    assert decode([b"data: " + data + b"\n\n"]) == [(None, data.decode())]


def test_the_cost_grows_with_the_bytes_alone() -> None:
    """A long line in tiny pieces: were each piece to copy the line so far, this would take minutes."""
    decoder = LineDecoder()
    started = time.process_time()
    for _ in range(300_000):
        decoder.feed(b"0123456789")
    assert len(decoder.end()) == 3_000_000
    assert time.process_time() - started < 20


def test_lines_of_json() -> None:
    assert decode([b'{"a":1}\r', b'\n\n{"b"', b":2}"], NDJSONDecoder()) == [(None, '{"a":1}'), (None, '{"b":2}')]


def test_nothing_after_the_last_line_is_nothing() -> None:
    assert decode([b"{}\n", b""], NDJSONDecoder()) == [(None, "{}")]


# Line ends, colons and multi-byte characters are what can go wrong; everything else is filling.
TEXTS = st.text(alphabet="\r\n: adtevn{}é🙂\u2028", max_size=60)


@given(TEXTS, st.lists(st.integers(0, 200), max_size=8))
def test_any_split_gives_the_same_events(text: str, cuts: list[int]) -> None:
    """SSE-1, SSE-2, SSE-4."""
    data = text.encode()
    assert decode(split(data, cuts)) == decode([data])
    assert decode(split(data, cuts), NDJSONDecoder()) == decode([data], NDJSONDecoder())


@given(st.lists(st.text(alphabet="aé🙂 :\u2028", min_size=1)), st.sampled_from(["\n", "\r", "\r\n"]))
def test_what_was_framed_comes_out(payloads: list[str], end: str) -> None:
    text = "".join(f"data: {payload}{end}{end}" for payload in payloads)
    assert decode([text.encode()]) == [(None, payload) for payload in payloads]


@pytest.mark.parametrize("name", ["tools-in-pieces.sse", "llamacpp-text.sse"])
def test_a_whole_answer_one_byte_at_a_time(name: str, fixtures: Path) -> None:
    data = (fixtures / name).read_bytes()
    assert decode([data[i : i + 1] for i in range(len(data))]) == decode([data])
    assert decode([data.replace(b"\n", b"\r\n")]) == decode([data])


def test_a_mark_of_the_byte_order_is_one_at_the_beginning_only() -> None:
    """It was taken from a later block as well, when those before it were of one line."""
    later = b"data: a\n\n\xef\xbb\xbfdata: b\ndata: c\n\n"
    for pieces in ([later], [later[:9], later[9:]], [later[n : n + 1] for n in range(len(later))]):
        decoder = SSEDecoder()
        events = [event for piece in pieces for event in decoder.feed(piece)]
        assert [*events, *decoder.end()] == [(None, b"a"), (None, b"c")]
    decoder = SSEDecoder()
    assert decoder.feed(b"\xef\xbb\xbfdata: a\n\ndata: b\n\n") == [(None, b"a"), (None, b"b")]
