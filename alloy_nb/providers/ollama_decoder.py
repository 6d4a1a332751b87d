"""From an answer of Ollama's own wire to deltas: lines of a stream, or one whole body."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import uuid4

from ..errors import ProviderError, StreamError
from ..usage import Usage
from ._failures import make_error
from ._fields import count, items, mapping, text
from .base import Delta, Done, StopReason, TextDelta, ThinkingDelta, ToolCallDelta, UsageDelta

__all__ = ["OllamaDecoder"]

_OPEN, _CLOSE = "<think>", "</think>"
#: An answer that begins with more blanks than this begins with them.
_LONGEST_START = 1000


class OllamaDecoder:
    """Feed it each line, or the one body; `end` gives the `Done`, or says that the answer was cut.

    >>> decoder = OllamaDecoder()
    >>> line = {"model": "llama4", "message": {"content": "Hi"}, "done": True, "done_reason": "stop"}
    >>> [*decoder.feed(line), *decoder.end()]
    [TextDelta(text='Hi', block=0), Done(stop_reason='end_turn', model='llama4')]
    """

    def __init__(self, *, classify: Callable[[Any], ProviderError] | None = None) -> None:
        self._classify = classify or (lambda body: make_error(None, {}, body))
        self._model: str | None = None
        self._reason: str | None = None
        self._calls = 0
        self._tags = _Tags()

    def feed(self, event: Mapping[str, Any]) -> Iterator[Delta]:
        """The deltas of one line. An error that stands there is raised as what it is."""
        if event.get("error"):
            raise self._classify(event)
        self._model = self._model or text(event.get("model")) or None
        message = event.get("message")
        if isinstance(message, Mapping):
            yield from self._message(message)
        if event.get("done") is True:
            yield from self._tags.end()
            self._reason = text(event.get("done_reason")) or "stop"
            if "prompt_eval_count" in event or "eval_count" in event:
                yield UsageDelta(Usage(count(event.get("prompt_eval_count")), count(event.get("eval_count"))))

    @property
    def finished(self) -> bool:
        """The service has said that no more comes, and may yet hold the line open."""
        return self._reason is not None

    def end(self) -> Iterator[Delta]:
        if self._reason is None:
            raise StreamError("the answer ended before it was complete")
        yield Done(self._stop_reason(), self._model)

    def _message(self, message: Mapping[str, Any]) -> Iterator[Delta]:
        if thought := text(message.get("thinking")):
            # The server tells thinking from the answer: tags in the answer are its own.
            yield from self._tags.end()
            yield ThinkingDelta(thought)
        if words := text(message.get("content")):
            yield from self._tags.feed(words)
        for call in items(message.get("tool_calls")):
            if isinstance(call, Mapping):
                yield from self._tags.end()
                yield self._call(call)

    def _call(self, call: Mapping[str, Any]) -> ToolCallDelta:
        """Calls come whole, one after the other; older servers give them no id."""
        function = mapping(call.get("function"))
        arguments = function.get("arguments")
        if not isinstance(arguments, str):
            arguments = "" if arguments is None else json.dumps(arguments, ensure_ascii=False)
        self._calls += 1
        call_id = text(call.get("id")) or f"call_{uuid4().hex[:16]}"
        return ToolCallDelta(self._calls - 1, call_id, text(function.get("name")), arguments)

    def _stop_reason(self) -> StopReason:
        if self._reason == "length":
            return "max_tokens"
        return "tool_use" if self._calls else "end_turn"


class _Tags:
    """Thinking that a server leaves in the answer, between tags.

    Only an answer that opens with the tag proves that thinking follows. Where a closing one comes alone, as some
    models write it when they were asked not to think, the words before it have been told as text, and stay it.
    """

    def __init__(self) -> None:
        self._inside: bool | None = None  # None: the answer has not begun
        self._begun = False
        self._held = ""

    def feed(self, text: str) -> Iterator[Delta]:
        if self._inside is None:
            self._held += text
            start = self._held.lstrip()
            if _OPEN.startswith(start) and len(self._held) < _LONGEST_START:
                return
            self._inside = start.startswith(_OPEN)
            text, self._held = (start[len(_OPEN) :] if self._inside else self._held), ""
            self._begun = not self._inside
        if self._inside:
            yield from self._thought(self._held + text)
        else:
            yield from self._words(text)

    def end(self) -> Iterator[Delta]:
        """What was held back, since it might have been the beginning of a tag; from here on all is text."""
        if self._held:
            yield ThinkingDelta(self._held) if self._inside else TextDelta(self._held)
        self._inside, self._begun, self._held = False, True, ""

    def _thought(self, text: str) -> Iterator[Delta]:
        thought, tag, rest = text.partition(_CLOSE)
        self._held = "" if tag else _beginning_of(_CLOSE, thought)
        thought = thought.removesuffix(self._held) if self._held else thought
        thought = thought if self._begun else thought.lstrip()
        if thought:
            self._begun = True
            yield ThinkingDelta(thought)
        if tag:
            self._inside, self._begun = False, False
            yield from self._words(rest)

    def _words(self, text: str) -> Iterator[Delta]:
        text = text if self._begun else text.lstrip()
        if text:
            self._begun = True
            yield TextDelta(text)


def _beginning_of(tag: str, text: str) -> str:
    """The end of `text` that may be the beginning of `tag`."""
    sizes = range(min(len(tag) - 1, len(text)), 0, -1)
    return next((text[-size:] for size in sizes if tag.startswith(text[-size:])), "")
