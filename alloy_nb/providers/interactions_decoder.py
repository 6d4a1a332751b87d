"""From an answer of Google's Interactions API to deltas: the events of a stream, or a whole body."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..errors import ProviderError, ServerError, StreamError
from ..messages import Opaque
from ..usage import Usage
from ._failures import make_error
from .base import Delta, Done, StopReason, TextDelta, ThinkingDelta, ToolCallDelta, UsageDelta, WholePart
from .gemini_decoder import count, read_media

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
        self._steps: dict[Any, dict[str, Any]] = {}
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
            interaction = event.get("interaction") if kind is not None else event
            yield from self._interaction(interaction if isinstance(interaction, Mapping) else {})

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

    def _start(self, index: Any, step: Any) -> Iterator[Delta]:
        if not isinstance(step, Mapping):
            return
        if step.get("error"):
            raise self._classify(step)
        self._seen += 1
        kind = step.get("type")
        # The step as far as it is known, with the place that its parts have in the answer.
        made = self._steps[index] = {**step, "": self._seen}
        if kind == "model_output":
            for content in _listed(step.get("content")):
                yield from self._content(made, content)
        elif kind == "thought":
            made["summary"] = []
            for content in _listed(step.get("summary")):
                yield from self._summary(made, content)
        elif kind == "function_call":
            self._called = True
            call_id, name = step.get("id"), step.get("name")
            yield ToolCallDelta(
                self._seen, call_id if isinstance(call_id, str) else None, name if isinstance(name, str) else None
            )

    def _delta(self, index: Any, delta: Any) -> Iterator[Delta]:
        made = self._steps.get(index)
        if made is None or not isinstance(delta, Mapping):
            return
        kind = delta.get("type")
        if kind == "arguments_delta":
            made["arguments"] = None  # they come piece by piece
            yield ToolCallDelta(made[""], arguments=str(delta.get("arguments") or ""))
        elif kind == "thought_summary":
            yield from self._summary(made, delta.get("content"))
        elif kind == "thought_signature":
            made["signature"] = delta.get("signature")
        elif kind == "text_annotation_delta":
            self._annotations += _listed(delta.get("annotations"))
        elif made.get("type") == "model_output":
            yield from self._content(made, delta)
        else:
            for name, value in delta.items():
                if name != "type":
                    both = isinstance(value, list) and isinstance(made.get(name), list)
                    made[name] = [*made[name], *value] if both else value

    def _stop(self, index: Any) -> Iterator[Delta]:
        made = self._steps.pop(index, None)
        if made is None:
            return
        place, kind = made.pop(""), made.get("type")
        if kind == "function_call":
            if arguments := made.get("arguments"):
                yield ToolCallDelta(place, arguments=json.dumps(arguments, ensure_ascii=False))
        elif kind != "model_output" and (kind != "thought" or made.get("signature")):
            yield WholePart(Opaque(self._provider, {"type": "step", "step": made}))

    def _content(self, made: Mapping[str, Any], content: Any) -> Iterator[Delta]:
        if not isinstance(content, Mapping):
            return
        text = content.get("text")
        if content.get("type") == "text":
            if isinstance(text, str) and text:
                yield TextDelta(text, made[""])
            self._annotations += _listed(content.get("annotations"))
        elif media := read_media(content.get("mime_type"), content.get("data")):
            yield WholePart(media)
        else:
            step = {"type": "model_output", "content": [content]}
            yield WholePart(Opaque(self._provider, {"type": "step", "step": step}))

    def _summary(self, made: Mapping[str, Any], content: Any) -> Iterator[Delta]:
        if not isinstance(content, Mapping):
            return
        made["summary"].append(content)
        text = content.get("text")
        if isinstance(text, str) and text:
            yield ThinkingDelta(text, None, made[""])


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _read_usage(usage: Mapping[str, Any]) -> Usage:
    thoughts = count(usage, "total_thought_tokens")
    return Usage(
        input_tokens=count(usage, "total_input_tokens") + count(usage, "total_tool_use_tokens"),
        output_tokens=count(usage, "total_output_tokens") + thoughts,
        cached_tokens=count(usage, "total_cached_tokens"),
        reasoning_tokens=thoughts,
    )
