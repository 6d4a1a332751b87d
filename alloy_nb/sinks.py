"""Where a run is shown: the protocol, and the table of what implements it.

Rendering lives above the runs; it is named here and imported when it is first used.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from .errors import ConfigError

if TYPE_CHECKING:
    from .events import Event
    from .execution import Execution
    from .result import Result

__all__ = ["DISPLAYS", "Sink", "find_sink", "resolve"]

DISPLAYS = ("auto", "widget", "html", "static", "text")

_TABLE = {
    "default_store": "alloy_nb.sessions.sqlite:default_store",
    "change_asked_for": "alloy_nb.render.diffs:change_asked_for",
    "choose_sink": "alloy_nb.notebook.display:choose_sink",
    "result_bundle": "alloy_nb.notebook.display:result_bundle",
    "show_result": "alloy_nb.notebook.display:show_result",
    "show_run": "alloy_nb.notebook.display:show_run",
    "scheduler_bundle": "alloy_nb.notebook.jobs:scheduler_bundle",
    "show_scheduler": "alloy_nb.notebook.jobs:show_scheduler",
    "show_team": "alloy_nb.notebook.team_display:show_team",
    "show_team_run": "alloy_nb.notebook.team_display:show_team_run",
    "show_team_results": "alloy_nb.notebook.team_display:show_team_results",
    "choose_delegate_sink": "alloy_nb.notebook.team_display:choose_delegate_sink",
    "choose_team_sink": "alloy_nb.notebook.team_display:choose_team_sink",
    "team_bundle": "alloy_nb.render.team_text:team_bundle",
    "team_results_bundle": "alloy_nb.render.team_text:results_bundle",
    "team_results_text": "alloy_nb.render.team_text:results_text",
    "team_text": "alloy_nb.render.team_text:team_text",
}


class Sink(Protocol):
    """Shows one run. All three methods are called on the thread that asked for the run, `open` before it begins.

    `interval` is the shortest time in seconds between two calls of `feed`.
    """

    interval: float

    def open(self, run: Execution) -> None: ...

    def feed(self, events: Sequence[Event]) -> None: ...

    def close(self, result: Result) -> None: ...


def resolve(name: str) -> Any:
    """What stands behind a name of the table."""
    module, _, attribute = _TABLE[name].partition(":")
    return getattr(import_module(module), attribute)


def find_sink(display: str | None, inputs: Sequence[str] = ()) -> Sink | None:
    """The sink for `display`; None when nothing is to be shown. `inputs` names what goes in beside the prompt.

    Plain Python shows nothing by itself: only IPython, or being asked, brings the rendering in.
    """
    if display is None:
        return None
    if display not in DISPLAYS:
        raise ConfigError(
            f"display is {display!r}", hint="choose one of " + ", ".join(DISPLAYS) + ", or None for nothing"
        )
    if display == "auto" and "IPython" not in sys.modules and not os.environ.get("ALLOY_DISPLAY"):
        return None
    sink: Sink | None = resolve("choose_sink")(display, inputs=inputs)
    return sink
