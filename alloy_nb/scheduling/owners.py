"""Who is at a job: which scheduler of which process, and whether it is still there."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

__all__ = ["Owner"]

#: So long somebody else's run is believed to go on: on this machine while the process is there, which may be another
#: one by the same number; and where nobody can look.
_LONGEST_HERE = timedelta(days=1)
_LONGEST_ELSEWHERE = timedelta(hours=1)

_present: set[str] = set()


@dataclass(frozen=True, slots=True)
class Owner:
    """A scheduler, by machine, process and a name of its own."""

    machine: str
    process: int
    name: str

    @classmethod
    def here(cls) -> Owner:
        """A new one in this process, there until it leaves."""
        owner = cls(platform.node().replace("|", "-"), os.getpid(), uuid4().hex[:12])
        _present.add(owner.name)
        return owner

    def leave(self) -> None:
        _present.discard(self.name)

    def __str__(self) -> str:
        return f"{self.machine}|{self.process}|{self.name}"

    @classmethod
    def of(cls, text: str) -> Owner:
        """Of what `str` gave; anything else is somebody far away.

        >>> Owner.of("laptop|12|abc")
        Owner(machine='laptop', process=12, name='abc')
        """
        machine, _, rest = text.partition("|")
        process, _, name = rest.partition("|")
        return cls(machine, int(process) if process.isdecimal() else 0, name)

    def is_alive(self, since: timedelta) -> bool:
        """Whether a run that it began so long ago may still go on."""
        if self.machine != platform.node().replace("|", "-") or not self.process or os.name == "nt":
            return since < _LONGEST_ELSEWHERE
        if self.process == os.getpid():
            return self.name in _present
        return since < _LONGEST_HERE and _is_there(self.process)


def _is_there(process: int) -> bool:
    try:
        os.kill(process, 0)  # asks only; on Windows it would be a Ctrl-C
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # somebody else's; no number of a process at all
        return True
    return True
