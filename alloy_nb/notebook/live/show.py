"""The sink of a live cell: a widget while the run goes on, then the frozen form in its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...events import Event
from ..cell import Cell, running_shell
from ..shows import Show, frozen_bundle
from .asker import CardAsker
from .courier import PAUSE
from .display import display_live
from .hub import Hub, hub_of
from .run import LiveRun

if TYPE_CHECKING:
    from ...execution import Execution

__all__ = ["BackgroundWidgetShow", "WidgetShow"]


class WidgetShow(Show):
    """Shows a run that a cell waits for."""

    interval = PAUSE
    waited = True

    def __init__(self, cell: Cell, inputs: Sequence[str]) -> None:
        super().__init__(cell, inputs)
        self._live: LiveRun | None = None

    def _begin(self, run: Execution) -> None:
        hub = hub_of(running_shell())
        name = hub.name(run.run_id)
        live = LiveRun(run, self._transcript, hub.courier.mark, waited=self.waited, name=name)
        hub.add(live)
        self._see_to_questions(run, live, hub)
        display_live(hub, live)
        self._live = live

    def _see_to_questions(self, run: Execution, live: LiveRun, hub: Hub) -> None:
        run.ask_by(lambda other: CardAsker(live, other, page_known=hub.known))

    def _take(self, events: Sequence[Event]) -> None:
        if self._live is not None:
            self._live.feed(events)
        else:
            super()._take(events)

    def _finish(self) -> None:
        if self._live is not None:
            self._live.settle()
        self._publish(frozen_bundle(self._transcript, self._record))

    def _publish(self, data: dict[str, Any]) -> None:
        if self._live is None:
            super()._publish(data)
            return
        for handle in self._live.displays:
            try:
                handle.update(data, raw=True)
            except Exception:  # noqa: BLE001 - one display that is gone must not leave the others as they were
                self._complain()


class BackgroundWidgetShow(WidgetShow):
    """The same of a run that no cell waits for: an interrupt of the kernel does not reach it."""

    waited = False

    def _see_to_questions(self, run: Execution, live: LiveRun, hub: Hub) -> None:
        run.attendance.elsewhere = lambda: live.is_heard
