"""Gemini's generateContent as a wire: a request as a body. Pure; the way back is `GeminiDecoder`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from ..errors import ProviderError
from ..messages import Audio, Document, Image, Message, Opaque, Part, Text, Thinking, ToolCall, ToolResult
from ..options import PROVIDER_OPTIONS, wrong_choice
from ._encoding import encode_all
from ._fitting import fit_name
from ._parts import UNKNOWN_TYPE, aside, in_words, readable, said, schema_in_words, unpacked
from ._payload import JSONArray, encode_json
from .base import Request, ToolSpec
from .gemini_decoder import GeminiDecoder
from .gemini_schema import adapt_schema
from .gemini_thinking import generation, thinking_config

__all__ = ["NAME", "GeminiWire", "encode", "is_sent", "merged", "system_parts"]

#: What Google documents for calls that its own models did not make: they come without the signature that it wants.
UNSIGNED = "skip_thought_signature_validator"
#: Ids that were made up here, where the service gave none: it must not see them.
_MADE_UP = re.compile(r"call_[0-9a-f]{16}")

_CHOICES = {"auto": "AUTO", "required": "ANY", "none": "NONE"}
_MEDIA = re.compile(r"(image|audio|video)/.*|application/pdf")
#: Pictures that may stand within a tool's result, where the model takes any.
_WITHIN_RESULTS = frozenset({"image/png", "image/jpeg", "image/webp"})
#: What Google takes for the name of a function.
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")


@dataclass(frozen=True, slots=True)
class GeminiWire:
    """generateContent, as `WiredProvider` wants it; the model is a part of its path."""

    path: str = "/{model}:generateContent"
    options: frozenset[str] = frozenset(PROVIDER_OPTIONS)

    def encode(self, request: Request, model: str, *, provider: str, key: object = None) -> dict[str, Any]:
        return encode(request, model, provider=provider, key=key)

    def streamed(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The path says it, and the body nothing."""
        return dict(body)

    def decoder(
        self, classify: Callable[[Any], ProviderError] | None = None, *, provider: str | None = None
    ) -> GeminiDecoder:
        return GeminiDecoder(provider=provider or "google", classify=classify)


def encode(request: Request, model: str, *, provider: str = "google", key: object = None) -> dict[str, Any]:
    """The body of a request. `provider` is the name under which opaque parts are handed back.

    With a `key` (see `encode_all`) contents and tools are JSON already, each encoded once.

    >>> encode(Request((Message.user("Hello"),)), "gemini-2.5-flash")
    {'contents': [{'role': 'user', 'parts': [{'text': 'Hello'}]}]}
    """
    writer = _Writer(provider, newest=generation(model) >= (3, 0))
    system, rest = system_parts(request)
    config = _generation_config(request, model)
    if request.output_schema is not None and "responseJsonSchema" not in config:
        system.append(schema_in_words(None, request.output_schema))
    body: dict[str, Any] = {}
    if system:
        body["systemInstruction"] = {"parts": [{"text": text} for text in system]}
    body["contents"] = encode_all(_with_names(rest), writer.content, key)
    if request.tools:
        body["tools"] = _tools(request.tools, key)
        if request.tool_choice is not None:
            body["toolConfig"] = {"functionCallingConfig": _tool_choice(request.tool_choice, request.tools)}
    if config:
        body["generationConfig"] = config
    return merged(body, request.extra_body or {})


def system_parts(request: Request) -> tuple[list[str], Sequence[Message]]:
    """What the system says before anybody speaks, and the messages after it."""
    leading = list(takewhile(lambda message: message.role == "system", request.messages))
    texts = [said(part) for message in leading for part in message.parts]
    return [text for text in (request.system_prompt, *texts) if text], request.messages[len(leading) :]


