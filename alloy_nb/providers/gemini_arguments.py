"""Arguments of a tool call that Gemini streams value by value: paths and pieces in, one JSON text out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["StreamedArguments"]

#: One step of a path: ``.name``, ``[0]``, ``['a name']`` or ``["a name"]``.
_STEP = re.compile(r"""\.([^.\[\]]+)|\[(\d+)\]|\[('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]""")
#: An array is never filled up further than this for an element that comes before those in front of it.
_LARGEST_GAP = 1000

_VALUES = ("stringValue", "numberValue", "boolValue", "nullValue")


class StreamedArguments:
    """Feed it each ``partialArgs``; `json` is the whole. Pieces of a text with the same path are joined.

    >>> arguments = StreamedArguments()
    >>> arguments.feed([{"jsonPath": "$.to[0].name", "stringValue": "A"}])
    >>> arguments.feed([{"jsonPath": "$.to[0].name", "stringValue": "da"}, {"jsonPath": "$.n", "numberValue": 2}])
    >>> arguments.json()
    '{"to": [{"name": "Ada"}], "n": 2}'
    """

    def __init__(self, given: Any = None) -> None:
        self._root: dict[str, Any] = dict(given) if isinstance(given, Mapping) else {}
        self._readable = True

    def feed(self, pieces: Any) -> None:
        for piece in pieces if isinstance(pieces, list) else ():
            steps = _read_path(piece.get("jsonPath")) if isinstance(piece, Mapping) else None
            kind = next((kind for kind in _VALUES if kind in piece), None) if steps else None
            if kind is not None:
                value = None if kind == "nullValue" else piece[kind]
                self._readable = _put(self._root, steps or [], value) and self._readable
            elif steps is None:
                self._readable = False

    def json(self, *, cut: bool = False) -> str:
        """The arguments as JSON; a text that is none when a part of them was not understood, or `cut` off."""
        text = json.dumps(self._root, ensure_ascii=False)
        return text[:-1] if cut or not self._readable else text


def _read_path(path: Any) -> list[str | int] | None:
    """The steps below the root; None for what is no path to a place in an object."""
    if not isinstance(path, str) or not path.startswith("$") or len(path) == 1:
        return None
    steps: list[str | int] = []
    place = 1
    while place < len(path):
        step = _STEP.match(path, place)
        if step is None:
            return None
        name, index, quoted = step.groups()
        try:
            steps.append(name or (_unquoted(quoted) if quoted else int(index)))
        except ValueError:
            return None
        place = step.end()
    return steps


def _unquoted(name: str) -> str:
    inner = name[1:-1]
    if name[0] == "'":
        inner = inner.replace("\\'", "'").replace('"', '\\"')
    return str(json.loads(f'"{inner}"', strict=False))


def _put(holder: Any, steps: list[str | int], value: Any) -> bool:
    """Whether there was a place for it."""
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        if isinstance(step, int):
            if not isinstance(holder, list) or step > len(holder) + _LARGEST_GAP:
                return False
            holder += [None] * (step + 1 - len(holder))
        elif not isinstance(holder, dict):
            return False
        before = holder[step] if isinstance(step, int) else holder.get(step)
        if following is not None:
            if before is None:
                before = holder[step] = [] if isinstance(following, int) else {}
            holder = before
        else:
            holder[step] = before + value if isinstance(before, str) and isinstance(value, str) else value
    return True
