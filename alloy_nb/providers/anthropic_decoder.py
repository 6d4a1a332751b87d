"""From an answer of Anthropic's Messages API to deltas: the events of a stream, or a whole message."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import ProviderError, StreamError
from ..messages import Opaque
from ..usage import Usage
from ._failures import make_error
from ._fields import count, items, mapping, place, text
from ._payload import load_json
from .base import Delta, Done, StopReason, TextDelta, ThinkingDelta, ToolCallDelta, UsageDelta, WholePart

__all__ = ["AnthropicDecoder", "read_usage"]

_STOP_REASONS: dict[str, StopReason] = {
    "tool_use": "tool_use",
    "max_tokens": "max_tokens",
    "model_context_window_exceeded": "max_tokens",
    "stop_sequence": "stop_sequence",
    "refusal": "refusal",
    "pause_turn": "pause_turn",
    # The conversation was summed up, and the answer is still to come.
    "compaction": "pause_turn",
}
#: Blocks that are made of words or are calls of ours; every other kind is handed back as it came.
_KINDS = {"text": "text", "thinking": "thinking", "tool_use": "call"}
#: Which block a piece belongs to whose beginning never came.
_IMPLIED = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "thinking"}
#: What a call says beside its name and arguments, and wants to hear again.
_ECHOED = ("caller", "toolset_name")
#: Arguments of a tool that runs on the other side, among the texts that grow: no field has this name.
_ARGUMENTS = ""
_CUT = "the answer ended before it was complete"


@dataclass(slots=True)
class _Block:
    """A content block on its way in; `data` is what it began with, `said` whether any of its words came."""

    kind: str
    data: dict[str, Any]
    said: bool = False
    signature: str = ""
    citations: list[Any] = field(default_factory=list)
    #: Texts that grow, by their names in `data`: joined once, at the end.
    pieces: dict[str, list[str]] = field(default_factory=dict)


class AnthropicDecoder:
    """Feed it each event, or the one message; `end` gives the `Done`.

    That an answer is complete is decided by its stop reason, or by the event that says so. Redacted thoughts, tools
    that run on Anthropic's side and their results, and kinds of blocks unknown here become `Opaque` parts of
    `provider`; so do, without a kind of their own, the citations of the text before them.

    >>> decoder = AnthropicDecoder()
    >>> message = {"type": "message", "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn"}
    >>> [*decoder.feed(message), *decoder.end()]
    [TextDelta(text='Hi', block=0), Done(stop_reason='end_turn', model=None)]
    """

    def __init__(self, provider: str = "anthropic", *, classify: Callable[[Any], ProviderError] | None = None) -> None:
        self._provider = provider
        self._classify = classify or (lambda body: make_error(None, {}, body))
        self._model: str | None = None
        self._usage: dict[str, Any] = {}
        self._reason: str | None = None
        self._ended = False
        self._began = False
        self._called = False
        self._blocks: dict[int, _Block] = {}
        #: Told at the end: where code was run, and why the model refused.
        self._notes: dict[str, dict[str, Any]] = {}

    def feed(self, event: Mapping[str, Any]) -> Iterable[Delta]:
        """The deltas of one event. An error that the service put there is raised as what it is."""
        kind = event.get("type")
        if kind == "content_block_delta":
            return self._piece(_index(event), event.get("delta"))
        if kind == "content_block_start":
            return self._start(_index(event), event.get("content_block"))
        if kind == "content_block_stop":
            return self._stop(_index(event))
        if kind == "message_start":
            return self._message(event.get("message"))
        if kind == "message_delta":
            self._read_end(event.get("delta"))
            return self._used(event.get("usage"))
        if kind == "message_stop":
            self._ended = True
        elif kind == "message":
            self._ended = True
            return self._message(event)
        elif kind == "error" or event.get("error"):
            raise self._classify(event)
        return ()

    @property
    def finished(self) -> bool:
        """The service has said that no more comes, and may yet hold the line open."""
        return self._ended

    def end(self) -> Iterator[Delta]:
        if self._reason is None and not self._ended:
            raise StreamError(_CUT)
        for index in list(self._blocks):
            yield from self._stop(index)
        for kind, note in self._notes.items():
            yield self._opaque({**note, "type": kind})
        yield Done(self._stop_reason(), self._model)

    def _stop_reason(self) -> StopReason:
        reason = _STOP_REASONS.get(self._reason or "", "end_turn")
        if reason in ("end_turn", "tool_use"):
            return "tool_use" if self._called else "end_turn"
        return reason

    # The message around the blocks

    def _message(self, message: Any) -> Iterator[Delta]:
        """A message that begins, or a whole one; one that goes on with code begins with what came of it."""
        if not isinstance(message, Mapping):
            return
        self._model = self._model or text(message.get("model")) or None
        content = message.get("content")
        if not self._began and isinstance(content, list):
            for number, block in enumerate(content):
                # Numbers of their own: the blocks that follow in a stream are counted from 0.
                index = number if self._ended else -1 - number
                yield from self._start(index, block)
                yield from self._stop(index)
        self._began = True
        self._read_end(message)
        yield from self._used(message.get("usage"))

    def _read_end(self, delta: Any) -> None:
        if not isinstance(delta, Mapping):
            return
        self._reason = text(delta.get("stop_reason")) or self._reason
        for kind, name in (("container", "container"), ("refusal", "stop_details")):
            # Without its name, what ran code cannot be asked for again.
            if isinstance(delta.get(name), Mapping) and (kind != "container" or text(delta[name].get("id"))):
                self._notes[kind] = dict(delta[name])

    def _used(self, usage: Any) -> list[Delta]:
        """All counts are totals so far: each replaces the one before, and what is not said again stays."""
        if not isinstance(usage, Mapping):
            return []
        self._usage |= {name: count for name, count in usage.items() if count is not None}
        return [UsageDelta(read_usage(self._usage))]

    # Blocks

    def _start(self, index: int, data: Any) -> Iterator[Delta]:
        if index in self._blocks:  # its end never came
            yield from self._stop(index)
        if not isinstance(data, Mapping):
            return
        block = self._blocks[index] = _Block(_KINDS.get(text(data.get("type")), "opaque"), dict(data))
        if block.kind == "text":
            block.citations += items(data.get("citations"))
            yield from self._words(index, block, data.get("text"))
        elif block.kind == "thinking":
            block.signature = text(data.get("signature"))
            yield from self._words(index, block, data.get("thinking"))
        elif block.kind == "call":
            self._called = True
            yield ToolCallDelta(index, text(data.get("id")) or None, text(data.get("name")) or None)

    def _piece(self, index: int, delta: Any) -> Iterable[Delta]:
        if not isinstance(delta, Mapping):
            return ()
        kind = text(delta.get("type"))
        block = self._blocks.get(index)
        if block is None:
            if kind not in _IMPLIED:
                return ()
            block = self._blocks[index] = _Block(_IMPLIED[kind], {})
        if block.kind == "text":
            if kind == "citations_delta":
                block.citations += [delta["citation"]] if delta.get("citation") else []
            return self._words(index, block, delta.get("text"))
        if block.kind == "thinking":
            block.signature = text(delta.get("signature")) or block.signature
            return self._words(index, block, delta.get("thinking"))
        if block.kind == "call":
            arguments = text(delta.get("partial_json"))
            block.said = block.said or bool(arguments)
            return [ToolCallDelta(index, arguments=arguments)]
        _complete(block, delta)
        return ()

    def _words(self, index: int, block: _Block, text: Any) -> list[Delta]:
        if not isinstance(text, str) or not text:
            return []
        block.said = True
        return [TextDelta(text, index) if block.kind == "text" else ThinkingDelta(text, None, index)]

    def _stop(self, index: int) -> Iterator[Delta]:
        """What a block amounts to beyond its words."""
        block = self._blocks.pop(index, None)
        if block is None:
            return
        if block.kind == "text":
            if block.citations and block.said:
                yield self._opaque({"citations": block.citations})
        elif block.kind == "thinking":
            if block.signature:  # it counts, though no word of the thought may have been told
                yield ThinkingDelta("", block.signature, index)
        elif block.kind == "call":
            if block.data.get("input") and not block.said:
                yield ToolCallDelta(index, arguments=json.dumps(block.data["input"], ensure_ascii=False))
            if echoed := {name: block.data[name] for name in _ECHOED if _is_worth_saying(block.data.get(name))}:
                yield self._opaque(echoed)
        elif _is_whole(block):
            yield self._opaque(block.data)

    def _opaque(self, data: Mapping[str, Any]) -> WholePart:
        return WholePart(Opaque(self._provider, data))


def _complete(block: _Block, delta: Mapping[str, Any]) -> None:
    """A piece of a block that is handed back as it came, of whatever kind: texts grow, the rest is replaced."""
    if delta.get("type") == "input_json_delta":
        block.pieces.setdefault(_ARGUMENTS, []).append(text(delta.get("partial_json")))
        return
    if delta.get("type") == "citations_delta":
        block.citations += [delta["citation"]] if delta.get("citation") else []
        return
    for name, value in delta.items():
        if name == "type" or value is None:
            continue
        before = block.data.get(name)
        if isinstance(before, str) and isinstance(value, str):
            block.pieces.setdefault(name, [before]).append(value)
        else:
            block.pieces.pop(name, None)
            block.data[name] = value


def _is_whole(block: _Block) -> bool:
    """Puts the pieces together; a call that was cut in the middle never ran and would be refused.

    What has no kind by which it could be handed back is none.
    """
    raw = "".join(block.pieces.pop(_ARGUMENTS, ()))
    if raw.strip() and (arguments := load_json(raw)) is None:
        return False
    if raw.strip():
        block.data["input"] = arguments
    block.data |= {name: "".join(pieces) for name, pieces in block.pieces.items()}
    if block.citations:
        block.data["citations"] = [*items(block.data.get("citations")), *block.citations]
    return bool(text(block.data.get("type")))


def _is_worth_saying(value: Any) -> bool:
    return bool(value) and not (isinstance(value, Mapping) and value.get("type") == "direct")


def read_usage(usage: Mapping[str, Any]) -> Usage:
    """Anthropic's counts; its `input_tokens` leave out what is written to the cache or read from it.

    >>> read_usage({"input_tokens": 7, "cache_read_input_tokens": 90, "output_tokens": None})
    Usage(input_tokens=97, output_tokens=0, cached_tokens=90, cache_write_tokens=0, reasoning_tokens=0)
    """
    cached, written = count(usage.get("cache_read_input_tokens")), count(usage.get("cache_creation_input_tokens"))
    details = usage.get("output_tokens_details")
    return Usage(
        input_tokens=count(usage.get("input_tokens")) + cached + written,
        output_tokens=count(usage.get("output_tokens")),
        cached_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=count(mapping(details).get("thinking_tokens")),
    )


def _index(event: Mapping[str, Any]) -> int:
    return place(event.get("index"))
