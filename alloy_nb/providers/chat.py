"""OpenAI's Chat Completions, the wire that most services speak: a request as a body. Pure, no network.

What differs from service to service is a field of `ChatDialect`, never a branch on a name. The way back, from an
answer to deltas, is `ChatDecoder`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import ConfigError
from ..messages import Audio, Document, Image, Message, Opaque, Part, Text, Thinking, ToolCall, ToolResult
from ..options import nearest
from .base import Request, ToolSpec
from .chat_decoder import ChatDecoder

__all__ = ["ChatDecoder", "ChatDialect", "encode", "streamed"]

_EFFORTS = {True: "medium", False: "none"}
#: The largest token budget that still counts as this effort.
_EFFORT_BUDGETS = (("low", 2048), ("medium", 8192))
_AUDIO_FORMATS = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav", "x-flac": "flac"}
_READABLE = re.compile(r"text/.*|application/(.*\+)?(json|xml|yaml|toml)")


@dataclass(frozen=True, slots=True)
class ChatDialect:
    """How one service's Chat Completions differ from the others'.

    `reasoning_fields` are read in this order, the first with words counts; `reasoning_echo` names the field in
    which a service wants its own thinking back. `media` are the kinds of parts it takes; the others are said in
    words. None for a field means that the service has no such thing.
    """

    system_role: str = "system"
    cap_field: str = "max_tokens"
    stream_options: bool = True
    reasoning_fields: tuple[str, ...] = ("reasoning_content", "reasoning")
    reasoning_echo: str | None = None
    effort_field: str | None = "reasoning_effort"
    #: The service's word for a choice; a tool's name always goes as an object.
    tool_choices: Mapping[str, str] = field(
        default_factory=lambda: {"auto": "auto", "required": "required", "none": "none"}
    )
    #: "json_schema", or "json_object" where a service only promises some JSON.
    output_format: str | None = "json_schema"
    media: frozenset[str] = frozenset({"image", "audio", "document"})


def encode(request: Request, model: str, dialect: ChatDialect, *, provider: str) -> dict[str, Any]:
    """The body of a request. `provider` is the name under which opaque parts are handed back.

    >>> request = Request((Message.user("Hello"),), system_prompt="Be brief.")
    >>> encode(request, "m", ChatDialect(), provider="x")["messages"]
    [{'role': 'system', 'content': 'Be brief.'}, {'role': 'user', 'content': 'Hello'}]
    """
    body: dict[str, Any] = {"model": model, "messages": list(_messages(request, dialect, provider))}
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        if request.tool_choice is not None:
            body["tool_choice"] = _tool_choice(request.tool_choice, request.tools, dialect)
    body |= _settings(request, dialect)
    return body | dict(request.extra_body or {})


def streamed(body: Mapping[str, Any], dialect: ChatDialect) -> dict[str, Any]:
    """The body that asks for a stream, with the tokens used at its end."""
    usage = {"stream_options": {"include_usage": True}} if dialect.stream_options else {}
    return {**usage, **body, "stream": True}


def _settings(request: Request, dialect: ChatDialect) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        dialect.cap_field: request.max_output_tokens,
        "stop": list(request.stop_sequences) or None,
    }
    if request.output_schema is not None and dialect.output_format:
        settings["response_format"] = _response_format(request.output_schema, dialect.output_format)
    if request.thinking is not None and dialect.effort_field:
        settings[dialect.effort_field] = _effort(request.thinking)
    return {name: value for name, value in settings.items() if value is not None}


def _effort(thinking: bool | str | int) -> str:
    if isinstance(thinking, bool):
        return _EFFORTS[thinking]
    if isinstance(thinking, str):
        return thinking
    return next((effort for effort, budget in _EFFORT_BUDGETS if thinking <= budget), "high")


def _response_format(schema: Mapping[str, Any], kind: str) -> dict[str, Any]:
    if kind != "json_schema":
        return {"type": kind}
    name = re.sub(r"[^A-Za-z0-9_-]", "_", str(schema.get("title") or "output"))[:64]
    return {"type": "json_schema", "json_schema": {"name": name, "schema": dict(schema)}}


def _tool(tool: ToolSpec) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.input_schema)}
    return {"type": "function", "function": function}


def _tool_choice(choice: str, tools: Iterable[ToolSpec], dialect: ChatDialect) -> Any:
    names = [tool.name for tool in tools]
    if choice in names:
        return {"type": "function", "function": {"name": choice}}
    if choice in dialect.tool_choices:
        return dialect.tool_choices[choice]
    known = [*dialect.tool_choices, *names]
    near = nearest(choice, known)
    hint = f"did you mean {near!r}?" if near else "choose one of " + ", ".join(known)
    raise ConfigError(f"tool_choice is {choice!r}", hint=hint)


# Messages


def _messages(request: Request, dialect: ChatDialect, provider: str) -> Iterator[dict[str, Any]]:
    if request.system_prompt:
        yield {"role": dialect.system_role, "content": request.system_prompt}
    for message in request.messages:
        if message.role == "assistant":
            yield _assistant(message, dialect, provider)
        elif message.role == "system":
            yield {"role": dialect.system_role, "content": _joined(message.parts)}
        else:
            yield from _user(message, dialect)


def _joined(parts: Iterable[Part]) -> str:
    return "\n".join(part.text for part in parts if isinstance(part, Text) and part.text)


def _assistant(message: Message, dialect: ChatDialect, provider: str) -> dict[str, Any]:
    """Text and calls. Thinking stays here but where the service wants its own back; so do foreign parts."""
    parts = [_noted(part) for part in message.parts]
    calls = [_call(part) for part in parts if isinstance(part, ToolCall)]
    text = _joined(parts)
    # Null stands for "no words" only beside calls: a message with neither is refused by some services.
    encoded: dict[str, Any] = {"role": "assistant", "content": text or (None if calls else "")}
    if calls:
        encoded["tool_calls"] = calls
    if dialect.reasoning_echo:
        own = (part for part in parts if isinstance(part, Thinking) and part.provider == provider)
        encoded[dialect.reasoning_echo] = "".join(part.text for part in own)
    for part in parts:
        if isinstance(part, Opaque) and part.provider == provider:
            encoded |= dict(part.data)
    return encoded


def _noted(part: Part) -> Part:
    """A picture or sound that an assistant made cannot be sent back as such: it is named."""
    return Text(f"[{_kind(part)}]") if isinstance(part, Image | Audio | Document) else part


def _call(call: ToolCall) -> dict[str, Any]:
    if call.raw is None:
        arguments = json.dumps(dict(call.input), ensure_ascii=False, default=str)
    else:
        arguments = call.raw if _is_json(call.raw) else "{}"
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _user(message: Message, dialect: ChatDialect) -> Iterator[dict[str, Any]]:
    """Results first, each a message of its own, since they must follow their calls; then everything else."""
    for result in message.tool_results:
        text = f"Error: {result.text}" if result.is_error else result.text
        yield {"role": "tool", "tool_call_id": result.call_id, "content": text}
    rest: list[Part] = []
    for result in message.tool_results:
        if result.images:
            # A tool message holds words only: pictures follow in the user's name.
            rest += [Text(f"Images from {result.name or 'the tool'}:"), *result.images]
    rest += [part for part in message.parts if not isinstance(part, ToolResult | ToolCall | Thinking | Opaque)]
    if rest or not message.tool_results:
        yield {"role": "user", "content": _content(rest, dialect)}


def _content(parts: list[Part], dialect: ChatDialect) -> str | list[dict[str, Any]]:
    if all(isinstance(part, Text) for part in parts):
        # Not every service takes a list.
        return _joined(parts)
    return [_content_part(part, dialect) for part in parts if not (isinstance(part, Text) and not part.text)]


def _content_part(part: Part, dialect: ChatDialect) -> dict[str, Any]:
    """A part in the service's form, or in words where it has none: nothing is left out in silence."""
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if _kind(part) in dialect.media:
        match part:
            case Image():
                return {"type": "image_url", "image_url": {"url": part.url or _data_url(part)}}
            case Audio() if part.data:
                return {"type": "input_audio", "input_audio": _audio(part)}
            case Document() if part.data:
                return _document(part)
    return {"type": "text", "text": _in_words(part)}


def _kind(part: Part) -> str:
    return type(part).__name__.lower()


def _data_url(part: Image | Audio | Document) -> str:
    return f"data:{part.mime_type};base64,{part.base64}"


def _audio(part: Audio) -> dict[str, str]:
    subtype = part.mime_type.partition("/")[2]
    return {"data": part.base64, "format": _AUDIO_FORMATS.get(subtype, subtype)}


def _document(part: Document) -> dict[str, Any]:
    if _READABLE.fullmatch(part.mime_type):
        # Services take PDF as a file, and refuse what could be read as it is.
        text = part.data.decode("utf-8", "replace")
        return {"type": "text", "text": f"{part.name or 'document'}:\n{text}"}
    filename = part.name or "document." + part.mime_type.partition("/")[2]
    return {"type": "file", "file": {"filename": filename, "file_data": _data_url(part)}}


def _in_words(part: Part) -> str:
    name = getattr(part, "name", None)
    detail = f"{name}, " if name else ""
    where = getattr(part, "url", None) or getattr(part, "mime_type", "")
    return f"[{_kind(part)} that this service cannot be given: {detail}{where}]"
