"""An agent as a tool of another: each call is a run of a fork of it, within the run that called."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from typing import Any

from .counting import counted
from .dialogue import Dialogue
from .errors import ToolError
from .messages import ToolResult
from .result import Result
from .tools.approval import Decision, Question, Wanted
from .tools.base import Tool
from .tools.changes import share_changes
from .tools.context import ParentRun, ToolContext

__all__ = ["AgentTool"]


class AgentTool(Tool):
    """Hands a task to a fork of an agent, which begins with that agent's conversation and leaves it as it is.

    The fork's events flow into the stream of the run around it, its questions go to whoever is asked there, its usage
    counts there too, and it spends of that run's budget, unless it has one of its own. Stopping the run stops it.
    """

    input_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {"prompt": {"type": "string", "description": "The task, with all that is needed to do it"}},
        "required": ["prompt"],
        "additionalProperties": False,
    }
    #: The fork's own options say how long it may take.
    timeout = math.inf
    #: The fork's run ends by itself, and its tools have their own time for that.
    grace = 60.0
    key_argument = "prompt"

    def __init__(self, dialogue: Dialogue, name: str, description: str) -> None:
        self._dialogue = dialogue
        self.name = name
        self.description = description

    async def execute(self, input: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        return self._told(await self._run(self._dialogue.fork(), str(input["prompt"]), ctx, ctx.parent))

    async def _run(self, dialogue: Dialogue, prompt: str | None, ctx: ToolContext, parent: ParentRun | None) -> Result:
        """What an agent made of a prompt, within the run around."""
        share_changes(ctx.state, dialogue.tool_state)
        asker = None if parent is None else _ParentAsker(parent, ctx)
        execution = dialogue.make(prompt, {}, asker=asker, parent=parent)
        task = asyncio.current_task()
        before = task.cancelling() if task is not None else 0
        dialogue.claim(execution)
        await execution.drive(None if parent is None else parent.forward)
        result = execution.settled()
        if parent is not None:
            parent.count(result.usage, result.cost)
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError
        return result

    def _told(self, result: Result) -> ToolResult:
        text = self._text(result)
        if result.status == "max_turns":
            text += f"\n(stopped after {counted(result.turns, 'turn')})"
        return ToolResult(text)

    def _text(self, result: Result) -> str:
        """What it said; raises what the model is told when it did not finish."""
        if not result.ok:
            why = result.error.message if result.error is not None else result.status
            raise ToolError(
                f"{self.name} did not finish: {why}" + (f"\nUntil then: {result.text}" if result.text else "")
            )
        if result.status == "waiting":
            waiting = ", ".join(call.name for call in result.pending)
            raise ToolError(f"{self.name} waits for a decision on {waiting}, which nobody can make within a tool")
        return result.text or "(no text)"


class _ParentAsker:
    """Whoever is asked in the run around."""

    def __init__(self, parent: ParentRun, ctx: ToolContext) -> None:
        self._parent = parent
        self._ctx = ctx

    async def ask(self, question: Question, wanted: Wanted) -> Decision:
        return await self._parent.ask(question, self._ctx)
