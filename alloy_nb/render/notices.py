"""What a run tells beside its answer, in words: a pause, another model, an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from .clean import shown
from .values import Error, Notice

__all__ = ["CUT", "NOTICES", "error_of", "names_whom", "notice_of"]

#: Said of an answer that ends where the model may say no more.
CUT = Notice("cut", "the answer was cut at the model's limit of tokens")


def notice_of(kind: str, payload: Mapping[str, Any]) -> Notice:
    """The block for an event of a kind that `NOTICES` names.

    >>> notice_of("handoff", {"from": "lead", "to": "critic"}).text
    'handed from lead to critic'
    """
    delay = payload.get("delay_s")
    seconds = float(delay) if isinstance(delay, int | float) else None
    return Notice("pause" if _is_pause(kind, payload) else kind, shown(NOTICES[kind](payload)), seconds)


def error_of(payload: Mapping[str, Any]) -> Error:
    """The error that a run ended with, by the payload of its `run_end`."""
    error = payload["error"]
    facts = error if isinstance(error, Mapping) else {"message": error}
    kind = facts.get("type") or payload.get("error_type") or ""
    hint = facts.get("hint") or payload.get("hint") or ""
    return Error(shown(str(kind)), shown(str(facts.get("message") or "")), shown(str(hint)))


def _is_pause(type: str, payload: Mapping[str, Any]) -> bool:
    """Nothing was tried in this run: the service asked for a pause before."""
    return type == "retry" and payload.get("attempt") == 0


def _retry_text(payload: Mapping[str, Any]) -> str:
    if _is_pause("retry", payload):
        return str(payload.get("reason") or "the service asked for a pause")
    return f"attempt {payload.get('attempt', '?')} failed: {payload.get('reason') or 'no reason given'}"


def _fallback_text(payload: Mapping[str, Any]) -> str:
    return f"{payload.get('from')} failed, going on with {payload.get('to')}: {payload.get('reason') or ''}".rstrip(
        ": "
    )


_COMPACTED = {
    "summary": "earlier messages were summed up to save room",
    "left_out": "the oldest messages are not sent any more, to save room",
}


def _compaction_text(payload: Mapping[str, Any]) -> str:
    what = _COMPACTED.get(str(payload.get("kind")), "earlier messages were shortened")
    told = f"{what}: {payload.get('before_tokens')} → {payload.get('after_tokens')} tokens"
    return f"{told} (no summary: {payload['problem']})" if payload.get("problem") else told


#: What is said of each kind of event.
NOTICES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "retry": _retry_text,
    "fallback": _fallback_text,
    "dropped_option": lambda payload: f"`{payload.get('name')}` is not known to {payload.get('model')}: left out",
    "compaction": _compaction_text,
    "handoff": lambda payload: f"handed from {payload.get('from')} to {payload.get('to')}",
}


def names_whom(tool: str, to: str) -> bool:
    """Whether the name of a tool says already to whom it hands the conversation over.

    >>> names_whom("transfer_to_my_critic", "my critic"), names_whom("escalate", "critic")
    (True, False)
    """
    spelt = re.sub(r"[^A-Za-z0-9_-]+", "_", to)
    return bool(spelt.strip("_")) and tool.endswith(f"_{spelt}")
