"""What changed in a run since it was last looked at, as the page's reducer takes it (`labextension/src/blocks`).

A change is a JSON array, short because there may be thousands: ``["t", place, text]`` appends to the words of a block,
``["r", place, keep, text]`` replaces their end, ``["b", place, fields]`` changes other fields or makes a block,
``["n", count]`` drops the blocks behind the first ones, ``["f", facts]`` changes what is known of the run as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from ...render.clean import shorten
from ...render.values import Approval, Block, Text, Thinking, Tool, block_to_dict
from ...render.wording import diff_of

if TYPE_CHECKING:
    from ...render.blocks import Transcript

__all__ = ["Change", "Changes", "facts_of", "wire_block"]

Change = list[Any]

#: Longer outputs and arguments are shown by their beginning and end, as in the frozen form; the record holds more.
_LONGEST = 8_000
_LONGEST_ASKED = 100_000
#: The words that grow, by the kind of block.
_WORDS = {"thinking": "text", "text": "markdown"}


def wire_block(block: Block) -> dict[str, Any]:
    """A block as the page is told of it: what it shows, and no more."""
    wire = block_to_dict(block)
    if isinstance(block, Tool):
        wire.pop("data", None)
        code = block.data.get("exit_code") if isinstance(block.data, Mapping) else None
        if isinstance(code, int):
            wire["exit_code"] = code
        _shorten(wire, "output", "error", "input")
        _add_diff(wire, block)
    elif isinstance(block, Approval):
        # Nothing may hide from who allows the call: what is not shown is said aloud.
        wire["input"] = _changed(wire.get("input"), _bounded)
        _add_diff(wire, Tool(name=block.name, input=block.input))
    return wire


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


def _add_diff(wire: dict[str, Any], tool: Tool) -> None:
    diff = diff_of(tool)
    if diff:
        wire["diff"] = shorten("\n".join(diff), _LONGEST).split("\n")


def facts_of(transcript: Transcript) -> dict[str, Any]:
    """What is known of the run as a whole."""
    return {
        "model": transcript.model,
        "status": transcript.status,
        "turns": transcript.turns,
        "input_tokens": transcript.usage.input_tokens,
        "output_tokens": transcript.usage.output_tokens,
        "cost": transcript.cost,
        "notice": transcript.notice,
        "inputs": list(transcript.inputs),
    }


class Changes:
    """Follows one transcript. The cost of `take` is that of what changed: blocks that are settled are left behind.

    >>> from alloy_nb.events import Event
    >>> from alloy_nb.render.blocks import Transcript
    >>> transcript = Transcript()
    >>> changes = Changes(transcript)
    >>> transcript.feed(Event(1, "r", "text_delta", "Hel"))
    >>> [change for change in changes.take() if change[0] == "b"]
    [['b', 0, {'block': 'text', 'markdown': 'Hel', 'live': True}]]
    >>> transcript.feed(Event(2, "r", "text_delta", "lo"))
    >>> changes.take()
    [['t', 0, 'lo']]
    """

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._facts: dict[str, Any] = {}
        self._settled = 0
        #: The blocks behind the settled ones, as they were last told: the value, and its wire form.
        self._told: list[tuple[Block, dict[str, Any]]] = []

    def take(self) -> list[Change]:
        """What changed since the last call; [] when nothing did."""
        changes: list[Change] = []
        blocks = self._transcript.since(self._settled)
        for offset, block in enumerate(blocks):
            if offset >= len(self._told):
                wire = wire_block(block)
                self._told.append((block, wire))
                changes.append(["b", self._settled + offset, wire])
            elif self._told[offset][0] is not block:
                changes += self._changed(offset, block)
        if len(blocks) < len(self._told):
            del self._told[len(blocks) :]
            changes.append(["n", self._settled + len(blocks)])
        self._leave_settled()
        return changes + self._changed_facts()

    def _changed(self, offset: int, block: Block) -> list[Change]:
        place = self._settled + offset
        before, told = self._told[offset]
        wire = wire_block(block)
        self._told[offset] = (block, wire)
        if wire["block"] != told["block"] or type(before) is not type(block):
            return [["b", place, wire]]
        words = _WORDS.get(wire["block"])
        changes = []
        if words is not None and (change := _grown(place, told.get(words, ""), wire.get(words, ""))):
            changes.append(change)
        others = {name: value for name, value in wire.items() if name != words and told.get(name) != value}
        gone = {name: _default(block, name) for name in told if name not in wire and name != words}
        if others or gone:
            changes.append(["b", place, {**others, **gone}])
        return changes

    def _leave_settled(self) -> None:
        settled = sum(1 for _ in takewhile(lambda told: _is_settled(told[0]), self._told))
        self._settled += settled
        del self._told[:settled]

    def _changed_facts(self) -> list[Change]:
        facts = facts_of(self._transcript)
        changed = {
            name: value for name, value in facts.items() if name not in self._facts or self._facts[name] != value
        }
        self._facts = facts
        return [["f", {**changed, "seconds": self._transcript.seconds}]] if changed else []


def _grown(place: int, old: str, new: str) -> Change | None:
    if new == old:
        return None
    if new.startswith(old):
        return ["t", place, new[len(old) :]]
    # A key was recognised only now, and taken out. The page counts in UTF-16.
    keep = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))
    return ["r", place, len(new[:keep].encode("utf-16-le")) // 2, new[keep:]]


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
