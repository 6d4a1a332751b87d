"""From events to blocks: a pure reducer. No clock, no display, no Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from ..events import Event
from ..json_text import is_json_alone
from ..messages import Message
from ..usage import Usage
from .clean import shown
from .drafts import ApprovalDraft, Draft, Fixed, ToolDraft, WordsDraft
from .notices import CUT, NOTICES, error_of, names_whom, notice_of
from .values import Approval, Block, Error, Notice, Text, Thinking, Tool

__all__ = ["Approval", "Block", "Error", "Notice", "Text", "Thinking", "Tool", "Transcript"]

#: How a call that never ran says so in its result.
_REFUSALS = ("Denied: ", "Blocked: ")


class Transcript:
    """What one run said and did, in blocks that a person reads.

    Feed it the run's events in order; an event costs the same however long the run is. Events of other runs in the
    stream (sub-agents) are passed over, but for their questions. `blocks` is a list of frozen values; blocks that
    did not change are the same objects each time.

    `inputs` names what went in beside the prompt, `notice` is what the reader should know of the model, and
    `key_arguments` maps a tool's name to the argument shown on its line. `seconds` counts from the run's first
    event to its latest, by their own times; `cost` is in US dollars, None where it is unknown.

    >>> transcript = Transcript()
    >>> transcript.feed(Event(1, "r", "text_delta", "Hel"))
    >>> transcript.feed(Event(2, "r", "text_delta", "lo"))
    >>> transcript.blocks
    [Text(markdown='Hello', live=True, by='model')]
    """

    def __init__(
        self,
        run_id: str | None = None,
        *,
        inputs: Iterable[str] = (),
        notice: str | None = None,
        key_arguments: Mapping[str, str] | None = None,
    ) -> None:
        self.run_id = run_id
        self.prompt = ""
        self.model = ""
        self.inputs = tuple(shown(item) for item in inputs)
        self.notice = shown(notice) if notice else None
        self.status = "running"
        self.turns = 0
        self.usage = Usage()
        self.cost: float | None = None
        self.seconds = 0.0
        self.messages: list[Message | Mapping[str, Any]] = []
        #: How often blocks that were there have been dropped, or have others in their place.
        self.edition = 0
        self._key_arguments = dict(key_arguments or {})
        self._drafts: list[Draft] = []
        self._tools: dict[str, ToolDraft] = {}
        self._arriving: list[ToolDraft] = []
        self._approvals: dict[str, ApprovalDraft] = {}
        self._words: WordsDraft | None = None
        #: What the model said last, which may be an answer of a type.
        self._answer: WordsDraft | None = None
        self._said_this_turn = self._cut = False
        self._first_ms: int | None = None
        self._priced = True

    @property
    def live(self) -> bool:
        """Whether the run still goes on, as far as its events tell."""
        return self.status == "running"

    @property
    def began_ms(self) -> int | None:
        """When its first event happened, by the event's own time; None before it, and of one that is from a record."""
        return self._first_ms

    @property
    def asks(self) -> bool:
        """Whether a question of it waits for an answer."""
        return any(question.state == "pending" for question in self._approvals.values())

    @property
    def blocks(self) -> list[Block]:
        return [draft.block() for draft in self._drafts]

    @property
    def count(self) -> int:
        return len(self._drafts)

    @property
    def last(self) -> Block | None:
        """The newest block."""
        return self._drafts[-1].block() if self._drafts else None

    def since(self, place: int) -> list[Block]:
        """The blocks from number `place` on, at the cost of these alone."""
        return [draft.block() for draft in self._drafts[place:]]

    @property
    def drafts(self) -> Sequence[Draft]:
        """What the blocks are made of, in their order: a `WordsDraft` tells what is new without joining the whole."""
        return self._drafts

    def tool(self, call_id: str) -> Tool | None:
        """The newest call of that id."""
        draft = self._tools.get(call_id)
        block = draft.block() if draft is not None else None
        return block if isinstance(block, Tool) else None

    def question(self, call_id: str) -> Approval | None:
        """The newest question about the call of that id."""
        draft = self._approvals.get(call_id)
        block = draft.block() if draft is not None else None
        return block if isinstance(block, Approval) else None

    def feed(self, event: Event) -> None:
        """Take in one event; kinds unknown here are passed over."""
        if self.run_id is None:
            self.run_id = event.run_id
        if event.run_id != self.run_id and not event.type.startswith("approval_"):
            return
        if self._first_ms is None:
            self._first_ms = event.ts_ms
        self.seconds = max(self.seconds, (event.ts_ms - self._first_ms) / 1000)
        handle = _HANDLERS.get(event.type)
        if handle is not None:
            handle(self, event)

    def record(self, *, messages: bool = True, limit: int | None = None) -> dict[str, Any]:
        """The run record, version 1: JSON-ready, without keys, at most `limit` bytes (256 kB) as JSON."""
        from .record import RECORD_BYTES, to_record

        return to_record(self, messages=messages, limit=RECORD_BYTES if limit is None else limit)

    @classmethod
    def from_record(cls, record: Any) -> Transcript:
        """Read what `record` wrote. Raises `ConfigError` for what is no run record of a version known here."""
        from .record import from_record

        return from_record(record)

    def restore(self, blocks: Iterable[Block]) -> None:
        """Take finished blocks as they are."""
        self._drafts.extend(Fixed(block) for block in blocks)

    # -- what an event does -----------------------------------------------------------------------------------------

    def _run_start(self, event: Event) -> None:
        payload = _mapping(event.payload)
        self.prompt = shown(_text_of(payload.get("prompt")))
        self._take_model(payload)

    def _turn_start(self, event: Event) -> None:
        self._close_words(event)
        self._said_this_turn = False
        self._answer = None
        self.turns = max(self.turns, event.turn)
        self._take_model(_mapping(event.payload))

    def _take_model(self, payload: Mapping[str, Any]) -> None:
        if payload.get("model"):
            self.model = shown(_model_name(str(payload["model"])))
        if payload.get("notice"):
            self.notice = shown(str(payload["notice"]))

    def _say(self, event: Event) -> None:
        thinking = event.type == "thinking_delta"
        self._said_this_turn = True
        if self._words is None or self._words.thinking != thinking:
            self._close_words(event)
            self._words = WordsDraft(thinking, event.ts_ms)
            self._drafts.append(self._words)
            self._answer = self._answer if thinking else self._words
        self._words.add(str(event.payload), event.ts_ms)

    def _close_words(self, event: Event) -> None:
        if self._words is not None:
            self._words.end(event.ts_ms)
            self._words = None

    def _tool_call_delta(self, event: Event) -> None:
        payload = _mapping(event.payload)
        self._said_this_turn = True
        self._close_words(event)
        call_id, name = str(payload.get("id") or ""), str(payload.get("name") or "")
        draft = self._tools.get(call_id) if call_id else None
        if draft is not None and draft.settled:
            draft = None  # an earlier call: some services count their ids from 1 in every turn
        if draft is None:
            # Some services give a call its id late: the newest one without joins it.
            draft = next((item for item in reversed(self._arriving) if not item.id), None)
        if draft is None:
            draft = self._new_tool(call_id, name)
            self._arriving.append(draft)
        if call_id and not draft.id:
            draft.id = call_id
            self._tools[call_id] = draft
        draft.name = draft.name or name
        draft.add_arguments(str(payload.get("delta") or ""))

    def _new_tool(self, call_id: str, name: str) -> ToolDraft:
        draft = ToolDraft(call_id, name, self._key_arguments.get(name))
        if call_id:
            self._tools[call_id] = draft
        self._drafts.append(draft)
        return draft

    def _tool(self, payload: Mapping[str, Any]) -> ToolDraft:
        call_id, name = str(payload.get("id") or ""), str(payload.get("name") or "")
        draft = self._tools.get(call_id)
        return draft if draft is not None else self._new_tool(call_id, name)

    def _tool_start(self, event: Event) -> None:
        self._close_words(event)
        payload = _mapping(event.payload)
        if (old := self._tools.get(str(payload.get("id") or ""))) is not None and old.settled:
            del self._tools[old.id]
        self._tool(payload).start(payload.get("input") or {})

    def _tool_progress(self, event: Event) -> None:
        payload = _mapping(event.payload)
        draft = self._tools.get(str(payload.get("id") or ""))
        if draft is not None:
            draft.report(str(payload.get("message") or ""), payload.get("fraction"))

    def _tool_end(self, event: Event) -> None:
        payload = _mapping(event.payload)
        question = self._approvals.get(str(payload.get("id") or ""))
        error = str(payload.get("error") or "")
        refused = question is not None and question.state == "denied"
        self._tool(payload).finish(payload, refused or error.startswith(_REFUSALS))

    def _approval_request(self, event: Event) -> None:
        self._close_words(event)
        payload = _mapping(event.payload)
        draft = ApprovalDraft(payload, self._key_arguments.get(str(payload.get("name") or "")))
        self._approvals[str(payload.get("id") or "")] = draft
        self._drafts.append(draft)

    def _approval_result(self, event: Event) -> None:
        payload = _mapping(event.payload)
        draft = self._approvals.get(str(payload.get("id") or ""))
        if draft is not None:
            draft.answer(payload)

    def _notice(self, event: Event) -> None:
        self._close_words(event)
        self._drafts.append(Fixed(notice_of(event.type, _mapping(event.payload))))

    def _handoff(self, event: Event) -> None:
        """The line of the call that hands over tells it, where that names whom it is handed to; else a notice does."""
        to = str(_mapping(event.payload).get("to") or "")
        running = (tool.name for tool in self._tools.values() if tool.state == "running")
        if not any(names_whom(name, to) for name in running):
            self._notice(event)

    def _fallback(self, event: Event) -> None:
        """The answer is the other model's from here on; the next turn may begin with the first one again."""
        self._notice(event)
        other = str(_mapping(event.payload).get("to") or "")
        self._take_model({"model": other.partition(":")[2] or other})

    def _usage(self, event: Event) -> None:
        payload = _mapping(event.payload)
        self.usage += Usage.from_dict(dict(payload))
        price = payload.get("cost")
        # One call without a price makes the sum unknown: rather no number than a wrong one.
        self._priced = self._priced and isinstance(price, int | float)
        self.cost = (self.cost or 0.0) + float(price) if self._priced and price is not None else None

    def _message(self, event: Event) -> None:
        self._close_words(event)
        message = event.payload
        if not isinstance(message, Message):
            return
        self.messages.append(message)
        if message.role == "assistant":
            self._cut = message.stop_reason == "max_tokens"
            self._drop_unfinished(message)
            if not self._said_this_turn:
                self._retell(message, event.ts_ms)
            self._said_this_turn = False
        elif message.role == "user" and (text := message.text or self._complaint(message)):
            self._drafts.append(Fixed(Text(shown(text), by="user")))

    def _complaint(self, message: Message) -> str:
        """What was wrong with an answer that was given by a call: no row of a tool tells it."""
        errors = (result for result in message.tool_results if result.is_error and result.call_id not in self._tools)
        return "\n".join(dict.fromkeys(result.text for result in errors))

    def _drop_unfinished(self, message: Message) -> None:
        """Calls whose arguments never became complete are no part of the answer, and never run."""
        kept = {call.id for call in message.tool_calls}
        dropped = [draft for draft in self._arriving if draft.id not in kept and draft.input is None]
        self._arriving = []
        if dropped:
            self.edition += 1
            self._drafts = [draft for draft in self._drafts if draft not in dropped]
            for draft in dropped:
                self._tools.pop(draft.id, None)

    def _retell(self, message: Message, ts_ms: int) -> None:
        """An answer that came without its deltas, as from a history."""
        for text, thinking in ((message.thinking, True), (message.text, False)):
            if text:
                words = WordsDraft(thinking, ts_ms)
                words.add(text, ts_ms)
                words.end(ts_ms)
                self._drafts.append(words)
                self._answer = self._answer if thinking else words

    def _take_output(self, output: Mapping[str, Any]) -> None:
        """An answer of a type is shown as code, in place of the JSON as it came; where that has words around, below."""
        code = Fixed(Text(shown(f"```json\n{output.get('json') or ''}\n```")))
        said = self._answer.block() if self._answer is not None else None
        words = said.markdown if isinstance(said, Text) else ""
        if self._answer is not None and is_json_alone(words):
            self._drafts[self._drafts.index(self._answer)] = code
            self.edition += 1
        elif "```" not in words:
            self._drafts.append(code)

    def _run_end(self, event: Event) -> None:
        self._close_words(event)
        payload = _mapping(event.payload)
        self.status = str(payload.get("status") or "completed")
        self.turns = payload["turns"] if isinstance(payload.get("turns"), int) else self.turns
        if isinstance(payload.get("usage"), Mapping):
            self.usage = Usage.from_dict(dict(payload["usage"]))
        if isinstance(payload.get("cost"), int | float):
            self.cost = payload["cost"]
        if isinstance(payload.get("output"), Mapping):
            self._take_output(payload["output"])
        if self.status != "waiting":
            for question in self._approvals.values():
                question.withdraw()
        for tool in self._tools.values():
            tool.end(event.ts_ms)
        # Who stopped it knows; the line of facts says so too.
        if payload.get("error") and self.status != "cancelled":
            self._drafts.append(Fixed(error_of(payload)))
        elif self.status == "completed" and self._cut:
            self._drafts.append(Fixed(CUT))


def _mapping(payload: Any) -> Mapping[str, Any]:
    return payload if isinstance(payload, Mapping) else {}


def _model_name(model: str) -> str:
    """A model that is named by a file's path is shown by the file's name: the folder is this machine's."""
    return PurePath(model).name if PurePath(model).is_absolute() else model


def _text_of(prompt: Any) -> str:
    if isinstance(prompt, str):
        return prompt
    return str(getattr(prompt, "text", "")) if prompt is not None else ""


_HANDLERS: Mapping[str, Callable[[Transcript, Event], None]] = {
    "run_start": Transcript._run_start,
    "turn_start": Transcript._turn_start,
    "text_delta": Transcript._say,
    "thinking_delta": Transcript._say,
    "tool_call_delta": Transcript._tool_call_delta,
    "tool_start": Transcript._tool_start,
    "tool_progress": Transcript._tool_progress,
    "tool_end": Transcript._tool_end,
    "approval_request": Transcript._approval_request,
    "approval_result": Transcript._approval_result,
    "usage": Transcript._usage,
    "message": Transcript._message,
    "run_end": Transcript._run_end,
    **dict.fromkeys(NOTICES, Transcript._notice),
    "fallback": Transcript._fallback,
    "handoff": Transcript._handoff,
}
