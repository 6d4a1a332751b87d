"""What changed in a run since it was last looked at, as the page's reducer takes it (`labextension/src/blocks`).

A change is a JSON array, short because there may be thousands: ``["t", place, text]`` appends to the words of a block,
``["r", place, keep, text]`` replaces their end, ``["b", place, fields]`` changes other fields or makes a block,
``["n", count]`` drops the blocks behind the first ones, ``["f", facts]`` changes what is known of the run as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from ...render.clean import is_cut, shorten
from ...render.diffs import Diff, asked_diff, diff_of
from ...render.drafts import Draft, WordsDraft
from ...render.growing import Seen
from ...render.rich import ALL_PICTURES
from ...render.values import Approval, Block, Text, Thinking, Tool, block_to_dict
from ...render.wording import standing

if TYPE_CHECKING:
    from ...render.blocks import Transcript

__all__ = ["Change", "Changes", "facts_of", "sendable", "wire_block", "wire_blocks"]

Change = list[Any]

#: Longer outputs and arguments are shown by their beginning and end, as in the frozen form; the record holds more.
_LONGEST = 8_000
_LONGEST_ASKED = 100_000
#: The words that grow, by the kind of block.
_WORDS = {"thinking": "text", "text": "markdown"}
#: A page keeps every number up to this one to its last digit; a larger one it is told in words.
_LARGEST = 2**53 - 1


class Pictures:
    """What one telling of a run has left for pictures."""

    def __init__(self) -> None:
        self._left = ALL_PICTURES

    def fit(self, item: dict[str, Any]) -> dict[str, Any]:
        """`item`, or what says that it was left out."""
        size = len(item.get("image", ""))
        if size > self._left:
            return {**item, "image": ""}
        self._left -= size
        return item


def wire_blocks(blocks: Iterable[Block]) -> list[dict[str, Any]]:
    """A run's blocks as the page is told of them."""
    pictures = Pictures()
    return [wire_block(block, pictures) for block in blocks]


def wire_block(block: Block, pictures: Pictures | None = None) -> dict[str, Any]:
    """A block as the page is told of it: what it shows, and no more."""
    wire = block_to_dict(block)
    if "rich" in wire:
        pictures = pictures or Pictures()
        wire["rich"] = [pictures.fit(item) for item in wire["rich"]]
    if isinstance(block, Tool):
        wire.pop("data", None)
        code = block.data.get("exit_code") if isinstance(block.data, Mapping) else None
        if isinstance(code, int):
            wire["exit_code"] = code
        _shorten(wire, "output", "error", "input")
        _add_diff(wire, diff_of(block, _LONGEST))
    elif isinstance(block, Approval):
        # Nothing may hide from who allows the call: what is not shown is said aloud.
        if is_cut(block.input):
            wire["partial"] = True
        wire["input"] = _changed(wire.get("input"), _bounded)
        _add_diff(wire, asked_diff(block, _LONGEST_ASKED))
    return {name: sendable(value) for name, value in wire.items()}


def sendable(value: Any) -> Any:
    """`value` with every number that a page could not read, or not to its last digit, in words."""
    if isinstance(value, int | float) and not -_LARGEST <= value <= _LARGEST:
        return str(value)
    if isinstance(value, Mapping):
        return {key: sendable(item) for key, item in value.items()}
    return [sendable(item) for item in value] if isinstance(value, list) else value


