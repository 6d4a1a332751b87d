"""Spans and metrics of runs, made of their events. Imports OpenTelemetry: only `Telemetry` imports this."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from .._version import __version__
from ..events import Event
from ..messages import Message
from ..plain import one_line
from ..redaction import redact, redact_line
from .conventions import (
    DURATION_BUCKETS,
    TOKEN_BUCKETS,
    USAGE,
    as_json,
    finish_reason,
    input_message,
    output_message,
    provider_name,
)

__all__ = ["Spans"]

MILLISECOND = 1_000_000  # nanoseconds

Attributes = dict[str, Any]


@dataclass(slots=True)
class _Chat:
    """An answer on its way. `attributes` are those that its metrics have too."""

    span: Span
    started: int
    attributes: Attributes
    usage: Mapping[str, Any] | None = None


@dataclass(slots=True)
class _Run:
    """A run on its way: its span, and those within it that are open."""

    span: Span
    #: The time of its newest event, in nanoseconds. No span within begins before the one around it.
    now: int
    #: What all spans of the run say.
    common: Attributes
    parent: str | None
    chat: _Chat | None = None
    tools: dict[str, tuple[Span, int]] = field(default_factory=dict)
    #: The messages of this run so far, as JSON; only where content is wanted.
    said: list[str] = field(default_factory=list)
    answer: Message | None = None

    def clock(self, event: Event) -> int:
        self.now = max(self.now, event.ts_ms * MILLISECOND)
        return self.now


class Spans:
    """Hears events, of any number of runs on any threads, those of one run in their order."""

    def __init__(self, tracer_provider: Any, meter_provider: Any, *, content: bool) -> None:
        self._tracer = trace.get_tracer("alloy_nb", __version__, tracer_provider)
        meter = metrics.get_meter("alloy_nb", __version__, meter_provider)
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=TOKEN_BUCKETS,
        )
        self._duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            "s",
            "GenAI operation duration.",
            explicit_bucket_boundaries_advisory=DURATION_BUCKETS,
        )
        self._content = content
        self._runs: dict[str, _Run] = {}

    def hear(self, event: Event) -> None:
        if event.type == "run_start":
            self._begin(event)
        elif (run := self._runs.get(event.run_id)) is not None:
            run.clock(event)
            _HANDLERS[event.type](self, run, event)

    # -- the run --------------------------------------------------------------------------------------------------

    def _begin(self, event: Event) -> None:
        payload = event.payload
        if (before := self._runs.pop(event.run_id, None)) is not None:
            self._close(before, "_OTHER", "another run of the same id began")
        parent = payload.get("parent")
        # The caller's own span is current on whichever thread this is: a run keeps the context it was made in.
        around = self._around(parent) if parent else otel_context.get_current()
        name = event.agent.rpartition("/")[2] if event.agent else None
        common: Attributes = {}
        own = None if event.correlation_id == event.run_id else event.correlation_id
        if (conversation := payload.get("session") or own) is not None:
            common["gen_ai.conversation.id"] = conversation
        attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.provider.name": provider_name(payload["provider"]),
            "gen_ai.request.model": payload["model"],
            "alloy.run_id": event.run_id,
            **common,
        }
        if name is not None:
            attributes["gen_ai.agent.name"] = name
        now = max(time.time_ns(), event.ts_ms * MILLISECOND)
        span = self._tracer.start_span(_named("invoke_agent", name), around, SpanKind.INTERNAL, attributes, None, now)
        run = _Run(span, now, common, parent and parent["run_id"])
        if self._content and payload["prompt"]:
            self._note(run, Message.user(payload["prompt"]))
            span.set_attribute("gen_ai.input.messages", _listed(run.said))
        self._runs[event.run_id] = run

    def _around(self, parent: Mapping[str, str]) -> Context:
        """The call that an inner run works for."""
        run = self._runs.get(parent["run_id"])
        if run is None:
            return otel_context.get_current()
        span, _ = run.tools.get(parent["call_id"], (run.span, 0))
        return trace.set_span_in_context(span)

    def _run_end(self, run: _Run, event: Event) -> None:
        payload = event.payload
        self._runs.pop(event.run_id, None)
        for run_id, inner in tuple(self._runs.items()):
            if inner.parent == event.run_id:  # its end was not told: it was given up with its call
                self._runs.pop(run_id, None)
                self._close(inner, "_OTHER", "the run around it ended")
        run.now = max(run.now, time.time_ns())
        run.span.set_attributes({**_counts(payload["usage"]), "alloy.status": payload["status"]})
        if payload.get("cost") is not None:
            run.span.set_attribute("alloy.cost_usd", payload["cost"])
        if self._content and run.answer is not None:
            run.span.set_attribute("gen_ai.output.messages", as_json([output_message(run.answer)]))
        failed = payload["status"] in ("error", "halted", "cancelled")
        # What does not match an output type quotes the answer.
        quotes = payload.get("error_type") == "OutputError" and not self._content
        self._close(run, payload["error_type"] if failed else None, None if quotes else payload["error"])

    def _close(self, run: _Run, error_type: str | None, description: str | None) -> None:
        """End a run's span, and before it those within it that are open."""
        if run.chat is not None:
            self._end_chat(run, run.chat, error_type or "_OTHER", description)
        for span, _ in run.tools.values():
            _end(span, run.now, error_type or "_OTHER", None)
        run.tools.clear()
        _end(run.span, run.now, error_type, description)

    # -- an answer ------------------------------------------------------------------------------------------------

    def _turn_start(self, run: _Run, event: Event) -> None:
        payload = event.payload
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": provider_name(payload["provider"]),
            "gen_ai.request.model": payload["model"],
        }
        within = trace.set_span_in_context(run.span)
        everything = {**attributes, **run.common}
        span = self._tracer.start_span(
            _named("chat", payload["model"]), within, SpanKind.CLIENT, everything, None, run.now
        )
        if self._content:
            span.set_attribute("gen_ai.input.messages", _listed(run.said))
        run.chat = _Chat(span, run.now, attributes)

    def _retry(self, run: _Run, event: Event) -> None:
        if run.chat is not None:
            run.chat.span.add_event("alloy.retry", _plain(event.payload), run.now)

    def _fallback(self, run: _Run, event: Event) -> None:
        """Another model is asked: from here on the span is that one's."""
        if run.chat is None:
            return
        run.chat.span.add_event("alloy.fallback", _plain(event.payload), run.now)
        provider, _, model = event.payload["to"].partition(":")
        asked = {"gen_ai.provider.name": provider_name(provider), "gen_ai.request.model": model}
        run.chat.attributes |= asked
        run.chat.span.set_attributes(asked)
        run.chat.span.update_name(_named("chat", model))

    def _usage(self, run: _Run, event: Event) -> None:
        if run.chat is not None:
            run.chat.usage = event.payload
            run.chat.span.set_attributes(_counts(event.payload))
            if event.payload.get("cost") is not None:
                run.chat.span.set_attribute("alloy.cost_usd", event.payload["cost"])

    def _message(self, run: _Run, event: Event) -> None:
        message: Message = event.payload
        if message.role == "assistant" and run.chat is not None:
            self._answer(run, run.chat, message)
        if self._content:
            self._note(run, message)

    def _answer(self, run: _Run, chat: _Chat, message: Message) -> None:
        run.answer = message
        told: Attributes = {"gen_ai.response.finish_reasons": [finish_reason(message)]}
        if message.model:
            told["gen_ai.response.model"] = chat.attributes["gen_ai.response.model"] = message.model
        if self._content:
            told["gen_ai.output.messages"] = as_json([output_message(message)])
        chat.span.set_attributes(told)
        if not message.partial:  # of one that was cut, the run's end says why
            self._end_chat(run, chat, None, None)

    def _end_chat(self, run: _Run, chat: _Chat, error_type: str | None, description: str | None) -> None:
        run.chat = None
        within = trace.set_span_in_context(chat.span)
        if chat.usage is not None:
            for kind in ("input", "output"):
                attributes = {**chat.attributes, "gen_ai.token.type": kind}
                self._tokens.record(chat.usage[f"{kind}_tokens"], attributes, within)
        if error_type is not None:
            chat.attributes["error.type"] = error_type
        self._duration.record((run.now - chat.started) / 1e9, chat.attributes, within)
        _end(chat.span, run.now, error_type, description)

    # -- its tools ------------------------------------------------------------------------------------------------

    def _tool_start(self, run: _Run, event: Event) -> None:
        payload = event.payload
        name = one_line(payload["name"], 100)
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": name,
            "gen_ai.tool.call.id": payload["id"],
            "gen_ai.tool.type": "function",
            **run.common,
        }
        if self._content:
            attributes["gen_ai.tool.call.arguments"] = as_json(payload["input"])
        within = trace.set_span_in_context(run.span)
        span = self._tracer.start_span(
            _named("execute_tool", name), within, SpanKind.INTERNAL, attributes, None, run.now
        )
        run.tools[payload["id"]] = span, run.now

    def _tool_end(self, run: _Run, event: Event) -> None:
        payload = event.payload
        if payload["id"] not in run.tools:
            return
        span, started = run.tools.pop(payload["id"])
        # What is quick ends in the millisecond in which it began.
        run.now = max(run.now, started + int(payload["duration_ms"] * MILLISECOND))
        error = payload["error"]
        if self._content:
            span.set_attribute("gen_ai.tool.call.result", redact(payload["output"]))
        error_type = None if error is None else "ToolError" if payload["executed"] else "Refused"
        _end(span, run.now, error_type, error if self._content else None)

    def _approval(self, run: _Run, event: Event) -> None:
        payload = event.payload
        told = {"gen_ai.tool.call.id": payload["id"], "gen_ai.tool.name": one_line(payload["name"], 100)}
        if event.type == "approval_result":
            told |= {"alloy.allowed": payload["allowed"], "alloy.by": payload["by"]}
        run.span.add_event(f"alloy.{event.type}", told, run.now)

    def _note(self, run: _Run, message: Message) -> None:
        run.said.append(as_json(input_message(message)))


_HANDLERS = {
    "turn_start": Spans._turn_start,
    "retry": Spans._retry,
    "fallback": Spans._fallback,
    "usage": Spans._usage,
    "message": Spans._message,
    "tool_start": Spans._tool_start,
    "tool_end": Spans._tool_end,
    "approval_request": Spans._approval,
    "approval_result": Spans._approval,
    "run_end": Spans._run_end,
}

#: The types of events that are heard.
HEARD = frozenset({"run_start", *_HANDLERS})


def _named(operation: str, what: str | None) -> str:
    return f"{operation} {what}" if what else operation


def _listed(said: list[str]) -> str:
    return f"[{', '.join(said)}]"


def _counts(usage: Mapping[str, Any]) -> Attributes:
    return {name: usage[ours] for ours, name in USAGE.items() if usage.get(ours) is not None}


def _plain(payload: Mapping[str, Any]) -> Attributes:
    return {f"alloy.{name}": value for name, value in payload.items() if isinstance(value, str | int | float)}


def _end(span: Span, at: int, error_type: str | None, description: str | None) -> None:
    if error_type is not None:
        span.set_attribute("error.type", error_type)
        span.set_status(Status(StatusCode.ERROR, description and redact_line(description, 1000)))
    span.end(at)
