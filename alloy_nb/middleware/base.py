"""Hooks into a run: what they are, and how a chain of them is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, Halted
from ..guests import call_guest
from ..keywords import keywords_told
from ..messages import ToolCall

if TYPE_CHECKING:
    from ..errors import AlloyError
    from ..events import Event
    from ..messages import Message
    from ..providers.base import Provider
    from ..usage import Usage

__all__ = ["Block", "Halt", "HookContext", "Middleware", "ask_hooks", "call_hooks", "listeners"]


@keywords_told
@dataclass(frozen=True, slots=True)
class Block:
    """Returned by `before_tool_call`: this call does not run; the model reads the reason.

    >>> Block("not on a Sunday").reason
    'not on a Sunday'
    """

    reason: str


@keywords_told
@dataclass(frozen=True, slots=True)
class Halt:
    """Returned by any hook: the run ends here, with status ``"halted"``.

    >>> Halt("enough").reason
    'enough'
    """

    reason: str


@dataclass(slots=True)
class HookContext:
    """What a hook sees of the run, or of the agent's session; what may be changed is said here.

    - `messages`: the conversation so far. A hook that puts other ones here changes it for good: it is made good
      (`repair`), and thoughts that were signed after the first one that is not the same object are dropped. In every
      hook of a run but `on_error`.
    - `system_prompt`: in `before_completion`, for this call and the ones after it.
    - `model`: the model's name; another one, or a `Provider`, in `before_completion` is asked from then on.
    - `context`, `topics`: in `session_start`, the agent's own from then on.
    - `run_id`, `agent` (its path), `turn` (answers so far), `status`, `usage` and `cost` of this run, `error`:
      for reading. In `session_start` and `session_end` the run's id is ``""``, and `usage` is the agent's.
    """

    run_id: str
    agent: str | None
    turn: int
    status: str
    messages: tuple[Message, ...]
    usage: Usage
    context: Mapping[str, Any]
    system_prompt: str | None = None
    error: AlloyError | None = None
    model: str | Provider | None = None
    cost: float | None = None
    topics: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)


class Middleware:
    """Subclass it and write the hooks you need, sync or async; each returns None, `Halt`, or (where said) `Block`.

    Hooks are called in the order of the list, in the run's own loop: one that blocks holds up every run there.
    `on_event` is no hook: it hears every event of a run and changes nothing.

    >>> import alloy_nb as alloy
    >>> class Polite(alloy.Middleware):
    ...     def before_completion(self, ctx):
    ...         ctx.system_prompt = "Be polite."
    >>> model = alloy.Scripted(["Good morning."])
    >>> _ = alloy.run("Hello", model=model, middleware=[Polite()])
    >>> model.requests[0].system_prompt
    'Be polite.'
    """

    def session_start(self, ctx: HookContext) -> Any:
        """When an `Agent` is made; `Halt` keeps it from being made. Not called for a run without an agent."""

    def session_end(self, ctx: HookContext) -> Any:
        """When an `Agent` is closed, before its `on_shutdown`."""

    def before_completion(self, ctx: HookContext) -> Any:
        """Before every provider call."""

    def after_completion(self, ctx: HookContext) -> Any:
        """After every answer, before its tools run."""

    def after_tool_request(self, ctx: HookContext) -> Any:
        """After an answer that calls tools."""

    def before_tool_call(self, ctx: HookContext, call: ToolCall) -> Any:
        """Before each call; all of a turn's calls are asked about before the first one runs.

        May `Block`, or return a `ToolCall` of the same id and name, whose input is what the tool gets.
        """

    def after_tool_execution(self, ctx: HookContext) -> Any:
        """After the results of a turn's calls are in the conversation."""

    def on_error(self, ctx: HookContext) -> Any:
        """After a provider's error; `Halt` turns it into a halt."""

    def on_event(self, event: Event) -> None:
        """Each event, in order, as the run tells it; what is raised here is logged once and changes nothing."""


async def call_hooks(chain: Sequence[Middleware], hook: str, ctx: HookContext) -> None:
    """Call `hook` of each middleware in order; the first `Halt` is raised as `Halted`.

    Raises `ConfigError` when a hook returns something else.
    """
    for middleware in chain:
        answer = await _call(middleware, hook, ctx)
        if answer is not None:
            raise _wrong(middleware, hook, answer)


async def ask_hooks(chain: Sequence[Middleware], ctx: HookContext, call: ToolCall) -> Block | ToolCall:
    """Ask each `before_tool_call` in order: the first `Block`, else the call, as the hooks have changed it.

    Raises `Halted` for a `Halt`, and `ConfigError` when a hook returns something else.
    """
    for middleware in chain:
        answer = await _call(middleware, "before_tool_call", ctx, call)
        if isinstance(answer, Block):
            return answer
        if isinstance(answer, ToolCall):
            if (answer.id, answer.name) != (call.id, call.name):
                raise ConfigError(
                    f"{type(middleware).__name__}.before_tool_call returned another call",
                    hint="keep the id and the name: dataclasses.replace(call, input={...})",
                )
            call = answer
        elif answer is not None:
            raise _wrong(middleware, "before_tool_call", answer)
    return call


def listeners(chain: Sequence[Middleware]) -> tuple[Middleware, ...]:
    """Those of the chain that hear events."""
    return tuple(
        middleware
        for middleware in chain
        if getattr(type(middleware), "on_event", Middleware.on_event) is not Middleware.on_event
    )


async def _call(middleware: Middleware, hook: str, ctx: HookContext, *arguments: Any) -> Any:
    method = getattr(middleware, hook, None)
    answer = None if method is None else await call_guest(method, ctx, *arguments)
    if isinstance(answer, Halt):
        raise Halted(f"Halted by middleware: {answer.reason}")
    return answer


def _wrong(middleware: Middleware, hook: str, answer: Any) -> ConfigError:
    return ConfigError(
        f"{type(middleware).__name__}.{hook} returned {type(answer).__name__}",
        hint="return None or Halt(reason); Block(reason) or a changed call only from before_tool_call",
    )
