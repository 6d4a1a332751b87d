"""JSON in both directions."""

from __future__ import annotations

import json

import pytest

from alloy_nb.errors import ConfigError, StreamError
from alloy_nb.providers._payload import load_json, parse_body, parse_event, to_json


def test_an_event_that_is_no_object_is_passed_over() -> None:
    """SSE-4"""
    assert parse_event(None, b"ping") is None
    assert parse_event(None, b"") is None
    assert parse_event(None, b"[1]") is None


def test_an_object_that_cannot_be_read_is_an_error() -> None:
    """SSE-4, bettered: a piece of the answer would be missing without a word."""
    with pytest.raises(StreamError):
        parse_event(None, b'{"text": "half')


def test_halves_of_characters_are_replaced() -> None:
    """A lone surrogate would break whatever stores the answer."""
    assert load_json(b'{"a": "\\ud83d\\ude42 \\ud83d"}') == {"a": "🙂 \ufffd"}
    assert load_json(b'{"a": "line\nbreak"}') == {"a": "line\nbreak"}
    assert load_json(b"nonsense") is None
    assert load_json(b"[" * 100_000) is None


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    assert load_json(b'{"a": "x\xffy"}') == {"a": "x\ufffdy"}


def test_an_error_in_a_list_is_an_event_and_any_other_list_is_none() -> None:
    assert parse_event(None, b'[{"error": {"code": 503}}]') == {"error": {"code": 503}}
    assert parse_event(None, b'[{"text": "x"}]') is None


def test_an_answer_may_be_an_array_of_objects() -> None:
    assert parse_body(b'[{"a": 1}, {"b": 2}]') == [{"a": 1}, {"b": 2}]
    for body in (b"[]", b"[1]", b'"x"'):
        with pytest.raises(StreamError):
            parse_body(body)


def test_a_body_that_is_no_object() -> None:
    with pytest.raises(StreamError):
        parse_body(b"")


def test_what_json_cannot_hold() -> None:
    assert json.loads(to_json({"a": (1, 2), "b": {3}, "c": "é\ud83d"})) == {"a": [1, 2], "b": [3], "c": "é?"}
    from types import MappingProxyType

    assert to_json({"a": MappingProxyType({"b": 1})}) == b'{"a": {"b": 1}}'
    for body in ({"a": float("nan")}, {"a": object()}):
        with pytest.raises(ConfigError, match="JSON"):
            to_json(body)
