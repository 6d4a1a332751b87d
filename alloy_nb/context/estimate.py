"""About how many tokens something is, before anybody has counted them. Nothing here raises.

A rule that costs little and knows no model: four characters a token, as in English prose; fewer where a text is dense
with signs and digits (code, JSON, tables), and by their bytes for letters beyond ASCII. What a service reports of each
request corrects it, a model (see `gauge`). What a message comes to is noted with it, so that a turn costs what is new.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..messages import Audio, Document, Image, Message, Opaque, Text, Thinking, ToolCall, ToolResult
from ..providers._parts import text_of
from ..providers.base import ToolSpec

__all__ = [
    "AROUND",
    "Tally",
    "history_tokens",
    "json_tokens",
    "message_tokens",
    "part_tokens",
    "text_tokens",
    "tool_tokens",
]

#: What stands around a message or a tool: its role, its braces.
AROUND = 4

IMAGE, AUDIO, VIDEO, DOCUMENT = 1000, 500, 2000, 3000

#: Prose is made of these, and of a sign or a digit in sixteen.
_WORDS = b" \n\tabcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PROSE = 16


def text_tokens(text: Any) -> int:
    """About how many tokens a text is; 0 for what is none.

    >>> text_tokens("four"), text_tokens("abc"), text_tokens("a" * 403), text_tokens("日本語")
    (1, 0, 100, 3)
    """
    if not isinstance(text, str):
        return 0
    plain = text.encode("ascii", "ignore")
    others = 0 if len(plain) == len(text) else len(text.encode("utf-8", "surrogatepass")) - len(plain)
    dense = max(0, len(plain.translate(None, _WORDS)) - len(plain) // _PROSE)
    return (3 * len(plain) + 4 * dense + 4 * others) // 12


def json_tokens(value: Any) -> int:
    """The same of a value as JSON; of its repr where it has no such form.

    >>> json_tokens({"file_path": "a.txt"})
    8
    """
    try:
        return text_tokens(json.dumps(value, ensure_ascii=False, default=str))
    except Exception:  # noqa: BLE001 - a cycle, a key that is no text, an object that cannot say what it is
        pass
    try:
        return text_tokens(repr(value))
    except Exception:  # noqa: BLE001 - the caller's own class
        return 0


def part_tokens(part: Any) -> int:
    """The same of a part: media by their kind, whatever their size; 0 for what is none.

    >>> part_tokens(Image("image/png", b"...")), part_tokens(ToolCall("c", "read", {})), part_tokens(None)
    (1000, 2, 0)
    """
    match part:
        case Text(text) | Thinking(text):
            return text_tokens(text)
        case ToolCall():
            return text_tokens(part.name) + (json_tokens(part.input) if part.raw is None else text_tokens(part.raw))
        case ToolResult():
            return text_tokens(part.text) + sum(map(part_tokens, part.images))
        case Image() | Audio() | Document():
            return _media_tokens(part)
        case Opaque():
            return json_tokens(part.data)
    return 0


def _media_tokens(part: Image | Audio | Document) -> int:
    if isinstance(part, Document):
        whole = isinstance(part.data, bytes) and isinstance(part.mime_type, str)
        if whole and (text := text_of(part)) is not None:
            return text_tokens(text)
        return VIDEO if str(part.mime_type).startswith("video/") else DOCUMENT
    return AUDIO if isinstance(part, Audio) else IMAGE


def message_tokens(message: Any) -> int:
    """The same of a message, which keeps it; 0 for what is none.

    >>> message_tokens(Message.user("four")) - AROUND
    1
    """
    if not isinstance(message, Message):
        return 0
    known: int | None = message.tokens
    if known is None:
        known = AROUND + sum(map(part_tokens, message.parts))
        object.__setattr__(message, "tokens", known)
    return known


def history_tokens(messages: Sequence[Message]) -> int:
    """The same of several messages.

    >>> history_tokens([Message.user("four"), Message.assistant("five")])
    10
    """
    return sum(map(message_tokens, messages))


def tool_tokens(spec: ToolSpec) -> int:
    """The same of what a model is told of a tool, which keeps it."""
    known: int | None = spec.tokens
    if known is None:
        words = text_tokens(spec.name) + text_tokens(spec.description)
        known = AROUND + words + json_tokens(spec.input_schema)
        object.__setattr__(spec, "tokens", known)
    return known


class Tally:
    """The sum over a list that grows at its end, from a place on: what was counted is not looked at again.

    >>> messages = [Message.user("four")]
    >>> tally = Tally()
    >>> tally.of(messages), tally.of([*messages, Message.assistant("five")])
    (5, 10)
    """

    __slots__ = ("_count", "_last", "_start", "_total")

    def __init__(self, start: int = 0) -> None:
        self._start = self._count = start
        self._last: Message | None = None
        self._total = 0

    def of(self, messages: Sequence[Message]) -> int:
        """The sum; counted anew when the list is not the one that it was, at the place where it ended."""
        count = self._count
        if len(messages) < count or (self._last is not None and messages[count - 1] is not self._last):
            self._count, self._last, self._total = self._start, None, 0
        for message in messages[self._count :]:
            self._total += message_tokens(message)
            self._last = message
            self._count += 1
        return self._total
