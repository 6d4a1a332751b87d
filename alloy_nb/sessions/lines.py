"""What stores that keep records as lines of JSON have in common."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import SessionConflict, SessionError
from ..plain import one_line

__all__ = ["Summary", "check_count", "from_lines", "is_plain", "to_lines"]

#: How much of the first question is the title of a conversation, in characters.
TITLE = 80


def to_lines(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Each record as a line of JSON, in which any character may be, half ones too.

    >>> to_lines([{"n": 1, "said": "é"}])
    ['{"n": 1, "said": "é"}']
    """
    return [_to_line(record) for record in records]


def _to_line(record: Mapping[str, Any]) -> str:
    line = json.dumps(record, ensure_ascii=False, default=str)
    try:
        line.encode()
    except UnicodeEncodeError:  # half a character: no database takes it as it is
        return json.dumps(record, default=str)
    return line


def from_lines(lines: Iterable[str], session_id: str, where: object) -> list[dict[str, Any]]:
    """The records again; a `SessionError` for what is none. `where` says which store it is."""
    try:
        return [json.loads(line) for line in lines]
    except (ValueError, RecursionError) as error:
        raise SessionError(
            f"session {one_line(session_id, 60)!r} in {where} cannot be read: {error}",
            hint="its records were changed by something else; delete it, or name another session",
        ) from error


def check_count(session_id: str, after: int | None, count: int) -> None:
    """Raise `SessionConflict` unless there are `after` records (None: any number)."""
    if after is not None and after != count:
        raise SessionConflict(f"session {one_line(session_id, 60)!r} has grown since it was opened here")


def is_plain(text: str) -> bool:
    """Whether `text` stands in a line of JSON as it is, and databases agree on its upper and lower case.

    >>> is_plain("a fox"), is_plain('a "fox"'), is_plain("Füchse")
    (True, False, False)
    """
    return text.isascii() and text.isprintable() and not set(text) & set('"\\')


@dataclass(frozen=True, slots=True)
class Summary:
    """What a list shows of a conversation, kept beside its records so that a list need not read them.

    >>> said = {"kind": "message", "message": {"role": "user", "parts": [{"type": "text", "text": "Hello"}]}}
    >>> Summary().after([said, {"kind": "something else"}])
    Summary(title='Hello', model='', messages=1)
    """

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
        return Summary(title, model, messages)


def _first_words(message: Mapping[str, Any]) -> str:
    parts = message.get("parts")
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)] if isinstance(parts, list) else []
    return one_line(next((text for text in texts if isinstance(text, str) and text.strip()), "")[:2000], TITLE)
