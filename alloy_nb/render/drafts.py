"""Blocks while they grow: cheap to add to, turned into values when somebody looks."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from ..redaction import without_beginning
from .clean import shown, shown_value
from .growing import Change, GrowingText, Seen
from .rich import read_rich
from .values import Approval, Block, Text, Thinking, Tool, ToolState

__all__ = ["ApprovalDraft", "Draft", "Fixed", "ToolDraft", "WordsDraft", "key_of"]

#: How many of a tool's last progress messages are kept.
_PROGRESS_LINES = 3

#: How much of a call's argument text is looked at for its key argument while it still arrives.
_ARGUMENT_HEAD = 4_000

_LONGEST_KEY = 200

#: The argument that is shown on a tool's line, where the caller does not say it; the first one there is taken.
_KEY_NAMES = (
    "file_path",
    "path",
    "command",
    "code",
    "url",
    "pattern",
    "query",
    "name",
    "key",
    "expression",
    "topic",
    "question",
    "prompt",
    "action",
    "id",
)


def key_of(input: Any, key_argument: str | None = None) -> str:
    """The argument that matters, on one line: the one named, else a well-known one, else the first word-like one.

    Where there are several lines a sign stands between them: joined by blanks they would read as something else.

    >>> key_of({"limit": 3, "file_path": "note.txt"})
    'note.txt'
    >>> key_of({"command": "echo one\\necho two"})
    'echo one ⏎ echo two'
    """
    if not isinstance(input, Mapping) or not input:
        return ""
    names = [key_argument] if key_argument in input else [name for name in _KEY_NAMES if name in input]
    value = next((input[name] for name in names if isinstance(input[name], str | int | float)), None)
    if value is None:
        value = next((item for item in input.values() if isinstance(item, str)), "")
    # What is cut here, or is still arriving, may end within a key.
    text = without_beginning(str(value)[: 4 * _LONGEST_KEY]).strip()
    lines = (" ".join(shown_value(line).split()) for line in text.split("\n"))
    line = " ⏎ ".join(line for line in lines if line)
    return line if len(line) <= _LONGEST_KEY else line[: _LONGEST_KEY - 1] + "…"


class Draft:
    """A block on its way; `block()` is made anew only after a change."""

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: Block | None = None

    def block(self) -> Block:
        if self._made is None:
            self._made = self._make()
        return self._made

    def _make(self) -> Block:
        raise NotImplementedError

    def end(self, ts_ms: int) -> None:
        """Nothing more comes."""


class Fixed(Draft):
    """A block that is what it is."""

    __slots__ = ()

    def __init__(self, block: Block) -> None:
        self._made = block


class WordsDraft(Draft):
    """Text or thinking: looked at as it grows, at the cost of what is new.

    `since` tells what came since a reader looked last; `block` joins the whole.
    """

    __slots__ = ("_first_ms", "_last_ms", "_words", "live", "thinking")

    def __init__(self, thinking: bool, ts_ms: int) -> None:
        super().__init__()
        self.thinking = thinking
        self.live = True
        self._words = GrowingText()
        self._first_ms = self._last_ms = ts_ms

    def add(self, piece: str, ts_ms: int) -> None:
        self._words.add(piece)
        self._last_ms = ts_ms
        self._made = None

    def end(self, ts_ms: int) -> None:
        if self.live:
            self.live = False
            self._words.end()
            self._last_ms = max(ts_ms, self._first_ms)
            self._made = None

    def since(self, seen: Seen) -> Change:
        """What became of the words since a reader saw them as `seen` says; ``Seen()`` for one that saw nothing."""
        return self._words.since(seen)

    def frame(self) -> Block:
        """The block without its words: what else there is to tell of it."""
        return self._block("")

    def _make(self) -> Block:
        return self._block(str(self._words))

    def _block(self, words: str) -> Block:
        if not self.thinking:
            return Text(words, self.live)
        return Thinking(words, (self._last_ms - self._first_ms) / 1000, self.live)


class ToolDraft(Draft):
    """A call: its arguments may still arrive, then it waits, runs and ends."""

    __slots__ = (
        "_data",
        "_duration_ms",
        "_error",
        "_fraction",
        "_key_argument",
        "_output",
        "_pieces",
        "_progress",
        "_rich",
        "id",
        "input",
        "name",
        "state",
    )

    def __init__(self, id: str, name: str, key_argument: str | None = None) -> None:
        super().__init__()
        self.id = id
        self.name = name
        self.input: Any = None
        self.state: ToolState = "waiting"
        self._key_argument = key_argument
        self._pieces: list[str] = []
        self._progress: deque[str] = deque(maxlen=_PROGRESS_LINES)
        self._fraction: float | None = None
        self._output = ""
        self._error: str | None = None
        self._duration_ms: float | None = None
        self._data: Any = None
        self._rich: Any = ()

    @property
    def settled(self) -> bool:
        return self.state in ("done", "failed", "denied")

    def add_arguments(self, piece: str) -> None:
        # Only the head is ever looked at, so only a change in the head needs a new block.
        if len(self._pieces) < _ARGUMENT_HEAD:
            self._pieces.append(piece)
            self._made = None

    def start(self, input: Any) -> None:
        self.input = input
        self._pieces = []
        self.state = "running"
        self._made = None

    def report(self, message: str, fraction: Any) -> None:
        if self.settled:
            return
        if message:
            self._progress.append(message)
        self._fraction = fraction if isinstance(fraction, int | float) else None
        self._made = None

    def finish(self, payload: Mapping[str, Any], denied: bool) -> None:
        error = payload.get("error")
        self._error = None if error is None else str(error)
        self._output = str(payload.get("output") or "")
        self._duration_ms = payload.get("duration_ms")
        self._data = payload.get("structured")
        self._rich = payload.get("rich")
        code = self._data.get("exit_code") if isinstance(self._data, Mapping) else None
        if error is None:
            # A command that says itself that it failed is no error of the call; but done it is not.
            self.state = "failed" if isinstance(code, int) and code else "done"
        else:
            self.state = "denied" if denied else "failed"
        self._made = None

    def end(self, ts_ms: int) -> None:
        """The run is over: a call that has no end by then was given up."""
        if not self.settled and self.state == "running":
            self._error = "no result"
            self.state = "failed"
            self._made = None

    def _make(self) -> Block:
        input = self.input if self.input is not None else self._arriving()
        return Tool(
            shown(self.id),
            shown_value(self.name),
            key_of(input, self._key_argument),
            None if self.input is None else shown_value(self.input),
            shown(self._output),
            None if self._error is None else shown(self._error),
            self._duration_ms,
            self.state,
            tuple(shown(line) for line in self._progress) if not self.settled else (),
            self._fraction if not self.settled else None,
            shown_value(self._data),
            read_rich(self._rich),
        )

    def _arriving(self) -> Any:
        """The arguments as far as they are here; {} when nothing can be read of them yet."""
        from pydantic_core import from_json

        head = "".join(self._pieces)[:_ARGUMENT_HEAD]
        try:
            # Half a character has no UTF-8 form; its other half may be still to come.
            return from_json(head.encode("utf-8", "replace") or b"{}", allow_partial="trailing-strings")
        except ValueError:
            return {}


class ApprovalDraft(Draft):
    """A question and, in time, its answer."""

    __slots__ = ("_key_argument", "_payload", "_result", "state")

    def __init__(self, payload: Mapping[str, Any], key_argument: str | None = None) -> None:
        super().__init__()
        self._payload = payload
        self._key_argument = key_argument
        self._result: Mapping[str, Any] = {}
        self.state: Any = "pending"

    def answer(self, payload: Mapping[str, Any]) -> None:
        self._result = payload
        self.state = "allowed" if payload.get("allowed") else "denied"
        self._made = None

    def withdraw(self) -> None:
        """The run ended otherwise; nobody waits for the answer any more."""
        if self.state == "pending":
            self.state = "withdrawn"
            self._made = None

    def _make(self) -> Block:
        asked, result = self._payload, self._result
        return Approval(
            shown(str(asked.get("id") or "")),
            shown_value(str(asked.get("name") or "")),
            key_of(asked.get("input"), self._key_argument),
            shown_value(asked.get("input")),
            shown(str(asked.get("reason") or "")),
            self.state,
            shown(str(result.get("by") or "")),
            shown(str(result.get("reason") or "")),
            shown(str(result.get("remember") or "once")),
        )
