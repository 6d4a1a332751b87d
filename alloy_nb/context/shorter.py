"""Single messages, made shorter: results cleared, long texts cut, pictures left out. Pure; calls keep their results."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..messages import Audio, Document, Image, Message, Opaque, Part, Text, Thinking, ToolCall, ToolResult

__all__ = [
    "cut",
    "cut_texts",
    "long_texts",
    "with_handles",
    "without_arguments",
    "without_media",
    "without_old_results",
    "without_old_words",
]

#: Old results, texts of the assistant and arguments are left alone up to so many characters; what the user said longer.
SHORT, SHORT_PROMPT = 200, 2000
_DEEPEST = 20
_CLEARED = "[result cleared to save room"

#: How a result that was too long says where the whole of it is; see `tools/kept.py`.
_KEPT = re.compile(r'file_path="(output:[0-9]{1,9})"')


def without_old_results(message: Message) -> Message:
    """Its tool results cleared, the long ones and those with pictures.

    >>> result = ToolResult("x" * 5000, call_id="c1", name="read")
    >>> without_old_results(Message("user", (result,))).tool_results[0].text
    '[result cleared to save room: 5,000 characters]'
    """
    return _with(message, (_cleared(part) if isinstance(part, ToolResult) else part for part in message.parts))


def _cleared(result: ToolResult) -> ToolResult:
    if len(result.text) <= SHORT and not result.images:
        return result
    what = [f"{len(result.text):,} characters"] if result.text else []
    what += [f"{len(result.images)} image{'s' if len(result.images) > 1 else ''}"] if result.images else []
    return replace(result, text=f"{_CLEARED}: {', '.join(what)}]", images=(), data=None)


def with_handles(message: Message, originals: Mapping[str, ToolResult], keep: Callable[[str], str | None]) -> Message:
    """The message, its cleared results with the handle by which `read` gets each again.

    `originals` are the results as they were, by their calls; `keep` stores a text, and says its handle.
    """

    def told(part: Part) -> Part:
        original = originals.get(part.call_id) if isinstance(part, ToolResult) else None
        if not isinstance(part, ToolResult) or original is None or len(original.text) <= SHORT:
            return part
        if part.text == original.text or not part.text.startswith(_CLEARED):
            return part
        handle = _handle_in(original.text) or keep(original.text)
        return replace(part, text=f'{part.text[:-1]}; read it again: file_path="{handle}"]') if handle else part

    return _with(message, map(told, message.parts))


def _handle_in(text: str) -> str | None:
    """The handle that the notice at its end names."""
    found = _KEPT.findall(text[-300:])
    return found[-1] if found else None


def without_old_words(message: Message) -> Message:
    """Its long texts and arguments cut, its media named, its thoughts and a provider's own parts left out.

    >>> without_old_words(Message.assistant([Thinking("Hm"), Text("word " * 100)])).text[-39:]
    'word word [... 300 characters left out]'
    """
    own = message.role == "assistant"
    parts: list[Part] = []
    for part in message.parts:
        match part:
            case Thinking() | Opaque():
                continue
            case Text(text):
                parts.append(Text(cut(text, SHORT, tail=0)) if own else Text(cut(text, SHORT_PROMPT)))
            case ToolCall():
                parts.append(_map_call(part, lambda text: cut(text, SHORT, tail=0)))
            case Image() | Audio() | Document():
                parts.append(_named(part))
            case _:
                parts.append(part)
    return _with(message, _not_nothing(message, parts))


def without_media(message: Message) -> Message:
    """Its pictures, sounds and documents named, those of its results left out; a provider's own parts, too.

    >>> without_media(Message.user([Image("image/png", b"...")])).text
    '[image left out to save room]'
    """
    parts: list[Part] = []
    for part in message.parts:
        if isinstance(part, ToolResult) and part.images:
            note = "[images left out to save room]"
            part = replace(part, text=f"{part.text}\n{note}" if part.text else note, images=())
        elif isinstance(part, Image | Audio | Document):
            part = _named(part)
        elif isinstance(part, Opaque):
            continue
        parts.append(part)
    return _with(message, _not_nothing(message, parts))


def without_arguments(message: Message) -> Message:
    """The arguments of its calls left out: what is much, and no text that could be cut.

    >>> without_arguments(Message.assistant(ToolCall("c", "plot", {"points": [0] * 500}))).tool_calls[0].input
    {'left_out': 'the arguments, to save room'}
    """
    note = {"left_out": "the arguments, to save room"}
    calls = (replace(part, input=note, raw=None) if isinstance(part, ToolCall) else part for part in message.parts)
    return _with(message, calls)


def _named(part: Image | Audio | Document) -> Text:
    name = getattr(part, "name", None)
    return Text(f"[{type(part).__name__.lower()} left out to save room{f': {name}' if name else ''}]")


def cut(text: str, most: int, *, tail: int | None = None) -> str:
    """`text` itself when it is short enough, else its head and its tail (a third), and how much was between them.

    >>> cut("a" * 100 + "b" * 100, 60)
    'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa[... 140 characters left out ...]bbbbbbbbbbbbbbbbbbbb'
    """
    if len(text) <= most + 40:  # the note would be as long as what it stands for
        return text
    tail = most // 3 if tail is None else tail
    note = f"[... {len(text) - most:,} characters left out{' ...' if tail else ''}]"
    return f"{text[: most - tail]}{note}{text[len(text) - tail :] if tail else ''}"


def long_texts(message: Message) -> list[str]:
    """Every text in a message, wherever it stands."""
    found: list[str] = []
    cut_texts(message, lambda text: found.append(text) or text)  # type: ignore[func-returns-value]
    return found


def cut_texts(message: Message, shorten: Callable[[str], str]) -> Message:
    """The message with `shorten` done to every text in it: words, results, arguments."""
    parts: list[Part] = []
    for part in message.parts:
        match part:
            case Text(text):
                part = Text(shorten(text))
            case Thinking(text, None):
                part = replace(part, text=shorten(text))
            case ToolResult():
                part = replace(part, text=shorten(part.text))
            case ToolCall():
                part = _map_call(part, shorten)
        parts.append(part)
    return _with(message, parts)


def _map_call(call: ToolCall, shorten: Callable[[str], str]) -> ToolCall:
    raw = None if call.raw is None else shorten(call.raw)
    given = {key: _map_value(value, shorten, 0) for key, value in call.input.items()}
    return replace(call, input=given, raw=raw)


def _map_value(value: Any, shorten: Callable[[str], str], depth: int) -> Any:
    if isinstance(value, str):
        return shorten(value)
    if depth < _DEEPEST and isinstance(value, Mapping):
        return {key: _map_value(item, shorten, depth + 1) for key, item in value.items()}
    if depth < _DEEPEST and isinstance(value, list | tuple):
        return [_map_value(item, shorten, depth + 1) for item in value]
    return value


def _not_nothing(message: Message, parts: list[Part]) -> list[Part]:
    """Where all was left out that there was, that is said: no service takes a message of nothing."""
    said = any(not isinstance(part, Text) or part.text for part in parts)
    return parts if said or parts == list(message.parts) else [Text("[left out to save room]")]


def _with(message: Message, parts: Any) -> Message:
    """The message with these parts; itself where they are the same."""
    changed = tuple(parts)
    return message if changed == message.parts else message.with_parts(changed)
