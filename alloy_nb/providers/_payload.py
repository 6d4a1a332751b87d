"""JSON on its way out and in: strict about what is sent, tolerant of what comes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import from_json

from ..errors import ConfigError, StreamError

__all__ = ["JSONArray", "load_json", "parse_body", "parse_document", "parse_event", "to_json"]


class JSONArray:
    """An array whose elements are JSON already, each encoded once and sent many times.

    What stands between two commas may be empty (no element) or several elements with commas of their own.

    It may stand for a value of the body itself: ``{"messages": JSONArray([...])}``.

    >>> to_json({"n": 1, "messages": JSONArray([b'{"a": 1}', b"2"])})
    b'{"n": 1, "messages": [{"a": 1}, 2]}'
    """

    __slots__ = ("elements",)

    def __init__(self, elements: Sequence[bytes]) -> None:
        self.elements = elements


def parse_event(name: str | None, data: bytes) -> Mapping[str, Any] | None:
    """The JSON object of an event; None for data that is none, such as a service's ``ping``.

    An object that cannot be read is a `StreamError`: a part of the answer would be missing without a word.
    """
    if data[:1] != b"{":
        data = data.strip()
        if data[:1] == b"[":
            # An error is sent as a list of one object by some; any other list is nobody's event.
            items = load_json(data)
            return next((item for item in items or () if isinstance(item, dict) and "error" in item), None)
        if data[:1] != b"{":
            return None
    event = load_json(data)
    if not isinstance(event, dict):
        raise StreamError("the service sent an event that is no valid JSON")
    if name == "error" and "error" not in event:
        return {"error": event}
    return event


def parse_body(body: bytes) -> list[Mapping[str, Any]]:
    """The JSON objects that a whole answer is: one, or an array of them; a `StreamError` when it is neither."""
    answer = load_json(body)
    objects = answer if isinstance(answer, list) and answer else [answer]
    if not all(isinstance(item, dict) for item in objects):
        raise StreamError("the service's answer is no JSON object", hint="check the base_url", retryable=False)
    return objects


def parse_document(data: bytes) -> Any:
    """A whole JSON document of any shape; a `StreamError` for what is none."""
    value = load_json(data)
    if value is None:
        raise StreamError("the service's answer is no JSON", hint="check the base_url", retryable=False)
    return value


def load_json(data: bytes | str) -> Any:
    """Parse tolerantly; None for what is no JSON, or is nested too deeply to be written again.

    What is read can always be written: numbers that are not finite become null, as JavaScript writes them (a text in
    their place would pass for an argument that was meant), and halves of surrogate pairs, which no store takes, and
    bytes that are no UTF-8 become U+FFFD.

    >>> load_json(b'{"a": NaN, "b": -1e999}')
    {'a': None, 'b': None}
    """
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    try:
        value = from_json(data, allow_inf_nan=False, cache_strings="keys")
    except ValueError:
        return _load_tolerantly(data.decode("utf-8", "replace"))
    # Called for each event: whether a number in it was too large for a float is seen by the bytes of nearly all.
    shape = data.translate(_DIGITS)
    if (_LARGE_EXPONENT in shape or (len(data) > 300 and _MANY_DIGITS in shape)) and not _is_finite(value):
        return _load_tolerantly(data.decode("utf-8", "replace"))
    return value


#: Digits become one digit, so that a number too large for a float can be looked for as a piece of text.
_DIGITS = bytes.maketrans(b"123456789+E", b"0000000000e")
_LARGE_EXPONENT, _MANY_DIGITS = b"0e000", b"0" * 300


def _is_finite(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


def _load_tolerantly(text: str) -> Any:
    """What the strict reader refused, in a form that it takes: it is read again, so that its limits hold here too."""
    try:
        value = json.loads(text, strict=False, parse_constant=_nothing, parse_float=_finite, parse_int=_whole)
        clean = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return from_json(clean, cache_strings="keys")
    except (ValueError, RecursionError):
        return None


def _nothing(_constant: str) -> None:
    return None


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else None


#: Digits of a whole number: Python neither reads nor writes many more.
_LONGEST_NUMBER = 4000


def to_json(body: Mapping[str, Any]) -> bytes:
    """The body as bytes; a `ConfigError` for what JSON cannot hold."""
    fields = [
        b"%s: [%s]" % (encode_json(name), b", ".join(filter(None, value.elements)))
        if isinstance(value, JSONArray)
        else b"%s: %s" % (encode_json(name), encode_json(value))
        for name, value in body.items()
    ]
    return b"{%s}" % b", ".join(fields)


def encode_json(value: Any) -> bytes:
    """One value as JSON; a `ConfigError` for what JSON cannot hold."""
    problem = ""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
        return text.encode("utf-8", "replace")
    except (TypeError, ValueError, RecursionError) as error:
        problem = str(error)
    raise ConfigError(f"the request cannot be written as JSON: {problem}", hint="check tools and extra_body")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple | set | frozenset | Sequence):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
