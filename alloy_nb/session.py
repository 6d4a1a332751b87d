"""A conversation as a value: what an agent exports, and begins again from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from .context.condensed import Condensed, still_holds
from .errors import AlloyError, ConfigError, SessionError
from .history import open_calls
from .keywords import keywords_told
from .messages import Message, ToolCall
from .redaction import redact_data
from .usage import Usage, add_costs

if TYPE_CHECKING:
    from .result import Result

__all__ = ["JOBS", "SESSION_VERSION", "Session", "SessionInfo", "SessionStore", "check_name", "conversations"]

SESSION_VERSION = 1
#: So the names of what a scheduler keeps in a store begin: those are no conversations.
JOBS = "schedule:"


def _now() -> datetime:
    return datetime.now(UTC)


def _zoned(time: datetime) -> datetime:
    """A time without a zone could not be compared with the others."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


@keywords_told
@dataclass(frozen=True, slots=True)
class Session:
    """A conversation with what it has used, and a JSON form that can be kept anywhere.

    `metadata` is for reading (status, turns, model, name) and for whoever keeps sessions; `notes` are those of the
    scratchpad; `cost` is in US dollars, None where it is not known. What was allowed for good is no part of it: a
    session from elsewhere brings no permissions. Times are UTC, also those that name no zone.

    >>> session = Session(messages=(Message.user("Hi"),))
    >>> Session.from_json(session.to_json()) == session
    True
    """

    id: str = field(default_factory=lambda: f"session-{uuid4().hex[:16]}")
    messages: tuple[Message, ...] = ()
    usage: Usage = field(default_factory=Usage)
    cost: float | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime = field(default_factory=_now)
    updated_at: datetime | None = None
    #: What of the beginning is sent in its place, once the conversation has become too long.
    view: Condensed | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "messages", tuple(self.messages))
        object.__setattr__(self, "created_at", _zoned(self.created_at))
        object.__setattr__(self, "updated_at", _zoned(self.updated_at or self.created_at))

    @property
    def pending(self) -> tuple[ToolCall, ...]:
        """The calls that wait for a decision."""
        return open_calls(self.messages)

    def updated(self, result: Result) -> Session:
        """With what a run came to: its messages in place of these, its usage added."""
        cost = add_costs(self.usage, self.cost, result.usage, result.cost)
        view = still_holds(self.view, self.messages, result.messages)
        usage = self.usage + result.usage
        return replace(self, messages=result.messages, usage=usage, cost=cost, updated_at=_now(), view=view)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, version 1."""
        assert self.updated_at is not None
        view = {} if self.view is None else {"view": self.view.to_dict(self.messages)}
        return {
            "v": SESSION_VERSION,
            "id": self.id,
            "messages": [message.to_dict() for message in self.messages],
            "usage": self.usage.to_dict(),
            "cost": self.cost,
            "metadata": dict(self.metadata),
            "notes": dict(self.notes),
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
            **view,
        }

    @classmethod
    def from_dict(cls, data: Any) -> Session:
        """Read what `to_dict` wrote. Raises `SessionError` for what is none, or of a newer version."""
        if not isinstance(data, Mapping) or not isinstance(data.get("messages"), list):
            raise SessionError("this is no session", hint="give what Session.to_dict or to_json wrote")
        if isinstance(data.get("v"), int) and data["v"] > SESSION_VERSION:
            raise SessionError(
                f"a session of version {data['v']} is newer than this alloy_nb reads", hint="upgrade alloy-nb"
            )
        try:
            _check_kinds(data)
            messages = tuple(Message.from_dict(message) for message in data["messages"])
            return cls(
                id=str(data["id"]),
                messages=messages,
                usage=Usage.from_dict(data.get("usage")),
                cost=data.get("cost"),
                metadata=data.get("metadata") or {},
                notes=data.get("notes") or {},
                created_at=datetime.fromisoformat(data["created_at"]),
                updated_at=datetime.fromisoformat(data["updated_at"]),
                view=Condensed.from_dict(data["view"], messages) if data.get("view") else None,
            )
        except AlloyError as error:
            raise SessionError(f"this session cannot be read: {error.message}", hint=error.hint) from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SessionError(
                f"this session cannot be read: {type(error).__name__}: {error}",
                hint="it was cut or changed since it was written",
            ) from error

    def to_json(self) -> str:
        """The JSON form as text, in one line; known keys are taken out."""
        return json.dumps(redact_data(self.to_dict()), ensure_ascii=False, default=str)

    @classmethod
    def from_json(cls, text: str | bytes) -> Session:
        """Read what `to_json` wrote; a `SessionError` for what is none."""
        try:
            # An editor on Windows begins a file with a mark, which nobody sees; of bytes JSON reads it away itself.
            data = json.loads(text.removeprefix("\ufeff") if isinstance(text, str) else text)
        except (TypeError, ValueError, RecursionError) as error:
            raise SessionError(f"this is no session: {error}", hint="give what Session.to_json wrote") from error
        return cls.from_dict(data)


def _check_kinds(data: Mapping[str, Any]) -> None:
    """Raise `TypeError` for values of the wrong kind: a session may come from anywhere."""
    notes = data.get("notes") or {}
    if data["id"] is None:
        raise TypeError("id is no text")
    if not isinstance(data.get("v", SESSION_VERSION), int):
        raise TypeError("v is no number")
    if not isinstance(data.get("metadata") or {}, Mapping):
        raise TypeError("metadata is no object")
    if not isinstance(notes, Mapping) or not all(isinstance(note, str) for note in notes.values()):
        raise TypeError("notes are no texts by name")
    if not isinstance(data.get("cost"), int | float | None):
        raise TypeError("cost is no number")


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A stored session, as a list shows it; times are UTC, `records` counts what was appended.

    `title` is how the first question begins, `model` who answered last, `messages` how many the conversation has; None
    from a store that keeps no such things: `Sessions.list` finds them out.
    """

    id: str
    created_at: datetime
    updated_at: datetime
    records: int
    title: str | None = None
    model: str | None = None
    messages: int | None = None


