"""The blocks that a run is read as: plain values, with a JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from .rich import Rich, read_rich, rich_to_dict

__all__ = [
    "Approval",
    "Block",
    "Error",
    "Notice",
    "Text",
    "Thinking",
    "Tool",
    "block_from_dict",
    "block_to_dict",
]

ToolState = Literal["waiting", "running", "done", "failed", "denied"]
ApprovalState = Literal["pending", "allowed", "denied", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Thinking:
    """What the model thought; `seconds` from its first word to whatever came next."""

    text: str = ""
    seconds: float | None = None
    live: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """Words of the answer, as Markdown. `by` is ``"user"`` for what was said to the agent while it worked."""

    markdown: str = ""
    live: bool = False
    by: str = "model"


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool call. `key` is the argument that matters, on one line; `input` is None while it still arrives.

    `progress` holds the last few things the tool said of itself, `fraction` how far it is (0 to 1), `rich` the
    pictures and tables that it gave.
    """

    id: str = ""
    name: str = ""
    key: str = ""
    input: Any = None
    output: str = ""
    error: str | None = None
    duration_ms: float | None = None
    state: ToolState = "waiting"
    progress: tuple[str, ...] = ()
    fraction: float | None = None
    data: Any = None
    rich: tuple[Rich, ...] = ()


@dataclass(frozen=True, slots=True)
class Approval:
    """A question whether a call may run: `reason` is why it is asked, `answer` what was said to a refusal."""

    id: str = ""
    name: str = ""
    key: str = ""
    input: Any = None
    reason: str = ""
    state: ApprovalState = "pending"
    by: str = ""
    answer: str = ""
    remember: str = "once"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about the run that a reader should know; `kind` is the event's type, `seconds` a wait.

    A ``"pause"`` is the wait of a `retry` event before the first attempt.
    """

    kind: str = ""
    text: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Error:
    """How the run failed, and what to do."""

    type: str = ""
    message: str = ""
    hint: str = ""


Block = Thinking | Text | Tool | Approval | Notice | Error

_KINDS: Mapping[str, type[Any]] = {
    "thinking": Thinking,
    "text": Text,
    "tool": Tool,
    "approval": Approval,
    "notice": Notice,
    "error": Error,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


_NUMBERS = frozenset({"seconds", "duration_ms", "fraction"})
_STATES: Mapping[str, tuple[str, ...]] = {
    "tool": get_args(ToolState),
    "approval": get_args(ApprovalState),
}


def block_to_dict(block: Block) -> dict[str, Any]:
    """The JSON form: its kind under ``block``, defaults left out."""
    data: dict[str, Any] = {"block": _NAMES[type(block)]}
    for item in fields(block):
        value = getattr(block, item.name)
        if value != item.default:
            data[item.name] = [_plain(one) for one in value] if isinstance(value, tuple) else value
    return data


def _plain(item: Any) -> Any:
    return item if isinstance(item, str) else rich_to_dict(item)


def block_from_dict(data: Any) -> Block:
    """Read what `block_to_dict` wrote. What is of no known kind becomes a `Notice`; wrong values are passed over."""
    kind = data.get("block") if isinstance(data, Mapping) else None
    cls = _KINDS.get(kind) if isinstance(kind, str) else None
    if cls is None or not isinstance(kind, str):
        return Notice("unknown", "a part that this version cannot show")
    values = {}
    for item in fields(cls):
        if item.name in data:
            value = _read(kind, item.name, data[item.name])
            if value is not None:
                values[item.name] = value
    block: Block = cls(**values)
    return block


def _read(kind: str, name: str, value: Any) -> Any:
    """`value` as the field takes it, None for one it does not take."""
    from .clean import shown, shown_value

    if name == "state":
        return value if value in _STATES[kind] else None
    if name in _NUMBERS:
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if name == "live":
        return bool(value)
    if name == "progress":
        return tuple(shown(str(line)) for line in value) if isinstance(value, list) else None
    if name == "rich":
        return read_rich(value)
    if name in ("input", "data"):
        return shown_value(value)
    return shown(value) if isinstance(value, str) else None
