"""The runs of this kernel from another cell: stopping those that go on, showing one once more."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..counting import counted
from ..errors import ConfigError
from ..execution import Execution, driven, going
from ..plain import one_line
from ..redaction import redact_line
from .names import runs_in

if TYPE_CHECKING:
    from .live.hub import Hub

__all__ = ["attach", "run_words", "stop_runs"]

#: So many runs are told of where another one was asked for.
_MOST_TOLD = 8
_BRIEF = 40


def stop_runs(name: str, names: Mapping[str, Any]) -> str:
    """Stop the run of that id, or in the variable of that name, or every one that goes on; what was done, in words."""
    run_id = _id_of(name, names)
    found = [run for run in going() if run_id in ("", run.run_id)]
    if run_id and not found:
        raise ConfigError(f"no run {one_line(name, _BRIEF)!r} goes on here", hint=_which(names))
    stopped = [run.run_id for run in found if run.cancel()]
    if not stopped:
        return "Nothing goes on."
    return f"Stopped {counted(len(stopped), 'run')}: {', '.join(stopped)}"


def _which(names: Mapping[str, Any]) -> str:
    told = _told(going(), names)
    return f"these go on: {told}" if told else "nothing goes on"


def attach(shell: Any, name: str, names: Mapping[str, Any]) -> None:
    """Show the run of that id, in the variable of that name, or the newest one, in the cell that runs now.

    It is live where it goes on. A team goes by the id of its view.
    """
    from .display import show_run
    from .live.display import show_again
    from .live.hub import find_hub

    hub = find_hub(shell)
    team = next((team for team in hub.teams if team.name == name), None) if hub is not None else None
    if hub is not None and team is not None:
        show_again(hub, team)
        return
    shown = {live.run_id: live for live in hub.runs} if hub is not None else {}
    others = {run.run_id: run for run in _not_shown(names) if run.run_id not in shown}
    known = [*(live.execution for live in shown.values()), *others.values()]
    run_id = _id_of(name, names) or _newest(known)
    if hub is not None and run_id in shown:
        show_again(hub, shown[run_id])
    elif run_id in others:
        show_run(others[run_id])
    else:
        raise _unknown(name, known, hub, names)


def _unknown(name: str, known: list[Execution], hub: Hub | None, names: Mapping[str, Any]) -> ConfigError:
    teams = [team.name for team in hub.teams] if hub is not None else []
    told = "; ".join(filter(None, [_told(known, names), f"of teams {', '.join(teams)}" if teams else ""]))
    return ConfigError(
        f"this kernel knows no run {one_line(name, _BRIEF)!r}",
        hint=f"it knows {told or 'none yet'}. What a kernel did before it was restarted is in the saved notebook alone",
    )


def _not_shown(names: Mapping[str, Any]) -> list[Execution]:
    """What may be shown though it was not yet: what goes on, and what is over and in a variable."""
    held = {run.run_id for run in runs_in(names).values()}
    return [run for run in driven() if run.result is None or run.run_id in held]


def run_words(shell: Any, kind: str, names: Mapping[str, Any]) -> list[str]:
    """What ``/stop`` takes (kind "going") and what ``/attach`` does ("runs"): variables, then ids, the newest first."""
    from .live.hub import find_hub

    hub = find_hub(shell) if kind == "runs" else None
    runs = {run.run_id: run for run in (_not_shown(names) if kind == "runs" else going())}
    runs.update((live.run_id, live.execution) for live in (hub.runs if hub is not None else ()))
    variables = [name for name, run in runs_in(names).items() if run.run_id in runs]
    ids = sorted(runs, key=lambda name: runs[name].begun, reverse=True)
    return [*variables, *ids, *(team.name for team in (hub.teams if hub is not None else ()))]


def _newest(runs: Iterable[Execution]) -> str:
    newest = max(runs, key=lambda run: run.begun, default=None)
    if newest is None:
        raise ConfigError("there is no run to show yet", hint="ask something first: %%alloy")
    return newest.run_id


def _id_of(name: str, names: Mapping[str, Any]) -> str:
    """The id of the run that a variable of that name holds; else what was given."""
    run = runs_in(names).get(name)
    return name if run is None else run.run_id


def _told(runs: Iterable[Execution], names: Mapping[str, Any]) -> str:
    """Which runs these are, the newest first: id, variable, model, when it began, what was asked."""
    variables = {run.run_id: name for name, run in runs_in(names).items()}
    newest = sorted(runs, key=lambda run: run.begun, reverse=True)
    told = [_described(run, variables.get(run.run_id)) for run in newest[:_MOST_TOLD]]
    more = len(newest) - len(told)
    return "; ".join([*told, *([f"{more} more"] if more else [])])


def _described(run: Execution, variable: str | None) -> str:
    began = datetime.now() - timedelta(seconds=time.monotonic() - run.begun)
    words = [
        f"`{variable}`" if variable else "",
        one_line(run.label, _BRIEF),
        f"{began:%H:%M:%S}",
        redact_line(run.prompt.text, _BRIEF) if run.prompt is not None else "",
    ]
    return f"{run.run_id} ({', '.join(filter(None, words))})"
