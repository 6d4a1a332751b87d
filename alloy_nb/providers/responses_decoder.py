"""From a Responses answer to deltas: the events of a stream, or a whole body, in any service's manner."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import ProviderError, StreamError
from ..messages import Image, Opaque
from ..usage import Usage
from ._failures import make_error
from .base import Delta, Done, StopReason, TextDelta, ThinkingDelta, ToolCallDelta, UsageDelta, WholePart

__all__ = ["ResponsesDecoder", "read_usage"]

_CUT = "the answer ended before it was complete"
#: What an unfinished answer is called, in words.
_UNFINISHED = {
    "queued": "the answer is queued, and comes later",
    "in_progress": "the answer is not ready, and comes later",
    "cancelled": "the answer was cancelled",
}


@dataclass(slots=True)
class _Told:
    """What was told of a part of an item, or of a call's arguments."""

    block: int
    pieces: list[str] = field(default_factory=list)

    def rest(self, whole: str) -> str:
        """Of the whole, what was not told yet: now it is."""
        told = "".join(self.pieces)
        if not whole.startswith(told):
            return ""
        self.pieces = [whole]
        return whole[len(told) :]


class ResponsesDecoder:
    """Feed it each event, or the one body; `end` gives the `Done`.

    Items are told apart by their place in the output, since not every service keeps their ids. An item's last event
    is the one that counts; what of it was streamed is not told twice. That an answer is complete is decided by the
    response's status alone. `provider` is the name that the service's own parts carry.

    >>> decoder = ResponsesDecoder("openai")
    >>> delta = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Hi"}
    >>> end = {"type": "response.completed", "response": {"status": "completed", "model": "m"}}
    >>> [*decoder.feed(delta), *decoder.feed(end), *decoder.end()]
    [TextDelta(text='Hi', block=0), Done(stop_reason='end_turn', model='m')]
    """

    def __init__(self, provider: str, *, classify: Callable[[Any], ProviderError] | None = None) -> None:
        self._provider = provider
        self._classify = classify or (lambda body: make_error(None, {}, body))
        self._model: str | None = None
        self._status: str | None = None
        self._reason: str | None = None
        self._refused = False
        self._called = False
        #: By item, kind and place in the item.
        self._parts: dict[tuple[Any, str, Any], _Told] = {}
        self._named: set[Any] = set()
        self._annotations: dict[Any, list[Any]] = {}
        #: Items by their place: the kind of each one, and those that are done.
        self._kinds: dict[Any, Any] = {}
        self._done: set[Any] = set()

    def feed(self, event: Mapping[str, Any]) -> Iterable[Delta]:
        """The deltas of one event. An error that the service put there is raised as what it is."""
        kind = event.get("type")
        handler = _HANDLERS.get(kind) if isinstance(kind, str) else None
        if handler is not None:
            return handler(self, event)
        if kind is None:
            return self._body(event)
        return ()

    @property
    def finished(self) -> bool:
        """The service has said that no more comes, and may yet hold the line open."""
        return self._status is not None

    def end(self) -> Iterator[Delta]:
        if self._status is None:
            raise StreamError(_CUT)
        yield Done(self._stop_reason(), self._model)

    # Events

    def _text(self, event: Mapping[str, Any]) -> Iterable[Delta]:
        text = _string(event.get("delta"))
        if not text:
            return ()
        part = self._part(_place(event), "text", _number(event.get("content_index")))
        part.pieces.append(text)
        return (TextDelta(text, part.block),)

    def _refusal(self, event: Mapping[str, Any]) -> Iterable[Delta]:
        self._refused = True
        return self._text(event)

    def _thought(self, event: Mapping[str, Any]) -> Iterable[Delta]:
        text, place = _string(event.get("delta")), _place(event)
        kind, other = ("summary", "content") if "summary_index" in event else ("content", "summary")
        # A service that tells its thoughts and a summary of them tells the same thing twice.
        if not text or self._has(place, other):
            return ()
        part = self._part(place, kind, _number(event.get(f"{kind}_index")))
        part.pieces.append(text)
        return (ThinkingDelta(text, block=part.block),)

    def _piece(self, event: Mapping[str, Any]) -> Iterable[Delta]:
        self._called = True
        piece, place = _string(event.get("delta")), _place(event)
        self._part(place, "arguments").pieces.append(piece)
        return (ToolCallDelta(place, arguments=piece),)

    def _all_pieces(self, event: Mapping[str, Any]) -> Iterable[Delta]:
        self._called = True
        place = _place(event)
        rest = self._rest_of_call(place, event.get("arguments"))
        return (ToolCallDelta(place, arguments=rest),) if rest else ()

    def _annotation(self, event: Mapping[str, Any]) -> Iterable[Delta]:
        self._annotations.setdefault(_place(event), []).append(event.get("annotation"))
        return ()

    def _item_added(self, event: Mapping[str, Any]) -> Iterable[Delta]:
        item = _mapping(event.get("item"))
        self._kinds[_place(event)] = item.get("type")
        return self._call(_place(event), item) if item.get("type") == "function_call" else ()

    def _item_done(self, event: Mapping[str, Any]) -> Iterable[Delta]:
        return self._item(_place(event), _mapping(event.get("item")))

    def _begun(self, event: Mapping[str, Any]) -> Iterable[Delta]:
        self._model = self._model or _string(_mapping(event.get("response")).get("model")) or None
        return ()

    def _ended(self, event: Mapping[str, Any]) -> Iterable[Delta]:
        return self._response(_mapping(event.get("response")), _string(event["type"]).removeprefix("response."))

    def _error(self, event: Mapping[str, Any]) -> Iterable[Delta]:
        raise self._classify(event)

    def _body(self, body: Mapping[str, Any]) -> Iterable[Delta]:
        """A whole answer, or an error that stands where one was expected."""
        if "output" in body or body.get("object") == "response":
            return self._response(body, "completed")
        if body.get("error") or "detail" in body:
            raise self._classify(body)
        if "choices" in body:
            raise StreamError("the service answered in Chat Completions", hint='set api="chat"', retryable=False)
        return ()

    # What they tell

    def _response(self, response: Mapping[str, Any], status: str) -> list[Delta]:
        status = _string(response.get("status")) or status
        self._model = self._model or _string(response.get("model")) or None
        if response.get("error") or status == "failed":
            raise self._classify({"error": response.get("error") or {"message": "the service failed to answer"}})
        if status in _UNFINISHED:
            hint = "leave `background` out of extra_body: nobody comes back for the answer"
            raise StreamError(_UNFINISHED[status], hint=hint, retryable=False)
        deltas = [delta for place, item in self._left_over(response) for delta in self._item(place, item)]
        if usage := _mapping(response.get("usage")):
            deltas.append(UsageDelta(read_usage(usage)))
        self._status = status
        self._reason = _string(_mapping(response.get("incomplete_details")).get("reason"))
        return deltas

    def _left_over(self, response: Mapping[str, Any]) -> Iterator[tuple[Any, Mapping[str, Any]]]:
        """Items of the finished response whose own last event never came."""
        items = _mappings(response.get("output"))
        nothing_came = not (self._kinds or self._parts or self._done)
        for place, item in enumerate(items):
            if place not in self._done and (nothing_came or self._kinds.get(place) == item.get("type")):
                yield place, item
        if nothing_came and not items and (text := _string(response.get("output_text"))):
            yield 0, {"type": "message", "content": [{"type": "output_text", "text": text}]}

    def _item(self, place: Any, item: Mapping[str, Any]) -> Iterable[Delta]:
        """What an item tells that was not told yet."""
        if place in self._done:
            return ()
        self._done.add(place)
        kind = item.get("type")
        if kind == "message":
            return self._message(place, item)
        if kind == "function_call":
            return self._call(place, item)
        if kind == "reasoning":
            return [*self._reasoning(place, item), self._opaque(item)]
        if kind == "image_generation_call":
            return self._picture(item)
        return (self._opaque(item),) if isinstance(kind, str) and kind else ()

    def _message(self, place: Any, item: Mapping[str, Any]) -> Iterator[Delta]:
        annotations: list[Any] = []
        for index, part in enumerate(_mappings(item.get("content"))):
            self._refused |= part.get("type") == "refusal"
            annotations += _mappings(part.get("annotations"))
            text = _string(part.get("text")) or _string(part.get("refusal"))
            if text:
                told = self._part(place, "text", index)
                if rest := told.rest(text):
                    yield TextDelta(rest, told.block)
        found = {"phase": item.get("phase"), "annotations": annotations or self._annotations.get(place)}
        amended = {name: value for name, value in found.items() if value}
        if amended and self._has(place, "text"):
            yield self._opaque(amended)

    def _call(self, place: Any, item: Mapping[str, Any]) -> Iterable[Delta]:
        self._called = True
        call_id = _string(item.get("call_id")) or _string(item.get("id"))
        rest = self._rest_of_call(place, item.get("arguments"))
        if place in self._named and not rest:
            return ()
        self._named.add(place)
        return (ToolCallDelta(place, call_id or None, _string(item.get("name")) or None, rest),)

    def _reasoning(self, place: Any, item: Mapping[str, Any]) -> Iterator[Delta]:
        kinds = ("content", "summary") if self._has(place, "content") else ("summary", "content")
        for kind in kinds:
            texts = [_string(part.get("text")) for part in _mappings(item.get(kind))]
            for index, text in enumerate(texts):
                told = self._part(place, kind, index)
                if rest := told.rest(text):
                    yield ThinkingDelta(rest, block=told.block)
            if any(texts) or self._has(place, kind):
                return

    def _picture(self, item: Mapping[str, Any]) -> Iterator[Delta]:
        """A picture for everybody, and beside it what its maker wants to see again."""
        try:
            data = base64.b64decode(_string(item.get("result")), validate=True)
        except binascii.Error:
            data = b""
        if data:
            yield WholePart(Image(f"image/{_string(item.get('output_format')) or 'png'}", data))
            item = {name: value for name, value in item.items() if name != "result"}
        yield self._opaque(item)

    def _opaque(self, data: Mapping[str, Any]) -> Delta:
        return WholePart(Opaque(self._provider, data))

    # Book-keeping

    def _part(self, place: Any, kind: str, index: Any = None) -> _Told:
        part = self._parts.get((place, kind, index))
        if part is None:
            part = self._parts[place, kind, index] = _Told(len(self._parts))
        return part

    def _has(self, place: Any, kind: str) -> bool:
        return any(key[0] == place and key[1] == kind for key in self._parts)

    def _rest_of_call(self, place: Any, arguments: Any) -> str:
        whole = arguments if isinstance(arguments, str) else "" if arguments is None else json.dumps(arguments)
        return self._part(place, "arguments").rest(whole)

    def _stop_reason(self) -> StopReason:
        if self._status == "incomplete":
            return "content_filter" if self._reason == "content_filter" else "max_tokens"
        if self._called:
            return "tool_use"
        return "refusal" if self._refused else "end_turn"


