"""Runs as OpenTelemetry sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from ..keywords import keywords_told
from .base import Middleware
from .hearing import Hearing

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from ..events import Event

__all__ = ["Telemetry"]


@keywords_told
class Telemetry(Middleware):
    """Traces and metrics by OpenTelemetry's semantic conventions for generative AI.

    A run is a span ``invoke_agent {name}``, in it ``chat {model}`` for each answer and ``execute_tool {name}`` for
    each call; an agent that works for a call is a span within that call's. The outermost is a child of the span that
    was current where the run was made. Retries, fallbacks and questions are events of spans. An error, a halt and a
    stop are a span's status, with the class of the error in ``error.type`` (``ToolError`` for a tool that failed,
    ``Refused`` for one that was not let run). Metrics are ``gen_ai.client.token.usage`` and
    ``gen_ai.client.operation.duration``, of each answer. ``gen_ai.conversation.id`` is the agent's session, else
    the run's `correlation_id`, where the caller gave one.

    Prompts, answers, arguments and results are recorded only with `content`: those of this run, not of the
    conversation that it went on with, without known secrets, and without pictures. What `Redact` takes out of what is
    sent is in them.

    Without providers the global ones are used, which export nothing until they are set up. Spans that a tool makes by
    itself are children of the caller's span, not of the tool's. Raises `ConfigError` when OpenTelemetry is not
    installed.
    """

    def __init__(
        self,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        *,
        content: bool = False,
    ) -> None:
        try:
            from .spans import HEARD, Spans
        except ModuleNotFoundError as error:
            raise ConfigError(
                "Telemetry needs OpenTelemetry, which is not installed",
                hint="pip install opentelemetry-api, or alloy-nb with its extra: pip install '.[otel]'",
            ) from error
        self._heard = HEARD
        self._hearing = Hearing()
        self._content = content
        self._spans: Any = Spans(tracer_provider, meter_provider, content=content)

    def __repr__(self) -> str:
        return f"Telemetry(content={self._content})"

    def on_event(self, event: Event) -> None:
        if event.type in self._heard and self._hearing.takes(event):
            self._spans.hear(event)
