"""The words that every form of a team has in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..counting import counted
from .team_values import MemberTold, Row, TeamTold
from .wording import cost_words, duration_words, token_words

__all__ = [
    "STATE_MARKS",
    "STATE_WORDS",
    "earlier_words",
    "member_words",
    "newest_rows",
    "not_asked_words",
    "parted",
    "row_cells",
    "state_words",
    "team_words",
]

#: The mark and the colour of a member, by its state; None for the text's own, quiet.
STATE_MARKS: Mapping[str, tuple[str, str | None]] = {
    "idle": ("○", None),
    "queued": ("○", "blue"),
    "working": ("●", "blue"),
    "asking": ("?", "orange"),
    "done": ("✓", "green"),
    "stopped": ("■", "orange"),
    "failed": ("✗", "red"),
    "down": ("✗", "red"),
}
STATE_WORDS: Mapping[str, str] = {
    "idle": "idle",
    "queued": "waiting its turn",
    "working": "working",
    "asking": "waiting for approval",
    "done": "done",
    "stopped": "stopped",
    "failed": "failed",
    "down": "down",
}
_ROW_WORDS: Mapping[str, str] = {
    "handoff": "handed over",
    "member_added": "joined",
    "member_removed": "left",
    "crash": "crashed",
    "restart": "started again",
    "down": "stays down",
    "abandoned": "given up: it did not answer",
}
#: Rows of a timeline in an output: it stands in the notebook's file each time that it is shown.
MOST_ROWS_SHOWN = 60
#: Below a head that says "cost".
_UNKNOWN = "unknown"
_ROW_STATES = {"completed": "done", "running": "working", "error": "failed", "halted": "failed", "waiting": "asking"}


def state_words(member: MemberTold) -> str:
    """How a member stands, or what it does just now.

    >>> state_words(MemberTold("coder", "working", "writing")), state_words(MemberTold("coder", "asking"))
    ('writing', 'waiting for approval')
    """
    doing = member.doing if member.state == "working" else ""
    return doing or STATE_WORDS.get(member.state, member.state)


def used_words(tokens: int, cost: float | None) -> list[str]:
    return [f"{token_words(tokens)} tokens", cost_words(cost)] if tokens else []


def member_words(member: MemberTold) -> list[str]:
    """The facts of a member: how it stands, model, tokens, cost."""
    model = [member.model] if member.model else []
    return [state_words(member), *model, *used_words(member.tokens, member.cost)]


def parted(team: TeamTold) -> tuple[list[MemberTold], list[MemberTold]]:
    """Who worked on the prompt, and who was not asked; of a whole team everybody is told of."""
    if team.kind == "team":
        return list(team.members), []
    asked = [member for member in team.members if member.runs or member.state != "idle"]
    return asked, [member for member in team.members if member not in asked]


def not_asked_words(members: Iterable[MemberTold]) -> str:
    """One line for all of them.

    >>> not_asked_words([MemberTold("coder"), MemberTold("critic")])
    'not asked: coder, critic'
    """
    return f"not asked: {', '.join(member.name for member in members)}"


def earlier_words(member: MemberTold) -> str:
    """Of runs that are not shown.

    >>> earlier_words(MemberTold("coder", earlier=1)), earlier_words(MemberTold("coder"))
    ('1 earlier run is not shown here', '')
    """
    count = member.earlier
    return f"{count} earlier run{' is' if count == 1 else 's are'} not shown here" if count else ""


def newest_rows(team: TeamTold) -> tuple[Sequence[Row], str]:
    """The rows that are shown, and, where there are more, a line that says so."""
    rows = team.rows[-MOST_ROWS_SHOWN:]
    left_out = len(team.rows) - len(rows)
    return rows, f"{counted(left_out, 'earlier row')} not shown here" if left_out else ""


def team_words(team: TeamTold, *, static: bool) -> list[str]:
    """The facts of a team: its name, how many agents, tokens, cost, and, unless `static`, how long it took.

    >>> team_words(TeamTold("crew", members=[MemberTold("coder")]), static=True)
    ['crew', '1 agent']
    """
    count = len(team.members)
    words = [team.name, counted(count, "agent"), *used_words(team.tokens, team.cost)]
    ends = [row.end_ms for row in team.rows if row.kind == "run" and row.end_ms is not None]
    if ends and not static:
        words.append(duration_words(max(ends) - min(row.start_ms for row in team.rows if row.kind == "run")))
    return words


def row_state(row: Row) -> str:
    """How the run of a row stands, as a member's state."""
    return _ROW_STATES.get(row.status, "stopped")


def row_cells(row: Row, began_ms: int, *, static: bool) -> list[str]:
    """A row of the timeline: who, how it went, unless `static` when it began and how long it took, tokens, cost.

    >>> row_cells(Row("handoff", "coder", 5_200, to="critic"), 2_000, static=False)
    ['coder → critic', 'handed over', '3.2 s', '', '', '']
    >>> row_cells(Row("run", "coder", 2_000, 4_000, "completed", 312, 0.002), 2_000, static=False)
    ['coder', 'done', '0 s', '2.0 s', '312', '$0.0020']
    """
    who = f"{row.agent} → {row.to}" if row.kind == "handoff" else row.agent
    went = STATE_WORDS[row_state(row)] if row.kind == "run" else _ROW_WORDS.get(row.kind, row.kind)
    price = _UNKNOWN if row.cost is None else cost_words(row.cost)
    used = [token_words(row.tokens), price] if row.tokens else ["", ""]
    took = "" if row.seconds is None else duration_words(row.seconds * 1000)
    times = [] if static else [since_words(row.start_ms - began_ms), took]
    return [who, went, *times, *used]


def since_words(ms: float) -> str:
    """When something began, from the beginning on."""
    return duration_words(ms) if ms >= 1 else "0 s"
