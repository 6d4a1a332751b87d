"""What a record says twice, said once: long strings of its messages that its blocks hold, too.

In their place stands ``{"$block": [number, key, ...]}``, the way to the string through the record's ``blocks``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["refer", "resolve"]

_SIGN = "$block"
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
    return _changed(messages, known) if known else messages


def _strings(value: Any, path: list[Any]) -> Iterator[tuple[list[Any], str]]:
    if isinstance(value, str):
        if len(value) >= _SHORTEST:
            yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _strings(item, [*path, key])
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _strings(item, [*path, place])


def _changed(value: Any, known: Mapping[str, list[Any]]) -> Any:
    if isinstance(value, str):
        path = known.get(value)
        return value if path is None else {_SIGN: path}
    if isinstance(value, Mapping):
        return {key: _changed(item, known) for key, item in value.items()}
    if isinstance(value, list):
        return [_changed(item, known) for item in value]
    return value


def resolve(messages: Any, blocks: Sequence[Any], depth: int = 0) -> Any:
    """`messages` with every string that a reference leads to in its place; one that leads to none becomes ``""``.

    >>> resolve([{"text": {"$block": [0, "markdown"]}}], [{"block": "text", "markdown": "Hello"}])
    [{'text': 'Hello'}]
    """
    if depth > _DEEPEST:
        return messages
    if isinstance(messages, Mapping):
        if set(messages) == {_SIGN}:
            return _found(blocks, messages[_SIGN])
        return {key: resolve(item, blocks, depth + 1) for key, item in messages.items()}
    if isinstance(messages, list):
        return [resolve(item, blocks, depth + 1) for item in messages]
    return messages


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
