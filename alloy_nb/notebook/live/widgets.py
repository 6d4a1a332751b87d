"""The widgets of a live cell: one for the kernel, which carries the page's code, and a small one for each run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import anywidget
import traitlets
from ipywidgets import Layout

from .controls import ROUTES

__all__ = ["ASSETS", "HubWidget", "JobsWidget", "StubWidget", "TeamWidget", "read_static", "view_of"]

_STATIC = Path(__file__).parents[1] / "static"
#: What a page may ask for: its name -> the file.
ASSETS = {"math": "math.js"}


def read_static(name: str) -> str:
    """A built file of the page's side."""
    return (_STATIC / name).read_text("utf-8")


def view_of(widget: anywidget.AnyWidget) -> dict[str, Any]:
    """What shows the widget in a page, as MIME data."""
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    return {"application/vnd.jupyter.widget-view+json": view}


class HubWidget(anywidget.AnyWidget):  # type: ignore[misc]
    """One a kernel, never displayed itself. `key` is its name in the page."""

    key = traitlets.Unicode().tag(sync=True)
    kernel_id = traitlets.Unicode().tag(sync=True)
    routes = traitlets.List(traitlets.Unicode()).tag(sync=True)

    def __init__(self, kernel_id: str) -> None:
        self._esm = read_static("widget.js")
        super().__init__(key=uuid4().hex, kernel_id=kernel_id, routes=list(ROUTES), layout=Layout())

    def __repr__(self) -> str:
        return "<alloy_nb's widget of this kernel>"


class TeamWidget(anywidget.AnyWidget):  # type: ignore[misc]
    """One a kernel, made when a team is shown first, never displayed itself: it carries the page's code for teams.

    Not a file that the page asks for: while a cell blocks, no request may reach the kernel, and nothing would be shown.
    """

    key = traitlets.Unicode().tag(sync=True)
    hub = traitlets.Unicode().tag(sync=True)
    hub_key = traitlets.Unicode().tag(sync=True)

    def __init__(self, hub: HubWidget) -> None:
        self._esm = read_static("team.js")
        super().__init__(key=uuid4().hex, hub=hub.model_id, hub_key=hub.key, layout=hub.layout)

    def __repr__(self) -> str:
        return "<alloy_nb's widget for the teams of this kernel>"


class StubWidget(anywidget.AnyWidget):  # type: ignore[misc]
    """One a run, or a team, of which `hub` is the widget with the page's code for it.

    What a page gets when it asks for its state, as after a reload, is the run as it stands then; `told` what it gets
    at first.
    """

    hub = traitlets.Unicode().tag(sync=True)
    key = traitlets.Unicode().tag(sync=True)
    run = traitlets.Unicode().tag(sync=True)
    snapshot = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        hub: HubWidget | TeamWidget,
        run_id: str,
        snapshot: Callable[[], dict[str, Any]],
        told: Mapping[str, Any] | None = None,
    ) -> None:
        self._esm = read_static("stub.js")
        self._take_snapshot = snapshot
        super().__init__(hub=hub.model_id, key=hub.key, run=run_id, layout=hub.layout, snapshot=told or {})

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        state: dict[str, Any] = super().get_state(key, drop_defaults)
        if "snapshot" in state and self.comm is not None:
            state["snapshot"] = self._take_snapshot()
        return state

    def __repr__(self) -> str:
        return f"<the live view of run {self.run}>"


class JobsWidget(anywidget.AnyWidget):  # type: ignore[misc]
    """One a display of a scheduler. `mark` is the class of the same table as HTML, which the page hides meanwhile."""

    mark = traitlets.Unicode().tag(sync=True)
    columns = traitlets.List(traitlets.Unicode()).tag(sync=True)
    rows = traitlets.List(traitlets.Dict()).tag(sync=True)
    words = traitlets.Unicode().tag(sync=True)
    told = traitlets.Unicode().tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        self._esm = read_static("jobs.js")
        super().__init__(layout=Layout(), **traits)

    def close(self) -> None:
        """With its layout: a kernel keeps each widget until it is closed."""
        self.layout.close()
        super().close()

    def __repr__(self) -> str:
        return "<the jobs of a scheduler>"
