"""A team that is shown live: the runs of its members, how each stands, who ran when, and what the page may do."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ...bell import Bell
from ...events import Event, now_ms
from ...journal import Reader
from ...render.bundle import unfinished_bundle
from ...render.clean import shorten
from ...render.team_html import LONGEST_PROMPT
from ...render.team_values import MemberTold, Row
from ...tools.approval import Decision
from ..team_parts import Part, Parts
from ..team_scope import Scope
from ..team_shows import team_frozen
from .asker import FIRST_PATIENCE, PATIENCE, CardAsker
from .changes import sendable
from .run import HEARD_SECONDS, LiveRun

if TYPE_CHECKING:
    from ...execution import Execution
    from .hub import Hub

__all__ = ["BURST", "LiveTeam"]

#: So many events of one run are taken in before the others have their turn: one that floods is shown a little later.
BURST = 512


class LiveTeam:
    """`step` on one thread, `take` on the courier's; `snapshot` and what the page asks for on any.

    `name` is what the page knows it by. What goes to the page is numbered, and each change says how something is now:
    facts, a member at its place, a row of the timeline by its number. The runs of the members are `LiveRun`s.
    """

    def __init__(self, scope: Scope, hub: Hub, *, waited: bool) -> None:
        self.scope = scope
        self.name = f"team-{uuid4().hex[:12]}"
        #: The handles of its displays, each of which shows its end.
        self.displays: list[Any] = []
        #: Nothing of it goes on any more, and all of it was taken in.
        self.settled = False
        self.bell = Bell()
        self._hub = hub
        self._waited = waited
        self._began_ms = now_ms()
        self._patient_until = time.monotonic() + (PATIENCE if hub.known else FIRST_PATIENCE)
        self._heard_at: float | None = None
        self._lock = threading.Lock()
        self._lives: dict[Part, LiveRun] = {}
        self._parts: dict[Execution, Parts] = {}
        self._readers: dict[Execution, Reader] = {}
        self._edition: object = None
        self._seq = 0
        self._outbox: list[dict[str, Any]] = []
        self._told: dict[str, dict[Any, Any]] = {"facts": {}, "members": {}, "rows": {}}
        self._look()

    # -- taking in ------------------------------------------------------------------------------------------------

    def step(self) -> bool:
        """Take in a burst of each run that has something new; whether there was anything."""
        over = self.scope.over  # asked first: what came before the end is read below
        something = self._admit()
        for execution, reader in list(self._readers.items()):
            events = reader.step(BURST)
            if events:
                self._feed(execution, events)
            elif events is None:
                del self._readers[execution]
            something = something or events is None or bool(events)
        if over and not self._readers:
            for live in self._lives.values():
                live.settle()
            self.settled = something = True
        if something or self._edition != self.scope.edition:
            self._look()
            self._hub.courier.mark(self)
        return something

    def _admit(self) -> bool:
        """Runs that have begun since."""
        fresh = [(name, execution) for name, execution in self.scope.executions if execution not in self._parts]
        for name, execution in fresh:
            parts = self._parts[execution] = Parts(name, execution.run_id)
            execution.attendance.elsewhere = partial(self._asks_elsewhere, execution)
            self._show(parts.all[0], execution)
            self._readers[execution] = Reader(execution.journal, self.bell.ring)
        return bool(fresh)

    def _show(self, part: Part, execution: Execution) -> LiveRun:
        name = self._hub.name(part.transcript.run_id or execution.run_id)
        live = LiveRun(execution, part.transcript, self._hub.courier.mark, waited=self._waited, name=name)
        if not execution.background and not execution.launched:  # whoever waits for it is who asks
            execution.ask_by(lambda other: CardAsker(live, other, page_known=self._hub.known))
        # A dict that others look through is replaced, not changed.
        self._lives = {**self._lives, part: live}
        return live

    def _feed(self, execution: Execution, events: list[Event]) -> None:
        for part, told in self._parts[execution].sort(events):
            live = self._lives.get(part) or self._show(part, execution)
            live.feed(told)

    def _look(self) -> None:
        """How it stands now; on the thread that takes in, for nobody else may read what still grows."""
        self._edition = self.scope.edition
        team, numbers = self.scope.told({execution: parts.all for execution, parts in self._parts.items()})
        with self._lock:
            self.team = team
            self._numbers = numbers

    # -- telling the page -----------------------------------------------------------------------------------------

    def take(self) -> list[dict[str, Any]]:
        """What the page was not told yet."""
        with self._lock:
            self._advance()
            outbox, self._outbox = self._outbox, []
            return outbox

    def _advance(self) -> None:
        now = self._wire()
        changed = {
            part: {key: value for key, value in items.items() if self._told[part].get(key) != value}
            for part, items in now.items()
        }
        if not any(changed.values()):
            return
        self._told = now
        self._seq += 1
        change: dict[str, Any] = {"team": self.name, "seq": self._seq, "now_ms": now_ms()}
        for part, items in changed.items():
            if items:
                change[part] = items if part == "facts" else [[key, value] for key, value in items.items()]
        self._outbox.append(change)

    def _wire(self) -> dict[str, dict[Any, Any]]:
        team = self.team
        names = {id(live.transcript): live.name for live in self._lives.values()}
        facts = {
            "name": team.name,
            "kind": team.kind,
            "live": not self.settled,
            "waited": self._waited,
            "tokens": team.tokens,
            "cost": team.cost,
            "began_ms": min((row.start_ms for row in team.rows), default=self._began_ms),
        }
        return {
            "facts": sendable(facts),
            "members": {place: _member(member, names) for place, member in enumerate(team.members)},
            "rows": {number: _row(row) for number, row in zip(self._numbers, team.rows, strict=True)},
        }

    def snapshot(self) -> dict[str, Any]:
        """All of it as it stands, with the number of the last change that it holds."""
        with self._lock:
            self._advance()  # else what is in here would be told once more
            told = self._told
            lists = {part: [[key, value] for key, value in told[part].items()] for part in ("members", "rows")}
            return {"seq": self._seq, "now_ms": now_ms(), "facts": told["facts"], **lists}

    def message(self) -> dict[str, Any]:
        """The same as a message to the page."""
        return {"kind": "snapshot", "team": self.name, **self.snapshot()}

    # -- what stands in the notebook's file -----------------------------------------------------------------------

    def unfinished(self) -> dict[str, Any]:
        """Until it is over."""
        return unfinished_bundle(self.name)

    def frozen(self) -> dict[str, Any]:
        """From then on."""
        return team_frozen(self.team, static=False)

    # -- what the page does ---------------------------------------------------------------------------------------

    def find(self, name: str) -> LiveRun | None:
        """The run of a member that the page knows by this name."""
        return next((live for live in self._lives.values() if live.name == name), None)

    def hear(self) -> None:
        """A view of it is there, whose tabs hold the questions of all members."""
        self._heard_at = time.monotonic()
        for live in self._lives.values():
            live.hear()

    def stop(self) -> bool:
        return self.scope.cancel()

    def decide(self, call_id: str, decision: Decision) -> bool:
        return any(live.decide(call_id, decision) for live in self._lives.values())

    def _asks_elsewhere(self, execution: Execution) -> bool:
        """Whether a question is left to its card: a page was heard lately, or may still come."""
        now = time.monotonic()
        heard = self._heard_at is not None and now - self._heard_at < HEARD_SECONDS
        lives = [live for live in self._lives.values() if live.execution is execution]
        if heard or now < self._patient_until or any(live.is_heard for live in lives):
            return True
        for live in lives if execution.questions else ():
            live.set_facts(asks="input")
        return False


def _member(member: MemberTold, names: dict[int, str]) -> dict[str, Any]:
    runs = [
        {"run": names[id(run)], "prompt": shorten(run.prompt, LONGEST_PROMPT)}
        for run in member.runs
        if id(run) in names
    ]
    told = {
        "name": member.name,
        "state": member.state,
        "doing": member.doing,
        "model": member.model,
        "tokens": member.tokens,
        "cost": member.cost,
        "runs": runs,
    }
    return _without_defaults(told)


def _row(row: Row) -> dict[str, Any]:
    return _without_defaults(asdict(row))


def _without_defaults(told: dict[str, Any]) -> dict[str, Any]:
    """A change replaces what was there: what is left out is as it is by default."""
    return {name: sendable(value) for name, value in told.items() if value not in ("", None, 0, [])}
