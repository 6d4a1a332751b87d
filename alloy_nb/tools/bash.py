"""The `bash` tool: a command in a process group of its own, that never outlives the call."""

from __future__ import annotations

import asyncio
import codecs
import inspect
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

from ..errors import ToolError
from ..messages import ToolResult
from .base import Tool
from .context import CancelToken, ToolContext
from .processes import end_group, marked, note_group
from .workers import abandon, call_in_thread

__all__ = ["Bash"]

DEFAULT_TIMEOUT_MS = 120_000
#: Bytes of output that the model gets, half from the start and half from the end.
MAX_OUTPUT = 30_000
#: Characters of output told as progress; the rest is in the result.
MAX_PROGRESS = 100_000

#: Seconds: between two pieces of progress; between two looks at the cancel token; for output that comes late from
#: what the command left running.
_PROGRESS_EVERY = 0.1
_POLL = 0.05
_LATE_OUTPUT = 0.3

_SECRET_VARIABLE = re.compile(r"(?i)API_?KEY|_KEY$|(^|_)TOKENS?(_|$)|SECRET|PASSW|(^|_)PASS$")


class Bash(Tool):
    """Runs a command with `bash -c` in the working directory.

    The command's processes are killed when the call ends, also what it left in the background. Variables that look
    like keys (``*_KEY``, ``*_TOKEN``, ``*SECRET*``, ``*PASSWORD*``) are not passed on; `env` adds variables, and
    may name such ones. A function ``context["bash_executor"](command, directory) -> (output, exit_code)``, sync or
    async, takes the place of bash, say to run commands in a container. It is no sandbox: a command can do what the
    user can.
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

    def __init__(self, env: Mapping[str, str] | None = None) -> None:
        self.env = dict(env or {})

    async def execute(self, input: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        command = input.get("command")
        if not isinstance(command, str) or not command.strip() or "\0" in command:
            raise ToolError("command must be a command, as text")
        timeout = _timeout_of(input)
        if ctx.time_limit is not None:
            timeout = min(timeout, max(1, round(ctx.time_limit * 1000)))
        executor = ctx.context.get("bash_executor")
        if executor is not None:
            return await _run_custom(executor, command, timeout, ctx)
        return await _run_bash(command, timeout, ctx, self.env)

    def approval_reason(self, input: Mapping[str, Any], ctx: ToolContext) -> str:
        return f"bash wants to run `{input.get('command')}`"


def _timeout_of(input: Mapping[str, Any]) -> int:
    value = input.get("timeout")
    if value is None:
        return DEFAULT_TIMEOUT_MS
    if not isinstance(value, int) or value < 1:
        raise ToolError(f"timeout must be a whole number of milliseconds, 1 or more (got {value!r})")
    return value


def _finished(output: _Output, code: int) -> ToolResult:
    data = {"exit_code": code, "truncated": output.truncated}
    return ToolResult(f"{output.text()}\nexit code: {code}", data=data)


# -- bash itself ----------------------------------------------------------------------------------------------------


async def _run_bash(command: str, timeout: int, ctx: ToolContext, env: Mapping[str, str]) -> ToolResult:
    child = _Child(command, ctx, env)
    try:
        ending = await child.wait(timeout / 1000, ctx.cancelled)
        if ending == "exited":
            await child.late_output()
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

    def __init__(self, command: str, ctx: ToolContext, env: Mapping[str, str]) -> None:
        self.output = _Output()
        self._progress = _Progress(ctx)
        self._loop = asyncio.get_running_loop()
        self._marker = uuid4().hex
        self._reader, writer = os.pipe()
        try:
            self._process = _start(command, ctx.working_directory, marked(_environment(env), self._marker), writer)
        except BaseException:
            os.close(self._reader)
            raise
        finally:
            os.close(writer)
        note_group(self._process.pid, self._marker)
        # A thread of ours waits, not asyncio's child watcher: that one depends on the loop, the policy, the thread.
        self._exited = call_in_thread(self._process.wait, "bash").future
        self._drained: asyncio.Future[None] = self._loop.create_future()
        os.set_blocking(self._reader, False)
        self._loop.add_reader(self._reader, self._read)

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
        settling = call_in_thread(lambda: end_group(self._process.pid, self._marker), "bash-end")
        try:
            await settling.future
            await asyncio.wait({self._exited, self._drained}, timeout=_LATE_OUTPUT)
        finally:
            self._loop.remove_reader(self._reader)
            os.close(self._reader)
            self._progress.flush()

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


def _start(command: str, directory: Path, env: Mapping[str, str], output: int) -> subprocess.Popen[bytes]:
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
    try:
        return subprocess.Popen(
            [bash, "-c", command],
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


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Our environment without what looks like a key: a model could print it."""
    kept = {name: value for name, value in os.environ.items() if not _SECRET_VARIABLE.search(name)}
    return {**kept, **extra}


