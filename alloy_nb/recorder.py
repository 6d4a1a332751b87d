"""Keeping a conversation in a session store as it grows, and finding it there again."""

from __future__ import annotations

import threading
from collections.abc import Container, Coroutine, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from operator import is_
from typing import Any

from .articles import a_kind
from .context.condensed import Condensed
from .errors import AlloyError, ConfigError, SessionError
from .history import UNKNOWN, open_calls, unknown_result, with_results
from .messages import Message, ToolCall, ToolResult, part_from_dict, part_to_dict
from .options import Options
from .redaction import redact_data
from .session import Session, SessionStore, check_name
from .sinks import resolve
from .tools.scratchpad import notes_of
from .tools.toolbox import collect_tools
from .usage import Usage, add_costs

__all__ = ["RECORD_VERSION", "Recorder", "fold_records", "session_of", "unknown_calls", "with_session"]

RECORD_VERSION = 1


def with_session(options: Options) -> tuple[Options, Recorder | None]:
    """The options with the conversation that is stored under their `session`, and what goes on storing it.

    Raises `SessionError` when the store cannot be read, `ConfigError` for `messages` beside a stored conversation.
    """
    if options.session is None:
        return options, None
    check_name(options.session)
    store: SessionStore = resolve("default_store")() if options.store is None else options.store
    recorder = Recorder(store, options.session)
    stored = recorder.session.messages
    if stored and options.messages:
        raise ConfigError(
            f"session {options.session!r} has a conversation already, and messages= gives another",
            hint="leave messages out to go on with it, or name a new session",
        )
    messages = _told_of_interrupted(stored, recorder, options) if stored else tuple(options.messages)
    return replace(options, messages=messages), recorder


def _told_of_interrupted(messages: tuple[Message, ...], recorder: Recorder, options: Options) -> tuple[Message, ...]:
    """Calls that had begun when a process ended, and what is known of them; none runs by itself again.

    One of a tool that is `idempotent` may simply run again. Those that never began still wait.
    """
    if not any(call.id in recorder.started for call in open_calls(messages)):
        return messages
    again = {name for name, tool in collect_tools(options.tools).items() if tool.idempotent}
    return _with_outcomes(messages, recorder.started, recorder.finished, again)


def _with_outcomes(
    messages: tuple[Message, ...],
    started: Container[str],
    finished: Mapping[str, ToolResult],
    again: Container[str] = (),
) -> tuple[Message, ...]:
    """With the results of calls that had begun and ended; of others the outcome is unknown, but of tools in `again`."""
    results = []
    for call in open_calls(messages):
        if call.id not in started:
            continue
        if call.id in finished:
            results.append(finished[call.id])
        elif call.name not in again:
            results.append(unknown_result(call))
    return with_results(messages, results) if results else messages


def unknown_calls(messages: Sequence[Message]) -> Sequence[ToolCall]:
    """The calls whose outcome nobody knows, where a conversation was broken off by them and not gone on with yet."""
    last = next((i for i in reversed(range(len(messages))) if messages[i].tool_calls), len(messages))
    unknown = {r.call_id for message in messages[last:] for r in message.tool_results if r.text == UNKNOWN}
    if not unknown or any(message.role == "assistant" for message in messages[last + 1 :]):
        return ()
    return [call for call in messages[last].tool_calls if call.id in unknown]


def _begun(records: Iterable[Mapping[str, Any]]) -> tuple[set[str], dict[str, ToolResult]]:
    """The calls that were begun, and the results of those that ended before their turn did.

    An id may come again, after a rewind: what is known of it is of the newest message that asks for it.
    """
    started: set[str] = set()
    finished: dict[str, ToolResult] = {}
    for record in records:
        match record.get("kind"):
            case "message":
                for part in record["message"].get("parts", ()):
                    if part.get("type") == "tool_call":
                        started.discard(part["id"])
                        finished.pop(part["id"], None)
            case "started":
                started.add(str(record.get("id")))
            case "result":
                result = part_from_dict(record["result"])
                if isinstance(result, ToolResult):
                    finished[result.call_id] = result
    return started, finished


