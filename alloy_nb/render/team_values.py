"""A team as front ends show it: its members with their runs, who ran when. Plain values, clean and without keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from .clean import shown
from .drafts import WordsDraft
from .values import Tool

if TYPE_CHECKING:
    from .blocks import Transcript

__all__ = [
    "KINDS",
    "STATES",
    "MemberTold",
    "Row",
    "TeamTold",
    "doing_of",
    "members_told",
    "newest_of",
    "state_of",
    "summed",
]

#: How a member stands.
STATES = ("idle", "queued", "working", "asking", "done", "stopped", "failed", "down")
#: What a row of the timeline tells: a run, or something that happened.
KINDS = (
    "run",
    "handoff",
    "member_added",
    "member_removed",
    "crash",
    "restart",
    "down",
    "abandoned",
)

_ENDS = {"completed": "done", "error": "failed", "halted": "failed", "waiting": "asking", "running": "working"}


@dataclass(frozen=True, slots=True)
class Row:
    """A run of `agent`, or what happened to it. Times are milliseconds by the wall clock, `end_ms` None while it runs.

    `to` is who a hand-off goes to. `cost` is in US dollars, None where it is unknown.
    """

    kind: str
    agent: str
    start_ms: int = 0
    end_ms: int | None = None
    status: str = ""
    tokens: int = 0
    cost: float | None = None
    to: str = ""

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it runs, and of what takes no time."""
        return None if self.kind != "run" or self.end_ms is None else max(0.0, (self.end_ms - self.start_ms) / 1000)


@dataclass(frozen=True, slots=True)
class MemberTold:
    """One member: how it stands, what it does now, its runs in order, and what its rows come to."""

    name: str
    state: str = "idle"
    doing: str = ""
    model: str = ""
    tokens: int = 0
    cost: float | None = None
    runs: Sequence[Transcript] = ()
    #: How many runs there were before those.
    earlier: int = 0


@dataclass(frozen=True, slots=True)
class TeamTold:
    """A team, or the part of it that worked on one prompt: `kind` is team, broadcast, handoff or delegate."""

    name: str
    kind: str = "team"
    members: Sequence[MemberTold] = ()
    rows: Sequence[Row] = field(default=())

    @property
    def tokens(self) -> int:
        return sum(row.tokens for row in self.rows)

    @property
    def cost(self) -> float | None:
        """Of all rows in US dollars, None where one of them is unknown."""
        return summed(self.rows)[1]

    @property
    def live(self) -> bool:
        """Whether something of it still goes on."""
        return any(member.state in ("queued", "working", "asking") for member in self.members)


def newest_of(team: TeamTold, most: int) -> TeamTold:
    """The same with the `most` newest runs of each member; of the others the number."""
    members = [
        replace(member, runs=tuple(member.runs[-most:]), earlier=member.earlier + max(0, len(member.runs) - most))
        for member in team.members
    ]
    return replace(team, members=members)


def summed(rows: Iterable[Row]) -> tuple[int, float | None]:
    """Tokens and cost of rows together; the cost is None where one is unknown, or there is none."""
    tokens, cost, priced = 0, None, True
    for row in rows:
        if row.tokens:
            priced = priced and row.cost is not None
            cost = (cost or 0.0) + row.cost if priced and row.cost is not None else None
            tokens += row.tokens
    return tokens, cost


def members_told(
    names: Iterable[str], runs: Sequence[tuple[str, Transcript]], rows: Sequence[Row], down: Iterable[str] = ()
) -> tuple[MemberTold, ...]:
    """The members by what is known of their runs; those that are `down` say so, unless they work."""
    fallen = set(down)
    told = []
    for name in names:
        own = [transcript for member, transcript in runs if member == name]
        state = state_of(own[-1]) if own else "idle"
        if name in fallen and state not in ("queued", "working", "asking"):
            state = "down"
        clean = shown(name)
        tokens, cost = summed(row for row in rows if row.kind == "run" and row.agent == clean)
        doing = doing_of(own[-1]) if own and state == "working" else ""
        model = next((item.model for item in reversed(own) if item.model), "")
        told.append(MemberTold(clean, state, doing, model, tokens, cost, tuple(own)))
    return tuple(told)


def state_of(transcript: Transcript) -> str:
    """How a member stands by its newest run."""
    if transcript.status == "running":
        if transcript.began_ms is None:
            return "queued"
        return "asking" if transcript.asks else "working"
    return _ENDS.get(transcript.status, "stopped")


def doing_of(transcript: Transcript) -> str:
    """What it does at this moment, in a word or two; "" where that cannot be said.

    >>> from alloy_nb.events import Event
    >>> from alloy_nb.render.blocks import Transcript
    >>> transcript = Transcript()
    >>> transcript.feed(Event(1, "r", "text_delta", "Hel"))
    >>> doing_of(transcript)
    'writing'
    """
    last = transcript.drafts[-1] if transcript.drafts else None
    if isinstance(last, WordsDraft):
        return ("thinking" if last.thinking else "writing") if last.live else ""
    block = last.block() if last is not None else None
    return f"running {block.name}" if isinstance(block, Tool) and block.state == "running" else ""
