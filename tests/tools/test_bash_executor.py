"""Commands run by a function of the user's."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from alloy_nb.errors import ConfigError, ToolError
from alloy_nb.messages import ToolResult
from alloy_nb.tools.bash import Bash
from alloy_nb.tools.context import ToolContext
from alloy_nb.tools.kept import KeptOutputs

#: Milliseconds; far more than any command here takes, far less than a hang.
ENOUGH = 30_000


def bash(ctx: ToolContext, command: str, timeout: int = ENOUGH, tool: Bash | None = None) -> ToolResult:
    tool = tool or Bash()
    return asyncio.run(tool.execute(tool.validate({"command": command, "timeout": timeout}), ctx))


def with_executor(directory: Path, executor: Any) -> ToolContext:
    return ToolContext(directory, context={"bash_executor": executor})


def test_an_executor_takes_the_place_of_bash(tmp_path: Path) -> None:
    """BASH-7: sync, off the loop's thread."""
    seen: list[Any] = []

    def executor(command: str, directory: str) -> tuple[str, int]:
        seen.extend([command, directory, threading.current_thread() is threading.main_thread()])
        return "from the container", 4

    result = bash(with_executor(tmp_path, executor), "ls")
    assert seen == ["ls", str(tmp_path), False]
    assert result.text == "from the container\nexit code: 4"
    assert result.data["exit_code"] == 4


def test_an_executor_may_be_async(tmp_path: Path) -> None:
    """BASH-7: also behind a plain function, or as an object."""

    async def executor(command: str, directory: str) -> tuple[str, int]:
        await asyncio.sleep(0)
        return command, 0

    class Remote:
        async def __call__(self, command: str, directory: str) -> tuple[str, int]:
            return await executor(command, directory)

    for made in (executor, lambda command, directory: executor(command, directory), Remote()):
        assert bash(with_executor(tmp_path, made), "ls").text == "ls\nexit code: 0"


def test_an_executors_output_is_truncated_alike(tmp_path: Path) -> None:
    """BASH-7."""
    result = bash(with_executor(tmp_path, lambda *_: ("x" * 40_000 + "end", 0)), "ls")
    assert "... (output truncated): 10003 bytes" in result.text
    assert result.text.endswith("end\nexit code: 0")


def test_an_executor_that_takes_too_long(tmp_path: Path) -> None:
    """BASH-7: the shorter message."""
    free = threading.Event()
    with pytest.raises(ToolError, match=r"(?m)^Command timed out after 50ms\.$"):
        bash(with_executor(tmp_path, lambda *_: free.wait(60)), "ls", timeout=50)
    free.set()


@pytest.mark.parametrize("outcome", [ValueError("no container"), SystemExit(3), asyncio.CancelledError()])
def test_an_executor_that_crashes(tmp_path: Path, outcome: BaseException) -> None:
    """BASH-7."""

    def executor(command: str, directory: str) -> tuple[str, int]:
        raise outcome

    async def slow(command: str, directory: str) -> tuple[str, int]:
        raise outcome

    with pytest.raises(ToolError, match=r"^Executor crashed: "):
        bash(with_executor(tmp_path, executor), "ls")
    if not isinstance(outcome, SystemExit):
        with pytest.raises(ToolError, match=r"^Executor crashed: "):
            bash(with_executor(tmp_path, slow), "ls")


def test_an_executor_that_returns_something_else_crashed(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"^Executor crashed: "):
        bash(with_executor(tmp_path, lambda *_: None), "ls")


def test_the_tool_may_bring_its_executor(tmp_path: Path) -> None:
    """It comes before that of the run's context."""

    async def other(command: str, directory: str) -> tuple[bytes, int]:
        return f"{command} in {directory}".encode(), 3

    ctx = with_executor(tmp_path, lambda *_: ("of the context", 0))
    for executor in (other, lambda command, directory: (f"{command} in {directory}", 3)):
        result = bash(ctx, "ls", tool=Bash(executor=executor))
        assert result.text == f"ls in {tmp_path}\nexit code: 3"
    assert bash(ctx, "ls").text == "of the context\nexit code: 0"


def test_an_executors_long_output_is_kept(tmp_path: Path) -> None:
    ctx = ToolContext(tmp_path, outputs=KeptOutputs())
    result = bash(ctx, "ls", tool=Bash(executor=lambda *_: ("line\n" * 10_000, 0)))
    assert 'the whole is kept: read it with file_path="output:1", offset=3001' in result.text
    assert ctx.outputs is not None
    assert ctx.outputs.path("output:1").read_text() == "line\n" * 10_000


def test_an_executor_and_a_sandbox_exclude_each_other() -> None:
    with pytest.raises(ConfigError, match="exclude each other"):
        Bash(executor=lambda *_: ("", 0), sandbox="bubblewrap")