class SessionStore(Protocol):
    """Where sessions are kept: lists of records that only grow. Called from several threads; may block.

    A record is a JSON object that comes back as it was given. Raises `SessionError`. These four are all that a store
    needs: whatever else is done with sessions, `Sessions` does by them. `alloy_nb.testing.conformance` tests a store.

    A store may also have ``candidates(text) -> list of ids``: the sessions, the newest first, that may hold a text, in
    whatever case; it makes a search fast.
    """

    def append(self, session_id: str, records: Sequence[Mapping[str, Any]], *, after: int | None = None) -> None:
        """Store these after those that are there, all of them or none; when it returns, they are safe.

        `after` is how many records there must be by then (None: any number); else `SessionConflict`, and nothing is
        stored.
        """

    def read(self, session_id: str) -> Sequence[Mapping[str, Any]]:
        """All records of a session, in order; ``[]`` for one that is not there."""

    def list(self) -> Sequence[SessionInfo]:
        """The sessions that are there, the newest first."""

    def delete(self, session_id: str) -> bool:
        """Forget a session; False when it is not there."""


def conversations(store: SessionStore) -> Sequence[SessionInfo]:
    """The sessions of a store that somebody may go on with, the newest first; a scheduler's jobs are none."""
    return [info for info in store.list() if not info.id.startswith(JOBS)]


def check_name(name: Any) -> None:
    """Raise `ConfigError` for what no conversation can be called."""
    if not isinstance(name, str) or not name.strip():
        raise ConfigError(f"{name!r} is no name for a conversation", hint="give one, such as 'my-analysis'")
    if name.startswith(JOBS):  # it would be among them, and in no list of conversations
        raise ConfigError(f"names that begin with {JOBS!r} are those of a scheduler's jobs", hint="choose another one")
