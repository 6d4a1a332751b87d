"""What of a tool's result is shown to a person: its pictures and tables, as plain JSON values."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any

from ..messages import Image, ToolResult
from ..plain import one_line
from ..redaction import redact_line
from .results import is_drawing, is_pandas, to_result

__all__ = ["MAX_PICTURES", "PICTURE_TYPES", "picture_type", "rich_of"]

#: Bytes of all pictures of one call.
MAX_PICTURES = 1_000_000
#: Pictures and tables of one call.
MAX_ITEMS = 20
MAX_ROWS = 20
MAX_COLUMNS = 20
MAX_CELL = 80

#: How a file of each type begins. SVG is no picture here: it may hold a script.
_SIGNATURES = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))
#: The types that are shown.
PICTURE_TYPES = ("image/webp", *(kind for _, kind in _SIGNATURES))


def picture_type(data: bytes) -> str | None:
    """The MIME type of a picture by its first bytes: PNG, JPEG, GIF or WebP; None for anything else.

    >>> picture_type(b"GIF89a"), picture_type(b"<svg onload='x()'>")
    ('image/gif', None)
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for signature, kind in _SIGNATURES if data.startswith(signature)), None)


def rich_of(result: ToolResult) -> list[dict[str, Any]]:
    """The pictures and tables of a result, in the order in which the tool gave them.

    Each is ``{"image": base64, "mime": type}``, ``{"table": {"columns", "rows", "more", "numeric"}}`` (`more` counts
    the rows left out), or ``{"words": text}`` in place of one that is not shown. No HTML and no SVG is ever taken.

    >>> rich_of(ToolResult("words alone"))
    []
    """
    items: list[dict[str, Any]] = []
    room = MAX_PICTURES
    for thing in _things(result):
        if len(items) == MAX_ITEMS:
            items.append({"words": f"only the first {MAX_ITEMS} pictures and tables are shown"})
            break
        items.append(_read(thing, room))
        room -= len(items[-1].get("image", "")) * 3 // 4
    return items


def _things(result: ToolResult) -> Iterator[Any]:
    """Images, tables of pandas, and drawings; a drawing of which an image was made already stands for that."""
    images = iter(result.images)
    display = result.display
    for item in display if isinstance(display, (list, tuple)) else [display]:
        if is_pandas(item):
            yield item
        elif isinstance(item, Image):
            next(images, None)  # what the model sees of it
            yield item
        elif is_drawing(item):
            made = next(images, None) if result.images else item
            if made is not None:
                yield made
    yield from images


def _read(thing: Any, room: int) -> dict[str, Any]:
    """One thing as it is shown. What the tool did is done: a crash here takes nothing from its result."""
    try:
        if is_pandas(thing):
            return _table(thing)
        return _picture(thing if isinstance(thing, Image) else to_result(thing).images[0], room)
    except Exception as error:  # noqa: BLE001 - the code of whoever wrote what lies in the cells
        return {"words": f"left out: {type(error).__name__} while it was read"}


def _picture(image: Image, room: int) -> dict[str, Any]:
    if not image.data:
        return {"words": "image left out: it lies elsewhere, and nothing is loaded from there"}
    kind = picture_type(image.data)
    if kind is None:
        return {"words": "image left out: it is no PNG, JPEG, GIF or WebP"}
    if len(image.data) > room:
        size = f"{len(image.data):,} bytes"
        return {"words": f"image of {size} left out: at most {MAX_PICTURES:,} bytes of pictures a call are shown"}
    return {"image": image.base64, "mime": kind}


# -- tables -----------------------------------------------------------------------------------------------------------


def _table(table: Any) -> dict[str, Any]:
    """The upper left of a table of pandas. Columns may share a name, so they are taken by their places."""
    frame = table.to_frame() if len(table.shape) == 1 else table
    rows, wide = frame.shape
    head = frame.iloc[:MAX_ROWS, :MAX_COLUMNS]
    columns = [(_cell(name), head.iloc[:, place]) for place, name in enumerate(head.columns)]
    if not _is_default(frame.index):
        levels = [head.index.get_level_values(place) for place in range(head.index.nlevels)]
        columns = [("" if level.name is None else _cell(level.name), level) for level in levels] + columns
    names = [name for name, _ in columns]
    numeric = [getattr(values.dtype, "kind", "O") in "iufc" for _, values in columns]
    cells = [[_cell(value) for value in values] for _, values in columns]
    if wide > MAX_COLUMNS:
        names.append(f"… {wide - MAX_COLUMNS} more columns")
        numeric.append(False)
        cells.append(["…"] * len(head))
    lines = [list(row) for row in zip(*cells, strict=True)] if cells else []
    return {"table": {"columns": names, "rows": lines, "more": max(0, rows - MAX_ROWS), "numeric": numeric}}


def _is_default(index: Any) -> bool:
    """0, 1, 2 … without a name: it says nothing."""
    start, step = getattr(index, "start", None), getattr(index, "step", None)
    return start == 0 and step == 1 and index.name is None


def _cell(value: Any) -> str:
    if isinstance(value, tuple):
        return one_line(" / ".join(_cell(part) for part in value), MAX_CELL)
    if isinstance(value, Real) and not isinstance(value, Integral):
        return _number(float(value))
    # A key that is cut would not be recognised any more, nor one with an escape sequence in it.
    return redact_line(str(value), MAX_CELL)


def _number(value: float) -> str:
    """Six digits, as pandas shows; large ones whole, rather than with an exponent.

    >>> _number(0.1 + 0.2), _number(1234567.891), _number(2e-9)
    ('0.3', '1234567.89', '2e-09')
    """
    text = f"{value:.6g}"
    return f"{value:.2f}" if "e+" in text and abs(value) < 1e15 else text
