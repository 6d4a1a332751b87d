"""The sink of a team as tabs: a widget while something of it goes on, then the frozen form in its place."""

from __future__ import annotations

import contextvars
import logging
import threading
from functools import partial

from ..cell import Cell, running_shell
from ..team_shows import TeamShow
from .courier import PAUSE
from .display import display_live
from .hub import hub_of
from .team import LiveTeam

__all__ = ["BackgroundTeamWidgetShow", "TeamWidgetShow"]

logger = logging.getLogger("alloy_nb")

#: So long its thread waits before it looks for runs that have begun, in seconds.
LOOK = 0.1


class TeamWidgetShow(TeamShow):
    """Shows what a cell waits for."""

    interval = 60.0  # it looks by itself
    waited = True

    def __init__(self, cell: Cell) -> None:
        super().__init__(cell)
        self._team: LiveTeam | None = None
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def _begin(self) -> None:
        assert self._scope is not None
        hub = hub_of(running_shell())
        team = LiveTeam(self._scope, hub, waited=self.waited)
        hub.add_team(team)
        team.step()  # a run that is not launched yet is asked about by its cards
        display_live(hub, team)
        self._team = team
        context = contextvars.copy_context()  # output of the thread belongs to the cell that it was started in
        work = partial(context.run, self._work, team)
        self._thread = threading.Thread(target=work, name=f"alloy-show-{team.name}", daemon=True)
        self._thread.start()

    def _finish(self) -> None:
        """All of it is over, or whoever waited went before: then it goes on being shown."""
        assert self._scope is not None
        if self._team is None or self._thread is None:
            super()._finish()
        elif self._scope.over:
            self._closing.set()
            self._team.bell.ring()
            self._thread.join()

    def _work(self, team: LiveTeam) -> None:
        pause = threading.Event()
        try:
            while not team.settled:
                if not team.step():
                    team.bell.wait(LOOK)
                elif not self._closing.is_set():
                    pause.wait(PAUSE)
        except Exception:
            logger.exception("a team could not be shown as it should; its results are complete")
            team.settled = True
        self._freeze(team)

    def _freeze(self, team: LiveTeam) -> None:
        for handle in team.displays:
            try:
                handle.update(team.frozen(), raw=True)
            except Exception:  # one display that is gone must not leave the others as they were
                logger.exception("a display of a team could not be brought to its end")


class BackgroundTeamWidgetShow(TeamWidgetShow):
    """Shows what goes on in the background: an interrupt of the kernel does not reach it."""

    waited = False
