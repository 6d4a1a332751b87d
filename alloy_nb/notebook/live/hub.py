"""The kernel's side of all live cells: one widget that every change goes through, and the runs that it shows."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ...tools.approval import Decision
from .controls import Controls, listen
from .courier import Courier
from .run import LiveRun
from .widgets import ASSETS, HubWidget, StubWidget, TeamWidget, read_static, view_of

if TYPE_CHECKING:
    from .team import LiveTeam

__all__ = ["Hub", "find_hub", "hub_of"]

#: So many runs are kept to be shown again, with what a reloaded page needs of them.
KEPT = 24
#: The same for teams, each with the runs of its members.
KEPT_TEAMS = 6

_hubs: WeakKeyDictionary[Any, Hub] = WeakKeyDictionary()


def hub_of(shell: Any) -> Hub:
    """The hub of the kernel that `shell` belongs to; it is made when it is first needed."""
    hub = find_hub(shell)
    if hub is None:
        hub = _hubs[shell] = Hub(shell.kernel)
    return hub


def find_hub(shell: Any) -> Hub | None:
    """The hub, if there is one yet."""
    return _hubs.get(shell)


class Hub:
    """`known`: a page has loaded what shows a live cell.

    Its widgets are made anew where they were closed, as by `Widget.close_all()`; what they showed goes on.
    """

    def __init__(self, kernel: Any) -> None:
        self._kernel = kernel
        self.courier = Courier(lambda content, buffers: self.widget.send(content, buffers))
        self._runs: OrderedDict[str, LiveRun] = OrderedDict()
        self._teams: OrderedDict[str, LiveTeam] = OrderedDict()
        self._team_widget: TeamWidget | None = None
        self._stubs: dict[str, StubWidget] = {}
        self._given: Counter[str] = Counter()
        self._open()

    def _open(self) -> None:
        self.known = False
        self.widget = HubWidget(_kernel_id())
        listen(self._kernel, self.widget, Controls(self, self.courier.acknowledge))

    def _make_stub(self, live: LiveRun | LiveTeam, told: Mapping[str, Any] | None = None) -> None:
        if self.widget.comm is None:
            self._open()
        carrier = self.widget if isinstance(live, LiveRun) else self._widget_for_teams()
        self._stubs[live.name] = StubWidget(carrier, live.name, live.snapshot, told)

    def _widget_for_teams(self) -> TeamWidget:
        widget = self._team_widget
        if widget is None or widget.comm is None or widget.hub != self.widget.model_id:
            widget = self._team_widget = TeamWidget(self.widget)
        return widget

    def name(self, run_id: str) -> str:
        """What the page will know a run by. It keeps what it was told of another one with the same id."""
        self._given[run_id] += 1
        count = self._given[run_id]
        return run_id if count == 1 else f"{run_id}~{count}"

    def add(self, live: LiveRun) -> None:
        """From here on the run can be shown, and is known: a page may say so as soon as it hears of the widget."""
        self._runs[live.name] = live
        self._make_stub(live)
        ended = [name for name, shown in self._runs.items() if not shown.goes_on and shown is not live]
        for name in ended[: max(0, len(self._runs) - KEPT)]:
            del self._runs[name]
            self._stubs.pop(name).close()

    def add_team(self, team: LiveTeam) -> None:
        """The same for a team and the runs of its members."""
        self._teams[team.name] = team
        self._make_stub(team)
        ended = [name for name, shown in self._teams.items() if shown.settled and shown is not team]
        for name in ended[: max(0, len(self._teams) - KEPT_TEAMS)]:
            del self._teams[name]
            self._stubs.pop(name).close()

    def view(self, live: LiveRun | LiveTeam) -> dict[str, Any]:
        """What shows the run, or the team, in a page, as MIME data."""
        if self._stubs[live.name].comm is None:
            self._make_stub(live, live.snapshot())  # what was told so far, nobody will tell again
        return view_of(self._stubs[live.name])

    @property
    def runs(self) -> list[LiveRun]:
        """The runs that can be shown, oldest first."""
        return list(self._runs.values())

    @property
    def teams(self) -> list[LiveTeam]:
        """The teams that can be shown, oldest first."""
        return list(self._teams.values())

    def find(self, name: str) -> LiveRun | LiveTeam | None:
        """The run of that name, on its own or a member's, or the team."""
        members = (team.find(name) for team in self.teams)
        return self._runs.get(name) or self._teams.get(name) or next((live for live in members if live), None)

    # -- what the page asks for, on any thread ------------------------------------------------------------------------

    def ready(self) -> bool:
        self.known = True
        return True

    def hello(self, name: str) -> bool:
        self.known = True
        return self._do(name, lambda live: live.hear())

    def stop(self, name: str) -> bool:
        return self._do(name, lambda live: live.stop())

    def decide(self, name: str, call_id: str, decision: Decision) -> bool:
        return self._do(name, lambda live: live.decide(call_id, decision))

    def sync(self, name: str) -> bool:
        return self._do(name, lambda live: self.courier.post(live.message()))

    def _do(self, name: str, action: Callable[[LiveRun | LiveTeam], Any]) -> bool:
        """Whether there is a run or a team of that name, whatever comes of it."""
        live = self.find(name)
        if live is not None:
            action(live)
        return live is not None

    def want(self, asset: str) -> bool:
        if asset in ASSETS:
            self.courier.post({"kind": "asset", "name": asset}, [read_static(ASSETS[asset]).encode()])
        return asset in ASSETS


def _kernel_id() -> str:
    """The server's name for this kernel: the end of its connection file's name; "" where there is none."""
    from ipykernel.connect import get_connection_file

    try:
        name = Path(get_connection_file()).stem
    except RuntimeError:  # a kernel within another program
        return ""
    return name.removeprefix("kernel-") if name.startswith("kernel-") else ""
