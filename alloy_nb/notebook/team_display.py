"""Where a team is shown: the choice of a sink, and what the table in `sinks` names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..sinks import Sink
from ..teams.waiting import TeamSink
from .cell import Cell, current_cell, is_top_level, running_shell, say
from .display import MOST_SHOWN, choose_sink, display_kind
from .folding import row_of

if TYPE_CHECKING:
    from ..team import Team
    from ..teams.group import TeamRun
    from .team_scope import Scope
    from .team_shows import TeamShow

__all__ = ["choose_delegate_sink", "choose_team_sink", "show_team", "show_team_results", "show_team_run"]


def choose_team_sink(display: str | None, team: Team) -> TeamSink | None:
    """The sink of a broadcast or a hand-off that begins now; None when it is not to be shown."""
    shell = running_shell()
    kind = display_kind(display, shell)
    if kind is None or (shell is not None and not is_top_level()):
        return None
    if kind == "text":
        from ..render.team_terminal import TeamColumns

        return TeamColumns(told=None if shell is None else current_cell(shell).shown)
    from .team_shows import FoldedTeam, TeamSinkOf

    cell = current_cell(shell)
    cell.runs += 1
    if cell.runs > MOST_SHOWN:
        return FoldedTeam(row_of(cell, kind))
    return TeamSinkOf(_show(kind, cell), team)


def choose_delegate_sink(display: str | None, team: Team, name: str, *, inputs: Sequence[str] = ()) -> Sink | None:
    """The same for one member's run: in a notebook it is shown as the team's."""
    shell = running_shell()
    kind = display_kind(display, shell)
    if shell is None or kind in (None, "text") or not is_top_level() or current_cell(shell).runs >= MOST_SHOWN:
        return choose_sink(display, inputs=inputs)
    from .team_shows import DelegateSink

    cell = current_cell(shell)
    cell.runs += 1
    return DelegateSink(_show(str(kind), cell), team, name)


def show_team(team: Team) -> None:
    """Show a team: live while something of it goes on where a display can change, else as it stands."""
    shell = running_shell()
    kind = display_kind("auto", shell) or "text"
    if kind == "text":
        say(repr(team))
        return
    from .team_scope import Scope

    scope = Scope(team)
    if kind == "static":
        _wait_for(scope)
    _show_as_it_stands(scope, kind, current_cell(shell) if shell is not None else Cell(), "rest")


def show_team_run(team: Team, run: TeamRun[Any]) -> None:
    """Show a broadcast or a hand-off in the background: live where a display can change, else once it is over."""
    shell = running_shell()
    kind = display_kind("auto", shell) or "text"
    cell = current_cell(shell) if shell is not None else Cell()
    if run.run_id in cell.shown:
        return
    cell.shown.add(run.run_id)
    if kind == "text":
        from ..render.team_terminal import TeamColumns

        run.wait(check=False, owns=False, sink=TeamColumns(told=cell.shown))
        return
    from .team_scope import scope_of_run

    if kind == "static":
        run.wait(check=False, owns=False)
    _show_as_it_stands(scope_of_run(team, run), kind, cell, "ended")


def _show_as_it_stands(scope: Scope, kind: str, cell: Cell, over: str) -> None:
    """Live while something of it goes on; `over` is how it is shown from then on, where it has times."""
    live = not scope.over
    show = _show(f"background-{kind}" if live else "static" if kind == "static" else over, cell)
    show.open(scope)
    if not live:
        show.close()


def _wait_for(scope: Scope) -> None:
    """What is shown once is shown when it is over."""
    from ..handle import Run

    for _, execution in scope.executions:
        if execution.launched:
            Run(execution).result(check=False)


def show_team_results(results: Any) -> None:
    """Show what a broadcast came to, unless this cell has shown all of it already."""
    shell = running_shell()
    ids = {result.run_id for result in results.values() if result.run_id}
    if shell is not None and ids and ids <= current_cell(shell).shown:
        if getattr(shell, "kernel", None) is None:
            say(f"<TeamResults of {', '.join(results)}>")  # IPython's terminal has written "Out[3]: " already
        return
    if (display_kind("auto", shell) or "text") == "text":
        say(repr(results))
        return
    from IPython.display import display

    display(results._repr_mimebundle_(), raw=True)


def _show(kind: str, cell: Cell) -> TeamShow:
    from .team_shows import BackgroundTeamHtmlShow, TeamAtRest, TeamHtmlShow, TeamRunAtRest, TeamShow

    without_widget: dict[str, type[TeamShow]] = {
        "static": TeamShow,
        "background-static": TeamShow,
        "html": TeamHtmlShow,
        "background-html": BackgroundTeamHtmlShow,
        "rest": TeamAtRest,
        "ended": TeamRunAtRest,
    }
    if kind in without_widget:
        return without_widget[kind](cell)
    from .live.team_show import BackgroundTeamWidgetShow, TeamWidgetShow

    return (TeamWidgetShow if kind == "widget" else BackgroundTeamWidgetShow)(cell)
