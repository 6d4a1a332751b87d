"""The event envelope: one shape for everything that a run tells."""

from __future__ import annotations

import time
from typing import Any, Final, NamedTuple

__all__ = ["EVENT_VERSION", "Event"]

EVENT_VERSION: Final = 1


class Event(NamedTuple):
    """One thing that happened in a run.

    | type | payload |
    |---|---|
    | `run_start` | `{prompt, model, provider}`; perhaps `session` (its id), `parent`, `context`, `skills`; see below |
    | `turn_start` | `{model, provider}`: who is asked first; a `fallback` tells of another one |
    | `text_delta`, `thinking_delta` | the chunk, a `str` |
    | `tool_call_delta` | `{id, name, delta}`: the text of arguments as it arrives |
    | `tool_start` / `tool_progress` | `{id, name, input}` / `{id, message, fraction}` |
    | `tool_end` | `{id, name, duration_ms, error, output, structured, executed, rich}`; see below |
    | `approval_request` | `{id, name, input, reason}` |
    | `approval_result` | `{id, name, allowed, reason, by, remember}` |
    | `retry` / `fallback` / `dropped_option` | `{attempt, delay_s, reason}` / `{from, to, reason}` / `{name, model}` |
    | `compaction` | `{before_tokens, after_tokens, messages, kind, omitted}`; see below |
    | `usage` | `{input_tokens, output_tokens, cached_tokens, reasoning_tokens, cost}`, of one provider call |
    | `message` | the finished `Message` |
    | `handoff` | `{from, to}`: another agent answers from here on |
    | `run_end` | `{status, error, error_type, hint, turns, usage, cost, output}`: one a `run_id`, its last |

    A call that is not `executed` never ran. `rich`, where there is any, lists the pictures and tables that a tool
    gave to be shown: ``{"image": base64, "mime": "image/png"}`` (or jpeg, gif, webp), ``{"table": {"columns", "rows",
    "more", "numeric"}}`` with strings in its cells and `more` the rows left out, and ``{"words": text}`` in place of
    one that is not shown.

    A `compaction` tells that so many `messages` of the conversation are sent shorter or not at all from now on: its
    `kind` is ``"shortened"``, ``"left_out"`` or ``"summary"``, `omitted` how many are not sent in all; the tokens are
    estimates. `problem` says why there is no summary where one was wanted.

    `output`, where an answer of a type was asked for and came, is `{type, json}`: the type's name, and the answer as
    JSON text with a line for each value.

    `context` lists the names of the context files that went in, `skills` those of the skills that are offered.

    A team's stream tells what happens to its members besides, with the `run_id` ``""``: `member_added`,
    `member_removed`, `crash`, `restart`, `down`, `abandoned`, each with the member's `name`. The `run_start` of a
    broadcast or a hand-off of a team says `kind` and `agents`.

    A run within a tool call of another one has `parent: {run_id, call_id}`.

    `seq` counts 1, 2, 3 … in the stream it is read from; `run_id` names the run it belongs to, `agent` the path of
    the agent (``"lead/research"``), `origin_seq` a child's own number when its event was forwarded by a parent.

    >>> Event.from_dict(Event(1, "r1", "text_delta", "Hi", ts_ms=5).to_dict()).payload
    'Hi'
    """

    seq: int
    run_id: str
    type: str
    payload: Any
    turn: int = 0
    ts_ms: int = 0
    correlation_id: str | None = None
    agent: str | None = None
    origin_seq: int | None = None
    v: int = EVENT_VERSION

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, with the type under the key ``event``. A `Message` payload becomes its own JSON form."""
        payload = self.payload
        if hasattr(payload, "to_dict"):
            payload = payload.to_dict()
        return {
            "v": self.v,
            "seq": self.seq,
            "run_id": self.run_id,
            "correlation_id": self.correlation_id,
            "turn": self.turn,
            "ts_ms": self.ts_ms,
            "event": self.type,
            "payload": payload,
            "agent": self.agent,
            "origin_seq": self.origin_seq,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Event:
        """Read what `to_dict` wrote; unknown keys are passed over."""
        from .messages import Message

        payload = data.get("payload")
        if data.get("event") == "message" and isinstance(payload, dict):
            payload = Message.from_dict(payload)
        return cls(
            seq=data["seq"],
            run_id=data["run_id"],
            type=data["event"],
            payload=payload,
            turn=data.get("turn") or 0,
            ts_ms=data.get("ts_ms") or 0,
            correlation_id=data.get("correlation_id"),
            agent=data.get("agent"),
            origin_seq=data.get("origin_seq"),
            v=data.get("v", EVENT_VERSION),
        )


def now_ms() -> int:
    """Wall-clock milliseconds, as every `ts_ms` counts them."""
    return time.time_ns() // 1_000_000
