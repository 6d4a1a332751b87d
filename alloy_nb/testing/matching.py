"""Whether a request is one that was recorded, and, if not, what differs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .scrubbing import scrub_bytes, scrub_json, scrub_url
from .tape import Asked

__all__ = ["Normalize", "Shape", "differences", "parse_body"]

#: Takes out of a body what differs from run to run.
Normalize = Callable[[Any], Any]

# The ids that are made up here for calls to which the service gave none.
_OWN_ID = re.compile(r"\bcall_[0-9a-f]{16}\b")
#: Characters of a value that are shown.
_SHOWN = 60
_MISSING = object()


class Shape:
    """What counts of a request: method, path, query and body. Secrets, host and headers do not.

    JSON counts by what it says, not by how it is written; ids that were made up here by their order.
    """

    def __init__(self, asked: Asked, normalize: Normalize | None = None) -> None:
        parts = urlsplit(scrub_url(asked.url))
        self.place = (asked.method, parts.path, sorted(parse_qsl(parts.query, keep_blank_values=True)))
        self.body: Any = parse_body(asked.body)
        if normalize is not None:
            self.body = normalize(self.body)
        self.body = _number_ids(scrub_json(self.body))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shape) and (self.place, self.body) == (other.place, other.body)

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        method, path, query = self.place
        return f"{method} {path}" + ("?" + "&".join(f"{name}={value}" for name, value in query) if query else "")


def parse_body(body: bytes) -> Any:
    """JSON, text where it is none, None where there is nothing."""
    if not body:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return scrub_bytes(body).decode("utf-8", "backslashreplace")


def _number_ids(value: Any) -> Any:
    text = json.dumps(value, sort_keys=True)
    if not _OWN_ID.search(text):
        return value
    seen: dict[str, str] = {}
    return json.loads(_OWN_ID.sub(lambda match: seen.setdefault(match[0], f"call_#{len(seen) + 1}"), text))


def differences(recorded: Any, asked: Any, where: str = "") -> Iterator[str]:
    """Each place where two bodies differ, in words.

    >>> list(differences({"n": 1, "m": ["a"]}, {"n": 2, "m": ["a", "b"]}))
    ['n: recorded 1, asked 2', "m[1]: not recorded, asked 'b'"]
    """
    if recorded == asked:
        return
    if isinstance(recorded, dict) and isinstance(asked, dict):
        for name in [*recorded, *(name for name in asked if name not in recorded)]:
            place = f"{where}.{name}" if where else name
            yield from differences(recorded.get(name, _MISSING), asked.get(name, _MISSING), place)
    elif isinstance(recorded, list) and isinstance(asked, list):
        for index in range(max(len(recorded), len(asked))):
            before, now = (items[index] if index < len(items) else _MISSING for items in (recorded, asked))
            yield from differences(before, now, f"{where}[{index}]")
    else:
        was = "not recorded" if recorded is _MISSING else f"recorded {_show(recorded, asked)}"
        is_now = "not asked" if asked is _MISSING else f"asked {_show(asked, recorded)}"
        yield f"{where or 'the body'}: {was}, {is_now}"


def _show(value: Any, other: Any) -> str:
    """The value, or of a long text the part in which it differs from the other one."""
    if isinstance(value, str) and isinstance(other, str) and len(value) > _SHOWN:
        same = next((i for i, (a, b) in enumerate(zip(value, other, strict=False)) if a != b), len(other))
        start = max(0, min(same - _SHOWN // 3, len(value) - _SHOWN))
        piece = value[start : start + _SHOWN]
        return ("…" if start else "") + repr(piece) + ("…" if start + _SHOWN < len(value) else "")
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "…"
