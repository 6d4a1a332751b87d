"""Arguments of a tool call that Gemini streams value by value: paths and pieces in, one JSON text out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["StreamedArguments"]

#: One step of a path: ``.name``, ``[0]``, ``['a name']`` or ``["a name"]``.
_STEP = re.compile(r"""\.([^.\[\]]+)|\[(\d+)\]|\[('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]""")
#: No argument lies deeper: more steps cannot be written as JSON for long.
_MOST_STEPS = 64
#: An array is never filled up further than this for an element that comes before those in front of it.
_LARGEST_GAP = 1000
#: Places that are made for those within them or in front of them, in all: a short path may ask for many.
_MOST_PLACES = 50_000

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
        self._room = _MOST_PLACES

    def feed(self, pieces: Any) -> None:
        for piece in pieces if isinstance(pieces, list) else ():
            steps = _read_path(piece.get("jsonPath")) if isinstance(piece, Mapping) else None
            kind = next((kind for kind in _VALUES if kind in piece), None) if steps else None
            if kind is not None:
                value = None if kind == "nullValue" else piece[kind]
                self._readable = self._put(steps or [], value) and self._readable
            elif steps is None:
                self._readable = False

    def json(self, *, cut: bool = False) -> str:
        """The arguments as JSON; a text that is none when a part of them was not understood, or `cut` off."""
        text = json.dumps(self._root, ensure_ascii=False, default="".join)
        return text[:-1] if cut or not self._readable else text

    def _put(self, steps: Sequence[str | int], value: Any) -> bool:
        """Whether there was a place for it."""
        holder: Any = self._root
        for step, following in zip(steps, [*steps[1:], None], strict=True):
            if not self._has_room(holder, step):
                return False
            before = holder[step] if isinstance(step, int) else holder.get(step)
            if following is None:
                holder[step] = _joined(before, value)
            elif before is None:
                self._room -= 1
                holder[step] = [] if isinstance(following, int) else {}
            holder = holder[step]
        return True

    def _has_room(self, holder: Any, step: str | int) -> bool:
        """Whether `holder` has such a place; an array is filled up for it."""
        if not isinstance(step, int):
            return isinstance(holder, dict) and self._room > 0
        if not isinstance(holder, list):
            return False
        gap = step + 1 - len(holder)
        if gap > min(_LARGEST_GAP + 1, self._room):
            return False
        if gap > 0:
            self._room -= gap
            holder += [None] * gap
        return True


class _Text:
    """A text in pieces, joined once, at the end."""

    __slots__ = ("_pieces",)

    def __init__(self, first: str) -> None:
        self._pieces = [first]

    def add(self, piece: str) -> None:
        self._pieces.append(piece)

    def __iter__(self) -> Iterator[str]:
        return iter(self._pieces)


def _joined(before: Any, value: Any) -> Any:
    """What stands in a place when `value` comes to it: texts grow, everything else is replaced."""
    if not isinstance(value, str) or not isinstance(before, str | _Text):
        return value
    text = before if isinstance(before, _Text) else _Text(before)
    text.add(value)
    return text


def _read_path(path: Any) -> list[str | int] | None:
    """The steps below the root; None for what is no path to a place in an object."""
    if not isinstance(path, str) or not path.startswith("$") or len(path) == 1:
        return None
    steps: list[str | int] = []
    place = 1
    while place < len(path):
        step = _STEP.match(path, place)
        if step is None or len(steps) == _MOST_STEPS:
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
