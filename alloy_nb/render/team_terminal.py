"""A team at work in a terminal: a column for each member, live; then the answers, and a table of what they took."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ..events import Event
from ..result import Result
from ..teams.group import TeamRun
from ..usage import Usage, add_costs
from .clean import shown
from .notices import NOTICES, names_whom, notice_of
from .team_answers import answer_lines
from .wording import cost_words, duration_words, token_words

__all__ = ["Column", "TeamColumns", "member_of"]

_WAITS = "waiting its turn"
#: The mark and the colour of a member, by how its run stands.
_DOTS: Mapping[str, tuple[str, str]] = {
    _WAITS: ("○", "dim"),
    "not asked": ("○", "dim"),
    "running": ("●", "blue"),
    "completed": ("✓", "green"),
    "max_turns": ("✓", "yellow"),
    "waiting": ("?", "yellow"),
    "cancelled": ("✗", "yellow"),
    "error": ("✗", "red"),
    "halted": ("✗", "red"),
}
#: Characters of its words that a column remembers, and lines of its calls and notices.
_TAIL = 2_000
_LINES = 20
_NARROWEST = 28
_LEAST_LINES = 3
_LONGEST_KEY = 40
_LONGEST_FACTS = 200


class Column:
    """What one member is seen to do: its newest words and calls, how it stands, what it has used.

    >>> column = Column("coder")
    >>> for type, payload in [("run_start", {}), ("text_delta", "I am "), ("text_delta", "done"), ("run_end", {})]:
    ...     column.feed(Event(1, "r", type, payload, agent="team/coder"))
    >>> column.status, column.lines(2)
    ('completed', ['I am done'])
    """

    def __init__(self, name: str) -> None:
        self.name = shown(name)
        self.status = _WAITS
        self.usage = Usage()
        self.cost: float | None = None
        self.seconds = 0.0
        self._began_ms = 0
        self._lines: deque[str] = deque(maxlen=_LINES)
        self._words = ""

    def feed(self, event: Event) -> None:
        """Take in an event of this member, or of an agent within it, of which only the cost is told."""
        payload = event.payload if isinstance(event.payload, Mapping) else {}
        if event.type == "usage":
            used, price = Usage.from_dict(dict(payload)), payload.get("cost")
            self.cost = add_costs(self.usage, self.cost, used, price)
            self.usage += used
        if (event.agent or "").count("/") > 1:
            return
        match event.type:
            case "run_start":
                self.status, self._began_ms = "running", event.ts_ms
            case "text_delta":
                self._words = (self._words + str(event.payload))[-2 * _TAIL :]
            case "message" | "turn_start":
                self._end_words()
            case "tool_start":
                self._say(f"● {payload.get('name')} {_key(payload.get('input'))}")
            case "tool_end":
                self._say(f"{'✗' if payload.get('error') else '✓'} {payload.get('name')}")
            case "run_end":
                self._end(event, payload)
            case "handoff" if names_whom(self._called(), str(payload.get("to"))):
                pass  # the line of the call that hands over tells it
            case kind if kind in NOTICES:
                self._say(f"· {notice_of(kind, payload).text}")

    def _end(self, event: Event, payload: Mapping[str, Any]) -> None:
        self._end_words()
        self.status = str(payload.get("status") or "completed")
        self.seconds = max(0.0, (event.ts_ms - self._began_ms) / 1000)
        if payload.get("error") and self.status != "cancelled":
            self._say(f"✗ {payload['error']}")

    def _end_words(self) -> None:
        words, self._words = self._words, ""
        self._lines.extend(line for line in _clean_tail(words).splitlines() if line.strip())

    def _say(self, line: str) -> None:
        self._end_words()
        self._lines.append(" ".join(shown(line).split()))

    def _called(self) -> str:
        """The tool that is at work as its newest line says."""
        mark, _, call = (self._lines[-1] if self._lines else "").partition(" ")
        return call.partition(" ")[0] if mark == "●" else ""

    def lines(self, most: int) -> list[str]:
        """The newest lines, at most so many. A word that is not whole yet is held back: it may be half a key."""
        whole = self._words[: max(self._words.rfind(" "), self._words.rfind("\n")) + 1]
        words = [line for line in _clean_tail(whole).splitlines() if line.strip()]
        return [*self._lines, *words][-most:]

    @property
    def dot(self) -> Text:
        return _dot(self.status)

    @property
    def facts(self) -> str:
        """How it stands, tokens and cost."""
        return self.facts_within(_LONGEST_FACTS)

    def facts_within(self, wide: int) -> str:
        """As many of them as there is room for, whole."""
        words = self.status
        if self.usage.total_tokens:
            for fact in (f"{token_words(self.usage.total_tokens)} tokens", cost_words(self.cost)):
                words = f"{words} · {fact}" if len(words) + len(fact) + 3 <= wide else words
        return words


def _dot(status: str) -> Text:
    mark, colour = _DOTS.get(status, ("●", "dim"))
    return Text(mark, colour)


def _clean_tail(words: str) -> str:
    """The end of the words, from the beginning of one of them."""
    if len(words) > _TAIL:
        words = words[-_TAIL:]
        words = words[words.find(" ") + 1 :] if " " in words else ""
    return shown(words)


def _key(input: Any) -> str:
    values = input.values() if isinstance(input, Mapping) else ()
    line = " ".join(next((value for value in values if isinstance(value, str)), "").split())
    return line if len(line) <= _LONGEST_KEY else line[: _LONGEST_KEY - 1] + "…"


class TeamColumns:
    """A sink of a team's run: panels side by side while it goes on, where the terminal can show them.

    What there is no room for is one line a member. Then each one's answer, and a table.
    """

    interval = 0.125
    hears = True

    def __init__(self, console: Console | None = None, told: set[str] | None = None) -> None:
        """`told` is given the ids of the runs that were shown."""
        self._told = told
        self._run: TeamRun[Any] | None = None
        self._console = Console(highlight=False, emoji=False, markup=False) if console is None else console
        self._columns: dict[str, Column] = {}
        self._live: Live | None = None

    def open(self, run: TeamRun[Any]) -> None:
        self._run = run
        self._columns = {name: Column(name) for name in run.names}
        self._begin()

    def _begin(self) -> None:
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = Live(self._frame(), console=self._console, auto_refresh=False, transient=True)
            self._live.start()

    def feed(self, events: Sequence[Event]) -> None:
        for event in events:
            name = member_of(event)
            if name in self._columns:
                self._columns[name].feed(event)
        if self._live is None:
            self._begin()
        else:
            self._live.update(self._frame(), refresh=True)

    def _frame(self) -> RenderableType:
        """With an empty line below it, for the `^C` that a terminal echoes: it breaks none of those to be erased."""
        return Group(self.renderable(), Text(""))

    def step_aside(self) -> None:
        """Leave the terminal to a question: columns that stand still above it would say what is not so any more."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def close(self) -> None:
        self.step_aside()
        if self._told is not None and self._run is not None:
            self._told.update(execution.run_id for _, execution in self._run.executions)
        answers = self._run.answers if self._run is not None else []
        self._settle(dict(answers))
        for name, result in answers:
            self._console.print(Text.assemble(_dot(result.status), " ", (shown(name), "bold")))
            for line in answer_lines(name, result, self._console):
                self._console.print(line, soft_wrap=not self._console.is_terminal)
            self._console.print()
        self._console.print(self.summary())

    def _settle(self, answers: Mapping[str, Result]) -> None:
        """Whoever could not begin has no events, only a result; and nobody waits any more when all of it is over."""
        for name, column in self._columns.items():
            if column.status == _WAITS and name in answers:
                column.status = answers[name].status
            elif column.status == _WAITS and self._run is not None and self._run.over.closed:
                column.status = "not asked"

    def renderable(self) -> RenderableType:
        """What the terminal shows now."""
        columns = list(self._columns.values())
        width, height = self._console.size
        across = max(1, min(len(columns), width // _NARROWEST))
        rows = math.ceil(len(columns) / across)
        inside = (height - 2) // max(1, rows) - 2  # without the frame
        if inside < _LEAST_LINES:
            return Group(*(self._line(column) for column in columns[: height - 2]))
        grid = Table.grid(expand=True)
        for _ in range(across):
            grid.add_column(ratio=1)
        for place in range(0, len(columns), across):
            row = columns[place : place + across]
            said = [self._wrapped(column, min(inside, _LINES), width // across) for column in row]
            high = max(_LEAST_LINES, *map(len, said))
            grid.add_row(
                *(self._panel(column, lines, high, width // across) for column, lines in zip(row, said, strict=True))
            )
        return grid

    def _wrapped(self, column: Column, most: int, wide: int) -> list[Text]:
        words = Text("\n".join(column.lines(most)))
        return list(words.wrap(self._console, wide - 4))[-most:]

    def _panel(self, column: Column, lines: list[Text], high: int, wide: int) -> Panel:
        return Panel(
            Group(*lines),
            title=Text.assemble(column.dot, " ", (column.name, "bold")),
            title_align="left",
            subtitle=Text(column.facts_within(wide - 6), "dim"),
            subtitle_align="left",
            height=high + 2,
        )

    def _line(self, column: Column) -> Text:
        newest = "".join(column.lines(1))
        return Text.assemble(column.dot, " ", (column.name, "bold"), f"  {newest}", no_wrap=True, overflow="ellipsis")

    def summary(self) -> Table:
        """What came of it: a line a member."""
        table = Table(box=None, show_edge=False, pad_edge=False)
        for name in ("", "agent", "status", "tokens", "cost", "time"):
            table.add_column(name, no_wrap=True, overflow="ellipsis", header_style="dim")
        for column in self._columns.values():
            used = column.usage.total_tokens
            table.add_row(
                column.dot,
                Text(column.name, "bold"),
                column.status,
                token_words(used) if used else "",
                cost_words(column.cost) if used else "",
                duration_words(column.seconds * 1000) if column.seconds else "",
            )
        return table


def member_of(event: Event) -> str:
    """The member whose run an event of a team's stream belongs to; "" for what the team itself tells.

    >>> member_of(Event(1, "r", "text_delta", "Hi", agent="team/coder/helper"))
    'coder'
    """
    path = (event.agent or "").split("/")
    return path[1] if len(path) > 1 else ""
