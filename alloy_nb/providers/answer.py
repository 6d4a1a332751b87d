"""Putting deltas together: the message that an answer amounts to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from ..articles import a_kind
from ..errors import StreamError
from ..messages import Message, Opaque, Part, Text, Thinking, ToolCall
from ..usage import Usage
from ._payload import load_json
from .base import Delta, Done, TextDelta, ThinkingDelta, ToolCallDelta, UsageDelta, WholePart

__all__ = ["Answer"]


@dataclass(slots=True)
class _Call:
    """A tool call on its way in."""

    id: str | None = None
    name: str = ""
    arguments: list[str] = field(default_factory=list)

    def finish(self) -> ToolCall:
        raw = "".join(self.arguments)
        parsed = parse_arguments(raw)
        if parsed is None:
            return ToolCall(self.id or "", self.name, {}, raw=raw)
        return ToolCall(self.id or "", self.name, parsed)


@dataclass(slots=True)
class _Words:
    """Text or thinking on its way in; pieces are joined once, at the end."""

    thinking: bool
    block: int
    pieces: list[str] = field(default_factory=list)
    signature: str | None = None


class Answer:
    """Collects the deltas of one answer; `message()` may be asked at any moment, also after a cut.

    Each call gets an id of its own: none of those that are `taken` in the conversation, and none twice. It is taken at
    once, since the answers of agents that work beside each other share that set.

    >>> answer = Answer("local")
    >>> answer.feed(TextDelta("Hel")); answer.feed(TextDelta("lo")); answer.feed(Done("end_turn"))
    >>> answer.message().text
    'Hello'
    """

    def __init__(self, provider: str, model: str | None = None, taken: set[str] | None = None) -> None:
        self.provider = provider
        self.model = model
        self.usage = Usage()
        self.stop_reason: str | None = None
        self._parts: list[_Words | _Call | Part] = []
        self._last: _Words | None = None  # the words at the end, which may go on
        self._calls: dict[int | str, _Call] = {}
        self._taken = set() if taken is None else taken

    @property
    def done(self) -> bool:
        return self.stop_reason is not None

    def feed(self, delta: Delta) -> None:
        # Called for each delta: nearly all are words that go on.
        last = self._last
        if type(delta) is TextDelta and last is not None and not last.thinking and last.block == delta[1]:
            last.pieces.append(delta[0])
            return
        match delta:
            case TextDelta(text, block):
                self._words(False, block).pieces.append(text)
            case ThinkingDelta(text, signature, block):
                words = self._words(True, block)
                words.pieces.append(text)
                words.signature = signature or words.signature
            case ToolCallDelta():
                self._call(delta)
            case WholePart(part):
                self._add(part)
            case UsageDelta(usage):
                self.usage = usage
            case Done(stop_reason, model):
                self.stop_reason = stop_reason
                self.model = model or self.model
            case _:
                raise StreamError(
                    f"{self.provider} told {a_kind(delta)}, which is no delta",
                    hint="a provider tells TextDelta('Hello') and the like, and Done('end_turn') at the end",
                    retryable=False,
                )

    @property
    def emitted(self) -> bool:
        """Whether anything of the answer itself came."""
        return bool(self._parts)

    def message(self) -> Message:
        """The message so far; `partial`, and words only, unless a `Done` came."""
        if not self.done:
            return self.words()
        parts = tuple(part for part in map(self._finish, self._parts) if part is not None)
        return Message("assistant", parts, model=self.model, stop_reason=self.stop_reason)

    def words(self) -> Message:
        """What may be kept of an answer that was cut.

        Its calls never ran, and nobody can tell whether their arguments are whole; signatures and a provider's own
        parts are valid in the whole answer alone.
        """
        parts = [part for part in map(self._finish, self._parts) if part is not None]
        kept = tuple(_unsigned(part) for part in parts if not isinstance(part, ToolCall | Opaque))
        return Message("assistant", kept, model=self.model, partial=True)

    def call_name(self, key: int | str) -> tuple[str | None, str]:
        """Id and name, known so far, of the call that arrives under `key`."""
        call = self._calls[key]
        return call.id, call.name

    def begins_after_words(self, key: int | str) -> bool:
        """Whether words were said before the call that arrives under `key`, whose arguments begin just now."""
        said = (part for part in self._parts if isinstance(part, _Words) and not part.thinking)
        return len(self._calls[key].arguments) == 1 and any(any(words.pieces) for words in said)

    def arguments(self, name: str) -> list[str]:
        """The argument texts, as they came, of the calls of a tool."""
        return ["".join(call.arguments) for call in self._calls.values() if call.name == name]

    def _words(self, thinking: bool, block: int) -> _Words:
        last = self._last
        if last is None or last.thinking != thinking or last.block != block or last.signature is not None:
            last = _Words(thinking, block)
            self._add(last)
            self._last = last
        return last

    def _add(self, part: _Words | _Call | Part) -> None:
        self._parts.append(part)
        self._last = None

    def _call(self, delta: ToolCallDelta) -> None:
        call = self._calls.get(delta.key)
        if call is None:
            call = self._calls[delta.key] = _Call()
            self._add(call)
        # Some services repeat the id as null or "" in later pieces: the first real one stays.
        call.name = call.name or delta.name or ""
        if call.id is None and delta.id:
            call.id = self._own_id(delta.id)
        if delta.arguments:
            call.arguments.append(delta.arguments)

    def _own_id(self, wanted: str) -> str:
        own, count = wanted, 2
        while own in self._taken:
            own, count = f"{wanted}_{count}", count + 1
        self._taken.add(own)
        return own

    def _finish(self, part: _Words | _Call | Part) -> Part | None:
        if isinstance(part, _Call):
            part.id = part.id or self._own_id(f"call_{uuid4().hex[:16]}")
            return part.finish()
        if not isinstance(part, _Words):
            return part
        text = "".join(part.pieces)
        if part.thinking:
            return Thinking(text, part.signature, self.provider)
        return Text(text) if text else None


def _unsigned(part: Part) -> Part:
    return Thinking(part.text) if isinstance(part, Thinking) else part


def parse_arguments(raw: str) -> dict[str, Any] | None:
    """The arguments of a call; ``{}`` for an empty text, None for what is no JSON object.

    They are read as strictly as all that a service sends: a history that holds them can be written again.
    """
    if not raw.strip():
        return {}
    parsed = load_json(raw)
    if parsed is None:
        return {} if raw.strip() == "null" else None
    return parsed if isinstance(parsed, dict) else None
