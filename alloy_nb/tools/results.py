"""What a tool returned, as the `ToolResult` that goes to the model and the notebook."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import ToolError
from ..messages import Image, Text, ToolResult
from ..redaction import redact_data, redact_known

if TYPE_CHECKING:
    from .kept import KeptOutputs

__all__ = ["MAX_DATA", "MAX_TEXT", "cap_data", "cap_text", "clean_data", "is_drawing", "is_pandas", "to_result"]

#: Characters of one result that are sent to the model.
MAX_TEXT = 100_000
#: How large the structured data of one result may be in events and records, roughly in characters.
MAX_DATA = 1_000_000
#: Rows and columns of a table that are sent to the model.
MAX_ROWS = 30
MAX_COLUMNS = 20
#: The longer side of a picture, in pixels: providers refuse much larger ones.
MAX_PIXELS = 2000
_MAX_ARRAY = 1000

_PNG_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I", "I;16"})
_RICH = ("_repr_mimebundle_", "_repr_html_", "_repr_svg_", "_repr_png_", "_repr_markdown_", "_repr_latex_")


def to_result(value: Any, limit: int = MAX_TEXT, outputs: KeptOutputs | None = None) -> ToolResult:
    """Turn what a tool returned into a `ToolResult`, its text no longer than `limit` characters and a notice.

    A string is the text; None is ""; figures, pictures and tables are shown, and sent as an image or a short table;
    what JSON can say (also dataclasses, pydantic models, dates, paths, sets) is sent as JSON and kept as `data`;
    anything else is sent as its repr. A text that is too long is kept whole in `outputs`, where given.

    >>> to_result({"rows": 2})
    ToolResult(text='{"rows":2}', data={'rows': 2}, images=(), call_id='', name='', is_error=False)
    """
    result = _convert(value)
    text = cap_text(result.text, limit, outputs)
    return result if text is result.text else replace(result, text=text)


def cap_text(text: str, limit: int = MAX_TEXT, outputs: KeptOutputs | None = None) -> str:
    """`text` itself when it is short enough, else its first `limit` characters and what became of the rest.

    >>> cap_text("abcdef", 4)
    'abcd\\n... (2 more characters left out)'
    """
    try:
        text.encode()
    except UnicodeEncodeError:  # half a character cannot be sent to anybody
        text = text.encode("utf-8", "replace").decode()
    if len(text) <= limit:
        return text
    text = redact_known(text)  # now: the cut must not leave half a secret, which nobody would recognise
    shown, left_out = text[:limit], max(0, len(text) - limit)
    kept = outputs.keep(text).notice(shown) if outputs is not None else ""
    return f"{shown}\n... ({left_out:,} more characters{kept or ' left out'})"


def clean_data(data: Any) -> Any:
    """`data` without the secrets seen so far; a word in place of what is nested without end, which nobody can store.

    >>> clean_data({"rows": 2})
    {'rows': 2}
    """
    try:
        return redact_data(data)
    except RecursionError:
        return "(data that is nested too deeply, or holds itself)"


def cap_data(data: Any, limit: int = MAX_DATA) -> Any:
    """`data` itself unless it is larger than `limit`, else a word: for events and records, which may all be kept.

    >>> cap_data([1, "two"]), cap_data(["x" * 100], limit=50)
    ([1, 'two'], '(data of more than 50 characters: it is whole in the result only)')
    """
    size, rest = 0, [data]
    while rest:
        item = rest.pop()
        size += len(item) if isinstance(item, (str, bytes, bytearray, dict, list, tuple, set, frozenset)) else 8
        if size > limit:
            return f"(data of more than {limit:,} characters: it is whole in the result only)"
        if isinstance(item, dict):
            rest += [*item.keys(), *item.values()]
        elif isinstance(item, (list, tuple, set, frozenset)):
            rest += item
    return data


def _convert(value: Any) -> ToolResult:
    match value:
        case ToolResult():
            return value
        case None:
            return ToolResult()
        case str():
            return ToolResult(str(value))
        case Text():
            return ToolResult(value.text)
        case Image():
            return ToolResult(_image_text(value), images=(value,), display=value)
    if inspect.isawaitable(value):
        getattr(value, "close", lambda: None)()
        raise ToolError("the tool returned something to await: its function must be `async def`")
    for fits, convert in _KINDS:
        if fits(value):
            return convert(value)
    return _from_json(value)


# -- pictures ---------------------------------------------------------------------------------------------------------


def _is_figure(value: Any) -> bool:
    """A matplotlib figure, or what draws like one (seaborn's grids)."""
    return not isinstance(value, type) and callable(getattr(value, "savefig", None))


def _is_axes(value: Any) -> bool:
    return not isinstance(value, type) and hasattr(value, "get_xlim") and _is_figure(getattr(value, "figure", None))


def _is_picture(value: Any) -> bool:
    """A PIL image."""
    names = ("save", "mode", "size", "convert", "thumbnail")
    return not isinstance(value, type) and all(hasattr(value, name) for name in names)


def is_drawing(value: Any) -> bool:
    """What becomes a picture: a figure, its axes, a PIL image."""
    return _is_figure(value) or _is_axes(value) or _is_picture(value)


def _from_figure(figure: Any) -> ToolResult:
    image = Image.from_figure(figure)
    _close(figure)
    return ToolResult(_image_text(image), images=(image,), display=figure)


def _close(figure: Any) -> None:
    """What is shown with the result is not to be shown once more by pyplot at the end of the cell."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None and getattr(figure, "number", None) is not None:
        pyplot.close(figure)


def _from_picture(picture: Any) -> ToolResult:
    small = picture if picture.mode in _PNG_MODES else picture.convert("RGB")
    if max(small.size) > MAX_PIXELS:
        small = small.copy()
        small.thumbnail((MAX_PIXELS, MAX_PIXELS))
    image = Image.from_figure(small)
    return ToolResult(_image_text(image), images=(image,), display=picture)


def _image_text(image: Image) -> str:
    """Never empty: some providers refuse a result without words."""
    return f"(image: {image.mime_type}{f', {len(image.data)} bytes' if image.data else ''})"


def _has_pictures(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and any(
        isinstance(item, Image) or _is_figure(item) or _is_picture(item) for item in value
    )


def _join(values: Sequence[Any]) -> ToolResult:
    """Several things at once, as in ``return "the fit", figure``."""
    results = [_convert(value) for value in values]
    text = "\n".join(result.text for result in results if result.text)
    images = tuple(image for result in results for image in result.images)
    shown = [result.display for result in results if result.display is not None]
    return ToolResult(text, images=images, display=shown[0] if len(shown) == 1 else shown)


# -- tables -----------------------------------------------------------------------------------------------------------


def is_pandas(value: Any) -> bool:
    """A table, column or index of pandas."""
    return _is_from("pandas", value) and hasattr(value, "to_string") and len(getattr(value, "shape", ())) in (1, 2)


def _is_table(value: Any) -> bool:
    """Polars and the like, whose own text is bounded."""
    return _is_from("polars", value) and hasattr(value, "shape")


def _is_from(package: str, value: Any) -> bool:
    return any(cls.__module__.partition(".")[0] == package for cls in type(value).__mro__)


def _from_pandas(table: Any) -> ToolResult:
    kind = type(table).__name__
    if len(table.shape) == 1:
        head = f"{kind}: {len(table)} rows, {table.dtype}"
        return ToolResult(f"{head}\n{table.to_string(max_rows=MAX_ROWS)}", display=table)
    rows, columns = table.shape
    body = table.to_string(max_rows=MAX_ROWS, max_cols=MAX_COLUMNS, max_colwidth=80)
    return ToolResult(f"{kind}: {rows} rows, {columns} columns\n{body}", display=table)


def _from_table(table: Any) -> ToolResult:
    return ToolResult(str(table), display=table)


# -- everything else --------------------------------------------------------------------------------------------------


def _is_iterator(value: Any) -> bool:
    """A generator might never end."""
    return isinstance(value, Iterator)


def _from_json(value: Any) -> ToolResult:
    """JSON, `data` its plain form, so that a session can keep it; the repr where JSON cannot say it."""
    from pydantic_core import to_json, to_jsonable_python

    try:
        data = to_jsonable_python(value, fallback=_plain, inf_nan_mode="strings")
        return ToolResult(to_json(data, inf_nan_mode="strings").decode(), data=data)
    except (ValueError, TypeError, RecursionError):  # no JSON form: a cycle, an object of some class
        return _from_repr(value)


def _plain(value: Any) -> Any:
    """numpy's scalars and small arrays, inside something else or alone."""
    if _is_from("numpy", value) and getattr(value, "size", _MAX_ARRAY + 1) <= _MAX_ARRAY:
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _from_repr(value: Any) -> ToolResult:
    rich = not isinstance(value, type) and any(hasattr(type(value), name) for name in _RICH)
    return ToolResult(repr(value), display=value if rich else None)


_KINDS: tuple[tuple[Callable[[Any], bool], Callable[[Any], ToolResult]], ...] = (
    (_is_figure, _from_figure),
    (_is_axes, lambda axes: _from_figure(axes.figure)),
    (_is_picture, _from_picture),
    (_has_pictures, _join),
    (is_pandas, _from_pandas),
    (_is_table, _from_table),
    (_is_iterator, _from_repr),
)
