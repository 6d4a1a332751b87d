"""The runs of this kernel from another cell: stopping those that go on, showing one once more."""

from __future__ import annotations

from typing import Any

from ..errors import ConfigError
from ..execution import Execution, going

__all__ = ["attach", "stop_runs"]


def stop_runs(run_id: str) -> str:
    """Stop the run of that id, or every one that goes on; what was done, in words."""
    found = [run for run in going() if run_id in ("", run.run_id)]
    if run_id and not found:
        raise ConfigError(f"no run {run_id[:40]!r} goes on here", hint=_which())
    stopped = [run.run_id for run in found if run.cancel()]
    if not stopped:
        return "Nothing goes on."
    return f"Stopped {len(stopped)} run{'' if len(stopped) == 1 else 's'}: {', '.join(stopped)}"


def _which() -> str:
    names = ", ".join(run.run_id for run in going())
    return f"these go on: {names}" if names else "nothing goes on"


def attach(shell: Any, run_id: str) -> None:
    """Show the run of that id, or the newest one, in the cell that runs now; live where it goes on.

    A team goes by the id of its view.
    """
    from .display import show_run
    from .live.display import show_again
    from .live.hub import find_hub

    hub = find_hub(shell)
    team = next((team for team in hub.teams if team.name == run_id), None) if hub is not None else None
    if hub is not None and team is not None:
        show_again(hub, team)
        return
    shown = {live.run_id: live for live in hub.runs} if hub is not None else {}
    others = {run.run_id: run for run in going() if run.run_id not in shown}
    if not run_id:
        run_id = _newest([*others.values(), *(live.execution for live in shown.values())])
    if hub is not None and run_id in shown:
        show_again(hub, shown[run_id])
    elif run_id in others:
        show_run(others[run_id])
    else:
        known = ", ".join([*shown, *others]) or "none yet"
        raise ConfigError(
            f"this kernel knows no run {run_id[:40]!r}",
            hint=f"it knows {known}; what a kernel did before it was restarted is in the saved notebook alone",
        )


def _newest(runs: list[Execution]) -> str:
    if not runs:
        raise ConfigError("there is no run to show yet", hint="ask something first: %%alloy")
    return max(runs, key=lambda run: run.begun).run_id
