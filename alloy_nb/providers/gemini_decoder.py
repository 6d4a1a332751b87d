"""From a generateContent answer to deltas: the events of a stream, or a whole body."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..errors import AuthError, BadRequestError, ProviderError, StreamError
from ..messages import Audio, Image, Opaque
from ..usage import Usage
from ._failures import make_error
from ._fields import count, items, mapping
from .base import Delta, Done, StopReason, TextDelta, ThinkingDelta, ToolCallDelta, UsageDelta, WholePart
from .gemini_arguments import StreamedArguments

__all__ = ["GeminiDecoder", "read_media", "read_usage"]

_STOP_REASONS: dict[str, StopReason] = {
    "STOP": "end_turn",
    "NO_IMAGE": "end_turn",
    "MAX_TOKENS": "max_tokens",
    "CONTINUATION": "max_tokens",
    **dict.fromkeys(
        (
            *("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR"),
            *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "IMAGE_OTHER", "ESCALATION", "OTHER"),
        ),
        "content_filter",
    ),
}
#: Answers that are none, unless a call that can be read came with them.
_FAULTS: dict[str, tuple[type[ProviderError], str]] = {
    "MALFORMED_FUNCTION_CALL": (StreamError, "the model wrote a tool call that cannot be read"),
    "MALFORMED_RESPONSE": (StreamError, "the model wrote an answer that cannot be read"),
    "UNEXPECTED_TOOL_CALL": (StreamError, "the model called a tool that it does not have"),
    "TOO_MANY_TOOL_CALLS": (StreamError, "the service's own tools were called too often, without an answer"),
    "MISSING_THOUGHT_SIGNATURE": (BadRequestError, "a signature of earlier thinking is missing"),
    "PUP_LIMITED_DISABLED": (AuthError, "the account is limited or disabled"),
}
#: Some gateways send the number of a reason; above these they mean different things at different services.
_NUMBERS = ("", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION")
_UNSPECIFIED = "FINISH_REASON_UNSPECIFIED"
_CUT = "the answer ended before it was complete"

#: What is said of an answer as a whole, kept with it and never sent back. The last one counts.
_ABOUT = ("groundingMetadata", "urlContextMetadata", "citationMetadata")
_PICTURES: dict[str, type[Image] | type[Audio]] = {"image": Image, "audio": Audio}


class GeminiDecoder:
    """Feed it each event, or the one body; `end` gives the `Done`.

    Text comes in increments. Only the first candidate is read, and read on after a finish reason: more may follow.
    Signatures are kept beside the exact part that they came with, as opaque parts of `provider`.

    >>> decoder = GeminiDecoder()
    >>> event = {"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]}
    >>> [*decoder.feed(event), *decoder.end()]
    [TextDelta(text='Hi', block=0), Done(stop_reason='end_turn', model=None)]
    """

    def __init__(self, *, provider: str = "google", classify: Callable[[Any], ProviderError] | None = None) -> None:
        self._provider = provider
        self._classify = classify or (lambda body: make_error(None, {}, body))
        self._model: str | None = None
        self._finish: str | None = None
        self._finish_message = ""
        self._usage: Any = None
        self._about: dict[str, Any] = {}
        self._blocked = False
        self._block = 0
        self._calls = 0
        self._open: StreamedArguments | None = None

    def feed(self, event: Mapping[str, Any]) -> Iterator[Delta]:
        """The deltas of one event. An error that the service put there is raised as what it is."""
        if event.get("error"):
            raise self._classify(event)
        if isinstance(model := event.get("modelVersion"), str):
            self._model = model or self._model
        feedback = event.get("promptFeedback")
        if isinstance(feedback, Mapping) and feedback.get("blockReason"):
            self._blocked = True
            self._about["promptFeedback"] = feedback
        candidate = _first(event.get("candidates"))
        if candidate is not None:
            yield from self._candidate(candidate)
        usage = event.get("usageMetadata")
        # It comes with each event, and before the end often without a single count.
        if isinstance(usage, Mapping) and usage != self._usage and "totalTokenCount" in usage:
            self._usage = usage
            yield UsageDelta(read_usage(usage))

    def end(self) -> Iterator[Delta]:
        finish = self._finish
        reason = _STOP_REASONS.get(finish or "", "end_turn")
        yield from self._close(cut=reason == "max_tokens")
        if finish is None and not self._blocked:
            raise StreamError(_CUT)
        if finish in _FAULTS and not self._calls:
            raise self._fault(finish)
        if self._about:
            yield WholePart(Opaque(self._provider, {"type": "about", **self._about}))
        if finish is None:
            reason = "content_filter"
        yield Done("tool_use" if self._calls and reason == "end_turn" else reason, self._model)

    def _fault(self, finish: str) -> ProviderError:
        cls, message = _FAULTS[finish]
        detail = f": {self._finish_message[:500]}" if self._finish_message else ""
        return cls(f"{message} ({finish}){detail}", hint="try again, or say it more simply")

    def _candidate(self, candidate: Mapping[str, Any]) -> Iterator[Delta]:
        for part in items(mapping(candidate.get("content")).get("parts")):
            if isinstance(part, Mapping):
                yield from self._part(part)
        finish = candidate.get("finishReason")
        if isinstance(finish, int) and 0 <= finish < len(_NUMBERS):
            finish = _NUMBERS[finish]
        if isinstance(finish, str) and finish not in ("", _UNSPECIFIED):
            self._finish = finish
        if isinstance(message := candidate.get("finishMessage"), str):
            self._finish_message = message
        for name in _ABOUT:
            if about := candidate.get(name):
                self._about[name] = about

    def _part(self, part: Mapping[str, Any]) -> Iterator[Delta]:
        signature = part.get("thoughtSignature")
        signature = signature if isinstance(signature, str) and signature else None
        if isinstance(call := part.get("functionCall"), Mapping):
            yield from self._call(call, signature)
            return
        text = part.get("text")
        if isinstance(text, str) and (text or not _says_more(part)):
            yield from self._words(text, signature, thought=part.get("thought") is True)
            return
        if not _says_more(part):
            if signature:
                yield self._own({"text": "", "thoughtSignature": signature})
            return
        media = None
        # Drafts that belong to the thinking are no part of the answer.
        if isinstance(inline := part.get("inlineData"), Mapping) and part.get("thought") is not True:
            media = read_media(inline.get("mimeType"), inline.get("data"))
        if media is None:
            yield self._own(part)
            return
        yield WholePart(media)
        if signature:
            yield self._amended(signature)

    def _words(self, text: str, signature: str | None, *, thought: bool) -> Iterator[Delta]:
        if signature is None:
            if text:
                yield ThinkingDelta(text, None, self._block) if thought else TextDelta(text, self._block)
        elif thought:
            self._block += 2
            yield ThinkingDelta(text, signature, self._block - 1)
        elif text:
            # What is signed is a part of its own, and stays it.
            self._block += 2
            yield TextDelta(text, self._block - 1)
            yield self._amended(signature)
        else:
            yield self._own({"text": "", "thoughtSignature": signature})

    def _call(self, call: Mapping[str, Any], signature: str | None) -> Iterator[Delta]:
        """A whole call; or, where arguments are streamed, its name first and then, without a name, pieces of them."""
        name, goes_on, pieces = call.get("name"), call.get("willContinue") is True, call.get("partialArgs")
        if isinstance(name, str) and name:
            yield from self._close()
            call_id = call.get("id")
            call_id = call_id if isinstance(call_id, str) else None
            args = call.get("args")
            self._calls += 1
            whole = not goes_on and not pieces
            yield ToolCallDelta(self._calls, call_id, name, _as_json(args) if whole else "")
            if not whole:
                self._open = StreamedArguments(args)
        if signature and self._calls:
            yield self._amended(signature)
        if self._open is not None:
            self._open.feed(pieces)
            if not goes_on:
                yield from self._close()

    def _close(self, *, cut: bool = False) -> Iterator[Delta]:
        """The arguments of the call that is being streamed; its last piece may never have come."""
        if self._open is not None:
            arguments = self._open.json(cut=cut)
            self._open = None
            yield ToolCallDelta(self._calls, arguments=arguments)

    def _own(self, part: Mapping[str, Any]) -> WholePart:
        return WholePart(Opaque(self._provider, {"type": "part", "part": part}))

    def _amended(self, signature: str) -> WholePart:
        return WholePart(Opaque(self._provider, {"thoughtSignature": signature}))


def _first(candidates: Any) -> Mapping[str, Any] | None:
    for candidate in items(candidates):
        if isinstance(candidate, Mapping) and not candidate.get("index"):
            return candidate
    return None


def _says_more(part: Mapping[str, Any]) -> bool:
    """Whether there is more in it than words."""
    return any(name not in ("text", "thought", "thoughtSignature") for name in part)


def read_media(mime_type: Any, data: Any) -> Image | Audio | None:
    """A picture or a sound; None for what is neither."""
    cls = _PICTURES.get(mime_type.partition("/")[0]) if isinstance(mime_type, str) else None
    if cls is None or not isinstance(data, str):
        return None
    try:
        return cls(str(mime_type), base64.b64decode(data, validate=True))
    except ValueError:
        return None


def _as_json(args: Any) -> str:
    return "" if args is None else json.dumps(args, ensure_ascii=False)


def read_usage(usage: Mapping[str, Any]) -> Usage:
    """Thinking is counted beside the answer, and what the service's own tools read beside the prompt.

    >>> read_usage({"promptTokenCount": 7, "candidatesTokenCount": 2, "thoughtsTokenCount": 3})
    Usage(input_tokens=7, output_tokens=5, cached_tokens=0, cache_write_tokens=0, reasoning_tokens=3)
    """
    thoughts = count(usage.get("thoughtsTokenCount"))
    return Usage(
        input_tokens=count(usage.get("promptTokenCount")) + count(usage.get("toolUsePromptTokenCount")),
        output_tokens=count(usage.get("candidatesTokenCount")) + thoughts,
        cached_tokens=count(usage.get("cachedContentTokenCount")),
        reasoning_tokens=thoughts,
    )
