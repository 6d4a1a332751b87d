"""From a Chat Completions answer to deltas: chunks of a stream, or a whole body, in any compatible's manner."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..errors import ProviderError, StreamError
from ..usage import Usage
from ._failures import make_error
from .base import Delta, Done, StopReason, TextDelta, ThinkingDelta, ToolCallDelta, UsageDelta

__all__ = ["ChatDecoder", "read_usage"]

_STOP_REASONS: dict[str, StopReason] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "model_length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "content_filter",
}
_CUT = "the answer ended before it was complete"


class ChatDecoder:
    """Feed it each chunk, or the one body; `end` gives the `Done`.

    Only the choice with index 0 is read. That an answer is complete is decided by its finish reason alone.

    >>> decoder = ChatDecoder()
    >>> chunk = {"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}
    >>> [*decoder.feed(chunk), *decoder.end()]
    [TextDelta(text='Hi'), Done(stop_reason='end_turn', model=None)]
    """

    def __init__(
        self,
        reasoning_fields: tuple[str, ...] = ("reasoning_content", "reasoning"),
        *,
        classify: Callable[[Any], ProviderError] | None = None,
    ) -> None:
        self._reasoning_fields = reasoning_fields
        self._classify = classify or (lambda body: make_error(None, {}, body))
        self._model: str | None = None
        self._finish: str | None = None
        self._refused = False
        self._calls = _Calls()

    def feed(self, event: Mapping[str, Any]) -> Iterator[Delta]:
        """The deltas of one chunk. An error that the service put there is raised as what it is."""
        self._check(event)
        if "detail" in event and "choices" not in event:
            raise self._classify(event)
        self._model = self._model or _text(event.get("model")) or None
        choice = _first_choice(event.get("choices"))
        if choice is not None:
            self._check(choice)
            yield from self._choice(choice)
        usage = _find_usage(event, choice)
        if usage is not None:
            yield UsageDelta(read_usage(usage))

    def end(self) -> Iterator[Delta]:
        if self._finish is None:
            raise StreamError(_CUT)
        if self._finish == "error":
            raise StreamError("the service ended its answer with an error")
        yield Done(self._stop_reason(), self._model)

    def _check(self, holder: Mapping[str, Any]) -> None:
        if holder.get("error") or holder.get("object") == "error":
            raise self._classify(holder)

    def _choice(self, choice: Mapping[str, Any]) -> Iterator[Delta]:
        delta = choice.get("delta")
        whole = not isinstance(delta, Mapping)
        if whole:
            # Some streams repeat the text so far as a `message` beside each delta: only alone it is the answer.
            delta = choice.get("message")
        if isinstance(delta, Mapping):
            yield from self._words(delta)
            yield from self._calls.read(delta, whole=whole)
        # A reason that comes twice is the first one; a body without one is complete all the same.
        finish = _text(choice.get("finish_reason")) or ("stop" if whole and delta is not None else None)
        self._finish = self._finish or finish

    def _words(self, delta: Mapping[str, Any]) -> Iterator[Delta]:
        for name in self._reasoning_fields:
            if thought := _text(delta.get(name)):
                yield ThinkingDelta(thought)
                break
        yield from _content(delta.get("content"))
        if refusal := _text(delta.get("refusal")):
            self._refused = True
            yield TextDelta(refusal)

    def _stop_reason(self) -> StopReason:
        reason = _STOP_REASONS.get(self._finish or "", "end_turn")
        if reason in ("end_turn", "tool_use"):
            # "stop" comes with calls when a tool was forced, and "tool_calls" may come without any.
            reason = "tool_use" if self._calls.any else "end_turn"
        return "refusal" if self._refused and reason == "end_turn" else reason


class _Calls:
    """Which piece belongs to which call, though services number them, name them, or do neither."""

    def __init__(self) -> None:
        self.any = False
        self._count = 0
        self._keys: dict[Any, int] = {}
        self._ids: dict[int, str] = {}
        self._last: int | None = None

    def read(self, delta: Mapping[str, Any], *, whole: bool) -> Iterator[ToolCallDelta]:
        pieces = delta.get("tool_calls")
        for piece in pieces if isinstance(pieces, list) else ():
            if isinstance(piece, Mapping):
                yield self._piece(piece, whole=whole)
        legacy = delta.get("function_call")
        if isinstance(legacy, Mapping):
            yield self._piece({"index": "function_call", "function": legacy}, whole=False)

    def _piece(self, piece: Mapping[str, Any], *, whole: bool) -> ToolCallDelta:
        function = piece.get("function")
        function = function if isinstance(function, Mapping) else {}
        call_id = _text(piece.get("id")) or None
        name = _text(function.get("name")) or None
        key = self._new() if whole else self._key(piece.get("index"), call_id, name)
        if call_id:
            self._ids.setdefault(key, call_id)
        self._last = key
        self.any = True
        return ToolCallDelta(key, call_id, name, _arguments(function.get("arguments")))

    def _key(self, index: Any, call_id: str | None, name: str | None) -> int:
        if not isinstance(index, int | str):
            return self._key_without_index(call_id, name)
        known = self._keys.get(index)
        # Some services give every call of a turn the same index: another id with a name begins another call.
        if known is None or (call_id and name and self._ids.get(known, call_id) != call_id):
            known = self._keys[index] = self._new()
        return known

    def _key_without_index(self, call_id: str | None, name: str | None) -> int:
        for key, known in self._ids.items():
            if call_id == known:
                return key
        if call_id or name or self._last is None:
            return self._new()
        return self._last

    def _new(self) -> int:
        self._count += 1
        return self._count - 1


def _first_choice(choices: Any) -> Mapping[str, Any] | None:
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, Mapping) and not choice.get("index"):
            return choice
    return None


def _content(content: Any) -> Iterator[Delta]:
    """Words, as a text or as a list of parts; kinds of parts unknown here are passed over."""
    for part in content if isinstance(content, list) else (content,):
        if isinstance(part, str) and part:
            yield TextDelta(part)
        elif isinstance(part, Mapping):
            if text := _text(part.get("text")):
                yield TextDelta(text)
            thoughts = part.get("thinking")
            for thought in thoughts if isinstance(thoughts, list) else (thoughts,):
                text = _text(thought.get("text") if isinstance(thought, Mapping) else thought)
                if text:
                    yield ThinkingDelta(text)


def _arguments(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _find_usage(event: Mapping[str, Any], choice: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    places = (event, choice, event.get("x_groq"))
    for place in places:
        usage = place.get("usage") if isinstance(place, Mapping) else None
        if isinstance(usage, Mapping) and usage:
            return usage
    return None


def read_usage(usage: Mapping[str, Any]) -> Usage:
    """Counts under the names of all services; what is missing, null or no number counts 0.

    >>> read_usage({"prompt_tokens": 7, "completion_tokens": None})
    Usage(input_tokens=7, output_tokens=0, cached_tokens=0, cache_write_tokens=0, reasoning_tokens=0)
    """
    prompt, completion = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    prompt_details, completion_details = (
        usage[name] if isinstance(usage.get(name), Mapping) else {}
        for name in ("prompt_tokens_details", "completion_tokens_details")
    )
    reasoning = _count(completion_details, "reasoning_tokens")
    if reasoning and _count(usage, "total_tokens") == prompt + completion + reasoning:
        completion += reasoning  # this service counts its thinking beside the answer, not within
    return Usage(
        input_tokens=prompt,
        output_tokens=completion,
        cached_tokens=_count(prompt_details, "cached_tokens")
        or max(_count(usage, name) for name in ("prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens")),
        cache_write_tokens=_count(prompt_details, "cache_write_tokens"),
        reasoning_tokens=reasoning,
    )


def _count(counts: Mapping[str, Any], name: str) -> int:
    value = counts.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e15:
        return 0
    return int(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
