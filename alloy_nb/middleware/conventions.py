"""The words of OpenTelemetry's semantic conventions for generative AI, as far as spans and metrics of a run need them.

They are marked "in development" there. These are the names of semantic-conventions 1.41, the last release that held
them; messages have the form of the JSON schemas published with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..messages import Audio, Document, Image, Message, Opaque, Part, Text, Thinking, ToolCall, ToolResult
from ..redaction import change_strings, redact

__all__ = [
    "DURATION_BUCKETS",
    "TOKEN_BUCKETS",
    "USAGE",
    "as_json",
    "finish_reason",
    "input_message",
    "output_message",
    "provider_name",
]

TOKEN_BUCKETS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
DURATION_BUCKETS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)

#: Attributes for what our usage counts.
USAGE = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cached_tokens": "gen_ai.usage.cache_read.input_tokens",
    "reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
}

_PROVIDERS = {"google": "gcp.gemini", "mistral": "mistral_ai", "xai": "x_ai"}
_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_call",
    "max_tokens": "length",
    "refusal": "content_filter",
}


def provider_name(ours: str) -> str:
    """The conventions' name of a provider, else our own.

    >>> provider_name("google"), provider_name("ollama")
    ('gcp.gemini', 'ollama')
    """
    return _PROVIDERS.get(ours, ours)


def finish_reason(message: Message) -> str:
    """Why an answer ended."""
    if message.partial:
        return "error"
    reason = message.stop_reason or "stop"
    return _FINISH.get(reason, reason)


def input_message(message: Message) -> dict[str, Any]:
    """A message as it goes in.

    >>> input_message(Message.user("Hi"))
    {'role': 'user', 'parts': [{'type': 'text', 'content': 'Hi'}]}
    """
    results = bool(message.parts) and all(isinstance(part, ToolResult) for part in message.parts)
    return {"role": "tool" if results else message.role, "parts": list(_parts(message))}


def output_message(message: Message) -> dict[str, Any]:
    """An answer."""
    return {**input_message(message), "finish_reason": finish_reason(message)}


def _parts(message: Message) -> Iterator[dict[str, Any]]:
    for part in message.parts:
        if not isinstance(part, Opaque):
            yield _part(part)


def _part(part: Part) -> dict[str, Any]:
    match part:
        case Text(text):
            return {"type": "text", "content": text}
        case Thinking(text):
            return {"type": "reasoning", "content": text}
        case ToolCall(id_, name, input_, raw):
            return {"type": "tool_call", "id": id_, "name": name, "arguments": raw or dict(input_)}
        case ToolResult():
            return {"type": "tool_call_response", "id": part.call_id, "response": part.text}
        case Image() | Audio() | Document():
            said = {"modality": type(part).__name__.lower(), "mime_type": part.mime_type}
            if part.url is not None and not part.url.startswith("data:"):
                return {"type": "uri", **said, "uri": part.url}
            return {"type": "blob", **said, "content": ""}  # the bytes are left out: a trace is no place for them
    return {"type": "unknown"}


def as_json(value: Any) -> str:
    """For an attribute, without secrets."""
    if isinstance(value, Mapping):
        value = dict(value)
    return json.dumps(change_strings(value, redact), ensure_ascii=False, default=repr)
