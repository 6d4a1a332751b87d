"""Commands that run elsewhere than in bash on this machine: by a function of the user's."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable
from typing import Any, Protocol

from ..errors import ToolError
from ..guests import is_async
from .workers import abandon, call_in_thread

__all__ = ["BashExecutor", "run_executor"]

_Outcome = tuple[str | bytes, int]


class BashExecutor(Protocol):
    """What takes the place of bash: a function of the command and the working directory, sync or async.

    It returns the output (text, or bytes in UTF-8; stdout and stderr together) and the exit code. A sync one runs in a
    thread of its own. It is given up when its time is over: what it started, it must end itself. Whatever it raises is
    told to the model as its crash.

    >>> def in_container(command: str, directory: str) -> tuple[str, int]:
    ...     import subprocess
    ...     docker = ["docker", "run", "--rm", "-v", f"{directory}:/work", "-w", "/work", "debian"]
    ...     done = subprocess.run([*docker, "bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    ...     return done.stdout, done.returncode
    >>> from alloy_nb import Bash
    >>> Bash(executor=in_container)
    <Tool bash>
    """

    def __call__(self, command: str, directory: str, /) -> _Outcome | Awaitable[_Outcome]: ...


async def run_executor(executor: BashExecutor, command: str, directory: str, timeout: int) -> tuple[bytes, int]:
    """The output and the exit code; `ToolError` when it takes more than `timeout` milliseconds, or crashes."""
    work = asyncio.ensure_future(_call(executor, command, directory))
    try:
        done, _ = await asyncio.wait({work}, timeout=timeout / 1000)
    finally:
        work.cancel()
    if not done:
        raise ToolError(f"Command timed out after {timeout}ms.")
    if work.cancelled():
        raise ToolError("Executor crashed: it cancelled itself")
    try:
        said, code = work.result()
        return said if isinstance(said, bytes) else str(said).encode("utf-8", "replace"), int(code)
    except Exception as error:
        raise ToolError(f"Executor crashed: {type(error).__name__}: {error}") from error


async def _call(executor: BashExecutor, command: str, directory: str) -> Any:
    if is_async(executor):
        outcome: Any = executor(command, directory)
    else:
        settling = call_in_thread(lambda: executor(command, directory), "bash-executor")
        try:
            outcome = await settling.future
        except asyncio.CancelledError:
            abandon(settling)
            raise
    return await outcome if inspect.isawaitable(outcome) else outcome
