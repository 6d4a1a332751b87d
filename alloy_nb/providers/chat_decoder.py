"""From a Chat Completions answer to deltas: chunks of a stream, or a whole body, in any compatible's manner."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..errors import OverloadedError, ProviderError, StreamError
from ..messages import Image, Opaque
from ..usage import Usage
from ._failures import make_error
from ._fields import count, items, mapping, text
from .base import Delta, Done, StopReason, TextDelta, ThinkingDelta, ToolCallDelta, UsageDelta, WholePart

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
#: Reasons for an end that is none, as errors.
_BROKEN: dict[str, Callable[[], ProviderError]] = {
    "error": lambda: StreamError("the service ended its answer with an error"),
    "insufficient_system_resource": lambda: OverloadedError("the service broke off its answer: it is too busy"),
}


class ChatDecoder:
    """Feed it each chunk, or the one body; `end` gives the `Done`.

    Only the choice with index 0 is read. That an answer is complete is decided by its finish reason alone. The lists
    in the fields `kept` are put together and given in the end, each as one `Opaque` of `provider`.

    >>> decoder = ChatDecoder()
    >>> chunk = {"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}
    >>> [*decoder.feed(chunk), *decoder.end()]
    [TextDelta(text='Hi', block=0), Done(stop_reason='end_turn', model=None)]
    """

    def __init__(
        self,
        reasoning_fields: tuple[str, ...] = ("reasoning_content", "reasoning"),
        *,
        classify: Callable[[Any], ProviderError] | None = None,
        kept: tuple[str, ...] = (),
        provider: str = "",
    ) -> None:
        self._reasoning_fields = reasoning_fields
        self._kept = {name: _Kept() for name in kept}
        self._provider = provider
        self._classify = classify or (lambda body: make_error(None, {}, body))
        self._model: str | None = None
        self._finish: str | None = None
        self._refused = False
        self._calls = _Calls()

    def feed(self, event: Mapping[str, Any]) -> Iterable[Delta]:
        """The deltas of one chunk. An error that the service put there is raised as what it is."""
        # Called for each chunk: nearly all hold some words and nothing else.
        if self._model and (words := _only_words(event)):
            return (TextDelta(words),)
        return self._chunk(event)

    def _chunk(self, event: Mapping[str, Any]) -> Iterator[Delta]:
        self._check(event)
        if "detail" in event and "choices" not in event:
            raise self._classify(event)
        self._model = self._model or text(event.get("model")) or None
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
        if self._finish in _BROKEN:
            raise _BROKEN[self._finish]()
        for name, kept in self._kept.items():
            if whole := kept.whole():
                yield WholePart(Opaque(self._provider, {name: whole}))
        yield Done(self._stop_reason(), self._model)

    def _check(self, holder: Mapping[str, Any]) -> None:
        if holder.get("error") or holder.get("object") == "error":
            raise self._classify(holder)

    def _choice(self, choice: Mapping[str, Any]) -> Iterator[Delta]:
        delta = choice.get("delta")
        whole = not isinstance(delta, dict)
        if whole:
            # Some streams repeat the text so far as a `message` beside each delta: only alone it is the answer.
            delta = choice.get("message")
        if isinstance(delta, dict):
            yield from self._words(delta)
            yield from _images(delta.get("images"))
            yield from self._calls.read(delta, whole=whole)
            for name, kept in self._kept.items():
                kept.read(delta.get(name), whole=whole)
        # A reason that comes twice is the first one; a body without one is complete all the same.
        finish = text(choice.get("finish_reason")) or ("stop" if whole and delta is not None else None)
        self._finish = self._finish or finish

    def _words(self, delta: Mapping[str, Any]) -> Iterator[Delta]:
        for name in self._reasoning_fields:
            if thought := _thought(delta.get(name)):
                yield ThinkingDelta(thought)
                break
        yield from _content(delta.get("content"))
        if refusal := text(delta.get("refusal")):
            self._refused = True
            yield TextDelta(refusal)

    def _stop_reason(self) -> StopReason:
        reason = _STOP_REASONS.get(self._finish or "", "end_turn")
        if reason in ("end_turn", "tool_use"):
            # "stop" comes with calls when a tool was forced, and "tool_calls" may come without any.
            reason = "tool_use" if self._calls.any else "end_turn"
        return "refusal" if self._refused and reason == "end_turn" else reason


class _Item:
    """One item of a list that arrives in pieces; its texts are joined once, at the end."""

    __slots__ = ("_fields", "_texts")

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = dict(fields)
        self._texts: dict[str, list[str]] = {}

    @property
    def id(self) -> Any:
        return self._fields.get("id")

    def add(self, piece: Mapping[str, Any]) -> None:
        """Texts are joined; of everything else (a signature, a format) the last that is something counts."""
        for name, value in piece.items():
            before = self._fields.get(name)
            if name in ("text", "summary") and isinstance(value, str) and isinstance(before, str):
                self._texts.setdefault(name, [before]).append(value)
            elif value is not None:
                self._texts.pop(name, None)
                self._fields[name] = value

    def whole(self) -> dict[str, Any]:
        return {**self._fields, **{name: "".join(pieces) for name, pieces in self._texts.items()}}


class _Kept:
    """A list that arrives in pieces: those of the same kind and index are one item. What is no item is left out."""

    def __init__(self) -> None:
        self._items: list[_Item] = []
        self._places: dict[tuple[str, Any], _Item] = {}

    def read(self, pieces: Any, *, whole: bool) -> None:
        for piece in items(pieces):
            if not isinstance(piece, dict):
                continue
            place = (text(piece.get("type")), piece.get("index"))
            item = self._places.get(place) if isinstance(place[1], int) and not whole else None
            if item is None or (piece.get("id") and item.id and piece["id"] != item.id):
                item = _Item(piece)
                self._items.append(item)
                if isinstance(place[1], int):
                    self._places[place[0], place[1]] = item
            else:
                item.add(piece)

    def whole(self) -> list[dict[str, Any]]:
        return [item.whole() for item in self._items]


class _Calls:
    """Which piece belongs to which call, though services number them, name them, or do neither."""

    def __init__(self) -> None:
        self.any = False
        self._count = 0
        self._keys: dict[Any, int] = {}
        self._ids: dict[int, str] = {}
        self._named: dict[str, int] = {}  # the other way round
        self._last: int | None = None

    def read(self, delta: Mapping[str, Any], *, whole: bool) -> Iterator[ToolCallDelta]:
        pieces = delta.get("tool_calls")
        for piece in items(pieces):
            if isinstance(piece, dict):
                yield self._piece(piece, whole=whole)
        legacy = delta.get("function_call")
        if isinstance(legacy, dict):
            yield self._piece({"index": "function_call", "function": legacy}, whole=False)

    def _piece(self, piece: Mapping[str, Any], *, whole: bool) -> ToolCallDelta:
        function = piece.get("function")
        function = function if isinstance(function, dict) else {}
        call_id = text(piece.get("id")) or None
        name = text(function.get("name")) or None
        key = self._new() if whole else self._key(piece.get("index"), call_id, name)
        if call_id:
            self._ids.setdefault(key, call_id)
            self._named.setdefault(call_id, key)
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
        if call_id in self._named:
            return self._named[call_id]
        if call_id or name or self._last is None:
            return self._new()
        return self._last

    def _new(self) -> int:
        self._count += 1
        return self._count - 1


def _only_words(event: Mapping[str, Any]) -> str | None:
    """The words of a chunk in which there is nothing else; None for any other, and for what is out of shape."""
    choices = event.get("choices")
    if type(choices) is not list or len(choices) != 1 or type(choices[0]) is not dict:
        return None
    choice = choices[0]
    delta = choice.get("delta")
    if type(delta) is not dict or len(delta) != 1 or choice.get("finish_reason") or choice.get("index"):
        return None
    if event.get("usage") or event.get("error") or choice.get("error") or choice.get("usage") or "x_groq" in event:
        return None
    words = delta.get("content")
    return words if type(words) is str else None


def _first_choice(choices: Any) -> Mapping[str, Any] | None:
    for choice in items(choices):
        if isinstance(choice, dict) and not choice.get("index"):
            return choice
    return None


def _content(content: Any) -> Iterator[Delta]:
    """Words, as a text or as a list of parts; kinds of parts unknown here are passed over."""
    for part in content if isinstance(content, list) else (content,):
        if isinstance(part, str) and part:
            yield TextDelta(part)
        elif isinstance(part, dict):
            if words := text(part.get("text")):
                yield TextDelta(words)
            thoughts = part.get("thinking")
            for thought in thoughts if isinstance(thoughts, list) else (thoughts,):
                if words := text(thought.get("text") if isinstance(thought, dict) else thought):
                    yield ThinkingDelta(words)
            if thoughts is not None and (signature := text(part.get("signature"))):
                yield ThinkingDelta("", signature)


def _images(images: Any) -> Iterator[WholePart]:
    """Pictures that the model made, as URLs that hold them or lead to them."""
    for image in items(images):
        place = image.get("image_url") if isinstance(image, dict) else None
        url = text(place.get("url") if isinstance(place, dict) else place)
        if url.startswith("data:"):
            head, _, data = url.partition(",")
            kind = head.removeprefix("data:").partition(";")[0]
            try:
                yield WholePart(Image(kind or "image/png", base64.b64decode(data)))
            except ValueError as error:
                raise StreamError("the service sent a picture that cannot be read") from error
        elif url:
            yield WholePart(Image.from_url(url))


def _thought(value: Any) -> str:
    """Thinking as a text, or as a list of details whose encrypted ones show nothing."""
    if isinstance(value, list):
        details = [detail for detail in value if isinstance(detail, dict)]
        return "".join(text(detail.get("text")) or text(detail.get("summary")) for detail in details)
    return text(value)


def _arguments(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _find_usage(event: Mapping[str, Any], choice: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    places = (event, choice, event.get("x_groq"))
    for place in places:
        usage = place.get("usage") if isinstance(place, dict) else None
        if isinstance(usage, dict) and usage:
            return usage
    return None


def read_usage(usage: Mapping[str, Any]) -> Usage:
    """Counts under the names of all services; what is missing, null or no number counts 0.

    >>> read_usage({"prompt_tokens": 7, "completion_tokens": None})
    Usage(input_tokens=7, output_tokens=0, cached_tokens=0, cache_write_tokens=0, reasoning_tokens=0)
    """
    prompt, completion = count(usage.get("prompt_tokens")), count(usage.get("completion_tokens"))
    prompt_details = mapping(usage.get("prompt_tokens_details"))
    completion_details = mapping(usage.get("completion_tokens_details"))
    reasoning = count(completion_details.get("reasoning_tokens"))
    if reasoning and count(usage.get("total_tokens")) == prompt + completion + reasoning:
        completion += reasoning  # this service counts its thinking beside the answer, not within
    return Usage(
        input_tokens=prompt,
        output_tokens=completion,
        cached_tokens=count(prompt_details.get("cached_tokens"))
        or max(count(usage.get(name)) for name in ("prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens")),
        cache_write_tokens=count(prompt_details.get("cache_write_tokens")),
        reasoning_tokens=reasoning,
    )
