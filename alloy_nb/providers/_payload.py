"""JSON on its way out and in: strict about what is sent, tolerant of what comes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import from_json

from ..errors import ConfigError, StreamError

__all__ = ["JSONArray", "load_json", "parse_body", "parse_event", "to_json"]


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


def load_json(data: bytes) -> Any:
    """Parse tolerantly; None for what is no JSON.

    Bytes that are no UTF-8, and halves of surrogate pairs, which no store takes, are replaced.
    """
    try:
        return from_json(data, cache_strings="keys")
    except ValueError:
        return _load_tolerantly(data.decode("utf-8", "replace"))


def _load_tolerantly(text: str) -> Any:
    try:
        value = json.loads(text, strict=False)
        if "\\ud" in text or "\\uD" in text:
            whole = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass")
            value = json.loads(whole.decode("utf-16", "replace"), strict=False)
    except (ValueError, RecursionError):
        return None
    return value


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
