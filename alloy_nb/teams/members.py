"""A member of a team: an agent on a lane of its own, what the team adds to its runs, and how it fares."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from ..agent_health import Health
from ..dialogue import Dialogue
from ..errors import AlloyError, Crashed, DeadlineExceeded
from ..execution import Execution
from ..options import Options
from ..portal import Portal
from ..result import Result
from ..tools.base import Tool
from ..tools.toolbox import collect_tools
from ..usage import Budget
from .context import SharedContext
from .context_tool import ContextTool
from .supervision import MOST_CRASHES, WINDOW, Supervision

if TYPE_CHECKING:
    from ..agent import Agent

__all__ = ["Home", "Member", "MemberHealth"]


@dataclass(frozen=True, slots=True)
class MemberHealth(Health):
    """How a member is: `Health` of its agent, and how it fares in the team.

    `status` is ``"down"`` for one that crashed too often. `crashes` and `restarts` are counted from the beginning,
    `abandoned` are its runs that were given up because they did not answer.
    """

    crashes: int
    restarts: int
    down: bool
    abandoned: int


class Home(Protocol):
    """What a member needs of its team."""

    name: str
    budget: Budget | None

    @property
    def context(self) -> SharedContext: ...

    def began(self, member: Member, execution: Execution) -> None: ...

    def ended(self, member: Member, execution: Execution, result: Result) -> None: ...

    def tell(self, kind: str, name: str, **told: Any) -> None: ...

    def transfers(self, name: str) -> Sequence[Tool]: ...


class Member:
    """The host of an agent: its runs live on its lane, see what the team shares, and spend of its budget.

    The lane is a thread with a loop, there from the first run on: what blocks it, blocks this member alone. After a
    crash, or when a run was given up, the agent goes on with its conversation on a new one.
    """

    def __init__(self, name: str, agent: Agent, home: Home, *, own: bool, clock: Callable[[], float]) -> None:
        self.name = name
        self.agent = agent
        #: Whether the team made the agent.
        self.own = own
        self.supervision = Supervision(clock)
        self.abandoned = 0
        #: The newest run, going on or over.
        self.newest: Execution | None = None
        self._home = home
        self._lock = threading.Lock()
        self._lane: Portal | None = None
        self._left = False

    # -- what its agent asks (see `Host`) -------------------------------------------------------------------------

    @property
    def portal(self) -> Portal:
        with self._lock:
            if self._lane is None:
                self._lane = Portal(f"alloy-lane-{self._home.name}/{self.name}", shared=False)
                # A team that nobody holds any more leaves no threads behind.
                weakref.finalize(self, self._lane.retire).atexit = False
            return self._lane

    def adjusted(self, options: Options) -> Options:
        self.check_up()  # whoever asks the agent itself is told so, too
        taken = collect_tools(options.tools)
        name = next(name for name in ("context", "team_context", f"{self._home.name}_context") if name not in taken)
        transfers = [tool for tool in self._home.transfers(self.name) if tool.name not in taken]
        section = self._home.context.section(name)
        return replace(
            options,
            name=f"{self._home.name}/{self.name}",
            tools=(*options.tools, ContextTool(self._home.context, self.name, name), *transfers),
            system_prompt="\n\n".join(text for text in (options.system_prompt, section) if text) or None,
            budget=options.budget or self._home.budget,
        )

    def successor(self) -> Dialogue:
        """A fork of its agent that takes over a conversation, and sees what the team shares."""
        dialogue = self.agent.dialogue.fork()
        dialogue.options = replace(self.adjusted(dialogue.options), name=self.name, budget=dialogue.options.budget)
        return dialogue

    def began(self, execution: Execution) -> None:
        if execution.stopped_at is None:
            self.newest = execution
        self._home.began(self, execution)

    def took_over(self, result: Result) -> None:
        """What came of a conversation that was handed over to it: a crash counts there, too."""
        if isinstance(result.error, Crashed):
            self._count_crash(result.error)

    def ended(self, execution: Execution, result: Result) -> None:
        if isinstance(result.error, Crashed):
            self._renew()
            self._count_crash(result.error)
        self._home.ended(self, execution, result)

    # -- how it fares ---------------------------------------------------------------------------------------------

    def health(self) -> MemberHealth:
        """At once, also while it works."""
        health, record = self.agent.health(), self.supervision
        facts = {name: health[name] for name in health.keys()}  # noqa: SIM118 - no mapping
        if record.down and not health.busy and health.status != "closed":
            facts["status"] = "down"
        return MemberHealth(
            **facts, crashes=record.crashes, restarts=record.restarts, down=record.down, abandoned=self.abandoned
        )

    def to_dict(self) -> dict[str, Any]:
        """How it is, JSON-ready: `name`, `model`, `run_id` of the newest run, `cost`, and what `health` says."""
        health = self.health()
        facts = {name: health[name] for name in health.keys()}  # noqa: SIM118 - no mapping
        newest = self.newest
        return {
            "name": self.name,
            "model": self.agent.dialogue.label,
            "run_id": None if newest is None else newest.run_id,
            **facts,
            "usage": health.usage.to_dict(),
            "cost": self.agent.cost,
        }

    def check_up(self) -> None:
        """Raise for one that stays down."""
        if self.supervision.down:
            raise AlloyError(
                f"{self.name} is down: it crashed more than {MOST_CRASHES} times in {WINDOW:g} s",
                hint=f"see team.health()[{self.name!r}], mend what breaks, then team.restart({self.name!r})",
            )

    def _count_crash(self, error: Crashed) -> None:
        again = self.supervision.crashed()
        self._home.tell("crash", self.name, error=error.message, crashes=self.supervision.crashes)
        if again:
            self._home.tell("restart", self.name, restarts=self.supervision.restarts)
        else:
            self._home.tell("down", self.name, crashes=self.supervision.crashes)

    def restart(self) -> None:
        """Begin again after it stayed down, or to have a new lane; its conversation goes on."""
        self.agent.dialogue.check_idle()
        self.supervision.restart()
        self._renew()
        self._home.tell("restart", self.name, restarts=self.supervision.restarts)

    def give_up(self, execution: Execution, silent: float) -> None:
        """A run does not answer: it ends for everybody who waits, and its thread is left behind."""
        if execution.is_awaited:  # on a loop that is not ours: it is over when that comes back to it
            return
        self._renew()
        error = DeadlineExceeded(
            f"{self.name} did not answer for {silent:.1f} s after its stop or the end of its time, and is given up",
            hint="something in it blocks its thread, or ignores being cancelled: make a blocking tool a plain `def`, "
            "which runs in a thread of its own, and let CancelledError pass",
        )
        if execution.abandon(error):
            self.abandoned += 1
            self._home.tell("abandoned", self.name, run_id=execution.run_id)

    def _renew(self) -> None:
        """A new lane for what comes next; the old one ends when nothing runs there any more."""
        self.agent.dialogue.renew()
        self.close_lane()

    def close_lane(self) -> None:
        with self._lock:
            lane, self._lane = self._lane, None
        if lane is not None:
            lane.retire()

    # -- going ----------------------------------------------------------------------------------------------------

    def leave(self) -> None:
        """Close its agent and its lane. Once; waits until its run has ended or was given up."""
        with self._lock:
            left, self._left = self._left, True
        if left:
            return
        self.agent.close()
        self.close_lane()

    def release(self) -> None:
        """Let go of an agent that was not taken in after all."""
        self.agent.dialogue.host = None
        if self.own:
            self.agent.close()
