"""A message on one line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .redaction import redact_line

if TYPE_CHECKING:
    from .messages import Message, ToolCall

__all__ = ["in_brief"]

#: Characters of the words, and of a call.
_WORDS, _CALL = 80, 60
#: How many calls of a message are told one by one.
_MOST_CALLS = 4


def in_brief(message: Message) -> str:
    """A message on one line: who said it, how it begins, what else it holds.

    >>> from alloy_nb.messages import Message
    >>> in_brief(Message.user("Hello"))
    'user: Hello'
    """
    words = redact_line(message.text, 10**6)
    parts = [words if len(words) <= _WORDS else f"{words[:_WORDS]}..."] if words else []
    parts += _several("tool_use", [_call_in_brief(call) for call in message.tool_calls])
    results = message.tool_results
    parts += _several("tool_result", [f"{it.name}{' failed' * it.is_error}".strip() for it in results])
    others = {type(part).__name__.lower() for part in message.parts}
    parts += [f"[{kind}]" for kind in sorted(others & {"image", "audio", "document"})]
    return f"{message.role}: {' '.join(parts) or '[...]'}"


def _call_in_brief(call: ToolCall) -> str:
    """Its name and the argument that matters, as its line shows it; where none does, all that it was given."""
    from .render.drafts import key_of

    all_of_it = json.dumps(dict(call.input), ensure_ascii=False, default=repr) if call.input else call.raw or ""
    return redact_line(f"{call.name} {key_of(call.input) or all_of_it}".strip(), _CALL)


def _several(kind: str, told: Sequence[str]) -> list[str]:
    """One pair of brackets for all of a kind, or none."""
    if not told:
        return []
    shown = [redact_line(it, _CALL) for it in told[:_MOST_CALLS] if it]
    more = [f"and {len(told) - _MOST_CALLS} more"] if len(told) > _MOST_CALLS else []
    return [f"[{kind}: {', '.join([*shown, *more])}]" if shown else f"[{kind}]"]
