"""The displays of what is shown live, a run or a team: its widget while it goes on, else what stays of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .hub import Hub
    from .run import LiveRun
    from .team import LiveTeam

__all__ = ["display_live", "show_again"]


def display_live(hub: Hub, live: LiveRun | LiveTeam) -> None:
    """One more display of what goes on, in the cell that runs now."""
    from IPython.display import display

    handle = display({**hub.view(live), **live.unfinished()}, raw=True, display_id=True)
    live.displays.append(handle)
    if live.settled:  # meanwhile, and who froze the other displays may not have seen this one
        handle.update(live.frozen(), raw=True)


def show_again(hub: Hub, live: LiveRun | LiveTeam) -> None:
    """What was shown before, in the cell that runs now: live where it goes on, else as it ended."""
    from IPython.display import display

    if live.settled:
        display(live.frozen(), raw=True)
    else:
        display_live(hub, live)
