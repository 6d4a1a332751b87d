"""Which messages of a conversation are sent in brief, and which not at all: a plan, made without a model.

Pure: the same messages and the same room give the same plan. Calls and their results stay together; the first request
and the last messages are the last to be touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from ..history import without_signed_thoughts
from ..messages import Message
from .estimate import history_tokens, text_tokens
from .gauge import Room
from .shorter import (
    cut,
    cut_texts,
    long_texts,
    with_handles,
    without_arguments,
    without_media,
    without_old_results,
    without_old_words,
)

__all__ = ["Plan", "make_plan"]

Edit = Callable[[Message], Message]

#: Tokens to which a single text is cut, at least.
_SHORTEST = 40


@dataclass(slots=True, eq=False)
class _Unit:
    """Messages that stand or fall together: an answer, its calls and their results.

    `role` is ``"first"`` (the first request), ``"note"`` (what stands for what was left out), ``"tail"`` (the last
    messages), ``"pinned"`` (what is never left out), or ``"middle"``.
    """

    messages: tuple[Message, ...]
    role: str = "middle"
    tokens: int = 0

    def __post_init__(self) -> None:
        self.tokens = history_tokens(self.messages)

    def edit(self, edit: Edit) -> bool:
        """Have the edited messages in place of these, where that makes them smaller."""
        edited = tuple(map(edit, self.messages))
        tokens = history_tokens(edited)
        if tokens >= self.tokens:
            return False
        self.messages, self.tokens = edited, tokens
        return True


@dataclass(slots=True)
class Plan:
    """How a view is to be made smaller: `units` in their order, without the messages that are `left_out`.

    `omitted` is how many are not sent, now and before; what stands for them comes to `reserved` tokens.
    """

    before: tuple[Message, ...]
    units: list[_Unit]
    reserved: int = 0
    left_out: list[Message] = field(default_factory=list)
    omitted: int = 0

    @property
    def tokens(self) -> int:
        note = self.reserved if self.left_out else 0
        return note + sum(unit.tokens for unit in self.units if unit.role != "note" or not self.left_out)

    @property
    def touched(self) -> tuple[Message, ...]:
        """The messages that will be sent shorter or not at all, as they were sent until now."""
        sent = {id(message) for unit in self.units for message in unit.messages}
        return tuple(message for message in self.before if id(message) not in sent)

    def keep_outputs(self, keep: Callable[[str], str | None]) -> None:
        """Have `keep` store what was cleared and is still told of."""
        originals = {result.call_id: result for message in self.before for result in message.tool_results}
        for unit in self.units:
            unit.messages = tuple(with_handles(message, originals, keep) for message in unit.messages)

    def build(self, note: str | None) -> tuple[tuple[Message, ...], int | None]:
        """The view, and where in it the note stands: a new one, or (None) the one that was there, if there was one."""
        view: list[Message] = []
        place = None
        for unit in self.units:
            if unit.role == "note":
                place = len(view)
                view += [Message.user(note)] if note is not None else unit.messages
            else:
                view += unit.messages
        return tuple(view), place


def make_plan(
    messages: Sequence[Message],
    room: Room,
    keep: int,
    *,
    note: int | None = None,
    omitted: int = 0,
    reserved: int = 0,
    whole_middle: bool = False,
) -> Plan:
    """The plan by which messages fit into the `target` of a room, with as many of the last `keep` as that allows.

    `note` is the place of what stands for `omitted` messages left out before, `reserved` the tokens of what will stand
    there. With `whole_middle` all between the first request and the last messages is left out as soon as any of it
    must be: a summary is to take its place.
    """
    count = keep
    while True:
        plan = Plan(tuple(messages), _units(messages, count, note), reserved, omitted=omitted)
        _shrink(plan, room.target, whole_middle=whole_middle)
        if plan.tokens <= room.comfortable:
            return plan
        if count == 1:
            _cut(plan, room.target)
            return plan
        count //= 2


def _units(messages: Sequence[Message], keep: int, note: int | None) -> list[_Unit]:
    """All messages; without the thoughts that their makers signed, who refuse them in a history that was changed."""
    groups = ((place, without_signed_thoughts(group)) for place, group in _groups(messages, note))
    units = [_Unit(group, "note" if place == note else "middle") for place, group in groups if group]
    first = next((unit for unit in units if unit.role == "middle" and _is_request(unit.messages)), None)
    if first is not None:
        first.role = "first"
    kept = 0
    for unit in reversed(units):
        if kept >= keep:
            break
        kept += len(unit.messages) if unit.role != "note" else 0
        if unit.role == "middle":
            unit.role = "tail"
    for unit in units:
        if unit.role == "middle" and unit.messages[0].role == "system":
            unit.role = "pinned"
    return units


def _groups(messages: Sequence[Message], note: int | None) -> Iterator[tuple[int, Sequence[Message]]]:
    """Messages that belong together, with the place of the first: results with their calls, answers that went on."""
    begin = 0
    for place in range(1, len(messages) + 1):
        goes_on = place < len(messages) and place != note and begin != note and _follows(messages, place)
        if not goes_on:
            yield begin, messages[begin:place]
            begin = place


def _follows(messages: Sequence[Message], place: int) -> bool:
    if messages[place - 1].role != "assistant":
        return False
    return messages[place].role == "assistant" or bool(messages[place].tool_results)


def _is_request(messages: Sequence[Message]) -> bool:
    return messages[0].role == "user" and not messages[0].tool_results


def _shrink(plan: Plan, target: int, *, whole_middle: bool) -> None:
    """First results, then words, then whole messages; the oldest first, and no more than is needed."""
    middle = [unit for unit in plan.units if unit.role == "middle"]
    originals = [unit.messages for unit in middle]
    for edit in (without_old_results, without_old_words):
        _edit(plan, middle, edit, target)
    total = plan.tokens
    if total <= target or not middle:
        return
    plan.left_out += originals[0]
    total = plan.tokens  # with what stands for it
    gone = 0
    for unit, messages in zip(middle, originals, strict=True):
        if total <= target and not whole_middle and gone:
            break
        plan.left_out += messages if gone else ()
        total -= unit.tokens
        gone += 1
    if not any(unit.role == "note" for unit in plan.units):
        plan.units.insert(plan.units.index(middle[0]), _Unit((), "note"))
    dropped = set(map(id, middle[:gone]))
    plan.units = [unit for unit in plan.units if id(unit) not in dropped]
    plan.omitted += len(plan.left_out)


def _edit(plan: Plan, units: Iterable[_Unit], edit: Edit, target: int) -> None:
    total = plan.tokens
    for unit in units:
        if total <= target:
            return
        size = unit.tokens
        if unit.edit(edit):
            total += unit.tokens - size


def _cut(plan: Plan, target: int) -> None:
    """Even the first request and the newest messages are too much: pictures go, then texts are cut, the longest."""
    _edit(plan, plan.units, without_media, target)
    for _ in range(4):  # what is cut is denser than the average, or less dense: the second time fits
        over = plan.tokens - target
        if over <= 0:
            return
        sizes = sorted(size for text in _texts(plan) if (size := text_tokens(text)) > _SHORTEST)
        most = max(_SHORTEST, _level(sizes, sum(sizes) - over))

        def shorten(text: str, most: int = most) -> str:
            size = text_tokens(text)
            return text if size <= most else cut(text, max(1, len(text) * most // size - 40))

        edit = partial(cut_texts, shorten=shorten)
        if not sum(unit.edit(edit) for unit in plan.units):
            break
    _edit(plan, plan.units, without_arguments, target)


def _texts(plan: Plan) -> Iterator[str]:
    for unit in plan.units:
        for message in unit.messages:
            yield from long_texts(message)


def _level(sizes: Sequence[int], total: int) -> int:
    """The height to which sizes (in order) are cut, so that they sum up to `total`.

    >>> _level([10, 20, 100], 90)
    60
    """
    left = total
    for place, size in enumerate(sizes):
        share = left // (len(sizes) - place)
        if size > share:
            return share
        left -= size
    return sizes[-1] if sizes else 0
