"""The ways in which several members work on one prompt: all at once, or one after another."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from typing import Any

from ..errors import AlloyError, Cancelled, Crashed
from ..execution import Execution
from ..redaction import redact
from ..result import Result, Status
from .group import TeamRun
from .members import Home
from .results import TeamResults, summed

__all__ = ["Broadcast", "Handover"]

#: In place of an answer without words: an empty prompt asks for nothing.
NO_WORDS = "(no response)"

#: Begins a run of the member at that place of the chain, with its prompt; raises what keeps it from beginning.
Begin = Callable[[int, Any], Execution]


class Broadcast(TeamRun[TeamResults]):
    """One prompt to all members at once."""

    def __init__(self, team: Home, names: Sequence[str], prompt: str) -> None:
        super().__init__("broadcast", team, names, prompt)
        self._results: dict[str, Result] = {}
        self._missing = len(self.names)

    @property
    def results(self) -> TeamResults:
        """Of those that are done so far."""
        with self._lock:
            return TeamResults({name: self._results[name] for name in self.names if name in self._results})

    @property
    def answers(self) -> list[tuple[str, Result]]:
        return list(self.results.items())

    def begin(self, begin: Callable[[str], Execution]) -> None:
        """Have each one begin; who cannot has a result that says so."""
        for name in self.names:
            try:
                execution = begin(name)
            except Exception as error:  # noqa: BLE001 - whatever it is, who waits is told
                self._ended(name, Result(status="error", error=as_alloy(error)))
                continue
            self._take(name, execution)
            execution.when_over(partial(self._ended, name))
        if not self.names:
            self._finish(TeamResults(), ())

    def _status(self) -> Status:
        return "cancelled" if self._cancelled else "completed"

    def _ended(self, name: str, result: Result) -> None:
        with self._lock:
            self._results[name] = result
            self._missing -= 1
            done = not self._missing
        if done:
            results = self.results
            self._finish(results, list(results.values()))


class Handover(TeamRun[Result]):
    """One member after another: each one's text is the next one's prompt."""

    def __init__(self, team: Home, names: Sequence[str], prompt: str) -> None:
        super().__init__("handoff", team, names, prompt)
        self._steps: list[Result] = []
        self._result: Result | None = None

    @property
    def steps(self) -> tuple[tuple[str, Result], ...]:
        """Who has answered so far, and what."""
        with self._lock:
            return tuple(zip(self.names, self._steps, strict=False))

    @property
    def answers(self) -> list[tuple[str, Result]]:
        return list(self.steps)

    def begin(self, begin: Begin, prompt: Any) -> None:
        """Have the first one begin; each end begins the next."""
        self._begin_member = begin
        if not self.names:
            self._end(Result())
            return
        self._next(0, prompt)

    def _next(self, place: int, prompt: Any) -> None:
        name = self.names[place]
        try:
            execution = self._begin_member(place, prompt)
        except Exception as error:  # noqa: BLE001 - whatever it is, who waits is told
            self._end(Result(status="error", error=as_alloy(error)), name)
            return
        if place:
            self._tell("handoff", {"from": self.names[place - 1], "to": name}, waits=True)
        self._take(name, execution)
        execution.when_over(partial(self._ended, place))

    def _ended(self, place: int, result: Result) -> None:
        with self._lock:
            self._steps.append(result)
        if result.status != "completed" or place + 1 == len(self.names):
            self._end(result, self.names[place])
        elif self._cancelled:
            self._end(replace(result, status="cancelled", error=Cancelled("the hand-off was cancelled")))
        else:
            self._next(place + 1, result.text or NO_WORDS)

    def _end(self, last: Result, name: str = "") -> None:
        """The last one's result, with what all have used; of one who came to nothing, with what came before it."""
        steps = self._steps
        usage, cost = summed(steps)
        before = [step for step in steps if step is not last]
        if before and not last.ok:
            last = replace(last, text=last.text or before[-1].text, messages=last.messages or before[-1].messages)
        if last.error is not None and not last.ok and last.status != "cancelled":
            last = replace(last, error=of_member(last.error, name))
        self._result = replace(last, usage=usage, cost=cost, duration=time.monotonic() - self._began)
        self._finish(self._result, steps, self._result.error)

    def _status(self) -> Status:
        assert self._result is not None
        return self._result.status

    def _settled(self, *, check: bool) -> Result:
        result = super()._settled(check=check)
        return result.check() if check else result


def of_member(error: AlloyError, name: str) -> AlloyError:
    """The same error, which says whose it is: of several that were asked one after another nobody could tell.

    >>> of_member(AlloyError("no key", hint="give one"), "coder")
    AlloyError('coder: no key')
    """
    named = copy(error)
    named.args = (f"{name}: {error.message}", *error.args[1:])
    named.__cause__ = error.__cause__
    return named


def as_alloy(error: Exception) -> AlloyError:
    """An error that kept a run from beginning, as one of ours."""
    if isinstance(error, AlloyError):
        return error
    crash = Crashed(redact(f"the run could not begin: {type(error).__name__}: {error}"))
    crash.__cause__ = error
    return crash
