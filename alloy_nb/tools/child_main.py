"""What runs in the child process of `child`: one function, whose messages are told as lines of JSON."""

from __future__ import annotations

import json
import signal
import sys
from importlib import import_module
from typing import Any

from ..errors import AlloyError

__all__ = ["main"]

#: Seconds after its limit, until a child whose parent died ends itself.
_ORPHAN = 5.0


def main() -> None:
    """Do the job that stands in stdin."""
    order = json.loads(sys.stdin.buffer.read())
    _end_when_orphaned(order["seconds"] + _ORPHAN)
    sys.path += [path for path in order["path"] if path not in sys.path]
    try:
        module, _, name = order["target"].partition(":")
        for message in getattr(import_module(module), name)(**order["input"]):
            _tell(message)
    except AlloyError as error:
        _tell({"refused": error.args[0], "hint": error.hint})
    except Exception as error:  # noqa: BLE001 - told to the parent, who raises it
        _tell({"crashed": f"{type(error).__name__}: {error}"})


def _tell(message: Any) -> None:
    sys.stdout.buffer.write(json.dumps(message).encode() + b"\n")
    sys.stdout.buffer.flush()


def _end_when_orphaned(seconds: float) -> None:
    """A parent that is killed kills nobody: the system's clock ends us, also within a regular expression."""
    if sys.platform != "win32":
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)
