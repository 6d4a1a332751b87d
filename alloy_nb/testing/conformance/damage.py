"""What can happen to an answer on its way: cut anywhere, added to by a newer service, damaged. Pure, no network."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from .cases import Cases

__all__ = ["damaged", "events_of", "prefixes", "splits", "with_unknown_events", "with_unknown_fields"]

_RANDOM_SPLITS = 6
_PREFIXES = 24
_DAMAGES = 120
_BLANK_LINE = re.compile(rb"(?:\r\n|\n|\r)(?:\r\n|\n|\r)")
_NEW_EVENTS = {
    "sse": (b": keep-alive\n\n", b'event: something_new\ndata: {"type": "something_new", "count": [1]}\n\n'),
    "ndjson": (b"\n", b'{"type": "something_new", "count": [1]}\n'),
}
#: What may stand where something else was expected.
_WRONG: tuple[Any, ...] = (None, 0, -1.5, True, "", "x", [], [None], {}, {"x": {}})


def splits(body: bytes) -> Iterator[list[bytes]]:
    """The body whole, byte by byte, and cut at places that are arbitrary, but the same each time."""
    yield [body]
    yield [body[place : place + 1] for place in range(len(body))]
    rng = random.Random(len(body))
    for _ in range(_RANDOM_SPLITS):
        cuts = sorted(rng.randrange(len(body) + 1) for _ in range(rng.randrange(1, 9)))
        yield [piece for begin, end in pairwise([0, *cuts, len(body)]) if (piece := body[begin:end])]


def events_of(body: bytes, cases: Cases) -> list[bytes]:
    """The events, each with what ends it; the whole body where they cannot be told apart."""
    if cases.framing == "ndjson":
        return body.splitlines(keepends=True)
    if cases.framing is None:
        return [body]
    ends = [match.end() for match in _BLANK_LINE.finditer(body)]
    places = [0, *ends] if ends and ends[-1] == len(body) else [0, *ends, len(body)]
    return [body[begin:end] for begin, end in pairwise(places)]


def prefixes(body: bytes, cases: Cases) -> list[bytes]:
    """What came before the line was cut: after each event, and in the middle of some."""
    events = events_of(body, cases)
    found = {b"".join(events[:count]) for count in range(len(events))}
    rng = random.Random(len(body))
    found |= {body[: rng.randrange(len(body))] for _ in range(_PREFIXES)}
    return sorted(found, key=len)


def with_unknown_events(body: bytes, cases: Cases) -> list[bytes]:
    """The body with events that nobody knows yet, each of them between all others."""
    events = events_of(body, cases)
    new = (*_NEW_EVENTS.get(cases.framing or "", ()), *cases.unknown)
    return [b"".join(unknown + event for event in events) for unknown in new]


def with_unknown_fields(body: bytes, cases: Cases) -> bytes:
    """The body with a new member in each event."""
    return b"".join(
        _edit(event, lambda value: {**value, "something_new": {"a": [1]}}) for event in events_of(body, cases)
    )


def damaged(body: bytes, cases: Cases) -> Iterator[bytes]:
    """The body with something else where a value was, with a member missing, with bytes that are wrong."""
    events = events_of(body, cases)
    rng = random.Random(len(body))
    for _ in range(_DAMAGES):
        index = rng.randrange(len(events))
        broken = _edit(events[index], lambda value: _damage(value, rng))
        yield b"".join([*events[:index], broken, *events[index + 1 :]])
    for _ in range(_DAMAGES // 10):
        place = rng.randrange(len(body))
        yield body[:place] + bytes([rng.randrange(256)]) + body[place + 1 :]


def _damage(value: Any, rng: random.Random) -> Any:
    """A copy with one place in it wrong or missing."""
    places = list(_places(value))
    path = rng.choice(places)
    if not path:
        return rng.choice(_WRONG)
    copied = json.loads(json.dumps(value))
    holder = copied
    for step in path[:-1]:
        holder = holder[step]
    if rng.random() < 0.2:
        del holder[path[-1]]
    else:
        holder[path[-1]] = rng.choice(_WRONG)
    return copied


def _places(value: Any) -> Iterator[Sequence[Any]]:
    yield ()
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        for path in _places(member):
            yield (key, *path)


def _edit(event: bytes, change: Callable[[Any], Any]) -> bytes:
    """The event with its JSON changed; as it is when it holds none."""
    before, _, data = event.rpartition(b"data:") if b"data:" in event else (b"", b"", event)
    text = data.strip()
    try:
        value = json.loads(text)
    except ValueError:
        return event
    if not isinstance(value, dict):
        return event
    prefix = before + b"data: " if b"data:" in event else b""
    return prefix + json.dumps(change(value)).encode() + data[len(data.rstrip()) :]
