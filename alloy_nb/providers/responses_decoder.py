"""From a Responses answer to deltas: the events of a stream, or a whole body, in any service's manner."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import ProviderError, StreamError
from ..messages import Image, Opaque
from ..usage import Usage
from ._failures import make_error
from ._fields import count, mapping, mappings, place, text
from ._payload import load_json
from .base import Delta, Done, StopReason, TextDelta, ThinkingDelta, ToolCallDelta, UsageDelta, WholePart

__all__ = ["ResponsesDecoder", "read_usage"]

_CUT = "the answer ended before it was complete"
#: What an unfinished answer is called, in words.
_UNFINISHED = {
    "queued": "the answer is queued, and comes later",
    "in_progress": "the answer is not ready, and comes later",
    "cancelled": "the answer was cancelled",
}
#: What is added to the arguments of a call that was not finished, so that they are none.
_UNFINISHED_CALL = " (the call was not finished)"


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
        #: By item, kind and place in the item.
        self._parts: dict[tuple[Any, str, Any], _Told] = {}
        self._heard: set[tuple[Any, str]] = set()
        #: Calls by their place, as they began, and those whose name was told.
        self._calls: dict[Any, Mapping[str, Any]] = {}
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
        words = text(event.get("delta"))
        if not words:
            return ()
        part = self._part(_place(event), "text", place(event.get("content_index")))
        part.pieces.append(words)
        return (TextDelta(words, part.block),)

    def _refusal(self, event: Mapping[str, Any]) -> Iterable[Delta]:
        self._refused = True
        return self._text(event)

    def _thought(self, event: Mapping[str, Any]) -> Iterable[Delta]:
        words, at = text(event.get("delta")), _place(event)
        kind, other = ("summary", "content") if "summary_index" in event else ("content", "summary")
        # A service that tells its thoughts and a summary of them tells the same thing twice.
        if not words or (at, other) in self._heard:
            return ()
        part = self._part(at, kind, place(event.get(f"{kind}_index")))
        part.pieces.append(words)
        return (ThinkingDelta(words, block=part.block),)

    def _piece(self, event: Mapping[str, Any]) -> Iterable[Delta]:
        piece, at = text(event.get("delta")), _place(event)
        self._calls.setdefault(at, {})
        self._part(at, "arguments").pieces.append(piece)
        return (ToolCallDelta(at, arguments=piece),)

    def _all_pieces(self, event: Mapping[str, Any]) -> Iterable[Delta]:
        at = _place(event)
        self._calls.setdefault(at, {})
        rest = self._rest_of_call(at, event.get("arguments"))
        return (ToolCallDelta(at, arguments=rest),) if rest else ()

    def _annotation(self, event: Mapping[str, Any]) -> Iterable[Delta]:
        if annotation := mapping(event.get("annotation")):
            self._annotations.setdefault(_place(event), []).append(annotation)
        return ()

    def _item_added(self, event: Mapping[str, Any]) -> Iterable[Delta]:
        item, at = mapping(event.get("item")), _place(event)
        self._kinds[at] = item.get("type")
        if item.get("type") != "function_call":
            return ()
        # Its arguments, which some give here already as "{}", are those that come in pieces and in the end.
        self._calls[at] = item
        return self._call(at, {**item, "arguments": None})

    def _item_done(self, event: Mapping[str, Any]) -> Iterable[Delta]:
        return self._item(_place(event), mapping(event.get("item")))

    def _begun(self, event: Mapping[str, Any]) -> Iterable[Delta]:
        self._model = self._model or text(mapping(event.get("response")).get("model")) or None
        return ()

    def _ended(self, event: Mapping[str, Any]) -> Iterable[Delta]:
        return self._response(mapping(event.get("response")), text(event["type"]).removeprefix("response."))

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
        status = text(response.get("status")) or status
        self._model = self._model or text(response.get("model")) or None
        if response.get("error") or status == "failed":
            raise self._classify({"error": response.get("error") or {"message": "the service failed to answer"}})
        if status in _UNFINISHED:
            hint = "leave `background` out of extra_body: nobody comes back for the answer"
            raise StreamError(_UNFINISHED[status], hint=hint, retryable=False)
        deltas = [delta for at, item in self._left_over(response) for delta in self._item(at, item)]
        for at, item in self._calls.items():
            if at not in self._done:
                begun = {**item, "arguments": None} if any(self._part(at, "arguments").pieces) else item
                deltas += self._close(at, begun, finished=status != "incomplete")
        if usage := mapping(response.get("usage")):
            deltas.append(UsageDelta(read_usage(usage)))
        self._status = status
        self._reason = text(mapping(response.get("incomplete_details")).get("reason"))
        return deltas

    def _left_over(self, response: Mapping[str, Any]) -> Iterator[tuple[Any, Mapping[str, Any]]]:
        """Items of the finished response whose own last event never came."""
        items = mappings(response.get("output"))
        nothing_came = not (self._kinds or self._parts or self._done)
        for at, item in enumerate(items):
            if at not in self._done and (nothing_came or self._kinds.get(at) == item.get("type")):
                yield at, item
        if nothing_came and not items and (words := text(response.get("output_text"))):
            yield 0, {"type": "message", "content": [{"type": "output_text", "text": words}]}

    def _item(self, at: Any, item: Mapping[str, Any]) -> Iterable[Delta]:
        """What an item tells that was not told yet."""
        if at in self._done:
            return ()
        self._done.add(at)
        kind = item.get("type")
        if kind == "message":
            return self._message(at, item)
        if kind == "function_call":
            self._calls.setdefault(at, item)
            return self._close(at, item, finished=text(item.get("status")) in ("", "completed"))
        if kind == "reasoning":
            odd = [name for name in ("summary", "content") if name in item and not isinstance(item[name], list)]
            whole = {name: value for name, value in item.items() if name not in odd}
            return [*self._reasoning(at, item), self._opaque(whole)]
        if kind == "image_generation_call":
            return self._picture(item)
        return (self._opaque(item),) if isinstance(kind, str) and kind else ()

    def _message(self, at: Any, item: Mapping[str, Any]) -> Iterator[Delta]:
        annotations: list[Any] = []
        for index, part in enumerate(mappings(item.get("content"))):
            self._refused |= part.get("type") == "refusal"
            annotations += filter(None, mappings(part.get("annotations")))
            words = text(part.get("text")) or text(part.get("refusal"))
            if words:
                told = self._part(at, "text", index)
                if rest := told.rest(words):
                    yield TextDelta(rest, told.block)
        found = {"phase": text(item.get("phase")), "annotations": annotations or self._annotations.get(at)}
        amended = {name: value for name, value in found.items() if value}
        if amended and (at, "text") in self._heard:
            yield self._opaque(amended)

    def _call(self, at: Any, item: Mapping[str, Any]) -> Iterable[Delta]:
        call_id = text(item.get("call_id")) or text(item.get("id"))
        rest = self._rest_of_call(at, item.get("arguments"))
        if at in self._named and not rest:
            return ()
        self._named.add(at)
        return (ToolCallDelta(at, call_id or None, text(item.get("name")) or None, rest),)

    def _close(self, at: Any, item: Mapping[str, Any], *, finished: bool) -> list[Delta]:
        """A call as it is in the end: one that was not finished gets arguments that nobody runs."""
        if finished:
            return list(self._call(at, item))
        told = "".join(self._part(at, "arguments").pieces)
        whole = _as_json(item.get("arguments"))
        # What was told may be more than the item says.
        deltas = list(self._call(at, item if whole.startswith(told) else {**item, "arguments": None}))
        told = "".join(self._part(at, "arguments").pieces)
        if not told.strip() or load_json(told) is not None:
            deltas.append(ToolCallDelta(at, arguments=_UNFINISHED_CALL))
        return deltas

    def _reasoning(self, at: Any, item: Mapping[str, Any]) -> Iterator[Delta]:
        kinds = ("content", "summary") if (at, "content") in self._heard else ("summary", "content")
        for kind in kinds:
            texts = [text(part.get("text")) for part in mappings(item.get(kind))]
            for index, words in enumerate(texts):
                told = self._part(at, kind, index)
                if rest := told.rest(words):
                    yield ThinkingDelta(rest, block=told.block)
            if any(texts) or (at, kind) in self._heard:
                return

    def _picture(self, item: Mapping[str, Any]) -> Iterator[Delta]:
        """A picture for everybody, and beside it what its maker wants to see again."""
        try:
            data = base64.b64decode(text(item.get("result")), validate=True)
        except ValueError:
            data = b""
        if data:
            yield WholePart(Image(f"image/{text(item.get('output_format')) or 'png'}", data))
            item = {name: value for name, value in item.items() if name != "result"}
        yield self._opaque(item)

    def _opaque(self, data: Mapping[str, Any]) -> Delta:
        return WholePart(Opaque(self._provider, data))

    # Book-keeping

    def _part(self, at: Any, kind: str, index: Any = None) -> _Told:
        part = self._parts.get((at, kind, index))
        if part is None:
            part = self._parts[at, kind, index] = _Told(len(self._parts))
            self._heard.add((at, kind))
        return part

    def _rest_of_call(self, at: Any, arguments: Any) -> str:
        """Of the arguments, what was not told yet. The finished ones count, and what was told cannot be taken back."""
        whole, part = _as_json(arguments), self._part(at, "arguments")
        told = "".join(part.pieces)
        if not whole or whole.startswith(told):
            return part.rest(whole)
        known = load_json(told)
        if known is None or known != load_json(whole):
            raise StreamError("the service told the arguments of a tool call in two ways")
        return ""

    def _stop_reason(self) -> StopReason:
        if self._status == "incomplete":
            return "content_filter" if self._reason == "content_filter" else "max_tokens"
        if self._calls:
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
    prompt, answer = mapping(usage.get("input_tokens_details")), mapping(usage.get("output_tokens_details"))
    return Usage(
        input_tokens=count(usage.get("input_tokens")),
        output_tokens=count(usage.get("output_tokens")),
        cached_tokens=count(prompt.get("cached_tokens")),
        cache_write_tokens=count(prompt.get("cache_write_tokens")),
        reasoning_tokens=count(answer.get("reasoning_tokens")),
    )


def _as_json(arguments: Any) -> str:
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else json.dumps(arguments, ensure_ascii=False)


def _place(event: Mapping[str, Any]) -> Any:
    """Where in the output an event's item stands; its id, where that is not said."""
    index = event.get("output_index")
    if isinstance(index, int):
        return index
    return text(event.get("item_id")) or text(mapping(event.get("item")).get("id"))
