"""What a record says twice, said once: long strings of its messages that its blocks hold, too.

In their place stands ``{"$block": [number, key, ...]}``, the way to the string through the record's ``blocks``. What
looks so by itself, as a tool's argument may, stands within ``{"$block": {"as": ...}}``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["refer", "resolve"]

_SIGN = "$block"
_ESCAPE = "as"
#: Shorter ones are not worth it.
_SHORTEST = 200
_DEEPEST = 24


def refer(messages: Any, blocks: Sequence[Any]) -> Any:
    """`messages` with references in place of what `blocks` hold.

    >>> refer([{"text": "a" * 300}], [{"block": "text", "markdown": "a" * 300}])
    [{'text': {'$block': [0, 'markdown']}}]
    """
    known: dict[str, list[Any]] = {}
    for number, block in enumerate(blocks):
        for path, text in _strings(block, [number]):
            known.setdefault(text, path)
    return _changed(messages, known, 0)


def _strings(value: Any, path: list[Any]) -> Iterator[tuple[list[Any], str]]:
    if len(path) > _DEEPEST:
        return
    if isinstance(value, str):
        if len(value) >= _SHORTEST:
            yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _strings(item, [*path, key])
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _strings(item, [*path, place])


def _changed(value: Any, known: Mapping[str, list[Any]], depth: int) -> Any:
    if depth > _DEEPEST:
        return value
    if isinstance(value, str):
        path = known.get(value)
        return value if path is None else {_SIGN: path}
    if isinstance(value, Mapping):
        made = {key: _changed(item, known, depth + 1) for key, item in value.items()}
        return {_SIGN: {_ESCAPE: made[_SIGN]}} if made.keys() == {_SIGN} else made
    if isinstance(value, list):
        return [_changed(item, known, depth + 1) for item in value]
    return value


def resolve(messages: Any, blocks: Sequence[Any], least: int = 1_000_000) -> Any:
    """`messages` with every string that a reference leads to in its place; one that leads to none becomes ``""``.

    So does one beyond `least` characters in all, or four times those that `blocks` hold, where that is more: a small
    record that refers to one long string a thousand times stays small.

    >>> resolve([{"text": {"$block": [0, "markdown"]}}], [{"block": "text", "markdown": "Hello"}])
    [{'text': 'Hello'}]
    """
    held = sum(len(text) for number, block in enumerate(blocks) for _, text in _strings(block, [number]))
    return _Resolving(blocks, max(least, 4 * held)).resolved(messages, 0)


class _Resolving:
    def __init__(self, blocks: Sequence[Any], room: int) -> None:
        self._blocks = blocks
        self._room = room

    def resolved(self, value: Any, depth: int) -> Any:
        if depth > _DEEPEST:
            return value
        if isinstance(value, Mapping):
            if value.keys() == {_SIGN}:
                return self._referred(value[_SIGN], depth)
            return {key: self.resolved(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list):
            return [self.resolved(item, depth + 1) for item in value]
        return value

    def _referred(self, way: Any, depth: int) -> Any:
        if isinstance(way, Mapping) and way.keys() == {_ESCAPE}:
            return {_SIGN: self.resolved(way[_ESCAPE], depth + 1)}
        text = _found(self._blocks, way)
        self._room -= len(text)
        return text if self._room >= 0 else ""


def _found(blocks: Any, path: Any) -> str:
    value = blocks
    for step in path if isinstance(path, list) else ():
        if isinstance(value, Mapping) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and type(step) is int and 0 <= step < len(value):
            value = value[step]
        else:
            return ""
    return value if isinstance(value, str) else ""