def merged(body: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """`extra` on top: fields of an object one by one, and tools of the service's own beside ours."""
    for name, value in extra.items():
        own = body.get(name)
        if isinstance(own, Mapping) and isinstance(value, Mapping):
            body[name] = {**own, **value}
        elif name == "tools" and isinstance(own, JSONArray):
            body[name] = JSONArray([*own.elements, *map(encode_json, value)])
        elif name == "tools" and own:
            body[name] = [*own, *value]
        else:
            body[name] = value
    return body


# Settings


def _generation_config(request: Request, model: str) -> dict[str, Any]:
    config: dict[str, Any] = {
        "temperature": request.temperature,
        "topP": request.top_p,
        "maxOutputTokens": request.max_output_tokens,
        "stopSequences": list(request.stop_sequences) or None,
    }
    # Before Gemini 3 a request with both tools and a schema is refused.
    if request.output_schema is not None and not (request.tools and generation(model) < (3, 0)):
        config["responseMimeType"] = "application/json"
        config["responseJsonSchema"] = adapt_schema(request.output_schema)
    if request.thinking is not None:
        config["thinkingConfig"] = thinking_config(request.thinking, model)
    return {name: value for name, value in config.items() if value is not None}


def _tools(tools: Sequence[ToolSpec], key: object) -> JSONArray | list[Any]:
    """One tool that holds every function: Vertex takes no more."""
    functions = encode_all(tools, _function, key)
    if isinstance(functions, JSONArray):
        return JSONArray([b'{"functionDeclarations": [%s]}' % b", ".join(functions.elements)])
    return [{"functionDeclarations": functions}]


def _function(tool: ToolSpec) -> Iterator[dict[str, Any]]:
    schema = adapt_schema(tool.input_schema)
    yield {"name": tool.name, "description": tool.description, "parametersJsonSchema": schema}


def _tool_choice(choice: str, tools: Iterable[ToolSpec]) -> dict[str, Any]:
    names = [tool.name for tool in tools]
    if choice in names:
        return {"mode": "ANY", "allowedFunctionNames": [choice]}
    if choice in _CHOICES:
        return {"mode": _CHOICES[choice]}
    raise wrong_choice("tool_choice", choice, [*_CHOICES, *names])


# Messages


def _with_names(messages: Sequence[Message]) -> Sequence[Message]:
    """The same messages; a result without a name, which Gemini must have, gets that of its call."""
    if all(map(_is_named, messages)):
        return messages
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    return [message if _is_named(message) else _named(message, names) for message in messages]


def _is_named(message: Message) -> bool:
    return all(part.name for part in message.parts if isinstance(part, ToolResult))


def _named(message: Message, names: Mapping[str, str]) -> Message:
    return message.with_parts(
        replace(part, name=part.name or names.get(part.call_id, part.call_id)) if isinstance(part, ToolResult) else part
        for part in message.parts
    )


@dataclass(frozen=True, slots=True)
class _Writer:
    """Makes contents of messages. `newest` models want signed calls, and take pictures within results."""

    provider: str
    newest: bool

    def content(self, message: Message) -> Iterator[dict[str, Any]]:
        """One content, or none for a message of which nothing can be said."""
        if message.role == "assistant":
            if parts := self._model_parts(message.parts):
                yield {"role": "model", "parts": parts}
        else:
            # A content without any part is refused, and the conversation would never go on.
            yield {"role": "user", "parts": self._user_parts(message) or [{"text": " "}]}

    def _model_parts(self, parts: Iterable[Part]) -> list[dict[str, Any]]:
        encoded: list[dict[str, Any]] = []
        last: dict[str, Any] | None = None
        for part in parts:
            if isinstance(part, Opaque) and (part.provider != self.provider or "type" not in part.data):
                if part.provider == self.provider and last is not None:
                    last.update(part.data)
                continue
            last = self._model_part(part)
            if last is not None:
                encoded.append(last)
        first = next((part for part in encoded if "functionCall" in part), None)
        if self.newest and first is not None:
            first.setdefault("thoughtSignature", UNSIGNED)
        return encoded

    def _model_part(self, part: Part) -> dict[str, Any] | None:
        match part:
            case Thinking(text, str(signature), self.provider):
                return {"text": text, "thought": True, "thoughtSignature": signature}
            case ToolCall():
                return {"functionCall": {**_id(part.id), "name": fit_name(part.name, NAME), "args": dict(part.input)}}
            case _:
                return self._part(part)

    def _user_parts(self, message: Message) -> list[dict[str, Any]]:
        """Results first, in the order of their calls, then their pictures, then everything else."""
        results = message.tool_results
        parts: list[dict[str, Any]] = []
        following: list[Part] = []
        for result in results:
            within, outside = self._pictures(result)
            parts.append({"functionResponse": _function_response(result, within)})
            following += aside(result, outside)
        for part in map(unpacked, message.parts):
            if isinstance(part, Document) and part.name and is_sent(part):
                following.append(Text(f"{part.name}:"))
            if not isinstance(part, ToolResult | ToolCall | Thinking):
                following.append(part)
        return parts + [encoded for part in following if (encoded := self._part(part)) is not None]

    def _pictures(self, result: ToolResult) -> tuple[list[Image], list[Image]]:
        """Those that stand within the result, and those that must follow it."""
        images = list(map(unpacked, result.images))
        if not self.newest:
            return [], images
        within = [image for image in images if image.data and image.mime_type in _WITHIN_RESULTS]
        return within, [image for image in images if image not in within]

    def _part(self, part: Part) -> dict[str, Any] | None:
        match part:
            case Text(text):
                return {"text": text} if text else None
            case Image() | Audio() | Document():
                return _media(part)
            case Opaque(self.provider, {"type": "part", "part": Mapping() as own}):
                return dict(own)
            case _:
                return None


def _id(call_id: str) -> dict[str, str]:
    return {} if not call_id or _MADE_UP.fullmatch(call_id) else {"id": call_id}


def _function_response(result: ToolResult, images: Iterable[Image]) -> dict[str, Any]:
    response: dict[str, Any] = {
        **_id(result.call_id),
        "name": fit_name(result.name, NAME),
        "response": {"error" if result.is_error else "result": result.text},
    }
    if parts := [_inline(image.mime_type, image.base64) for image in images]:
        response["parts"] = parts
    return response


def _inline(mime_type: str, data: str) -> dict[str, Any]:
    return {"inlineData": {"mimeType": mime_type, "data": data}}


def _media(part: Image | Audio | Document) -> dict[str, Any]:
    """Bytes as they are, an address for Google to fetch, text as text; anything else in words."""
    part = unpacked(part)
    if part.url is not None and not part.data:
        known = {} if part.mime_type == UNKNOWN_TYPE else {"mimeType": part.mime_type}
        return {"fileData": {**known, "fileUri": part.url}}
    if is_sent(part):
        return _inline(part.mime_type, part.base64)
    return {"text": readable(part) or in_words(part)}


def is_sent(part: Image | Audio | Document) -> bool:
    """Whether Gemini takes its bytes, which have no name there."""
    return bool(part.data) and _MEDIA.fullmatch(part.mime_type) is not None
