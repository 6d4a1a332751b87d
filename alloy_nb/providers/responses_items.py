"""A message as input items of Responses: what was said, called, thought and done by the service, in its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from ..messages import Audio, Document, Image, Message, Opaque, Part, Text, Thinking, ToolCall, ToolResult
from ._fitting import fit_id, fit_name
from ._parts import arguments_text, aside, data_url, in_words, joined, kind, readable, said, unpacked

if TYPE_CHECKING:
    from .responses import ResponsesDialect

__all__ = ["message_items"]

_ID = re.compile(r"[^\ud800-\udfff]{1,64}")

Item = dict[str, Any]


def message_items(message: Message, dialect: ResponsesDialect, provider: str, *, thinks: bool = True) -> list[Item]:
    """The items of one message: none, where nothing of it can be said again.

    `provider` is the name under which own parts are handed back; `thinks` is whether the model takes thoughts.

    >>> from alloy_nb.providers.responses import OPENAI
    >>> message_items(Message.user([ToolResult("18 °C", call_id="c1")]), OPENAI, "openai")
    [{'type': 'function_call_output', 'call_id': 'c1', 'output': '18 °C'}]
    """
    if message.role == "assistant":
        return _assistant(message, dialect, provider, thinks)
    if message.role == "system":
        return [{"role": "system", "content": "\n".join(filter(None, map(said, message.parts)))}]
    return list(_user(message, dialect))


# What the model said


def _assistant(message: Message, dialect: ResponsesDialect, provider: str, thinks: bool) -> list[Item]:
    items: list[Item] = []
    words: list[str] = []

    def close(**more: Any) -> None:
        if words:
            items.append({**_said("\n".join(words), dialect), **more})
            words.clear()

    keeps = dialect.keeps is None or dialect.keeps(message)
    parts = _in_place([part for part in message.parts if keeps or not isinstance(part, Opaque)], provider)
    for part, following in zip_longest(parts, parts[1:]):
        match part:
            case Text(text) if text:
                words.append(text)
            case ToolCall():
                close()
                items.append(_call(part))
            case Opaque(data=data) if part.provider == provider and "type" not in data:
                close(**({"phase": data["phase"]} if data.get("phase") else {}))
            case Opaque(data=data) if part.provider == provider:
                if item := _own_item(data, dialect, thinks):
                    close()
                    items.append(item)
            case Image() if item := _picture(part, following, dialect, provider):
                close()
                items.append(item)
            case Image() | Audio() | Document():
                words.append(f"[{kind(part)}]")
    close()
    return _in_order(items, dialect)


def _said(text: str, dialect: ResponsesDialect) -> Item:
    if dialect.plain_words:
        return {"role": "assistant", "content": text}
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def _in_place(parts: Sequence[Part], provider: str) -> list[Part]:
    """A thought stands where it was thought: some services give its item only after the answer."""
    placed = list(parts)
    for thought in parts:
        if isinstance(thought, Opaque) and thought.provider == provider and thought.data.get("type") == "reasoning":
            began = Thinking(_first_words(thought.data), None, provider)
            own_place = placed.index(thought)
            if began in placed[:own_place]:
                del placed[own_place]
                placed[placed.index(began)] = thought
    return placed


def _first_words(item: Mapping[str, Any]) -> str:
    parts = item.get("summary") or item.get("content") or ()
    return next((str(part.get("text")) for part in parts if isinstance(part, Mapping)), "")


def _own_item(data: Mapping[str, Any], dialect: ResponsesDialect, thinks: bool) -> Item | None:
    """An item of the service's own as it takes it back; None where it would refuse it."""
    name = data["type"]
    if name == "reasoning":
        # Nothing is stored there, so that an id alone means nothing.
        complete = data.get("encrypted_content") or data.get("content")
        return {"summary": [], **data} if thinks and complete else None
    fields = dialect.server_items.get(name)
    if fields is None or (name == "image_generation_call" and not data.get("result")):
        return None
    return {"type": name, **{field: data[field] for field in fields if field in data}}


def _picture(image: Image, following: Part | None, dialect: ResponsesDialect, provider: str) -> Item | None:
    """The service's own picture, put together again with the item that follows it."""
    if isinstance(following, Opaque) and following.provider == provider:
        data = following.data
        if data.get("type") == "image_generation_call" and not data.get("result"):
            return _own_item({**data, "result": image.base64}, dialect, True)
    return None


def _in_order(items: list[Item], dialect: ResponsesDialect) -> list[Item]:
    """Without thoughts that led to nothing, such as the last ones before a limit cut them."""
    last = len(items)
    while last and items[last - 1].get("type") == "reasoning":
        last -= 1
    kept = items if dialect.trailing_thoughts and last else items[:last]
    return sorted(kept, key=_is_call) if dialect.calls_last else kept


def _is_call(item: Item) -> bool:
    return item.get("type") == "function_call"


def _call(call: ToolCall) -> Item:
    named = {"call_id": fit_id(call.id, _ID), "name": fit_name(call.name)}
    return {"type": "function_call", **named, "arguments": arguments_text(call)}


# What it is told


def _user(message: Message, dialect: ResponsesDialect) -> Iterator[Item]:
    """Results first, since they must follow their calls; then everything else."""
    rest: list[Part] = []
    for result in message.tool_results:
        output = _output(result, dialect)
        yield {"type": "function_call_output", "call_id": fit_id(result.call_id, _ID), "output": output}
        if isinstance(output, str):
            rest += aside(result)
    rest += [part for part in message.parts if not isinstance(part, ToolResult | ToolCall | Thinking | Opaque)]
    if rest or not message.tool_results:
        yield {"role": "user", "content": _content(rest, dialect)}


def _output(result: ToolResult, dialect: ResponsesDialect) -> str | list[Item]:
    text = f"Error: {result.text}" if result.is_error else result.text
    if not (result.images and dialect.output_images):
        return text
    return _parts([Text(text), *result.images], dialect)


def _content(parts: Sequence[Part], dialect: ResponsesDialect) -> str | list[Item]:
    return joined(parts) if all(isinstance(part, Text) for part in parts) else _parts(parts, dialect)


def _parts(parts: Iterable[Part], dialect: ResponsesDialect) -> list[Item]:
    return [_content_part(part, dialect) for part in parts if not (isinstance(part, Text) and not part.text)]


def _content_part(part: Part, dialect: ResponsesDialect) -> Item:
    """A part in the service's form, or in words where it has none: nothing is left out in silence."""
    part = unpacked(part)
    text = part.text if isinstance(part, Text) else readable(part)
    if text is None:
        return (_media(part) if kind(part) in dialect.media else None) or {"type": "input_text", "text": in_words(part)}
    return {"type": "input_text", "text": text}


def _media(part: Part) -> Item | None:
    match part:
        case Image() if part.url or part.data:
            return {"type": "input_image", "image_url": part.url or data_url(part), "detail": "auto"}
        case Document() if part.url:
            return {"type": "input_file", "file_url": part.url}
        case Document() if part.data:
            filename = part.name or "document." + part.mime_type.partition("/")[2]
            return {"type": "input_file", "filename": filename, "file_data": data_url(part)}
    return None
