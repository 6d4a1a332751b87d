"""What a tool knows of the run it is part of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..bell import Bell

if TYPE_CHECKING:
    from ..events import Event
    from ..messages import Message
    from ..usage import Budget, Usage
    from .approval import Decision, Question
    from .kept import KeptOutputs

__all__ = ["CancelToken", "ParentRun", "Succession", "ToolContext"]


class CancelToken:
    """Tells a tool that its run, or its call, was given up. Sync and async tools may ask or wait.

    >>> CancelToken().is_set()
    False
    """

    __slots__ = ("_bell", "_is_set")

    def __init__(self) -> None:
        # No `Event`: an interrupt that lands in its `wait` would leave it locked, and the loop stands in `set`.
        self._bell = Bell()
        self._is_set = False

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, timeout: float | None = None) -> bool:
        """Block the calling thread until cancelled, at most `timeout` seconds; True when cancelled."""
        return self._bell.wait_for(self.is_set, timeout)

    def set(self) -> None:
        self._is_set = True
        self._bell.ring()

    def __bool__(self) -> bool:
        return self._is_set


def _say_nothing(message: str, fraction: float | None) -> None:
    """Progress outside a run goes nowhere."""


@dataclass(slots=True)
class Succession:
    """Who answers in a run's place: a tool that hands the conversation over says it here. Only on that run's loop.

    `conversation` gives the run's messages, `tell` has it tell an event. `to` names who has taken over, `answer` is
    what was said then, by which the run ends. `passed` lists the agents that handed over before, outermost first.
    """

    conversation: Callable[[], tuple[Message, ...]]
    tell: Callable[[str, Any], Any]
    passed: tuple[str, ...] = ()
    to: str | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class ParentRun:
    """What an agent that works within a tool call needs of the run around it. Only on that run's loop.

    `path` is that of the agent around, `budget` what both spend of, `call_ids` the ids of all calls of both. `run_id`
    and `call_id` say which run that is, and which of its calls the agent works for. `succession` is where an agent
    takes over.
    `forward` puts events into its stream, `count` adds to its usage and cost, and `ask` has a question decided as if
    that run had put it: by its policy, by what was allowed there, by whoever is asked.
    """

    path: str | None
    budget: Budget | None
    call_ids: set[str]
    forward: Callable[[Sequence[Event]], None]
    count: Callable[[Usage, float | None], None]
    ask: Callable[[Question, ToolContext], Awaitable[Decision]]
    run_id: str = ""
    call_id: str = ""
    succession: Succession | None = None


@dataclass(frozen=True, slots=True)
class ToolContext:
    """Handed to a tool that asks for it by a parameter annotated ``ToolContext``.

    - `working_directory`: absolute; relative paths of file tools start here.
    - `context`: the run's own `context` mapping, as the caller gave it.
    - `agent`: the path of the agent that called (``"lead/research"``), or None.
    - `run_id`, `call_id`: of this run and this call.
    - `time_limit`: seconds this call may take, or None; the harness keeps to it, a tool may want to know it.
    - `cancelled`: is set when the call is given up (stop, timeout); long tools should look at it.
    - `allowed`: the question that this call was allowed for, as `Tool.approval_reason` put it; None without one.
      A tool that asked about a place sees by it whether the place is still that one.
    - `state`: a mapping that lives as long as the run (the agent's life in an agent): the scratchpad lives here.
    - `outputs`: keeps the whole of what is too long to be sent; None where the model has no tool to read it.
    - `report`: what `progress` calls.
    - `parent`: the run that this call belongs to, for a tool that has an agent work; None outside a run.

    >>> ToolContext(Path("/work")).resolve("data/../notes.txt").as_posix()
    '/work/notes.txt'
    """

    working_directory: Path = field(default_factory=Path.cwd)
    context: Mapping[str, Any] = field(default_factory=dict)
    agent: str | None = None
    run_id: str = ""
    call_id: str = ""
    time_limit: float | None = None
    cancelled: CancelToken = field(default_factory=CancelToken)
    state: MutableMapping[str, Any] = field(default_factory=dict)
    report: Callable[[str, float | None], None] = field(default=_say_nothing, repr=False)
    parent: ParentRun | None = field(default=None, repr=False)
    allowed: str | None = None
    outputs: KeptOutputs | None = None

    def progress(self, message: str, fraction: float | None = None) -> None:
        """Tell how far the tool is; `fraction` from 0 to 1 where it is known. May be called from any thread."""
        self.report(message, fraction)

    def resolve(self, path: str | Path) -> Path:
        """`path` as an absolute one: ``~`` expanded, relative to the working directory, ``..`` taken out."""
        import os

        # Asked of the text: to `Path`, "./~name" and "~name" are one.
        relative = Path(path).expanduser() if os.fspath(path).startswith("~") else Path(path)
        return Path(os.path.normpath(self.working_directory / relative))
