"""Messages as Anthropic's content blocks, and back where they came from what was Anthropic's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ..messages import Audio, Document, Image, Message, Opaque, Part, Text, Thinking, ToolCall, ToolResult
from ._fitting import fit_id, fit_name
from ._parts import UNKNOWN_TYPE, in_words, kind, said, text_of, unpacked

__all__ = ["NOT_SENT", "encode_message", "in_place", "is_own_thought"]

Block = dict[str, Any]

#: Kinds of own parts that tell something of an answer, and are no part of it.
NOT_SENT = frozenset({"container", "refusal"})

_PICTURES = {"image/jpeg": "image/jpeg", "image/jpg": "image/jpeg"} | {
    name: name for name in ("image/png", "image/gif", "image/webp")
}
_PDF = "application/pdf"
_ID = re.compile(r"[A-Za-z0-9_-]+")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")


def encode_message(message: Message, provider: str) -> Iterator[dict[str, Any]]:
    """The message, or nothing for an answer that has nothing to send. `provider` owns what is handed back verbatim.

    >>> list(encode_message(Message.user("Hello"), "anthropic"))
    [{'role': 'user', 'content': [{'type': 'text', 'text': 'Hello'}]}]
    """
    if message.role == "assistant":
        content = _blocks(message.parts, lambda part: _answered(part, provider), provider)
    else:
        content = _blocks(message.parts, _asked, provider)
        # Results must come before everything else.
        content.sort(key=lambda block: block.get("type") != "tool_result")
        content = content or [{"type": "text", "text": "(an empty message)"}]
    if content:
        yield {"role": message.role, "content": content}


def in_place(messages: Sequence[Message], *, system_messages: bool) -> tuple[list[str], Sequence[Message]]:
    """What the messages at the beginning say for the system, and the others in an order that the API takes.

    A system message in the middle stays one where the model takes it: between a question and its answer. Elsewhere it
    is told in the user's name. What the model is to go on with must not end in a space.
    """
    if messages and messages[-1].role == "assistant":
        messages = (*messages[:-1], _without_space(messages[-1]))
    if all(message.role != "system" for message in messages):
        return [], messages
    start = next((place for place, message in enumerate(messages) if message.role != "system"), len(messages))
    placed = list(messages[start:])
    for place, message in enumerate(placed):
        if message.role != "system":
            continue
        before, after = placed[place - 1], placed[place + 1 : place + 2]
        if not (system_messages and before.role == "user" and all(other.role == "assistant" for other in after)):
            placed[place] = Message.user([Text("From the system, not from the user:"), *message.parts])
    words = ("\n".join(filter(None, map(said, message.parts))) for message in messages[:start])
    return [text for text in map(str.strip, words) if text], placed


def _without_space(message: Message) -> Message:
    *parts, last = message.parts or (Text(""),)
    if isinstance(last, Text) and last.text != last.text.rstrip():
        return message.with_parts([*parts, replace(last, text=last.text.rstrip())])
    return message


def _blocks(parts: Iterable[Part], encode: Callable[[Part], Block | None], provider: str) -> list[Block]:
    """Each part's block; an own part without a kind amends the one before it."""
    blocks: list[Block] = []
    last: Block | None = None
    for part in parts:
        if not isinstance(part, Opaque):
            last = encode(part)
        elif part.provider != provider or part.data.get("type") in NOT_SENT:
            continue
        elif "type" in part.data:
            last = dict(part.data)
        else:
            if last is not None:
                last |= part.data
            continue
        if last is not None:
            blocks.append(last)
    return blocks


def _answered(part: Part, provider: str) -> Block | None:
    match part:
        case Text(text):
            return _text(text)
        case Thinking(text, signature) if is_own_thought(part, provider):
            return {"type": "thinking", "thinking": text, "signature": signature}
        case ToolCall():
            # For arguments that are no JSON, the form that the API's documentation proposes.
            arguments = dict(part.input) if part.raw is None else {"INVALID_JSON": part.raw}
            return {
                "type": "tool_use",
                "id": fit_id(part.id, _ID),
                "name": fit_name(part.name, _NAME),
                "input": arguments,
            }
        case Image() | Audio() | Document():
            return {"type": "text", "text": f"[{kind(part)}]"}
    return None


def is_own_thought(part: Part, provider: str) -> bool:
    """Whether it can be handed back: a thought of somebody else, or without its signature, is refused."""
    if isinstance(part, Thinking):
        return part.provider == provider and bool(part.signature)
    return isinstance(part, Opaque) and part.provider == provider and part.data.get("type") == "redacted_thinking"


def _asked(part: Part) -> Block | None:
    match part:
        case Text(text):
            return _text(text)
        case ToolResult():
            return _result(part)
        case Image():
            return _image(part)
        case Document():
            return _document(part)
        case Audio():
            return _named(part)
    return None


def _text(text: str) -> Block | None:
    """None for a text without a word, which is refused."""
    return {"type": "text", "text": text} if text.strip() else None


def _result(result: ToolResult) -> Block:
    block: Block = {"type": "tool_result", "tool_use_id": fit_id(result.call_id, _ID)}
    text = _text(result.text)
    shown = [*([text] if text else []), *map(_image, result.images)]
    if result.is_error:
        block["is_error"] = True
        shown = shown or [{"type": "text", "text": "The tool failed, and gave no reason."}]
    if shown:
        block["content"] = shown if result.images else shown[0]["text"]
    return block


def _image(image: Image) -> Block:
    image = unpacked(image)
    source = _linked(image.url) if image.url else _inline(_PICTURES.get(image.mime_type), image.base64)
    return {"type": "image", "source": source} if source else _named(image)


def _document(document: Document) -> Block:
    document = unpacked(document)
    source = None
    if document.data and document.mime_type == _PDF:
        source = _inline(_PDF, document.base64)
    elif (text := text_of(document)) is not None:
        source = {"type": "text", "media_type": "text/plain", "data": text} if text.strip() else None
    elif document.url and document.mime_type in (_PDF, UNKNOWN_TYPE):
        source = _linked(document.url)
    if source is None:
        return _named(document)
    return {"type": "document", "source": source, **({"title": document.name} if document.name else {})}


def _inline(media_type: str | None, data: str) -> Block | None:
    return {"type": "base64", "media_type": media_type, "data": data} if media_type and data else None


def _named(part: Image | Audio | Document) -> Block:
    return {"type": "text", "text": in_words(part)}


def _linked(url: str) -> Block | None:
    return {"type": "url", "url": url} if url.startswith(("https://", "http://")) else None
