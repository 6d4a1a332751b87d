"""Ending processes with all that they started, however far that went away from them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

__all__ = ["end_all", "end_group", "forget", "marked", "note_group"]

#: A variable with random names of calls, by which every descendant is known, also one that left the session.
MARKER = "ALLOY_NB_CALLS"
#: Seconds for processes to heed SIGTERM.
TERM_GRACE = 0.5
#: Seconds for what is killed to be gone, if it forks, or hangs in the kernel.
KILL_GRACE = 5.0

_PROC = Path("/proc/self/stat")
_LOOKS = 5

#: Markers -> groups (None: about to start), and the process that owns them: a forked child must not end its parent's.
_live: dict[str, int | None] = {}
_owner = 0


def marked(env: Mapping[str, str], marker: str) -> dict[str, str]:
    """`env` with the marker added, beside that of a call that we ourselves may be part of."""
    return {**env, MARKER: f"{os.environ.get(MARKER, '')} {marker}".strip()}


def end_all() -> None:
    """Kill every group that was noted; called at exit, when daemon threads no longer get to it."""
    if _owner == os.getpid():
        for marker, group in list(_live.items()):
            _signal(group, marker, signal.SIGKILL)


def note_group(group: int | None, marker: str) -> None:
    """Have a group killed at exit, unless `end_group` comes first.

    Called with None before the start too: an exit in another thread may come before the group's number is known.
    """
    global _owner
    if _owner != os.getpid():
        import atexit

        _live.clear()  # what a parent process runs is not ours
        _owner = os.getpid()
        atexit.unregister(end_all)
        atexit.register(end_all)
    _live[marker] = group


def forget(marker: str) -> None:
    """Nothing was started after all."""
    _live.pop(marker, None)


def end_group(group: int, marker: str) -> None:
    """SIGTERM for the group and all marked processes, SIGKILL for those still there after a grace. Blocks."""
    end = time.monotonic() + TERM_GRACE
    alive = _signal(group, marker, signal.SIGTERM)
    while alive and time.monotonic() < end:
        time.sleep(0.02)
        alive = _signal(group, marker, 0)
    end = time.monotonic() + KILL_GRACE
    while alive and time.monotonic() < end:
        _stop_all(group, marker, end)
        alive = _signal(group, marker, signal.SIGKILL)
        time.sleep(0.01)
    forget(marker)


def _stop_all(group: int, marker: str, end: float) -> None:
    """SIGSTOP until nobody is left who is not stopped: processes that fork all the time would else outrun a kill."""
    stopped: set[int] = set()
    while (found := set(_members(group, marker)) - stopped) and time.monotonic() < end:
        _signal_each(found, signal.SIGSTOP)
        stopped |= found


def _signal(group: int | None, marker: str, number: int) -> bool:
    """Send a signal (0: none) to the group and to those who left it; whether anybody was there."""
    found = group is not None
    try:
        if group is not None:
            os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        found = False
    if not _PROC.exists():  # macOS: the group is all that can be known
        return found
    members = _members(group, marker)
    _signal_each([pid for pid in members if _group_of(pid) != group], number)
    # A group may consist of zombies that nobody reaps (no init in a container).
    return bool(members)


def _signal_each(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except (ProcessLookupError, PermissionError):
        return None


def _members(session: int | None, marker: str) -> list[int]:
    """Living processes of the session, or with the marker in their environment."""
    wanted = marker.encode()
    found: list[int] = []
    seen: set[str] = set()
    # Looking takes a while, in which one that was listed may have ended and left a child: the new ones are looked at
    # too, which takes no time.
    for _ in range(_LOOKS):
        new = _pids() - seen
        if not new:
            break
        found += [int(name) for name in new if _is_member(name, session, wanted)]
        seen |= new
    return found


def _pids() -> set[str]:
    return {name for name in os.listdir("/proc") if name.isdigit()} if _PROC.exists() else set()


def _is_member(name: str, session: int | None, marker: bytes) -> bool:
    try:
        # pid (name) state ppid pgrp session ...; the name may hold anything
        fields = Path(f"/proc/{name}/stat").read_bytes().rpartition(b")")[2].split()
        if fields[0] in b"ZX":
            return False
        return int(fields[3]) == session or marker in Path(f"/proc/{name}/environ").read_bytes()
    except (OSError, IndexError, ValueError):  # gone meanwhile, or somebody else's
        return False
