"""Hooks into a run: what they are, and how a chain of them is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, Halted
from ..guests import call_guest

if TYPE_CHECKING:
    from ..errors import AlloyError
    from ..messages import Message, ToolCall
    from ..usage import Usage

__all__ = ["HOOKS", "Block", "Halt", "HookContext", "Middleware", "call_hooks"]

HOOKS = (
    "session_start",
    "session_end",
    "before_completion",
    "after_completion",
    "after_tool_request",
    "before_tool_call",
    "after_tool_execution",
    "on_error",
)


@dataclass(frozen=True, slots=True)
class Block:
    """Returned by `before_tool_call`: this call does not run; the model reads the reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Halt:
    """Returned by any hook: the run ends here, with status ``"halted"``."""

    reason: str


@dataclass(slots=True)
class HookContext:
    """What a hook sees of the run. `system_prompt` may be changed in `before_completion`."""

    run_id: str
    agent: str | None
    turn: int
    status: str
    messages: tuple[Message, ...]
    usage: Usage
    context: Mapping[str, Any]
    system_prompt: str | None = None
    error: AlloyError | None = None
    extra: dict[str, Any] = field(default_factory=dict)


class Middleware:
    """Subclass it and write the hooks you need, sync or async; each returns None, `Halt`, or (where said) `Block`."""

    def before_completion(self, ctx: HookContext) -> Any:
        """Before every provider call."""

    def after_completion(self, ctx: HookContext) -> Any:
        """After every answer, before its tools run."""

    def after_tool_request(self, ctx: HookContext) -> Any:
        """After an answer that calls tools."""

    def before_tool_call(self, ctx: HookContext, call: ToolCall) -> Any:
        """Before each call; all of a turn's calls are asked about before the first one runs. May `Block`."""

    def after_tool_execution(self, ctx: HookContext) -> Any:
        """After the results of a turn's calls are in the conversation."""

    def on_error(self, ctx: HookContext) -> Any:
        """After a provider's error; `Halt` turns it into a halt."""


async def call_hooks(chain: Sequence[Middleware], hook: str, ctx: HookContext, *arguments: Any) -> Block | None:
    """Call `hook` of each middleware in order; the first `Block` is returned, the first `Halt` raised as `Halted`.

    Raises `ConfigError` when a hook that cannot block does, or returns something else.
    """
    for middleware in chain:
        method = getattr(middleware, hook, None)
        if method is None:
            continue
        answer = await call_guest(method, ctx, *arguments)
        if answer is None:
            continue
        if isinstance(answer, Halt):
            raise Halted(f"Halted by middleware: {answer.reason}")
        if isinstance(answer, Block) and hook == "before_tool_call":
            return answer
        raise ConfigError(
            f"{type(middleware).__name__}.{hook} returned {type(answer).__name__}",
            hint="return None or Halt(reason); Block(reason) only from before_tool_call",
        )
    return None
