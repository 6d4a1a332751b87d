"""From an answer of Google's Interactions API to deltas: the events of a stream, or a whole body."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import ProviderError, ServerError, StreamError
from ..messages import Opaque
from ..usage import Usage
from ._failures import make_error
from ._fields import count, items, mapping, text
from ._payload import load_json
from .base import Delta, Done, StopReason, TextDelta, ThinkingDelta, ToolCallDelta, UsageDelta, WholePart
from .gemini_decoder import read_media

__all__ = ["InteractionsDecoder"]

_STOP_REASONS: dict[str, StopReason] = {
    "completed": "end_turn",
    "requires_action": "tool_use",
    "incomplete": "max_tokens",
    "requires_continuation": "max_tokens",
}
_FAILED = ("failed", "cancelled", "budget_exceeded")
_CUT = "the answer ended before it was complete"


class InteractionsDecoder:
    """Feed it each event, or the one body; `end` gives the `Done`.

    Steps that are neither words nor calls (thoughts with their signatures, the service's own tools) are kept whole,
    as opaque parts of `provider`, to be handed back.
    """

    def __init__(self, *, provider: str = "google", classify: Callable[[Any], ProviderError] | None = None) -> None:
        self._provider = provider
        self._classify = classify or (lambda body: make_error(None, {}, body))
        self._model: str | None = None
        self._status = ""
        self._called = False
        self._steps: dict[int | str, _Step] = {}
        self._seen = 0
        self._annotations: list[Any] = []

    def feed(self, event: Mapping[str, Any]) -> Iterator[Delta]:
        """The deltas of one event. An error that the service put there is raised as what it is."""
        if event.get("error"):
            raise self._classify(event)
        kind, index = event.get("event_type"), event.get("index")
        if kind == "step.start":
            yield from self._start(index, event.get("step"))
        elif kind == "step.delta":
            yield from self._delta(index, event.get("delta"))
        elif kind == "step.stop":
            yield from self._stop(index)
        else:
            yield from self._interaction(mapping(event.get("interaction")) if kind is not None else event)

    def end(self) -> Iterator[Delta]:
        for index in list(self._steps):
            yield from self._stop(index)
        if self._status in _FAILED:
            raise ServerError(f"the service ended its answer: {self._status}")
        reason = _STOP_REASONS.get(self._status)
        if reason is None:
            raise StreamError(_CUT)
        if self._annotations:
            yield WholePart(Opaque(self._provider, {"type": "about", "annotations": self._annotations}))
        if reason in ("end_turn", "tool_use"):
            reason = "tool_use" if self._called else "end_turn"
        yield Done(reason, self._model)

    def _interaction(self, interaction: Mapping[str, Any]) -> Iterator[Delta]:
        """What is told of the whole: at the beginning, at the end, and as the one body, then with all its steps."""
        if interaction.get("error"):
            raise self._classify(interaction)
        if isinstance(model := interaction.get("model"), str):
            self._model = model or self._model
        if isinstance(status := interaction.get("status"), str):
            self._status = status
        steps = interaction.get("steps")
        if isinstance(steps, list) and not self._seen:
            for index, step in enumerate(steps):
                yield from self._start(index, step)
                yield from self._stop(index)
        usage = interaction.get("usage")
        if isinstance(usage, Mapping):
            yield UsageDelta(_read_usage(usage))

    def _start(self, index: Any, data: Any) -> Iterator[Delta]:
        if not isinstance(data, Mapping):
            return
        if data.get("error"):
            raise self._classify(data)
        self._seen += 1
        step = self._steps[_key(index)] = _Step(self._seen, text(data.get("type")), dict(data))
        if step.kind == "model_output":
            for content in items(data.get("content")):
                yield from self._content(step, content)
        elif step.kind == "thought":
            for content in items(data.get("summary")):
                yield from self._summary(step, content)
        elif step.kind == "function_call":
            self._called = True
            call_id, name = data.get("id"), data.get("name")
            yield ToolCallDelta(
                self._seen, call_id if isinstance(call_id, str) else None, name if isinstance(name, str) else None
            )

    def _delta(self, index: Any, delta: Any) -> Iterator[Delta]:
        step = self._steps.get(_key(index))
        if step is None or not isinstance(delta, Mapping):
            return
        kind = delta.get("type")
        if kind == "arguments_delta":
            yield from step.add_arguments(delta.get("arguments"))
        elif kind == "thought_summary":
            yield from self._summary(step, delta.get("content"))
        elif kind == "thought_signature":
            step.fields["signature"] = text(delta.get("signature"))
        elif kind == "text_annotation_delta":
            self._annotations += items(delta.get("annotations"))
        elif step.kind == "model_output":
            yield from self._content(step, delta)
        else:
            step.add(delta)

    def _stop(self, index: Any) -> Iterator[Delta]:
        step = self._steps.pop(_key(index), None)
        if step is None:
            return
        if step.kind == "function_call":
            if not step.arguments and (arguments := step.fields.get("arguments")):
                yield ToolCallDelta(step.place, arguments=json.dumps(arguments, ensure_ascii=False))
        elif step.kind == "thought":
            if step.fields.get("signature"):
                yield self._own({**step.fields, "summary": step.summary})
        elif step.kind not in ("", "model_output"):
            yield self._own(step.whole())

    def _content(self, step: _Step, content: Any) -> Iterator[Delta]:
        if not isinstance(content, Mapping):
            return
        if content.get("type") == "text":
            if words := text(content.get("text")):
                yield TextDelta(words, step.place)
            self._annotations += items(content.get("annotations"))
        elif media := read_media(content.get("mime_type"), content.get("data")):
            yield WholePart(media)
        elif text(content.get("type")):
            yield self._own({"type": "model_output", "content": [content]})

    def _summary(self, step: _Step, content: Any) -> Iterator[Delta]:
        if not isinstance(content, Mapping) or step.kind != "thought":
            return
        step.summary.append(content)
        if words := text(content.get("text")):
            yield ThinkingDelta(words, None, step.place)

    def _own(self, step: Mapping[str, Any]) -> WholePart:
        return WholePart(Opaque(self._provider, {"type": "step", "step": step}))


@dataclass(slots=True)
class _Step:
    """A step as far as it is known; `place` is that of its parts in the answer."""

    place: int
    kind: str
    fields: dict[str, Any]
    summary: list[Any] = field(default_factory=list)
    #: Pieces of the arguments: these come in their place.
    arguments: list[str] = field(default_factory=list)
    #: Names of the lists in `fields` that are this step's own, and grow.
    _grown: set[str] = field(default_factory=set)

    def add_arguments(self, arguments: Any) -> Iterator[ToolCallDelta]:
        piece = arguments if isinstance(arguments, str) else json.dumps(arguments) if arguments else ""
        self.arguments.append(piece)
        if self.kind == "function_call":
            yield ToolCallDelta(self.place, arguments=piece)

    def add(self, delta: Mapping[str, Any]) -> None:
        """A piece of a step that is handed back as it came: lists grow, everything else is replaced."""
        for name, value in delta.items():
            before = self.fields.get(name)
            if name == "type":
                continue
            if not (isinstance(value, list) and isinstance(before, list)):
                self.fields[name] = value
                self._grown.discard(name)
            elif name in self._grown:
                before += value
            else:
                self.fields[name] = [*before, *value]
                self._grown.add(name)

    def whole(self) -> dict[str, Any]:
        raw = "".join(self.arguments)
        return {**self.fields, "arguments": load_json(raw)} if raw else self.fields


def _key(index: Any) -> int | str:
    """What a step is known by; one that is numbered by nothing of use is known as the step without a number."""
    return index if isinstance(index, int | str) else ""


def _read_usage(usage: Mapping[str, Any]) -> Usage:
    thoughts = count(usage.get("total_thought_tokens"))
    return Usage(
        input_tokens=count(usage.get("total_input_tokens")) + count(usage.get("total_tool_use_tokens")),
        output_tokens=count(usage.get("total_output_tokens")) + thoughts,
        cached_tokens=count(usage.get("total_cached_tokens")),
        reasoning_tokens=thoughts,
    )
