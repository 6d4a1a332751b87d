"""What a run came to."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .errors import AlloyError
from .messages import Message, ToolCall
from .usage import Usage

__all__ = ["Result", "Status", "ToolRecord"]

Status = Literal["running", "completed", "max_turns", "waiting", "error", "halted", "cancelled"]

_RAISING = ("error", "halted", "cancelled")


@dataclass(frozen=True, slots=True)
class ToolRecord:
    """One tool call as it went: what was asked, what came of it, how long it took (milliseconds).

    `executed` is False for a call that never reached its tool: blocked, denied, unknown, with invalid arguments, or
    given up before its turn. One that was stopped while it ran was executed: it may have had its effect.
    """

    id: str
    name: str
    input: Mapping[str, Any]
    output: str
    error: str | None = None
    structured: Any = None
    executed: bool = True
    duration_ms: float = field(default=0.0, compare=False)
    start_seq: int | None = field(default=None, compare=False)
    end_seq: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Result:
    """What a run came to; two runs that said the same are equal, whenever they ran.

    `text` is the newest answer of this run (``""`` when it only called tools), `messages` the whole conversation,
    ready to be passed on, `usage` of this run, `cost` in US dollars or None where no price is known, `pending` the
    calls that wait for a decision when `status` is ``"waiting"``, `duration` in seconds.

    >>> import alloy_nb as alloy
    >>> result = alloy.run("Hello", model=alloy.Scripted(["Good morning."]))
    >>> result.text, result.status, result.turns
    ('Good morning.', 'completed', 1)
    """

    text: str = ""
    output: Any = None
    messages: tuple[Message, ...] = ()
    usage: Usage = field(default_factory=Usage)
    cost: float | None = None
    tool_calls: tuple[ToolRecord, ...] = ()
    turns: int = 0
    status: Status = "completed"
    stop_reason: str | None = None
    error: AlloyError | None = field(default=None, compare=False)
    pending: tuple[ToolCall, ...] = ()
    model: str | None = None
    run_id: str = field(default="", compare=False)
    duration: float = field(default=0.0, compare=False)
    #: The run's events, for showing it; never compared, never pickled.
    events: Any = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.error is not None:
            self.error.result = self

    @property
    def ok(self) -> bool:
        """Whether it ended without error, halt or stop."""
        return self.status not in _RAISING

    def check(self) -> Result:
        """This result, or the error it ended in, raised."""
        if not self.ok and self.error is not None:
            raise self.error
        return self

    def __str__(self) -> str:
        return self.text

    def __getstate__(self) -> dict[str, Any]:
        error = self.error
        if error is not None:
            error = copy.copy(error)
            error.result = None
        return {**self.__dict__, "events": None, "error": error}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self.error is not None:
            self.error.result = self

    def _ipython_display_(self) -> None:
        from .sinks import resolve

        resolve("show_result")(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from .sinks import resolve

        bundle: dict[str, Any] = resolve("result_bundle")(self)
        return bundle
