"""A conversation as Markdown: to be read, printed, or put into a report."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from ..messages import Audio, Document, Image, Message, Part, Text, ToolCall, ToolResult
from ..plain import one_line, printable
from ..redaction import redact
from ..session import Session

__all__ = ["session_markdown"]

_WHO = {"user": "You", "assistant": "Model"}
#: How much of one call or result is shown, in characters; the JSON form has all.
_LONGEST = 4000


def session_markdown(session: Session) -> str:
    """Words, calls and their results, without thoughts; what a tool says stands in fences that it cannot close.

    >>> print(session_markdown(Session(id="fox", messages=(Message.user("Hello"), Message.assistant("Hi")))))
    # fox
    <BLANKLINE>
    ## You
    <BLANKLINE>
    Hello
    <BLANKLINE>
    ## Model
    <BLANKLINE>
    Hi
    <BLANKLINE>
    """
    parts = [f"# {_inline(session.id)}"]
    last = ""
    for message in session.messages:
        told = list(_told(message))
        who = "Tools" if told and message.tool_results and not message.text else _WHO.get(message.role, message.role)
        if told and who != last:
            parts.append(f"## {_inline(who)}")
            last = who
        parts += told
    return "\n\n".join(parts) + "\n"


def _told(message: Message) -> Iterator[str]:
    for part in message.parts:
        told = _part(part)
        if told:
            yield told


def _part(part: Part) -> str:
    match part:
        case Text(text):
            return redact(printable(text)).strip()
        case ToolCall():
            given = part.raw if part.raw is not None else json.dumps(dict(part.input), ensure_ascii=False, default=str)
            return f"Call of `{_inline(part.name)}`:\n\n{_fenced(given, 'json')}"
        case ToolResult():
            return f"{'Error' if part.is_error else 'Result'} of `{_inline(part.name)}`:\n\n{_fenced(part.text)}"
        case Image() | Audio() | Document():
            return f"*{type(part).__name__}, {_inline(part.mime_type)}*"
    return ""


def _inline(text: str) -> str:
    return redact(one_line(text, 100)).replace("`", "'")


def _fenced(text: str, language: str = "") -> str:
    text = redact(printable(text))
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}\n… {len(text) - _LONGEST:,} more characters"
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
