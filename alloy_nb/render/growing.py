"""Text that grows, made fit to be shown at the cost of what is new."""

from __future__ import annotations

from typing import NamedTuple

from ..plain import unfinished
from ..redaction import DECIDED, MASK, SHAPES, known_secrets, secret_begins
from .clean import clean

__all__ = ["Change", "GrowingText", "Seen"]

#: Stands for `MASK` within the stages: no clean text holds one, no shape of a key takes it in.
_GAP = "\0"

#: How far a shape looks back: at "Bearer ", or whether a word begins.
_BEHIND = 7


class Seen(NamedTuple):
    """What a reader of a `GrowingText` has been shown: keep it, and hand it back. ``Seen()`` is nothing yet."""

    place: int = 0
    units: int = 0
    tail: str = ""
    edition: int = 0


class Change(NamedTuple):
    """What became of a text since a reader saw it: of what was seen the first `keep` characters stand, then `text`.

    `units` is `keep` in UTF-16 code units, as a browser counts; `cut` says that something seen is there no more.
    """

    keep: int
    units: int
    text: str
    cut: bool
    seen: Seen


class GrowingText:
    """`shown` of all that was added so far, however it is cut into pieces, without looking at all of it again.

    What no further words can change is settled; only the end that may still change is looked at once more: a key or
    an escape sequence may be cut between two pieces. An end with which a known secret may begin is held back, until
    more is there; where the text ends so, a mark stands in its place. Of a shorter one, and of what only has the shape
    of a key, what was shown is taken out when it is recognised.

    >>> text = GrowingText()
    >>> text.add("key: sk-ant-abc")
    >>> change = text.since(Seen())
    >>> change.text
    'key: sk-ant-abc'
    >>> text.add("defghijklmnopqrstuvwxyz, done")
    >>> change = text.since(change.seen)
    >>> change.keep, change.text, change.cut
    (5, '[redacted], done', True)
    >>> str(text)
    'key: [redacted], done'
    """

    def __init__(self) -> None:
        self._raw: list[str] = []
        self._taken = 0
        self._edition = 0
        self._ended = self._looked = False
        self._begin()

    def _begin(self) -> None:
        self._secrets = known_secrets()
        self._stages: tuple[_Clean | _Known, ...] = (
            _Clean(),
            *(_Known(secret) for secret in self._secrets if _GAP not in secret),
        )
        self._shaped = _Shaped()
        self._settled: list[str] = []
        self._length = self._units = 0
        self._tail = ""

    def add(self, piece: str) -> None:
        """Take in one more piece; it is looked at when somebody looks."""
        self._raw.append(piece)
        self._looked = False

    def end(self) -> None:
        """Nothing more comes: what is held back as the beginning of a secret stays away."""
        self._ended, self._looked = True, False

    def __str__(self) -> str:
        self._settle()
        self._settled = ["".join(self._settled)]
        return self._settled[0] + self._tail

    def since(self, seen: Seen) -> Change:
        """What is new to a reader who saw the text as `seen` says."""
        self._settle()
        now = Seen(self._length, self._units, self._tail, self._edition)
        if seen.edition != self._edition:
            return Change(0, 0, str(self), seen.place > 0 or bool(seen.tail), now)
        text = self._from(seen.place)
        same = _common(seen.tail, text)
        units = seen.units + _units(text[:same])
        return Change(seen.place + same, units, text[same:], same < len(seen.tail), now)

    def _from(self, place: int) -> str:
        parts, end = [self._tail], self._length
        for piece in reversed(self._settled):
            if end <= place:
                break
            end -= len(piece)
            parts.append(piece[max(0, place - end) :])
        return "".join(reversed(parts))

    def _settle(self) -> None:
        if known_secrets() is not self._secrets:
            # A secret that was learned meanwhile may be in what had settled.
            self._begin()
            self._taken = 0
            self._edition += 1
        elif self._looked:
            return
        self._looked = True
        text = "".join(self._raw[self._taken :])
        self._taken = len(self._raw)
        tail = ""
        for stage in self._stages:
            text = stage.feed(text)
            tail = stage.rest(tail)
        place = secret_begins(tail, self._secrets)
        if place < len(tail):
            tail = tail[:place] + (_GAP if self._ended else "")
        text = self._shaped.feed(text)
        tail = self._shaped.rest(tail)
        text = text.replace(_GAP, MASK)
        if text:
            self._settled.append(text)
            self._length += len(text)
            self._units += _units(text)
        self._tail = tail.replace(_GAP, MASK)


class _Clean:
    """Escape sequences, control and hidden characters go."""

    def __init__(self) -> None:
        self._held = ""
        self._after_return = False

    def feed(self, text: str) -> str:
        if text:
            after, self._after_return = self._after_return, text.endswith("\r")
            # The second half of a line's end, whose first half was taken for the whole.
            text = text[1:] if after and text[0] == "\n" else text
        text = self._held + text.replace("\r\n", "\n").replace("\r", "\n")
        place = unfinished(text)
        self._held = text[place:]
        if self._held.startswith("\x1b]"):
            # Nothing in it is shown, whatever ends it: only whether its end has begun matters.
            self._held = "\x1b]\x1b" if self._held.endswith("\x1b") else "\x1b]"
        return clean(text[:place])

    def rest(self, tail: str) -> str:
        return clean(self._held + tail)


class _Known:
    """One secret that was seen before goes."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._held = ""

    def feed(self, text: str) -> str:
        text = (self._held + text).replace(self._secret, _GAP)
        place = secret_begins(text, (self._secret,), 1)
        self._held = text[place:]
        return text[:place]

    def rest(self, tail: str) -> str:
        return (self._held + tail).replace(self._secret, _GAP)


class _Shaped:
    """What is shaped like a vendor's key goes; keys without end are held by their head alone."""

    def __init__(self) -> None:
        #: What may still change, from `_place` on, behind what it is recognised by.
        self._held = ""
        self._place = 0

    def feed(self, text: str) -> str:
        text = self._held + text
        edge = max(self._place, len(text) - DECIDED)
        told, place = [], self._place
        keep = edge
        while (found := SHAPES.search(text, place)) and found.start() < edge:
            told.append(text[place : found.start()])
            place = found.start()
            if found.end() == len(text):
                # It goes on, perhaps: its head says what it is, its last character how it may go on.
                text = text[: place + DECIDED] + text[max(place + DECIDED, len(text) - 1) :]
                keep = place
                break
            told.append(_GAP)
            place = found.end()
            keep = max(edge, place)
        told.append(text[place:keep])
        behind = max(0, keep - _BEHIND)
        self._held, self._place = text[behind:], keep - behind
        return "".join(told)

    def rest(self, tail: str) -> str:
        text, place, parts = self._held + tail, self._place, []
        for found in SHAPES.finditer(text, place):
            parts += [text[place : found.start()], _GAP]
            place = found.end()
        return "".join([*parts, text[place:]])


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def _common(one: str, other: str) -> int:
    """How many characters the two begin with in common."""
    if other.startswith(one):
        return len(one)
    return next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(other))
