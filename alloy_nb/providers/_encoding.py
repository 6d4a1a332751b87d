"""Encoding each message and tool once: the body of the next turn is put together from what is there already."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from ..messages import Message
from ._payload import JSONArray, encode_json
from .base import ToolSpec

__all__ = ["encode_all"]

#: Encodings larger than this are made anew each time: pictures and files would be held twice in memory.
LARGEST_KEPT = 256 * 1024

_Item = TypeVar("_Item", Message, ToolSpec)


def encode_all(
    items: Sequence[_Item],
    encode: Callable[[_Item], Iterable[Any]],
    key: object = None,
    *,
    first: Sequence[Any] = (),
) -> JSONArray | list[Any]:
    """What `encode` makes of each item (any number of JSON values), one after the other, after those in `first`.

    With a `key` the values are JSON already, and an item's are kept with it: `key` is an object that stands for all
    that the encoding depends on besides (the wire, its dialect, the provider's name), the same one each time.

    >>> messages = [Message.user("Hi")]
    >>> encode_all(messages, lambda message: [{"role": message.role}])
    [{'role': 'user'}]
    >>> encode_all(messages, lambda message: [{"role": message.role}], key=object()).elements
    [b'{"role": "user"}']
    """
    if key is None:
        return [*first, *(value for item in items for value in encode(item))]
    elements = [encode_json(value) for value in first]
    elements += [
        kept[1] if (kept := item.encoding) is not None and kept[0] is key else _encode_once(item, encode, key)
        for item in items
    ]
    return JSONArray(elements)


def _encode_once(item: _Item, encode: Callable[[_Item], Iterable[Any]], key: object) -> bytes:
    data = b", ".join([encode_json(value) for value in encode(item)])
    if len(data) <= LARGEST_KEPT:
        object.__setattr__(item, "encoding", (key, data))
    return data
