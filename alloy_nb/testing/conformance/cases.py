"""What a provider's author says of the wire: answers as they are sent, and what they amount to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ...errors import ProviderError
from ...providers.base import StopReason
from ...usage import Usage
from ..loopback import Reply

__all__ = ["Case", "Cases", "ErrorCase"]

_STREAM_TYPES = {"sse": "text/event-stream", "ndjson": "application/x-ndjson"}
_JSON = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Case:
    """One answer. `stream` is its body when it is streamed, `whole` when it is not (None: never).

    `calls` are names and inputs, in order. Without a `stop_reason` it is ``"tool_use"`` or ``"end_turn"``; `usage` is
    compared where it is given.
    """

    stream: bytes
    text: str = ""
    thinking: str = ""
    calls: Sequence[tuple[str, Mapping[str, Any]]] = ()
    stop_reason: StopReason | None = None
    usage: Usage | None = None
    whole: bytes | None = None

    @property
    def ends_with(self) -> StopReason:
        return self.stop_reason or ("tool_use" if self.calls else "end_turn")


@dataclass(frozen=True, slots=True)
class ErrorCase:
    """One failure: what is answered, and the error it must be. Status 200 is an error inside a stream that began."""

    status: int
    body: bytes
    error: type[ProviderError]
    headers: Mapping[str, str] = field(default_factory=dict)
    retryable: bool | None = None


@dataclass(frozen=True, slots=True)
class Cases:
    """What a service sends.

    `text`: words in several pieces; `call` and `calls`: one tool call and two, best with arguments in pieces;
    `no_arguments`: a call of a tool that takes none; `thinking`: an answer with thoughts before its words; `more`:
    whatever else it may answer. `framing` is how a stream is cut into events; None for one of the service's own, whose
    events cannot be told apart here. `unknown` are events, as bytes, that a later version of the service might add.
    `beside` answers paths that the provider asks before it asks the model.
    """

    text: Case
    call: Case
    calls: Case
    no_arguments: Case | None = None
    thinking: Case | None = None
    more: Sequence[Case] = ()
    errors: Sequence[ErrorCase] = ()
    framing: Literal["sse", "ndjson"] | None = "sse"
    unknown: Sequence[bytes] = ()
    beside: Mapping[str, Reply] = field(default_factory=dict)

    @property
    def all(self) -> list[Case]:
        given = (self.text, self.call, self.calls, self.no_arguments, self.thinking, *self.more)
        return [case for case in given if case is not None]

    def reply(self, *pieces: bytes, end: Literal["whole", "cut", "hang"] = "whole") -> Reply:
        """A streamed answer."""
        return Reply(pieces, headers={"content-type": _STREAM_TYPES[self.framing or "sse"]}, end=end)

    def failure(self, case: ErrorCase) -> Reply:
        headers = {"content-type": _STREAM_TYPES[self.framing or "sse"]} if case.status == 200 else _JSON
        return Reply(case.body, case.status, {**headers, **case.headers})

    def whole(self, body: bytes) -> Reply:
        """An answer in one piece."""
        return Reply(body, headers=_JSON)
