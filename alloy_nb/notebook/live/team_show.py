"""The sink of a team as tabs: a widget while something of it goes on, then the frozen form in its place."""

from __future__ import annotations

import contextvars
import logging
import threading
from functools import partial
from typing import Any

from ..cell import Cell, running_shell
from ..team_shows import TeamShow, team_frozen
from .courier import PAUSE
from .hub import Hub, hub_of
from .show import WIDGET_VIEW
from .team import LiveTeam

__all__ = ["BackgroundTeamWidgetShow", "TeamWidgetShow", "display_team", "show_team_again"]

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
        display_team(hub, team)
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
                handle.update(_frozen(team), raw=True)
            except Exception:  # one display that is gone must not leave the others as they were
                logger.exception("a display of a team could not be brought to its end")


class BackgroundTeamWidgetShow(TeamWidgetShow):
    """Shows what goes on in the background: an interrupt of the kernel does not reach it."""

    waited = False


def display_team(hub: Hub, team: LiveTeam) -> None:
    """One more display of a team that goes on, in the cell that runs now."""
    from IPython.display import display

    from ...render.html import unfinished_html
    from ...render.wording import unfinished_words

    data: dict[str, Any] = {
        WIDGET_VIEW: hub.view(team),
        "text/html": unfinished_html(team.name),
        "text/plain": unfinished_words(team.name),
    }
    handle = display(data, raw=True, display_id=True)
    team.displays.append(handle)
    if team.settled:  # meanwhile, and who froze the other displays may not have seen this one
        handle.update(_frozen(team), raw=True)


def show_team_again(hub: Hub, team: LiveTeam) -> None:
    """A team that was shown before, in the cell that runs now: live where it goes on, else as it ended."""
    from IPython.display import display

    if team.settled:
        display(_frozen(team), raw=True)
    else:
        display_team(hub, team)


def _frozen(team: LiveTeam) -> dict[str, Any]:
    return team_frozen(team.team, static=False)
