"""What a tool gave to be looked at: pictures and tables, read strictly, since a record may come from anywhere."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from ..tools.rich import PICTURE_TYPES, picture_type
from .clean import shown

__all__ = ["ALL_PICTURES", "Picture", "Rich", "Table", "Words", "read_rich", "rich_to_dict", "table_rows"]

#: Pictures in one run, in characters of base64: what is beyond stays away, so that the notebook can be opened.
ALL_PICTURES = 4_000_000

_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture: `data` is base64, ``""`` where it was left out; `mime` is PNG, JPEG, GIF or WebP."""

    data: str
    mime: str


@dataclass(frozen=True, slots=True)
class Table:
    """The beginning of a table: rows of clean text, as many cells as `columns`; `more` rows were left out."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = ()
    more: int = 0
    numeric: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class Words:
    """Said in place of something that is not shown."""

    text: str


Rich = Picture | Table | Words


def rich_to_dict(item: Rich) -> dict[str, Any]:
    """The JSON form, as in the payload of a `tool_end` event."""
    match item:
        case Picture():
            return {"image": item.data, "mime": item.mime}
        case Table():
            rows = [list(row) for row in item.rows]
            table = {"columns": list(item.columns), "rows": rows, "more": item.more, "numeric": list(item.numeric)}
            return {"table": table}
        case Words():
            return {"words": item.text}


def read_rich(value: Any) -> tuple[Rich, ...]:
    """Read a list of what `rich_to_dict` wrote; what is not exactly that is left out.

    >>> read_rich([{"image": "PHN2Zz4=", "mime": "image/png"}, {"words": "left out"}])
    (Words(text='left out'),)
    """
    if not isinstance(value, list | tuple):
        return ()
    items = (_read(item) for item in value if isinstance(item, Mapping))
    return tuple(item for item in items if item is not None)


def _read(item: Mapping[str, Any]) -> Rich | None:
    if isinstance(item.get("image"), str):
        return _picture(item["image"], item.get("mime"))
    if isinstance(item.get("table"), Mapping):
        return _table(item["table"])
    return Words(shown(item["words"])) if isinstance(item.get("words"), str) else None


def _picture(data: str, mime: Any) -> Picture | None:
    if mime not in PICTURE_TYPES:
        return None
    if not data:
        return Picture("", mime)
    if len(data) % 4 or not _BASE64.fullmatch(data):
        return None
    try:
        return Picture(data, mime) if picture_type(base64.b64decode(data, validate=True)) == mime else None
    except binascii.Error:
        return None


def _table(table: Mapping[str, Any]) -> Table | None:
    columns, rows = table.get("columns"), table.get("rows")
    if not _all_strings(columns) or not isinstance(rows, list | tuple):
        return None
    if not all(_all_strings(row) and len(row) == len(columns) for row in rows):
        return None
    more, numeric = table.get("more"), table.get("numeric")
    flags = [item is True for item in numeric] if isinstance(numeric, list | tuple) else []
    return Table(
        tuple(map(_cell, columns)),
        tuple(tuple(map(_cell, row)) for row in rows),
        more if isinstance(more, int) and not isinstance(more, bool) and more > 0 else 0,
        tuple((flags + [False] * len(columns))[: len(columns)]),
    )


def _all_strings(value: Any) -> TypeGuard[list[str] | tuple[str, ...]]:
    return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)


def _cell(text: str) -> str:
    return " ".join(shown(text).split())


def table_rows(table: Table) -> str:
    """How many rows are not there, in words; ``""`` for none.

    >>> table_rows(Table(("a",), more=1200))
    '… 1,200 more rows'
    """
    return f"… {table.more:,} more row{'s' if table.more != 1 else ''}" if table.more else ""
