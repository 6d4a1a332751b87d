"""The sinks of a team in a notebook: shown once, and as HTML that is sent anew. The widget's is in `live`."""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ..events import Event
from ..render.bundle import record_kept
from ..render.team_bundle import team_bundle
from ..render.team_values import TeamTold, newest_of
from ..result import Result
from .cell import Cell
from .folding import Row
from .interrupts import interrupts_held
from .team_scope import Gathering, Scope, scope_of_delegate, scope_of_run

if TYPE_CHECKING:
    from ..execution import Execution
    from ..team import Team
    from ..teams.group import TeamRun

__all__ = [
    "BackgroundTeamHtmlShow",
    "DelegateSink",
    "FoldedTeam",
    "TeamAtRest",
    "TeamHtmlShow",
    "TeamRunAtRest",
    "TeamShow",
    "TeamSinkOf",
    "team_frozen",
]

logger = logging.getLogger("alloy_nb")


def team_frozen(team: TeamTold, *, static: bool) -> dict[str, Any]:
    """What stays of a team that was shown."""
    return team_bundle(team, static=static, record=record_kept(None, "off" if static else "full"))


class TeamShow:
    """Shown once, when it is over, the same in every execution. What it cannot show is told, and costs no answer."""

    interval = 60.0
    static = True
    #: So many runs of each member are shown, None for all.
    newest: int | None = None

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self._scope: Scope | None = None
        self._gathering: Gathering | None = None
        self._faulty = False
        record_kept(None, "off")  # a wrong setting is said before the runs begin

    def open(self, scope: Scope) -> None:
        self._scope, self._gathering = scope, Gathering(scope)
        self._try(self._begin)

    def look(self) -> None:
        """Some time has gone by."""
        self._try(self._look)

    def close(self) -> None:
        if self._scope is None:
            return
        self._cell.shown.update(execution.run_id for _, execution in self._scope.executions)
        self._try(self._finish)

    def _try(self, action: Any) -> None:
        try:
            with interrupts_held():
                action()
        except Exception:  # the runs, and their answers, must outlive what shows them
            if not self._faulty:
                self._faulty = True
                logger.exception("a team could not be shown as it should; its results are complete")

    def _begin(self) -> None:
        """Nothing to show yet."""

    def _look(self) -> None:
        """Nothing to show yet."""

    def _finish(self) -> None:
        assert self._gathering is not None
        told = self._gathering.told()
        self._publish(team_frozen(told if self.newest is None else newest_of(told, self.newest), static=self.static))

    def _publish(self, data: dict[str, Any]) -> None:
        from IPython.display import display

        display(data, raw=True)


class TeamAtRest(TeamShow):
    """Shown as it stands, with times: nothing of it goes on.

    Of each member the newest runs: the others stand in the file already, in the cells that asked.
    """

    static = False
    newest = 2


class TeamRunAtRest(TeamShow):
    """A broadcast or a hand-off that is over, whole, with times."""

    static = False


class TeamHtmlShow(TeamShow):
    """One output: a line an agent while they work, then the frozen form."""

    interval = 0.5
    static = False
    #: How a person stops what is shown.
    stop = "interrupt the kernel to stop it"

    def __init__(self, cell: Cell) -> None:
        super().__init__(cell)
        self._handle: Any = None

    def _begin(self) -> None:
        self._look()

    def _look(self) -> None:
        from ..render.team_html import team_live_html

        assert self._gathering is not None
        html = team_live_html(self._gathering.told(), self.stop)
        self._publish({"text/html": html, "text/plain": "these agents did not finish here"})

    def _publish(self, data: dict[str, Any]) -> None:
        from IPython.display import display

        if self._handle is None:
            self._handle = display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)


class BackgroundTeamHtmlShow(TeamHtmlShow):
    """The same of what no cell waits for: a thread looks at it until it is over."""

    stop = "`team.stop()` stops them"

    def open(self, scope: Scope) -> None:
        super().open(scope)
        context = contextvars.copy_context()  # output of the thread belongs to the cell that it was started in
        threading.Thread(target=partial(context.run, self._see_out, scope), name="alloy-show-team", daemon=True).start()

    def _see_out(self, scope: Scope) -> None:
        pause = threading.Event()
        while not scope.over:
            pause.wait(self.interval)
            self.look()
        self.close()


class TeamSinkOf:
    """A show as the sink of a broadcast or a hand-off of `team`; it looks at the runs itself."""

    hears = False

    def __init__(self, show: TeamShow, team: Team) -> None:
        self._show = show
        self._team = team
        self.interval = show.interval

    def open(self, run: TeamRun[Any]) -> None:
        self._show.open(scope_of_run(self._team, run))

    def feed(self, _events: Sequence[Event]) -> None:
        self._show.look()

    def step_aside(self) -> None:
        """The question has a place of its own."""

    def close(self) -> None:
        self._show.close()


class DelegateSink:
    """A show as the sink of a run that was delegated to one member."""

    def __init__(self, show: TeamShow, team: Team, name: str) -> None:
        self._show = show
        self._team = team
        self._name = name
        self.interval = show.interval

    def open(self, run: Execution) -> None:
        self._show.open(scope_of_delegate(self._team, self._name, run))

    def feed(self, _events: Sequence[Event]) -> None:
        self._show.look()

    def close(self, _result: Result) -> None:
        self._show.close()


class FoldedTeam:
    """Shows nothing of a broadcast or a hand-off but that it was there, and how it ended."""

    interval = 60.0
    hears = False

    def __init__(self, row: Row) -> None:
        self._row = row
        self._run: TeamRun[Any] | None = None

    def open(self, run: TeamRun[Any]) -> None:
        self._run = run
        self._row.begin()

    def feed(self, _events: Sequence[Event]) -> None:
        """Nothing of it is shown."""

    def step_aside(self) -> None:
        """As above."""

    def close(self) -> None:
        if self._run is not None:
            self._row.end(Result(status=self._run.status))
