"""What stores that keep records as lines of JSON have in common."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import SessionConflict, SessionError
from ..plain import one_line

__all__ = ["check_count", "from_lines", "is_plain", "refuse_newer", "to_lines"]


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
        happened = "has grown" if count > after else "was deleted"
        raise SessionConflict(f"session {one_line(session_id, 60)!r} {happened} since it was opened here")


def refuse_newer(where: object, form: int, newest: int) -> None:
    """Raise `SessionError` for tables of a later form than is known here."""
    if form > newest:
        raise SessionError(f"{where} was written by a newer alloy_nb (schema {form})", hint="upgrade alloy-nb")


def is_plain(text: str) -> bool:
    """Whether `text` stands in a line of JSON as it is, and databases agree on its upper and lower case.

    >>> is_plain("a fox"), is_plain('a "fox"'), is_plain("Füchse")
    (True, False, False)
    """
    return text.isascii() and text.isprintable() and not set(text) & set('"\\')
