"""JSON in both directions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.errors import ConfigError, StreamError
from alloy_nb.providers._payload import load_json, parse_body, parse_event, to_json
from alloy_nb.providers.answer import parse_arguments


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


@pytest.mark.parametrize(
    "number",
    ["NaN", "Infinity", "-Infinity", "1e999", "-1E+999", "1e0400", "0.5e309", "1" * 400 + ".5", "9" * 5000],
)
def test_what_was_read_can_be_written_again(number: str) -> None:
    """One number that is none, in a history for good, made every later request a ConfigError."""
    read = load_json(b'{"a": [%s, 1.5], "text": "%s 1e999 NaN"}' % (number.encode(), b"7" * 400))
    assert read == {"a": [None, 1.5], "text": "7" * 400 + " 1e999 NaN"}
    assert parse_event(None, b'{"a": %s}' % number.encode()) == {"a": None}
    assert parse_body(b'[{"a": %s}]' % number.encode()) == [{"a": None}]
    assert parse_arguments('{"a": ' + number + ', "b": "\\ud83d"}') == {"a": None, "b": "\ufffd"}
    assert json.loads(to_json(read)) == read


def test_what_is_nested_too_deeply_is_no_json() -> None:
    """It could be read, and not be written."""
    for depth in (250, 900, 100_000):
        assert load_json(b"[" * depth + b"]" * depth) is None
        # A number that makes it read by the other reader makes no difference.
        assert load_json(b"[" * depth + b"NaN" + b"]" * depth) is None
        assert parse_arguments('{"x": ' + "[" * depth + "]" * depth + "}") is None
    deep = load_json(b'{"a": ' + b"[" * 150 + b"1e999" + b"]" * 150 + b"}")
    assert json.loads(to_json(deep)) == deep


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), VALUES, max_size=3), st.booleans())
def test_whatever_is_read_has_a_form_to_be_sent_in(value: dict[str, Any], ascii_only: bool) -> None:
    data = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    read = load_json(data)
    assert json.loads(to_json(read)) == read


def test_usual_numbers_stay_what_they_are() -> None:
    """What merely looks like a large number, as in an id, is the number or the text it is."""
    data = b'{"id": "ab1e2345", "x": 1.5e300, "y": 123456789012345678901234567890}'
    assert load_json(data) == {"id": "ab1e2345", "x": 1.5e300, "y": 123456789012345678901234567890}
