"""What of a team is shown: all of it, or what works on one prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..render.clean import shown
from ..render.team_values import KINDS, Row, TeamTold, members_told
from .team_parts import Part, Parts

if TYPE_CHECKING:
    from ..execution import Execution
    from ..team import Team
    from ..teams.group import TeamRun

__all__ = ["Gathering", "Scope", "gathered", "scope_of_delegate", "scope_of_run"]

Runs = Sequence[tuple[str, "Execution"]]
#: Rows of the team's own timeline, with their numbers.
Numbered = Sequence[tuple[int, dict[str, Any]]]
#: So many members in one run have rows.
_MOST_PARTS = 32


class Scope:
    """All of a team: its members, the newest runs of each, what goes on. Any thread may look."""

    kind = "team"

    def __init__(self, team: Team) -> None:
        self.team = team

    @property
    def names(self) -> list[str]:
        """The members, in order."""
        return list(self.team)

    @property
    def executions(self) -> Runs:
        """The runs, with the names of their members, in order."""
        return self.team.timeline.newest

    @property
    def over(self) -> bool:
        """Whether nothing of it goes on any more."""
        going = any(execution.result is None for _, execution in self.executions)
        return not going and not any(health.busy for health in self.team.health().values())

    @property
    def edition(self) -> object:
        """Another one whenever a row may have changed."""
        return self.team.timeline.edition

    def cancel(self) -> bool:
        """Stop all that goes on in it; False when nothing does."""
        stopped = [execution.cancel() for _, execution in self.executions]
        return any(stopped)

    def held(self, rows: Numbered) -> Numbered:
        """What of the team's timeline belongs to it."""
        return rows

    def told(self, parts: Mapping[Execution, Sequence[Part]]) -> tuple[TeamTold, list[int]]:
        """How it stands, by the parts of its runs; and the numbers of its rows, which stay the same."""
        by_id = {execution.run_id: told for execution, told in parts.items()}
        numbered = _numbered(self.held(self.team.timeline.numbered()), by_id)
        rows = [row for _, row in numbered]
        runs = [(part.name, part.transcript) for _, run in self.executions for part in parts.get(run, ())]
        names = list(dict.fromkeys([*self.names, *(name for name, _ in runs)]))
        down = [name for name, health in self.team.health().items() if health.down]
        members = members_told(names, runs, rows, down)
        return TeamTold(shown(self.team.name), self.kind, members, rows), [number for number, _ in numbered]


class _Part(Scope):
    """What works on one prompt."""

    def __init__(self, team: Team, kind: str, runs: Callable[[], Runs], over: Callable[[], bool]) -> None:
        super().__init__(team)
        self.kind = kind
        self._runs = runs
        self._over = over

    @property
    def executions(self) -> Runs:
        return self._runs()

    @property
    def over(self) -> bool:
        return self._over()

    def held(self, rows: Numbered) -> Numbered:
        """Its runs, and what has happened to their members since the first of them."""
        ids = {execution.run_id for _, execution in self.executions}
        names = {name for name, _ in self.executions}
        first = next((number for number, row in rows if row.get("run_id") in ids), None)
        return [
            (number, row)
            for number, row in rows
            if first is not None
            and number >= first
            and (row["run_id"] in ids if row["kind"] == "run" else row.get("from", row["agent"]) in names)
        ]


class _Run(_Part):
    """A broadcast or a hand-off."""

    def __init__(self, team: Team, run: TeamRun[Any]) -> None:
        kind = run.run_id.partition("-")[0]
        super().__init__(team, kind, lambda: run.executions, lambda: run.over.closed)
        self._run = run

    def cancel(self) -> bool:
        return self._run.cancel()


def scope_of_run(team: Team, run: TeamRun[Any]) -> Scope:
    """What works on the prompt of a broadcast or a hand-off."""
    return _Run(team, run)


def scope_of_delegate(team: Team, name: str, execution: Execution) -> Scope:
    """What works on a prompt for one member."""
    return _Part(team, "delegate", lambda: [(name, execution)], lambda: execution.result is not None)


class Gathering:
    """What the runs of a scope have told so far, for who looks now and then: each event is taken in once."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._parts: dict[Execution, Parts] = {}
        self._places: dict[Execution, int] = {}

    def told(self) -> TeamTold:
        """How it stands now."""
        for name, execution in self._scope.executions:
            parts = self._parts.setdefault(execution, Parts(name, execution.run_id))
            place = self._places.get(execution, 0)
            fresh = execution.journal.since(place)
            self._places[execution] = place + len(fresh)
            for part, events in parts.sort(fresh):
                for event in events:
                    part.transcript.feed(event)
        return self._scope.told({execution: parts.all for execution, parts in self._parts.items()})[0]


def gathered(scope: Scope) -> TeamTold:
    """How it stands, by all the events that its runs have told."""
    return Gathering(scope).told()


def _numbered(told: Numbered, parts: Mapping[str, Sequence[Part]]) -> list[tuple[int, Row]]:
    """The rows in order; who went on in somebody else's run comes right behind the hand-off."""
    numbered: list[tuple[int, Row]] = []
    handed = [(number, row) for number, row in told if row["kind"] == "handoff"]
    for number, row in told:
        first, *within = _rows(row, parts.get(row.get("run_id", ""), ()))
        numbered.append((number * _MOST_PARTS, first))
        for place, inner in enumerate(within, 1):
            note = next(
                (item for item in handed if item[0] > number and shown(str(item[1].get("to"))) == inner.agent), None
            )
            if note is not None:
                handed.remove(note)
            numbered.append(((number if note is None else note[0]) * _MOST_PARTS + place, inner))
    return sorted(numbered, key=lambda item: item[0])


def _rows(row: Mapping[str, Any], parts: Sequence[Part]) -> Iterator[Row]:
    """A row of the team's own timeline, with one for each member that went on in a run; all that they used, once."""
    kind = row["kind"] if row["kind"] in KINDS else "run"
    if kind != "run":
        agent = row.get("from") if kind == "handoff" else row["agent"]
        yield Row(kind, shown(str(agent)), row["at_ms"], to=shown(str(row.get("to", ""))))
        return
    tokens, cost = row["tokens"], row["cost"]
    if row["end_ms"] is None and parts:
        own = parts[0].transcript
        tokens, cost = own.usage.total_tokens, own.cost
    within = [_row_of(part) for part in parts[1:_MOST_PARTS] if part.transcript.began_ms is not None]
    if row["end_ms"] is not None:  # what a run came to in all holds what was used within
        for inner in within:
            tokens = max(0, tokens - inner.tokens)
            cost = None if cost is None or inner.cost is None else max(0.0, cost - inner.cost)
    yield Row("run", shown(row["agent"]), row["start_ms"], row["end_ms"], row["status"], tokens, cost)
    yield from within


def _row_of(part: Part) -> Row:
    transcript = part.transcript
    began = transcript.began_ms or 0
    ended = None if transcript.live else began + round(transcript.seconds * 1000)
    return Row(
        "run",
        shown(part.name),
        began,
        ended,
        transcript.status,
        transcript.usage.total_tokens,
        transcript.cost,
    )
