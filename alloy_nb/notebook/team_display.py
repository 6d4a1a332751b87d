"""Where a team's runs are shown: the choice of a sink, which the table in `sinks` names."""

from __future__ import annotations

from ..teams.waiting import TeamSink
from .cell import is_top_level, running_shell
from .display import display_kind

__all__ = ["choose_team_sink"]


def choose_team_sink(display: str | None) -> TeamSink | None:
    """The sink of a broadcast or a hand-off that begins now; None when it is not to be shown."""
    shell = running_shell()
    kind = display_kind(display, shell)
    if kind != "text" or (shell is not None and not is_top_level()):
        return None
    from ..render.team_terminal import TeamColumns

    return TeamColumns()