class Recorder:
    """One session in its store. `session` is what was there when it was opened.

    What is stored is told by comparing: `sync` appends what a conversation has more than it had the last time, after a
    note of where that begins when something was taken back or changed. So a failed attempt is made good by the next.
    """

    def __init__(self, store: SessionStore, session_id: str) -> None:
        records = _read(store, session_id)
        self.session = fold_records(session_id, records)
        self._count = len(records)
        #: The ids of calls that were begun, and by id the results of those that had ended.
        self.started, self.finished = _begun(records)
        self._store = store
        self._id = session_id
        self._lock = threading.Lock()
        self._known: list[Message] = list(self.session.messages)
        self._usage, self._cost = self.session.usage, self.session.cost
        self._notes = dict(self.session.notes)
        self._view = self.session.view
        self.start()

    def start(self) -> None:
        """A run begins: what it uses is added to what was used before it."""
        self._before = (self._usage, self._cost)

    def note_started(self, call_id: str) -> None:
        """A call is about to run: should this process end before its result is stored, nobody knows its outcome."""
        with self._lock:
            self._append([{"kind": "started", "id": call_id}])

    def note_result(self, result: ToolResult) -> None:
        """A call has ended whose turn goes on."""
        with self._lock:
            self._append([{"kind": "result", "result": part_to_dict(result)}])

    def fill(self, tool_state: MutableMapping[str, Any]) -> None:
        """Put the session's notes into a run's or an agent's tool state."""
        if self.session.notes:
            notes_of(tool_state).update(self.session.notes)

    def sync(
        self,
        messages: Sequence[Message],
        tool_state: MutableMapping[str, Any],
        usage: Usage | None = None,
        cost: float | None = None,
        *,
        total: tuple[Usage, float | None] | None = None,
        view: Condensed | None = None,
    ) -> None:
        """Have the store say what these say; `usage` and `cost` are of the run that goes on, `total` of all. Blocks."""
        with self._lock:
            used, price = total or (self._usage, self._cost)
            if usage is not None:
                used, price = self._before[0] + usage, add_costs(*self._before, usage, cost)
            notes = dict(notes_of(tool_state))
            same = _length_of_same(self._known, messages)
            changes = self._changes(messages[same:], same, used, price, notes)
            records = [*changes, *self._change_of_view(messages, same, view)]
            if records:
                self._append(records)
            self._known, self._usage, self._cost, self._notes = list(messages), used, price, notes
            self._view = view

    def _append(self, records: Sequence[Mapping[str, Any]]) -> None:
        now = datetime.now(UTC).isoformat()
        stamped = [{"v": RECORD_VERSION, "at": now, **redact_data(record)} for record in records]
        self._store.append(self._id, stamped, after=self._count)
        self._count += len(stamped)

    def _changes(
        self, new: Sequence[Message], same: int, usage: Usage, cost: float | None, notes: Mapping[str, str]
    ) -> Iterator[dict[str, Any]]:
        if same < len(self._known):
            yield {"kind": "cut", "to": same}
        for message in new:
            yield {"kind": "message", "message": message.to_dict()}
        if (usage, cost) != (self._usage, self._cost):
            yield {"kind": "usage", "usage": usage.to_dict(), "cost": cost}
        if notes != self._notes:
            yield {"kind": "notes", "notes": dict(notes)}

    def _change_of_view(
        self, messages: Sequence[Message], same: int, view: Condensed | None
    ) -> Iterator[dict[str, Any]]:
        # Who reads the records drops a view of what was cut; ours may hold all the same.
        dropped = view is not None and same < view.upto
        if view is not self._view or dropped:
            told = {"upto": 0, "messages": []} if view is None else view.to_dict(messages)
            yield {"kind": "compaction", **told}


def _read(store: SessionStore, session_id: str) -> Sequence[Mapping[str, Any]]:
    try:
        records: Any = store.read(session_id)
    except AlloyError:
        raise
    except Exception as error:  # anybody's store
        said = f"the session could not be read: {type(error).__name__}: {error}"
        raise SessionError(said, hint="mend the store") from error
    if not isinstance(records, Sequence):
        if isinstance(records, Coroutine):
            records.close()
        raise SessionError(
            f"the store gave {a_kind(records)} in place of a session's records",
            hint="its `read` gives a list, [] for a session that is not there, and is not async",
        )
    return records


def _length_of_same(known: Sequence[Message], messages: Sequence[Message]) -> int:
    """How many messages from the start are the same ones."""
    length = min(len(known), len(messages))
    if all(map(is_, known, messages)):  # nearly always
        return length
    return next(i for i in range(length) if known[i] is not messages[i])


def fold_records(session_id: str, records: Iterable[Mapping[str, Any]]) -> Session:
    """The session that a list of records says; an empty one for none. Raises `SessionError` for what is none of ours.

    >>> hello = {"v": 1, "kind": "message", "message": Message.user("Hello").to_dict()}
    >>> [message.text for message in fold_records("s", [hello, {"v": 1, "kind": "cut", "to": 0}, hello]).messages]
    ['Hello']
    """
    messages: list[Message] = []
    found: dict[str, Any] = {}
    times: list[datetime] = []
    for record in records:
        if not isinstance(record, Mapping) or record.get("v", 0) > RECORD_VERSION:
            raise SessionError(f"session {session_id!r} was stored by a newer alloy_nb", hint="upgrade alloy-nb")
        try:
            times += [datetime.fromisoformat(record["at"])] if "at" in record else []
            match record.get("kind"):
                case "message":
                    messages.append(Message.from_dict(record["message"]))
                case "cut":
                    del messages[record["to"] :]
                    if (view := found.get("view")) is not None and view.upto > len(messages):
                        del found["view"]
                case "compaction":
                    found["view"] = Condensed.from_dict(record, messages)
                case "usage":
                    if not isinstance(record.get("cost"), int | float | None):
                        raise TypeError("cost is no number")
                    found |= {"usage": Usage.from_dict(record["usage"]), "cost": record.get("cost")}
                case "notes":
                    found["notes"] = record["notes"]
                case "result":
                    part_from_dict(record["result"])
                case "metadata":
                    found["metadata"] = dict(record["metadata"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SessionError(
                f"session {session_id!r} cannot be read: {type(error).__name__}: {error}",
                hint="its records were changed by something else; delete it, or name another session",
            ) from error
    if times:
        found |= {"created_at": times[0], "updated_at": times[-1]}
    return Session(session_id, tuple(messages), **found)


def session_of(session_id: str, records: Sequence[Mapping[str, Any]]) -> Session:
    """The session that a list of records says, as it may be gone on with elsewhere, where nobody has the records.

    Calls that had begun have their results in it, or are told to be interrupted: else they would run a second time.
    """
    session = fold_records(session_id, records)
    messages = _with_outcomes(session.messages, *_begun(records))
    return session if messages is session.messages else replace(session, messages=messages)
