"""Google's Interactions API as a wire: a request as steps. Pure; the way back is `InteractionsDecoder`.

Nothing is left at the service: each request brings the whole conversation, and asks not to store it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import ProviderError
from ..messages import Audio, Document, Image, Message, Opaque, Part, Text, ToolCall, ToolResult
from ..options import PROVIDER_OPTIONS, wrong_choice
from ._encoding import encode_all
from ._fitting import fit_name
from ._parts import UNKNOWN_TYPE, in_words, readable, unpacked
from .base import Request, ToolSpec
from .gemini import NAME, is_sent, merged, system_parts
from .gemini_schema import adapt_schema
from .gemini_thinking import thinking_level
from .interactions_decoder import InteractionsDecoder

__all__ = ["InteractionsWire", "encode"]

_CHOICES = {"auto": "auto", "required": "any", "none": "none"}


@dataclass(frozen=True, slots=True)
class InteractionsWire:
    """The Interactions API, as `WiredProvider` wants it."""

    path: str = "/interactions"
    options: frozenset[str] = frozenset(PROVIDER_OPTIONS)

    def encode(self, request: Request, model: str, *, provider: str, key: object = None) -> dict[str, Any]:
        return encode(request, model, provider=provider, key=key)

    def streamed(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {**body, "stream": True}

    def decoder(
        self, classify: Callable[[Any], ProviderError] | None = None, *, provider: str | None = None
    ) -> InteractionsDecoder:
        return InteractionsDecoder(provider=provider or "google", classify=classify)


def encode(request: Request, model: str, *, provider: str = "google", key: object = None) -> dict[str, Any]:
    """The body of a request. `provider` is the name under which steps of the service's own are handed back.

    >>> encode(Request((Message.user("Hello"),)), "gemini-3-flash")["input"]
    [{'type': 'user_input', 'content': [{'type': 'text', 'text': 'Hello'}]}]
    """
    system, messages = system_parts(request)

    def steps(message: Message) -> Iterator[dict[str, Any]]:
        return _model_steps(message, provider) if message.role == "assistant" else _user_steps(message)

    body: dict[str, Any] = {"model": model, "input": encode_all(messages, steps, key), "store": False}
    if system:
        body["system_instruction"] = "\n\n".join(system)
    if request.tools:
        body["tools"] = encode_all(request.tools, _tool, key)
    if request.output_schema is not None:
        schema = adapt_schema(request.output_schema)
        body["response_format"] = {"type": "text", "mime_type": "application/json", "schema": schema}
    if config := _generation_config(request, model):
        body["generation_config"] = config
    return merged(body, request.extra_body or {})


def _generation_config(request: Request, model: str) -> dict[str, Any]:
    config: dict[str, Any] = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "max_output_tokens": request.max_output_tokens,
        "stop_sequences": list(request.stop_sequences) or None,
    }
    if request.thinking is not None:
        config["thinking_level"] = thinking_level(request.thinking, model)
        config["thinking_summaries"] = "none" if request.thinking in (False, "none", "off") else "auto"
    if request.tools and request.tool_choice is not None:
        config["tool_choice"] = _tool_choice(request.tool_choice, request.tools)
    return {name: value for name, value in config.items() if value is not None}


def _tool(tool: ToolSpec) -> Iterator[dict[str, Any]]:
    schema = adapt_schema(tool.input_schema)
    yield {"type": "function", "name": tool.name, "description": tool.description, "parameters": schema}


def _tool_choice(choice: str, tools: Iterable[ToolSpec]) -> Any:
    names = [tool.name for tool in tools]
    if choice in names:
        return {"allowed_tools": {"mode": "any", "tools": [choice]}}
    if choice in _CHOICES:
        return _CHOICES[choice]
    raise wrong_choice("tool_choice", choice, [*_CHOICES, *names])


# Messages


def _model_steps(message: Message, provider: str) -> Iterator[dict[str, Any]]:
    """Words, calls and steps of the service's own, in their order. Thinking is within those steps."""
    output: list[dict[str, Any]] = []
    for part in message.parts:
        step: Any = None
        if isinstance(part, ToolCall):
            step = {
                "type": "function_call",
                "id": part.id,
                "name": fit_name(part.name, NAME),
                "arguments": dict(part.input),
            }
        elif isinstance(part, Opaque) and part.provider == provider and part.data.get("type") == "step":
            step = part.data.get("step")
        elif (content := _content(part)) is not None:
            output.append(content)
        if isinstance(step, Mapping):
            if output:
                yield {"type": "model_output", "content": output}
                output = []
            yield dict(step)
    if output:
        yield {"type": "model_output", "content": output}


def _user_steps(message: Message) -> Iterator[dict[str, Any]]:
    """Results first, since they must follow their calls; then everything else."""
    for result in message.tool_results:
        yield _function_result(result)
    parts: list[Part] = []
    for part in map(unpacked, message.parts):
        if isinstance(part, Document) and part.name and is_sent(part):
            parts.append(Text(f"{part.name}:"))
        parts.append(part)
    content = [encoded for part in parts if (encoded := _content(part)) is not None]
    if content or not message.tool_results:
        yield {"type": "user_input", "content": content or [{"type": "text", "text": " "}]}


def _function_result(result: ToolResult) -> dict[str, Any]:
    step: dict[str, Any] = {"type": "function_result", "call_id": result.call_id, "result": result.text}
    if result.name:
        step["name"] = fit_name(result.name, NAME)
    if result.is_error:
        step["is_error"] = True
    if result.images:
        parts: list[Part] = [Text(result.text), *result.images]
        step["result"] = [content for part in parts if (content := _content(part)) is not None]
    return step


def _content(part: Part) -> dict[str, Any] | None:
    match part:
        case Text(text):
            return {"type": "text", "text": text} if text else None
        case Image() | Audio() | Document():
            return _media(part)
        case _:
            return None


def _media(part: Image | Audio | Document) -> dict[str, Any]:
    part = unpacked(part)
    kind = part.mime_type.partition("/")[0]
    content: dict[str, Any] = {"type": kind if kind in ("image", "audio", "video") else type(part).__name__.lower()}
    if part.mime_type != UNKNOWN_TYPE:
        content["mime_type"] = part.mime_type
    if part.url is not None and not part.data:
        return {**content, "uri": part.url}
    if is_sent(part):
        return {**content, "data": part.base64}
    return {"type": "text", "text": readable(part) or in_words(part)}