#: Every event that tells something. All others say what is going on, or are newer than this.
_HANDLERS: dict[str, Callable[[ResponsesDecoder, Mapping[str, Any]], Iterable[Delta]]] = {
    "response.created": ResponsesDecoder._begun,
    "response.output_text.delta": ResponsesDecoder._text,
    "response.refusal.delta": ResponsesDecoder._refusal,
    "response.reasoning_summary_text.delta": ResponsesDecoder._thought,
    "response.reasoning_text.delta": ResponsesDecoder._thought,
    "response.function_call_arguments.delta": ResponsesDecoder._piece,
    "response.function_call_arguments.done": ResponsesDecoder._all_pieces,
    "response.output_text.annotation.added": ResponsesDecoder._annotation,
    "response.output_item.added": ResponsesDecoder._item_added,
    "response.output_item.done": ResponsesDecoder._item_done,
    "response.completed": ResponsesDecoder._ended,
    "response.incomplete": ResponsesDecoder._ended,
    "response.failed": ResponsesDecoder._ended,
    "response.cancelled": ResponsesDecoder._ended,
    "error": ResponsesDecoder._error,
    "response.error": ResponsesDecoder._error,
}


def read_usage(usage: Mapping[str, Any]) -> Usage:
    """Counts as Responses names them; what is missing, null or no number counts 0.

    >>> read_usage({"input_tokens": 7, "output_tokens": None, "input_tokens_details": {"cached_tokens": 4}})
    Usage(input_tokens=7, output_tokens=0, cached_tokens=4, cache_write_tokens=0, reasoning_tokens=0)
    """
    prompt, answer = _mapping(usage.get("input_tokens_details")), _mapping(usage.get("output_tokens_details"))
    return Usage(
        input_tokens=_count(usage.get("input_tokens")),
        output_tokens=_count(usage.get("output_tokens")),
        cached_tokens=_count(prompt.get("cached_tokens")),
        cache_write_tokens=_count(prompt.get("cache_write_tokens")),
        reasoning_tokens=_count(answer.get("reasoning_tokens")),
    )


def _place(event: Mapping[str, Any]) -> Any:
    """Where in the output an event's item stands; its id, where that is not said."""
    index = event.get("output_index")
    if isinstance(index, int):
        return index
    return _string(event.get("item_id")) or _string(_mapping(event.get("item")).get("id"))


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e15:
        return 0
    return int(value)


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [_mapping(item) for item in value] if isinstance(value, list) else []