def _shorten(wire: dict[str, Any], *names: str) -> None:
    for name in names:
        if name in wire:
            wire[name] = _changed(wire[name], lambda text: shorten(text, _LONGEST))


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _changed(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [_changed(item, change) for item in value]
    return value


def _bounded(text: str) -> str:
    left_out = len(text) - _LONGEST_ASKED
    return (
        text
        if left_out <= 0
        else f"{text[:_LONGEST_ASKED]}\n… AND {left_out:,} MORE CHARACTERS THAT ARE NOT SHOWN HERE"
    )


def _add_diff(wire: dict[str, Any], diff: Diff) -> None:
    """The page shows all that it is told: what the diff tells is left out of the arguments here."""
    if diff.lines:
        wire["diff"] = list(diff.lines)
    if diff.told:
        wire["input"] = {name: value for name, value in wire["input"].items() if name not in diff.told}


def facts_of(transcript: Transcript) -> dict[str, Any]:
    """What is known of the run as a whole."""
    return {
        "model": transcript.model,
        "status": standing(transcript),
        "turns": transcript.turns,
        "input_tokens": transcript.usage.input_tokens,
        "output_tokens": transcript.usage.output_tokens,
        "cost": transcript.cost,
        "notice": transcript.notice,
        "inputs": list(transcript.inputs),
    }


class Changes:
    """Follows one transcript. `take` looks at the blocks that are not settled, and of growing words at what is new.

    >>> from alloy_nb.events import Event
    >>> from alloy_nb.render.blocks import Transcript
    >>> transcript = Transcript()
    >>> changes = Changes(transcript)
    >>> transcript.feed(Event(1, "r", "text_delta", "Hel"))
    >>> [change for change in changes.take() if change[0] == "b"]
    [['b', 0, {'block': 'text', 'live': True, 'markdown': 'Hel'}]]
    >>> transcript.feed(Event(2, "r", "text_delta", "lo"))
    >>> changes.take()
    [['t', 0, 'lo']]
    """

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._facts: dict[str, Any] = {}
        self._pictures = Pictures()
        self._edition = transcript.edition
        #: What was told of, in its order; by its place, what of it may still change.
        self._drafts: list[Draft] = []
        self._open: dict[int, _Told] = {}

    def take(self) -> list[Change]:
        """What changed since the last call; [] when nothing did."""
        drafts, changes = self._transcript.drafts, []
        if self._edition != self._transcript.edition:
            self._edition = self._transcript.edition
            changes += self._exchange(drafts)
        for place, told in list(self._open.items()):
            changes += told.changes(place)
            self._leave_settled(place, told)
        for place in range(len(self._drafts), len(drafts)):
            self._drafts.append(drafts[place])
            changes += self._tell(place, drafts[place])
        return changes + self._changed_facts()

    def _tell(self, place: int, draft: Draft) -> list[Change]:
        told = self._open[place] = _Told(draft, self._pictures)
        self._leave_settled(place, told)
        return [["b", place, told.wire]]

    def _leave_settled(self, place: int, told: _Told) -> None:
        if _is_settled(told.block):
            del self._open[place]

    def _exchange(self, drafts: Sequence[Draft]) -> list[Change]:
        """Drafts were dropped, or others stand in their place."""
        changes: list[Change] = []
        for place, (draft, before) in enumerate(zip(drafts, self._drafts, strict=False)):
            if draft is not before:
                self._drafts[place] = draft
                changes += self._tell(place, draft)
        if len(drafts) < len(self._drafts):
            del self._drafts[len(drafts) :]
            self._open = {place: told for place, told in self._open.items() if place < len(drafts)}
            changes.append(["n", len(drafts)])
        return changes

    def _changed_facts(self) -> list[Change]:
        facts = facts_of(self._transcript)
        changed = {
            name: value for name, value in facts.items() if name not in self._facts or self._facts[name] != value
        }
        self._facts = facts
        return [["f", {**changed, "seconds": self._transcript.seconds}]] if changed else []


class _Told:
    """A block as the page was told of it: of words that grow, how far they were seen."""

    def __init__(self, draft: Draft, pictures: Pictures) -> None:
        self._draft = draft
        self._pictures = pictures
        self._seen = Seen()
        if isinstance(draft, WordsDraft):
            self.block = draft.frame()
            grown = draft.since(self._seen)
            self._seen = grown.seen
            self._rest = wire_block(self.block)
            self.wire = {**self._rest, _WORDS[self._rest["block"]]: grown.text}
        else:
            self.block = draft.block()
            self.wire = self._rest = wire_block(self.block, pictures)

    def changes(self, place: int) -> list[Change]:
        """What is new of it since the last call."""
        changes: list[Change] = []
        if isinstance(self._draft, WordsDraft):
            block = self._draft.frame()
            grown = self._draft.since(self._seen)
            self._seen = grown.seen
            if grown.cut:  # a key was recognised only now, and taken out
                changes.append(["r", place, grown.units, grown.text])
            elif grown.text:
                changes.append(["t", place, grown.text])
        else:
            block = self._draft.block()
        if block is not self.block and (others := self._others(block)):
            changes.append(["b", place, others])
        return changes

    def _others(self, block: Block) -> dict[str, Any]:
        told, rest = self._rest, wire_block(block, self._pictures)
        self.block, self._rest = block, rest
        gone = {name: _default(block, name) for name in told if name not in rest}
        return {**{name: value for name, value in rest.items() if told.get(name) != value}, **gone}


def _default(block: Block, name: str) -> Any:
    assert is_dataclass(block)
    value = next((item.default for item in fields(block) if item.name == name), None)
    return list(value) if isinstance(value, tuple) else value


def _is_settled(block: Block) -> bool:
    match block:
        case Text() | Thinking():
            return not block.live
        case Tool():
            return block.state in ("done", "failed", "denied")
        case Approval():
            return block.state != "pending"
        case _:
            return True
