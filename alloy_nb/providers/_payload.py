"""JSON on its way out and in: strict about what is sent, tolerant of what comes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import ConfigError, StreamError

__all__ = ["load_json", "parse_body", "parse_event", "to_json"]


def parse_event(name: str | None, data: str) -> Mapping[str, Any] | None:
    """The JSON object of an event; None for data that is none, such as a service's ``ping``.

    An object that cannot be read is a `StreamError`: a part of the answer would be missing without a word.
    """
    data = data.strip()
    if not data.startswith("{"):
        return None
    event = load_json(data)
    if not isinstance(event, dict):
        raise StreamError("the service sent an event that is no valid JSON")
    if name == "error" and "error" not in event:
        return {"error": event}
    return event


def parse_body(body: bytes) -> Mapping[str, Any]:
    """The JSON object that a whole answer is; a `StreamError` when it is none."""
    answer = load_json(body.decode("utf-8", "replace"))
    if not isinstance(answer, dict):
        raise StreamError("the service's answer is no JSON object", hint="check the base_url", retryable=False)
    return answer


def load_json(text: str) -> Any:
    """Parse tolerantly; None for what is no JSON. Halves of surrogate pairs, which no store takes, are replaced."""
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
    problem = ""
    try:
        text = json.dumps(body, ensure_ascii=False, allow_nan=False, default=_plain)
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
