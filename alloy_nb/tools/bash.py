"""The `bash` tool: a command in a process group of its own, that never outlives the call."""

from __future__ import annotations

import asyncio
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

from ..errors import ConfigError, ToolError
from ..keywords import keywords_told
from ..messages import ToolResult
from .base import Tool
from .bash_executor import BashExecutor, run_executor
from .bash_output import OutputWindow, Progress
from .bubblewrap import Bubblewrap
from .context import CancelToken, ToolContext
from .processes import end_group, forget, marked, note_group
from .workers import call_in_thread

__all__ = ["Bash"]

DEFAULT_TIMEOUT_MS = 120_000

#: Seconds: between two looks at the cancel token; for output that comes late from what the command left running.
_POLL = 0.05
_LATE_OUTPUT = 0.3

_SANDBOX_WORDS = (
    " It runs in a sandbox: only the working directory can be changed; the home folder and /tmp are empty, and what is "
    "written there is gone after the command."
)
_SECRET_VARIABLE = re.compile(r"(?i)API_?KEY|_KEY$|(^|_)TOKENS?(_|$)|SECRET|PASSW|(^|_)PASS$")


@keywords_told
class Bash(Tool):
    """Runs a command with `bash -c` in the working directory.

    The command's processes are killed when the call ends, also what it left in the background. Variables that look
    like keys (``*_KEY``, ``*_TOKEN``, ``*SECRET*``, ``*PASSWORD*``) are not passed on; `env` adds variables, and
    may name such ones.

    By itself it is no sandbox: a command can do what the user can. ``sandbox="bubblewrap"`` (Linux, the package
    bubblewrap) lets it change the working directory only, hides the home folder and ``/tmp``, and cuts the network
    unless ``network=True``; where that cannot be had it is an error, and no command runs. `executor` takes the place
    of bash, say to run commands in a container (see `BashExecutor`); so does a function
    ``context["bash_executor"](command, directory) -> (output, exit_code)`` of a run, unless one of the two is given.

    >>> Bash(executor=lambda command, directory: (f"not run: {command}", 0))
    <Tool bash>
    """

    name = "bash"
    description = (
        "Run a command with bash and get its output (stdout and stderr) and exit code. There is no input and no "
        "terminal. Processes left in the background are killed when the command ends. Long output is cut in the "
        "middle."
    )
    input_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "command": {"type": "string", "description": "The command to run"},
            "timeout": {
                "type": "integer",
                "minimum": 1,
                "description": f"Time limit in milliseconds (default: {DEFAULT_TIMEOUT_MS})",
            },
        },
        "required": ["command"],
        "additionalProperties": False,
    }
    #: The argument is the limit: a second clock of equal length would only hide its message.
    timeout = math.inf
    parallel = False
    key_argument: ClassVar[str | None] = "command"

    def __init__(
        self,
        env: Mapping[str, str] | None = None,
        *,
        executor: BashExecutor | None = None,
        sandbox: str | None = None,
        network: bool | None = None,
    ) -> None:
        self.env = dict(env or {})
        self.executor = executor
        self.sandbox = _make_sandbox(executor, sandbox, network)
        if self.sandbox is not None:
            self.description += _SANDBOX_WORDS if network else f"{_SANDBOX_WORDS} There is no network."

    async def execute(self, input: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        command = input.get("command")
        if not isinstance(command, str) or not command.strip() or "\0" in command:
            raise ToolError("command must be a command, as text")
        timeout = _timeout_of(input)
        if ctx.time_limit is not None:
            timeout = min(timeout, max(1, round(ctx.time_limit * 1000)))
        # A sandbox that was asked for is not left because a run's context says so.
        executor = self.executor if self.sandbox or self.executor else ctx.context.get("bash_executor")
        if executor is not None:
            said, code = await run_executor(executor, command, str(ctx.working_directory), timeout)
            output = OutputWindow(ctx.outputs)
            output.add(said)
            output.close()
            return _finished(output, code)
        argv, env = await self._prepare(command, ctx.working_directory)
        return await _run_bash(argv, timeout, ctx, env)

    async def _prepare(self, command: str, directory: Path) -> tuple[list[str], dict[str, str]]:
        """What to start, with which variables; in the sandbox, where one was asked for."""
        bash, sandbox = _find_bash(directory), self.sandbox
        if sandbox is None:
            return [bash, "-c", command], {**_environment(), **self.env}
        env = {**sandbox.environment(_environment()), **self.env}
        await call_in_thread(lambda: sandbox.try_out(bash, directory, env), "bash-sandbox").future
        return sandbox.wrap([bash, "-c", command], directory), env

    def approval_reason(self, input: Mapping[str, Any], ctx: ToolContext) -> str:
        return f"bash wants to run `{input.get('command')}`"


def _make_sandbox(executor: BashExecutor | None, sandbox: str | None, network: bool | None) -> Bubblewrap | None:
    if sandbox is None:
        if network is not None:
            raise ConfigError("`network` is for a sandbox", hint='give sandbox="bubblewrap" too')
        return None
    if sandbox != "bubblewrap":
        raise ConfigError(f"there is no sandbox {sandbox!r}", hint='the only one is "bubblewrap"')
    if executor is not None:
        raise ConfigError("`executor` and `sandbox` exclude each other", hint="an executor runs commands its own way")
    return Bubblewrap(network=bool(network))


def _timeout_of(input: Mapping[str, Any]) -> int:
    value = input.get("timeout")
    if value is None:
        return DEFAULT_TIMEOUT_MS
    if not isinstance(value, int) or value < 1:
        raise ToolError(f"timeout must be a whole number of milliseconds, 1 or more (got {value!r})")
    return value


def _finished(output: OutputWindow, code: int) -> ToolResult:
    data = {"exit_code": code, "truncated": output.truncated}
    return ToolResult(f"{output.text()}\nexit code: {code}", data=data)


# -- bash itself ----------------------------------------------------------------------------------------------------


async def _run_bash(argv: Sequence[str], timeout: int, ctx: ToolContext, env: Mapping[str, str]) -> ToolResult:
    child = _Child(argv, ctx, env)
    try:
        ending = await child.wait(timeout / 1000, ctx.cancelled)
        if ending == "exited":
            await child.late_output()
    except BaseException:
        child.output.discard()
        raise
    finally:
        await child.end()
    if ending == "exited":
        return _finished(child.output, child.exit_code)
    text = "The command was stopped." if ending == "cancelled" else _timed_out(timeout)
    output = child.output.text()
    return ToolResult(text + (f"\nIts output until then:\n{output}" if output else ""), is_error=True)


def _timed_out(timeout: int) -> str:
    return (
        f"Command timed out after {timeout}ms. The process may have started a server, entered an infinite loop, "
        "or is waiting for input. Try a non-blocking approach."
    )


class _Child:
    """One bash with all that it starts. Its output is read on the loop as it comes."""

    def __init__(self, argv: Sequence[str], ctx: ToolContext, env: Mapping[str, str]) -> None:
        self.output = OutputWindow(ctx.outputs)
        self._progress = Progress(ctx)
        self._loop = asyncio.get_running_loop()
        self._marker = uuid4().hex
        self._reader, writer = os.pipe()
        note_group(None, self._marker)
        try:
            self._process = _start(argv, ctx.working_directory, marked(env, self._marker), writer)
            note_group(self._process.pid, self._marker)
            # A thread of ours waits, not asyncio's child watcher: that one depends on the loop, the policy, the thread.
            self._exited = self._in_thread(self._process.wait)
        except BaseException:
            os.close(self._reader)
            forget(self._marker)
            raise
        finally:
            os.close(writer)
        self._drained: asyncio.Future[None] = self._loop.create_future()
        os.set_blocking(self._reader, False)
        self._loop.add_reader(self._reader, self._read)

    def _in_thread(self, call: Callable[[], Any]) -> asyncio.Future[Any]:
        try:
            return call_in_thread(call, "bash").future
        except RuntimeError as error:  # no thread can be started: the command may have filled the machine
            end_group(self._process.pid, self._marker)
            raise ToolError(f"The command was stopped: {error}") from error

    @property
    def exit_code(self) -> int:
        """As a shell tells it: 128 + N for signal N."""
        code: int = self._exited.result()
        return code if code >= 0 else 128 - code

    async def wait(self, seconds: float, cancelled: CancelToken) -> str:
        """Until bash itself is gone (``exited``), its time is up (``timeout``), or the call was given up."""
        end = self._loop.time() + seconds
        while not self._exited.done():
            left = end - self._loop.time()
            if left <= 0:
                return "timeout"
            if cancelled.is_set():
                return "cancelled"
            await asyncio.wait({self._exited}, timeout=min(left, _POLL))
        return "exited"

    async def late_output(self) -> None:
        """Output of what bash does not wait for, as in ``> >(tee log)``. A background process never ends it."""
        await asyncio.wait({self._drained}, timeout=_LATE_OUTPUT)

    async def end(self) -> None:
        """Kill whatever is left, then take what they had written. Goes on in its thread when cancelled itself."""
        try:
            await self._in_thread(lambda: end_group(self._process.pid, self._marker))
            await asyncio.wait({self._exited, self._drained}, timeout=_LATE_OUTPUT)
        finally:
            self._loop.remove_reader(self._reader)
            os.close(self._reader)
            self._progress.flush()
            self.output.close()

    def _read(self) -> None:
        try:
            data = os.read(self._reader, 1 << 16)
        except BlockingIOError:
            return
        if data:
            self.output.add(data)
            self._progress.add(data)
            return
        self._loop.remove_reader(self._reader)
        self._drained.set_result(None)


def _find_bash(directory: Path) -> str:
    if sys.platform == "win32":
        raise ToolError(
            "bash is not available on Windows",
            hint="use the python tool, or give a context with a `bash_executor`, say one that calls WSL",
        )
    bash = shutil.which("bash")
    if bash is None:
        raise ToolError("Cannot find bash on this machine", hint="install bash, or put its folder on PATH")
    if not directory.is_dir():
        raise ToolError(f"Cannot run bash in {directory}: no such directory", hint="check `working_directory`")
    return bash


def _start(argv: Sequence[str], directory: Path, env: Mapping[str, str], output: int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=directory,
            env=env,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ToolError(f"Cannot start bash in {directory}: {reason}") from error


def _environment() -> dict[str, str]:
    """Our environment without what looks like a key: a model could print it."""
    return {name: value for name, value in os.environ.items() if not _SECRET_VARIABLE.search(name)}
