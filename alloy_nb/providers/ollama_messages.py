"""Ollama's own wire, /api/chat: a request as a body. Pure, no network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import ConfigError
from ..messages import Image, Message, Opaque, Part, Text, Thinking, ToolCall, ToolResult
from ._encoding import encode_all
from ._fitting import fit_name
from ._parts import aside, joined, noted, said, schema_in_words, unpacked
from .base import Request
from .chat import encode_tool
from .efforts import effort_of

__all__ = ["encode"]

#: Levels of thinking, and what they come to where levels are known.
_LEVELS: Mapping[str, bool | str] = {
    "none": False,
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}
#: Models that think in levels; the others think or do not.
_LEVELLED = ("gpt-oss",)


def encode(request: Request, model: str, *, provider: str = "ollama", key: object = None) -> dict[str, Any]:
    """The body of a request for one whole answer. `provider` is the name of those whose thinking goes back.

    With a `key` (see `encode_all`) messages and tools are JSON already, each encoded once. The ``options`` of
    `extra_body` are merged with the request's own, and everything else in it is said in place of it.

    >>> body = encode(Request((Message.user("Hello"),), temperature=0.0), "llama4")
    >>> body["messages"], body["options"], body["stream"]
    ([{'role': 'user', 'content': 'Hello'}], {'temperature': 0.0}, False)
    """
    tools = () if request.tool_choice == "none" else request.tools
    # A grammar for the answer would keep the model from calling tools: then the schema is only told.
    told = request.output_schema if tools else None
    prompt = schema_in_words(request.system_prompt, told) if told is not None else request.system_prompt
    system = [{"role": "system", "content": prompt}] if prompt else []

    def message(value: Message) -> Iterator[dict[str, Any]]:
        return _message(value, provider)

    # Without a word about it, Ollama streams.
    body: dict[str, Any] = {
        "model": model,
        "messages": encode_all(request.messages, message, key, first=system),
        "stream": False,
    }
    if tools:
        _check_choice(request.tool_choice)
        body["tools"] = encode_all(tools, encode_tool, key)
    elif request.output_schema is not None:
        body["format"] = dict(request.output_schema)
    if request.thinking is not None:
        body["think"] = _think(request.thinking, model)
    extra = dict(request.extra_body or {})
    if options := {**_options(request), **_given_options(extra.pop("options", None))}:
        body["options"] = options
    return body | extra


def _options(request: Request) -> dict[str, Any]:
    options = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "num_predict": request.max_output_tokens,
        "stop": list(request.stop_sequences) or None,
    }
    return {name: value for name, value in options.items() if value is not None}


def _given_options(options: Any) -> dict[str, Any]:
    if options is None or isinstance(options, Mapping):
        return dict(options or {})
    raise ConfigError(f"extra_body's options are {options!r}", hint='give a mapping: {"options": {"num_ctx": 8192}}')


def _check_choice(choice: str | None) -> None:
    if choice not in (None, "auto"):
        raise ConfigError(f"tool_choice is {choice!r}, and Ollama cannot be made to call a tool", hint="leave it out")


def _think(thinking: bool | str | int, model: str) -> bool | str:
    levelled = model.rpartition("/")[2].startswith(_LEVELLED)
    if isinstance(thinking, bool):
        return thinking
    known = _LEVELS[effort_of(thinking)]
    return known if levelled else known is not False


# Messages


def _message(message: Message, provider: str) -> Iterator[dict[str, Any]]:
    if message.role == "assistant":
        yield _assistant(message, provider)
    elif message.role == "system":
        yield {"role": "system", "content": "\n".join(filter(None, map(said, message.parts)))}
    else:
        yield from _user(message)


def _assistant(message: Message, provider: str) -> dict[str, Any]:
    encoded: dict[str, Any] = {"role": "assistant", "content": joined(map(noted, message.parts))}
    own = (part for part in message.parts if isinstance(part, Thinking) and part.provider == provider)
    if thinking := "".join(part.text for part in own):
        encoded["thinking"] = thinking
    if message.tool_calls:
        # Arguments are an object here; a text would not be read.
        encoded["tool_calls"] = [
            {"id": call.id, "function": {"name": fit_name(call.name), "arguments": dict(call.input)}}
            for call in message.tool_calls
        ]
    return encoded


def _user(message: Message) -> Iterator[dict[str, Any]]:
    """Results first, each a message of its own; then everything else, with the results' pictures."""
    for result in message.tool_results:
        text = f"Error: {result.text}" if result.is_error else result.text
        name = {"tool_name": fit_name(result.name)} if result.name else {}
        yield {"role": "tool", **name, "tool_call_id": result.call_id, "content": text}
    rest: list[Part] = []
    for result in message.tool_results:
        rest += aside(result)
    rest += [part for part in message.parts if not isinstance(part, ToolResult | ToolCall | Thinking | Opaque)]
    if rest or not message.tool_results:
        yield _with_images(rest)


def _with_images(parts: list[Part]) -> dict[str, Any]:
    """Words, and beside them the pictures as bare base64; what is neither is said in words."""
    parts = [unpacked(part) for part in parts]
    words = joined(Text(said(part)) for part in parts if not _is_sent(part))
    images = [part.base64 for part in parts if isinstance(part, Image) and part.data]
    return {"role": "user", "content": words, **({"images": images} if images else {})}


def _is_sent(part: Part) -> bool:
    return isinstance(part, Image) and bool(part.data)