# -- an executor of the user's ----------------------------------------------------------------------------------------


async def _run_custom(executor: Callable[..., Any], command: str, timeout: int, ctx: ToolContext) -> ToolResult:
    directory = str(ctx.working_directory)
    work = asyncio.ensure_future(_call_executor(executor, command, directory))
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
        output = _Output()
        output.add(said if isinstance(said, bytes) else str(said).encode("utf-8", "replace"))
        return _finished(output, int(code))
    except Exception as error:
        raise ToolError(f"Executor crashed: {type(error).__name__}: {error}") from error


async def _call_executor(executor: Callable[..., Any], command: str, directory: str) -> Any:
    if inspect.iscoroutinefunction(executor) or inspect.iscoroutinefunction(getattr(executor, "__call__", None)):  # noqa: B004
        return await executor(command, directory)
    settling = call_in_thread(lambda: executor(command, directory), "bash-executor")
    try:
        outcome = await settling.future
    except asyncio.CancelledError:
        abandon(settling)
        raise
    return await outcome if inspect.isawaitable(outcome) else outcome


# -- output -----------------------------------------------------------------------------------------------------------


class _Output:
    """The start and the end of a stream of bytes, however long it is."""

    def __init__(self) -> None:
        self.total = 0
        self._head = bytearray()
        self._tail = bytearray()

    @property
    def truncated(self) -> bool:
        return self.total > MAX_OUTPUT

    def add(self, data: bytes) -> None:
        self.total += len(data)
        room = MAX_OUTPUT // 2 - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        if len(self._tail) > 4 * MAX_OUTPUT:
            del self._tail[: -MAX_OUTPUT // 2]

    def text(self) -> str:
        if not self.truncated:
            return (self._head + self._tail).decode("utf-8", "replace")
        # Neither cut may leave half a character.
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        head = decoder.decode(bytes(self._head))
        kept = len(self._head) - len(decoder.getstate()[0])
        tail = self._tail[-MAX_OUTPUT // 2 :]
        while tail and tail[0] & 0xC0 == 0x80:
            del tail[0]
        left_out = self.total - kept - len(tail)
        notice = f"\n... (output truncated): {left_out} bytes are left out here\n"
        return head + notice + tail.decode("utf-8", "replace")


class _Progress:
    """Tells output as it comes, a batch at a time."""

    def __init__(self, ctx: ToolContext) -> None:
        self._ctx = ctx
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._batch: list[str] = []
        self._room = MAX_PROGRESS
        self._timer: asyncio.TimerHandle | None = None

    def add(self, data: bytes) -> None:
        if self._room <= 0:
            return
        text = self._decoder.decode(data)[: self._room]
        self._room -= len(text)
        self._batch.append(text if self._room else text + "\n... (the end is in the result)\n")
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_PROGRESS_EVERY, self.flush)

    def flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        text = "".join(self._batch)
        self._batch.clear()
        if text:
            self._ctx.progress(text)
