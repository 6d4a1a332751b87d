"""What a list shows of a session: stores keep it beside the records, so that a list need not read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..plain import one_line
from ..session import SessionInfo

__all__ = ["Summary", "infos_of"]

#: How much of the first question is the title of a conversation, in characters.
TITLE = 80


@dataclass(frozen=True, slots=True)
class Summary:
    """A conversation in a list: how many records it has, and what they say of it.

    >>> said = {"kind": "message", "message": {"role": "user", "parts": [{"type": "text", "text": "Hello"}]}}
    >>> Summary().after([said, {"kind": "something else"}])
    Summary(records=2, title='Hello', model='', messages=1)
    """

    records: int = 0
    title: str = ""
    model: str = ""
    messages: int = 0

    def after(self, records: Sequence[Mapping[str, Any]]) -> Summary:
        """With some more records. Never raises: a store takes whatever it is given."""
        title, model, messages = self.title, self.model, self.messages
        for record in records:
            kind, message, to = record.get("kind"), record.get("message"), record.get("to")
            if kind == "message" and isinstance(message, Mapping):
                messages += 1
                title = title or (_first_words(message) if message.get("role") == "user" else "")
                model = one_line(message["model"]) if isinstance(message.get("model"), str) else model
            elif kind == "cut" and isinstance(to, int) and 0 <= to < messages:
                messages, title = to, title if to else ""
        return Summary(self.records + len(records), title, model, messages)


def _first_words(message: Mapping[str, Any]) -> str:
    parts = message.get("parts")
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)] if isinstance(parts, list) else []
    return one_line(next((text for text in texts if isinstance(text, str) and text.strip()), "")[:2000], TITLE)


def infos_of(rows: Iterable[Sequence[Any]]) -> list[SessionInfo]:
    """Rows of a table of sessions as a list shows them: name, when made and changed (ISO texts), then the summary."""
    return [
        SessionInfo(name, datetime.fromisoformat(created), datetime.fromisoformat(updated), *summary)
        for name, created, updated, *summary in rows
    ]
