"""The contract of a tool."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar, Literal

from .context import ToolContext

__all__ = ["Tool"]


class Tool:
    """Something a model may call. Subclass it with `name`, `description`, `input_schema` and `execute`.

    `execute` returns a `str`, anything JSON-able, a figure, image or DataFrame, or a `ToolResult`; it raises
    `ToolError` for a message to the model. Whatever else it raises becomes an error result too: a tool that
    crashes never ends a run.

    >>> class Clock(Tool):
    ...     name = "clock"
    ...     description = "Tell the time."
    ...     async def execute(self, input, ctx):
    ...         return "12:00"
    >>> Clock()
    <Tool clock>
    """

    name: str
    description: str = ""
    #: JSON Schema of the arguments: an object.
    input_schema: Mapping[str, Any] = {"type": "object", "properties": {}}
    #: Ask before every call, whatever the arguments.
    requires_approval: bool = False
    #: Seconds for one call; None takes the run's `tool_timeout`.
    timeout: float | None = None
    #: Where a sync tool runs: a worker thread, or the main thread (matplotlib, the user's namespace).
    thread: Literal["worker", "main"] = "worker"
    #: False: never beside another call of the same turn that is not parallel either.
    parallel: bool = True
    #: True: a call whose outcome is unknown may simply run again.
    idempotent: bool = False
    #: How often a call that crashed is tried again; one that took too long or was given up is not.
    retries: int = 0
    #: True: it reads outputs by their handles (``output:3``), so that what is too long to be sent is kept for it.
    reads_outputs: ClassVar[bool] = False
    #: Seconds that a call which is cancelled may take to clean up before it is given up.
    grace: float = 2.0
    #: The argument that is shown beside the name when the call is folded to one line.
    key_argument: ClassVar[str | None] = None

    async def execute(self, input: Mapping[str, Any], ctx: ToolContext) -> Any:
        """Do it. `input` matches `input_schema` as far as `validate` checks."""
        raise NotImplementedError(f"{type(self).__name__} has no execute method")

    def validate(self, input: Mapping[str, Any]) -> Mapping[str, Any]:
        """The arguments to run with; raises `ToolError` with a message to the model when they do not fit."""
        from .schema import check_input

        checked: Mapping[str, Any] = check_input(self, input)
        return checked

    def approval_reason(self, input: Mapping[str, Any], ctx: ToolContext) -> str | None:
        """Why a person must be asked first, or None when the call may run at once."""
        return "this tool asks first" if self.requires_approval else None

    @property
    def identity(self) -> Hashable:
        """What makes two tools of one name the same to who has allowed one of them for good: this very object."""
        return self

    def remembered(self, input: Mapping[str, Any], reason: str) -> Any:
        """What being allowed for good counts for: the argument that matters, to the letter, else all of them.

        `reason` is what `approval_reason` said, and the person saw.
        """
        key = self.key_argument
        return input[key] if key and key in input else input

    def candidates(self, ctx: ToolContext) -> Mapping[str, Sequence[str]]:
        """Values that exist right now for an argument, for models that are held to them by grammar."""
        return {}

    def __repr__(self) -> str:
        return f"<Tool {self.name}>"
