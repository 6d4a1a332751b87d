"""How a value reads in a prompt: itself where it is small, a card that describes it where it is not.

A card tells shape, types, gaps and a few rows, in about two thousand characters; the data itself stays here. The
libraries are never imported: their objects are known by the name of their module.
"""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sized
from types import ModuleType
from typing import Any

from ..counting import counted
from ..messages import Message
from ..redaction import redact_known
from ..result import Result

__all__ = ["LONGEST", "describe"]

#: Characters of a card, and of a value that is no string.
LONGEST = 2000
_ROWS = 3
_COLUMNS = 30
_CELL = 24
#: Of a float among others; what goes beyond is mostly what adding has left.
_DIGITS = 10
# Counting gaps reads every cell; beyond this many it takes longer than a person likes to wait.
_MOST_CELLS = 20_000_000


def describe(name: str, value: Any) -> tuple[str, bool]:
    """The text that stands for `value`, and whether it is a card. Keys that are known are taken out.

    A string is taken whole, a number as it is written, a Result by its text.

    >>> describe("n", 3), describe("names", ["a", "b"])
    (('3', False), ("['a', 'b']", False))
    """
    text, card = _describe(name, value)
    return redact_known(text), card


def _describe(name: str, value: Any) -> tuple[str, bool]:
    if isinstance(value, str):
        return str(value), False
    if isinstance(value, Result | Message):
        return value.text, False
    if isinstance(value, bool | int | float | complex | None) and not hasattr(value, "dtype"):
        return _number(value), False
    try:
        if getattr(value, "shape", None) == () and hasattr(value, "item"):  # a numpy scalar
            return repr(value.item()), False
        card = _card(name, value)
    except Exception as error:  # noqa: BLE001 - an object may raise anything when it is looked at
        card = f"{name}: {_kind(value)}, which could not be described ({type(error).__name__})"
    if card is not None:
        return _bounded(card if _has_source(value) else f"[{card}]"), True
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - somebody's __repr__
        return f"[{name}: {_kind(value)}, whose repr failed ({type(error).__name__})]", True
    return (_bounded(text), len(text) > LONGEST)


def _number(value: Any) -> str:
    try:
        return repr(value)
    except ValueError:  # an int beyond the limit of digits
        return f"[an int of {value.bit_length():,} bits]"


def _card(name: str, value: Any) -> str | None:
    """The card of `value`, or None when it can stand for itself."""
    library = type(value).__module__.partition(".")[0]
    if library in ("pandas", "polars", "geopandas", "modin") and hasattr(value, "shape"):
        return _frame_card(name, value) if len(value.shape) == 2 else _series_card(name, value)
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return _array_card(name, value)
    if isinstance(value, ModuleType):
        return f"module {value.__name__} {getattr(value, '__version__', '')}".rstrip()
    if _has_source(value):
        return _source_card(value)
    if isinstance(value, Sized) and isinstance(value, Iterable) and _is_long(value):
        return _container_card(name, value)
    return None


def _frame_card(name: str, frame: Any) -> str:
    rows, columns = frame.shape
    lines = [f"{name}: {type(frame).__name__}, {counted(rows, 'row')} × {counted(columns, 'column')}{_memory(frame)}"]
    dtypes = list(frame.dtypes)
    nulls = _frame_nulls(frame)
    heads = [str(column) for column in list(frame.columns)[:_COLUMNS]]
    wide = min(_CELL, max((len(head) for head in heads), default=0))
    for head, dtype, null in zip(heads, dtypes, nulls, strict=False):
        lines.append(f"  {_short(head):<{wide}}  {dtype}  {null}")
    if columns > _COLUMNS:
        lines.append(f"  … and {columns - _COLUMNS} more columns")
    return "\n".join([*lines, *_first_rows(frame, heads)])


def _frame_nulls(frame: Any) -> list[str]:
    rows, columns = frame.shape
    if rows * columns > _MOST_CELLS:
        return ["nulls not counted"] * columns
    counts = frame.isna().sum().tolist() if hasattr(frame, "isna") else list(frame.null_count().row(0))
    return [counted(int(count), "null") for count in counts]


def _first_rows(frame: Any, heads: list[str]) -> list[str]:
    wide = len(heads)
    if hasattr(frame, "iloc"):
        part = frame.iloc[:_ROWS, :wide]
        rows = list(part.itertuples(index=False, name=None))
    else:
        rows = [tuple(row)[:wide] for row in frame.head(_ROWS).rows()]
    if not rows:
        return []
    columns = [_midnight_free(column) for column in zip(*rows, strict=True)]
    lines = [" | ".join(_short(cell) for cell in row) for row in zip(*columns, strict=True)]
    return [f"first {counted(len(rows), 'row')}:", " | ".join(map(_short, heads)), *lines]


_MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d) 00:00:00(?:\.0+)?")


def _midnight_free(cells: Iterable[Any]) -> list[str]:
    """A column as text; days that are kept as moments, all of them at midnight, are days."""
    values = list(cells)
    texts = [_cell(value) for value in values]
    told = [text for text in texts if text not in ("NaT", "None")]
    days = all(_MIDNIGHT.fullmatch(text) for text in told) and not any(isinstance(value, str) for value in values)
    return [_MIDNIGHT.sub(r"\1", text) for text in texts] if told and days else texts


def _series_card(name: str, series: Any) -> str | None:
    size = len(series)
    label = f" {series.name!r}" if getattr(series, "name", None) is not None else ""
    head = f"{name}: {type(series).__name__}{label}, {counted(size, 'value')} of {series.dtype}{_memory(series)}"
    if size <= _MOST_CELLS:
        nulls = int(series.isna().sum() if hasattr(series, "isna") else series.null_count())
        head += f", {counted(nulls, 'null')}"
    first = (series.iloc if hasattr(series, "iloc") else series)[:10]
    return f"{head}\nfirst: {', '.join(map(_short, _midnight_free(first.to_list())))}"


def _array_card(name: str, array: Any) -> str | None:
    """Shape and type, and the first values."""
    shape = " × ".join(str(size) for size in array.shape)
    head = f"{name}: {type(array).__name__}, {shape} of {array.dtype}{_memory(array)}"
    if not hasattr(array, "flat"):
        return head
    lines = [head, "first: " + ", ".join(_short(_cell(item)) for item in itertools.islice(array.flat, 10))]
    if getattr(array.dtype, "kind", "") in "iuf" and 0 < array.size <= _MOST_CELLS:
        lines.append(f"from {_cell(array.min())} to {_cell(array.max())}, mean {array.mean():.6g}")
        if array.dtype.kind == "f" and (gaps := int((array != array).sum())):
            lines.append(f"{gaps} nan")
    return "\n".join(lines)


def _has_source(value: Any) -> bool:
    return inspect.isroutine(value) or inspect.isclass(value)


def _source_card(thing: Any) -> str:
    """A function or class is best told by its source, where there is one."""
    try:
        return inspect.getsource(thing).rstrip()
    except (OSError, TypeError):
        kind = "class" if inspect.isclass(thing) else "function"
        return f"{kind} {getattr(thing, '__qualname__', thing.__name__)}"


def _is_long(value: Any) -> bool:
    """Long enough that even writing it down whole would be a waste."""
    try:
        return len(value) > 100 and (len(value) > LONGEST or len(repr(value)) > LONGEST)
    except TypeError:
        return False


def _container_card(name: str, value: Any) -> str:
    head = f"{name}: {type(value).__name__} of {len(value):,}"
    if isinstance(value, bytes | bytearray):
        return f"{head} bytes, first: {bytes(value[:64])!r}"
    if isinstance(value, Mapping):
        pairs = (f"  {_short(repr(key))}: {_short(_cell(item, repr), 60)}" for key, item in value.items())
        return "\n".join([f"{head} items, first:", *itertools.islice(pairs, 10)])
    kinds = sorted({type(item).__name__ for item in itertools.islice(value, 1000)})
    first = ", ".join(_short(_cell(item, repr), 60) for item in itertools.islice(value, 10))
    return f"{head} items ({', '.join(kinds[:5])})\nfirst: {first}"


def _memory(value: Any) -> str:
    for attribute in ("memory_usage", "estimated_size", "nbytes"):
        found = getattr(value, attribute, None)
        if found is None:
            continue
        size = found() if callable(found) else found
        return f", {_bytes(int(size.sum() if hasattr(size, 'sum') else size))}"
    return ""


def _bytes(size: int) -> str:
    scaled = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if scaled < 1000 or unit == "GB":
            break
        scaled /= 1000
    return f"{scaled:.0f} {unit}" if scaled >= 10 or unit == "bytes" else f"{scaled:.1f} {unit}"


def _kind(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeioAEIO' else 'a'} {name}"


def _cell(value: Any, told: Callable[[Any], str] = str) -> str:
    """A value among others; of a float no more digits than anybody reads: 0.30000000000000004 is 0.3."""
    text = told(value)
    return f"{float(value):.{_DIGITS}g}" if isinstance(value, float) and len(text) > _DIGITS + 2 else text


def _short(text: str, longest: int = _CELL) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _bounded(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    notice = f"\n… (cut: {len(text):,} characters in all)" + ("]" if text[0] + text[-1] == "[]" else "")
    return text[: LONGEST - len(notice)] + notice
