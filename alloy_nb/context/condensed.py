"""The beginning of a conversation as it is sent: a view, beside the conversation that stays whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import is_
from typing import Any

from ..history import open_calls, repair, without_signed_thoughts
from ..messages import Message

__all__ = ["Condensed", "edited", "opened", "still_holds"]


@dataclass(frozen=True, slots=True)
class Condensed:
    """The first `upto` messages of a history, as they are sent: `messages` in their place. What follows is sent as is.

    `omitted` of them are not sent at all; what stands for them is the message at `note` (None where nothing does), with
    the `summary` that a model made of them, if one did. In a `whole` one nothing is missing but signed thoughts.

    >>> history = [Message.user("a"), Message.assistant("b"), Message.user("c")]
    >>> [message.text for message in Condensed(2, (Message.user("a and b"),)).view(history)]
    ['a and b', 'c']
    """

    upto: int
    messages: tuple[Message, ...]
    omitted: int = 0
    note: int | None = None
    summary: str = ""
    whole: bool = False

    def view(self, history: Sequence[Message]) -> tuple[Message, ...]:
        """What is sent of a history."""
        return (*self.messages, *history[self.upto :])

    def to_dict(self, history: Sequence[Message]) -> dict[str, Any]:
        """The JSON form; a message of the history itself is told by its place."""
        places = {id(message): place for place, message in enumerate(history[: self.upto])}
        return {
            "upto": self.upto,
            "messages": [_told(message, places) for message in self.messages],
            "omitted": self.omitted,
            "note": self.note,
            "summary": self.summary,
            "whole": self.whole,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], history: Sequence[Message]) -> Condensed | None:
        """Read what `to_dict` wrote, of the same history; None for what does not fit to it, or could not be sent.

        Raises `KeyError`, `TypeError` or `ValueError` for what is no such form.
        """
        upto, note, places = data["upto"], data.get("note"), data["messages"]
        if not isinstance(places, list) or any(type(it) is not int for it in (upto, *([] if note is None else [note]))):
            raise TypeError("upto, messages and note are no places")
        if not 0 < upto <= len(history) or any(isinstance(it, int) and not 0 <= it < upto for it in places):
            return None
        read = tuple(history[it] if isinstance(it, int) else Message.from_dict(it) for it in places)
        if not read or not (note is None or 0 <= note < len(read)) or open_calls(read) or repair(read) != read:
            return None
        summary, whole = str(data.get("summary") or ""), bool(data.get("whole"))
        return cls(upto, read, int(data.get("omitted") or 0), note, summary, whole)


def _told(message: Message, places: Mapping[int, int]) -> int | dict[str, Any]:
    place = places.get(id(message))
    return message.to_dict() if place is None else place


def opened(history: Sequence[Message]) -> Condensed | None:
    """What is sent when all of a history fits after all: it, but for signed thoughts; None where it has none.

    Which of them were signed within the whole, and which within some view of it, nobody can tell any more.

    >>> opened([Message.user("a"), Message.assistant("b"), Message.user("c")]) is None
    True
    """
    unsigned = without_signed_thoughts(history)
    if len(history) == len(unsigned) and all(map(is_, history, unsigned)):
        return None
    return Condensed(len(history), unsigned, whole=True)


def still_holds(view: Condensed | None, before: Sequence[Message], now: Sequence[Message]) -> Condensed | None:
    """The view, if the messages that it stands for are the same ones in the history as it is now; else None.

    >>> a, b = Message.user("a"), Message.assistant("b")
    >>> view = Condensed(1, (Message.user("A"),))
    >>> still_holds(view, [a, b], [a]) is view, still_holds(view, [a, b], [Message.user("a"), b])
    (True, None)
    """
    if view is None or min(len(before), len(now)) < view.upto:
        return None
    return view if all(map(is_, before[: view.upto], now)) else None


def edited(
    view: Condensed | None, before: Sequence[Message], now: Sequence[Message]
) -> tuple[tuple[Message, ...], Condensed | None]:
    """A history that somebody has changed, as it can be gone on with; and the view, if that still holds.

    A thought is good as long as everything that was sent before it is what it was when it was signed: those after the
    first change are dropped, and all where the view is, since earlier ones may have been signed within another view.

    >>> from alloy_nb import Text, Thinking
    >>> a, b = Message.user("a"), Message.assistant([Thinking("Hm", "signed"), Text("b")])
    >>> [len(message.parts) for message in edited(None, [a, b, b], [a, b, a, b])[0]]
    [1, 2, 1, 1]
    """
    pairs = enumerate(zip(before, now, strict=False))
    same = next((place for place, (one, other) in pairs if one is not other), min(len(before), len(now)))
    changed = (*now[:same], *without_signed_thoughts(now[same:]))
    held = still_holds(view, before, changed)
    return (changed if held is view else without_signed_thoughts(changed)), held
