"""What is done with stored sessions, by whatever store."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from ..errors import ConfigError, SessionError
from ..history import without_signed_thoughts
from ..keywords import keywords_told
from ..messages import Message
from ..options import nearest
from ..plain import one_line
from ..recorder import RECORD_VERSION, fold_records, session_of
from ..redaction import redact_data
from ..session import Session, SessionInfo, SessionStore, check_name, conversations
from ..sinks import resolve
from .markdown import session_markdown
from .summary import Summary

__all__ = ["Found", "Sessions"]

logger = logging.getLogger("alloy_nb")

_METHODS = ("append", "read", "list", "delete")
#: How much of a message is shown around what was found, in characters.
_AROUND = 60


@dataclass(frozen=True, slots=True)
class Found:
    """A message that holds what was searched for: message number `place` of a session, counted from 1."""

    session: str
    place: int
    role: str
    excerpt: str


@keywords_told
class Sessions:
    """The stored sessions: list, search, fork, rewind, export, import, delete. `store` is `SQLiteStore()` by default.

    A name that is not stored is a `ConfigError`, which names the nearest that is. Nothing here overwrites or loses a
    message without being told to. May block; any thread. While an agent goes on with a session, changing it here has
    the agent end in a `SessionConflict`.

    >>> import alloy_nb as alloy
    >>> store = alloy.MemoryStore()
    >>> _ = alloy.run("Where do foxes live?", model=alloy.Scripted(["In dens."]), session="fox", store=store)
    >>> sessions = alloy.Sessions(store)
    >>> [(info.id, info.title, info.messages) for info in sessions.list()]
    [('fox', 'Where do foxes live?', 2)]
    >>> [(found.place, found.excerpt) for found in sessions.search("DENS")]
    [(2, 'In dens.')]
    """

    def __init__(self, store: SessionStore | None = None) -> None:
        if isinstance(store, type) or not all(
            store is None or callable(getattr(store, name, None)) for name in _METHODS
        ):
            raise ConfigError(
                f"{one_line(repr(store), 60)} is no store of sessions",
                hint="as in alloy.Sessions(alloy.SQLiteStore(path))",
            )
        self.store: SessionStore = resolve("default_store")() if store is None else store

    def __repr__(self) -> str:
        return f"Sessions({self.store!r})"

    def list(self) -> list[SessionInfo]:
        """All of them, the newest first, with title, model and number of messages."""
        return [self._described(info) for info in conversations(self.store)]

    def _described(self, info: SessionInfo) -> SessionInfo:
        if None not in (info.title, info.model, info.messages):
            return info
        said = Summary().after(self.store.read(info.id))  # of a store that keeps no summaries
        return replace(info, title=said.title, model=said.model, messages=said.messages)

    def get(self, name: str) -> Session:
        """A session as a value."""
        return session_of(name, self._records(name))

    def search(self, text: str, *, limit: int = 100) -> Sequence[Found]:
        """Where `text` stands in what was said, called or returned, in whatever case; the newest sessions first.

        Searched are the conversations as they stand: what was rewound or undone is not found.
        """
        wanted = " ".join(text.lower().split()) if isinstance(text, str) else ""
        if not wanted:
            raise ConfigError("there is nothing to search for", hint="give some words: sessions.search('foxes')")
        candidates = getattr(self.store, "candidates", None)
        # Words may stand on two lines: one of them is enough to look closer.
        longest = max(wanted.split(), key=len)[:200]
        talks = [info.id for info in conversations(self.store)]
        near = set(candidates(longest)) if callable(candidates) else set(talks)
        found: list[Found] = []
        for name in filter(near.__contains__, talks):
            for place, message in enumerate(self._readable(name), 1):
                if len(found) >= limit:
                    return found
                excerpt = _excerpt(message, wanted)
                if excerpt is not None:
                    found.append(Found(name, place, message.role, excerpt))
        return found

    def _readable(self, name: str) -> Sequence[Message]:
        """The messages of a session; none of one that cannot be read, which must not hide the others."""
        try:
            return session_of(name, self.store.read(name)).messages
        except SessionError as error:
            logger.warning("not searched: %s", error.message)
            return ()

    def fork(self, name: str, new: str, *, upto: int | None = None) -> Session:
        """A new session that begins with the first `upto` messages of another (None: all), which stays as it is.

        A call is never parted from its result. What it has used begins at nothing; its metadata say under
        ``forked_from`` where it comes from.
        """
        records = self._records(name)
        self._check_free(new)
        messages = session_of(name, records).messages
        kept = _place(messages, upto)
        copied = [record for record in records[: _length(records, kept)] if record.get("kind") != "usage"]
        origin = {"forked_from": {"session": name, "messages": kept}}
        metadata = {**fold_records(name, copied).metadata, **origin}
        self.store.append(new, [*copied, _stamped({"kind": "metadata", "metadata": metadata})], after=0)
        return self.get(new)

    def rewind(self, name: str, turns: int = 1, *, upto: int | None = None) -> tuple[Message, ...]:
        """Take back the last `turns` questions with all that came of them, or all but the first `upto` messages.

        What was taken. The store still has it, as its records only grow; signed thoughts before it are dropped, as
        they are by `Agent.undo_turn`.
        """
        records = self._records(name)
        session = session_of(name, records)
        messages, view = session.messages, session.view
        kept = _place(messages, upto) if upto is not None else _before_question(messages, turns)
        if kept == len(messages):
            return ()
        left = without_signed_thoughts(messages[:kept])
        same = next((i for i, (a, b) in enumerate(zip(messages, left, strict=False)) if a is not b), len(left))
        again = [{"kind": "message", "message": message.to_dict()} for message in left[same:]]
        changes: list[Mapping[str, Any]] = [{"kind": "cut", "to": same}, *again]
        if view is not None and same < view.upto <= kept == len(left):  # only thoughts went: it stands for the same
            changes.append({"kind": "compaction", **view.to_dict(left)})
        self.store.append(name, [_stamped(change) for change in changes], after=len(records))
        return messages[kept:]

    def export(self, name: str, format: str = "json") -> str:
        """A session as text: ``"json"``, which `add` and `Session.from_json` read, or ``"markdown"``, to be read."""
        if format not in ("json", "markdown"):
            raise ConfigError(f"format is {format!r}", hint='choose "json" or "markdown"')
        session = self.get(name)
        return session.to_json() if format == "json" else session_markdown(session)

    @keywords_told
    def add(self, session: Session | str | bytes, name: str | None = None, *, replace: bool = False) -> Session:
        """Store a session from elsewhere, or the JSON of one, under its own id or `name`.

        A `ConfigError` when the name is taken; with `replace` it is stored in place of the conversation there, which
        the store still has, as its records only grow. Of JSON all is taken that can be seen in the conversation: what
        was sent in its place, once it was long, is left out.
        """
        given = session if isinstance(session, Session) else _from_elsewhere(session)
        name = given.id if name is None else name
        check_name(name)
        before = len(self.store.read(name))
        if before and not replace:
            raise self._taken(name)
        cut = [_stamped({"kind": "cut", "to": 0})] if before else []
        try:
            self.store.append(name, [*cut, *_records_of(given)], after=before)
        except RecursionError as error:
            raise SessionError("this session is too deep to be stored", hint="leave out what is so deep") from error
        return self.get(name)

    def delete(self, name: str) -> bool:
        """Forget a session for good; False when it is not there."""
        return self.store.delete(name)

    # -- what they stand on ---------------------------------------------------------------------------------------

    def _records(self, name: str) -> Sequence[Mapping[str, Any]]:
        if not isinstance(name, str):
            raise ConfigError(f"{one_line(repr(name), 60)} is no name of a conversation", hint="give one as a text")
        records = self.store.read(name)
        if not records:
            known = [info.id for info in conversations(self.store)]
            near = nearest(name, known)
            hint = f"did you mean {one_line(near, 60)}?" if near else "`alloy sessions` lists those that are stored"
            raise ConfigError(f"no conversation {one_line(name, 60)!r} is stored", hint=hint)
        return records

    def _check_free(self, name: str) -> None:
        check_name(name)
        if self.store.read(name):
            raise self._taken(name)

    def _taken(self, name: str) -> ConfigError:
        return ConfigError(
            f"there is a conversation {one_line(name, 60)!r} already", hint="choose another name, or delete that one"
        )


def _from_elsewhere(text: str | bytes) -> Session:
    """The session of a JSON text, without a view: nobody who reads the conversation would see what that says.

    Thoughts that were signed within it go with it.
    """
    given = Session.from_json(text)
    if given.view is None:
        return given
    return replace(given, messages=without_signed_thoughts(given.messages), view=None)


def _stamped(record: Mapping[str, Any], at: datetime | None = None) -> dict[str, Any]:
    stamp = {"v": RECORD_VERSION, "at": (at or datetime.now(UTC)).isoformat()}
    return {**stamp, **redact_data(record)}


def _records_of(session: Session) -> Iterator[dict[str, Any]]:
    """The records that `fold_records` makes the same session of."""
    yield _stamped({"kind": "metadata", "metadata": dict(session.metadata)}, session.created_at)
    for message in session.messages:
        yield _stamped({"kind": "message", "message": message.to_dict()}, session.created_at)
    if session.view is not None:
        yield _stamped({"kind": "compaction", **session.view.to_dict(session.messages)}, session.created_at)
    yield _stamped({"kind": "notes", "notes": dict(session.notes)}, session.created_at)
    yield _stamped({"kind": "usage", "usage": session.usage.to_dict(), "cost": session.cost}, session.updated_at)


def _length(records: Sequence[Mapping[str, Any]], kept: int) -> int:
    """How many records there were when the first `kept` messages, as they are now, had been stored."""
    count, ends = 0, [0]
    for number, record in enumerate(records, 1):
        if record.get("kind") == "message":
            count += 1
            ends.append(number)
        elif record.get("kind") == "cut":
            count = min(count, record["to"])
            del ends[count + 1 :]
    # What stands behind the last one, such as notes and calls that have begun, belongs to it.
    return len(records) if kept >= count else ends[kept]


def _place(messages: Sequence[Message], upto: int | None) -> int:
    """How many messages that is; with calls go their results."""
    if upto is None:
        return len(messages)
    if isinstance(upto, bool) or not isinstance(upto, int) or not 0 <= upto <= len(messages):
        raise ConfigError(f"there is no message {upto!r}", hint=f"give a number from 0 to {len(messages)}")
    parted = 0 < upto < len(messages) and messages[upto - 1].tool_calls and messages[upto].tool_results
    return upto + 1 if parted else upto


def _before_question(messages: Sequence[Message], turns: int) -> int:
    """Where the last `turns` questions begin."""
    questions = [i for i, message in enumerate(messages) if message.role == "user" and not message.tool_results]
    if isinstance(turns, bool) or not isinstance(turns, int) or not 1 <= turns <= len(questions):
        raise ConfigError(
            f"{turns!r} questions cannot be taken back", hint=f"the conversation has {len(questions)}; give 1 or more"
        )
    return questions[-turns]


def _excerpt(message: Message, wanted: str) -> str | None:
    """The words around what is searched for, on one line; None where it is not."""
    for text in _texts(message):
        line = one_line(text, len(text) + 1)
        place = line.lower().find(wanted)
        if place >= 0:
            start = max(0, place - _AROUND)
            end = place + len(wanted) + _AROUND
            return ("…" if start else "") + line[start:end] + ("…" if end < len(line) else "")
    return None


def _texts(message: Message) -> Iterable[str]:
    yield message.text
    for call in message.tool_calls:
        yield f"{call.name} {json.dumps(dict(call.input), ensure_ascii=False, default=str)}"
    for result in message.tool_results:
        yield result.text
