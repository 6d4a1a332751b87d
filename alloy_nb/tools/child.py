"""Work of ours that must be killable: a function in a Python process of its own.

A thread cannot be stopped, and a regular expression that backtracks without end, or a page made to be parsed slowly,
holds the interpreter's lock and so every thread. The child gets its job as JSON and answers with a line of JSON for
each message, so that what it found is kept when it is killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..errors import ToolError
from .context import CancelToken
from .workers import call_in_thread

__all__ = ["Outcome", "run_in_child"]

_ROOT = str(Path(__file__).resolve().parents[2])
# Neither the user's site-packages nor variables of the environment change what is run.
_BOOT = "import sys; sys.path.append(sys.argv[1]); from alloy_nb.tools.child_main import main; main()"
#: Seconds between two looks at the cancel token; for the thread that reads, once the child is dead.
_POLL = 0.05
_REAP = 2.0


@dataclass(slots=True)
class Outcome:
    """The child's messages until it ended, or until it was killed."""

    ending: Literal["done", "timeout", "cancelled"] = "done"
    messages: list[Any] = field(default_factory=list)


async def run_in_child(target: str, job: Mapping[str, Any], *, seconds: float, cancelled: CancelToken) -> Outcome:
    """Call ``module:function`` with the keywords of `job`; what it yields are the messages, all of it JSON.

    The child is killed after `seconds`, and when the call is given up. Raises `ToolError` with the words of one that
    the function raised, and for a function that crashed.
    """
    outcome = Outcome()
    process = _start()
    order = {"target": target, "input": job, "seconds": seconds, "path": [p for p in sys.path if os.path.isabs(p)]}
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    future = call_in_thread(lambda: _talk(process, order, outcome.messages), "child").future
    try:
        while not future.done():
            if cancelled.is_set():
                outcome.ending = "cancelled"
                break
            left = end - loop.time()
            if left <= 0:
                outcome.ending = "timeout"
                break
            await asyncio.wait({future}, timeout=min(left, _POLL))
    finally:
        process.kill()
    await asyncio.wait({future}, timeout=_REAP)
    if outcome.ending == "done":
        _raise_failure(outcome.messages, future.result())
    return outcome


def _start() -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            [sys.executable or "python", "-I", "-S", "-c", _BOOT, _ROOT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # an interrupt at the terminal is for us, who then kill it
        )
    except (OSError, ValueError) as error:
        raise ToolError(f"Cannot start {sys.executable or 'python'}: {error}") from error


def _talk(process: subprocess.Popen[bytes], order: Mapping[str, Any], messages: list[Any]) -> int:
    """Hand over the job, take the messages; the exit code. Ends when the child does."""
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdout:
        try:
            with process.stdin:
                process.stdin.write(json.dumps(order).encode())
        except OSError:  # it died: its exit code says more
            pass
        for line in process.stdout:
            if line.endswith(b"\n"):  # else it was killed in the middle of it
                messages.append(json.loads(line))
        return process.wait()


def _raise_failure(messages: list[Any], code: int) -> None:
    last = messages[-1] if messages else None
    if isinstance(last, dict) and "refused" in last:
        raise ToolError(last["refused"], hint=last["hint"])
    if isinstance(last, dict) and "crashed" in last:
        raise ToolError(last["crashed"])
    if code != 0:
        raise ToolError(f"the process that did the work ended with code {code}")
