"""What one run knows while it goes on: its history, its counters, its desk."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, MutableMapping
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from .candidates import Candidate, collect_candidates
from .deadline import Deadline
from .errors import AlloyError, ConfigError, DeadlineExceeded
from .events import Event, now_ms
from .history import close_open_calls, open_calls, repair
from .messages import Message, ToolCall
from .middleware.base import Block, HookContext, call_hooks
from .options import PROVIDER_OPTIONS, Options, working_directory
from .prompts import to_message
from .providers.base import Provider, Request, ToolSpec
from .providers.keys import register_dotenv
from .redaction import register_environment
from .result import Result, Status, ToolRecord
from .tools.approval import ApprovalDesk, Asker, Memory
from .tools.context import CancelToken, ToolContext
from .tools.toolbox import collect_tools, to_spec
from .usage import Usage

if TYPE_CHECKING:
    from .output import OutputType

__all__ = ["RunState"]


class RunState:
    """Made on the caller's thread, where every mistake in the options is raised; then belongs to the loop."""

    def __init__(
        self,
        prompt: Any,
        options: Options,
        *,
        asker: Asker | None = None,
        memory: Memory | None = None,
        tool_state: MutableMapping[str, Any] | None = None,
    ) -> None:
        register_environment(os.environ)
        self.options = options
        self.directory = working_directory(options)
        register_dotenv(self.directory)
        self.candidates = collect_candidates(options, self.directory)
        self.provider: Provider = self.candidates[0].provider
        self.tools = collect_tools(options.tools)
        check_tool_choice(options.tool_choice, self.tools)
        self.candidates[0].cost(Usage())  # a table of prices that cannot be read is said now
        self._begin(None if prompt is None else to_message(prompt))
        self.run_id = options.run_id or f"run-{uuid4().hex[:16]}"
        self.correlation_id = _correlation_id(options, self.run_id)
        self.system_prompt = options.system_prompt
        self.output: Any = None
        self.output_type = None if options.output is None else _output_type(options.output)
        self.desk = ApprovalDesk(options.approval, asker, memory or Memory(), self.decisions)
        self.tool_state: MutableMapping[str, Any] = {} if tool_state is None else tool_state
        self.usage = Usage()
        self.cost: float | None = None
        self._priced = True  # as long as the price of everything that was used is known
        self.turns = 0
        self.status: Status = "running"
        self.error: AlloyError | None = None
        self.stop_reason: str | None = None
        self.model: str | None = None
        self.pending: tuple[ToolCall, ...] = ()
        self.records: list[ToolRecord] = []
        self.seq = 0
        self.repairs = 0
        self.deadline = Deadline(options.timeout)
        self.started_at = time.perf_counter()
        self._steering: deque[Message] = deque()
        self._steering_open = True
        self._steering_lock = threading.Lock()

    def _begin(self, prompt: Message | None) -> None:
        """The conversation, with what was said before; a prompt ends what that left open."""
        self.prompt = prompt
        self.given = tuple(self.options.messages)
        history = repair(self.given)
        self.history: list[Message] = list(history if prompt is None else close_open_calls(history))
        if prompt is None and not self.history:
            raise ConfigError("there is no prompt and no history", hint="pass a prompt, or messages=")
        self.before = tuple(self.history)
        if prompt is not None:
            self.history.append(prompt)
        #: The ids of all calls so far: a service that counts anew in each answer would use one twice.
        self.call_ids = {call.id for message in self.history for call in message.tool_calls}
        # A decision holds for a call that waits now, not for whichever comes to have the same id.
        waiting = {call.id for call in open_calls(self.history)} if prompt is None else set()
        self.decisions = {key: value for key, value in self.options.decisions.items() if key in waiting}

    def append(self, message: Message) -> None:
        """An answer, into the history."""
        self.history.append(message)
        self.call_ids.update(call.id for call in message.tool_calls)

    # -- events ---------------------------------------------------------------------------------------------------

    def event(self, type: str, payload: Any) -> Event:
        """The next event of this run. Only on the loop that drives it."""
        self.seq += 1
        turn = self.turns + 1 if type in _PROVIDER_EVENTS else self.turns
        return Event(self.seq, self.run_id, type, payload, turn, now_ms(), self.correlation_id, self.options.name)

    def events(self, told: Iterable[tuple[str, Any]]) -> list[Event]:
        """The same of many that belong to the answer on its way, by type and payload."""
        run_id, turn, now = self.run_id, self.turns + 1, now_ms()
        correlation_id, name = self.correlation_id, self.options.name
        events = [
            Event(seq, run_id, type, payload, turn, now, correlation_id, name)
            for seq, (type, payload) in enumerate(told, self.seq + 1)
        ]
        self.seq += len(events)
        return events

    def spend(self, usage: Usage, cost: float | None) -> None:
        """Count what a provider call used; the cost of the run is known only as long as that of each call is."""
        self.usage += usage
        if usage != Usage():
            self._priced = self._priced and cost is not None
            self.cost = (self.cost or 0.0) + cost if self._priced and cost is not None else None

    # -- what the next provider call sends ------------------------------------------------------------------------

    def request(self, candidate: Candidate) -> Request:
        options = self.options
        values = {name: getattr(options, name) for name in PROVIDER_OPTIONS if name not in candidate.lacks}
        values["stop_sequences"] = tuple(options.stop_sequences)
        if self.turns > 0 and values.get("tool_choice") != "none":
            values["tool_choice"] = None  # forcing every turn would never end
        return Request(
            messages=tuple(self.history),
            system_prompt=self.system_prompt,
            tools=self._specs(candidate.provider),
            output_schema=None if self.output_type is None else self.output_type.schema,
            request_timeout=options.request_timeout,
            **values,
        )

    def _specs(self, provider: Provider) -> tuple[ToolSpec, ...]:
        """What the model is told of the tools: the same each turn, but for values that exist right now."""
        if getattr(provider, "constrains_arguments", False):
            options = self.options
            ctx = ToolContext(self.directory, options.context, options.name, self.run_id, state=self.tool_state)
            return tuple(to_spec(tool, ctx, with_candidates=True) for tool in self.tools.values())
        return self._plain_specs

    @cached_property
    def _plain_specs(self) -> tuple[ToolSpec, ...]:
        ctx = ToolContext(self.directory)
        return tuple(to_spec(tool, ctx, with_candidates=False) for tool in self.tools.values())

    # -- what foreign code sees -----------------------------------------------------------------------------------

    def hook_context(self) -> HookContext:
        return HookContext(
            self.run_id,
            self.options.name,
            self.turns,
            self.status,
            tuple(self.history),
            self.usage,
            self.options.context,
            self.system_prompt,
            self.error,
        )

    async def call_hooks(
        self, hook: str, *arguments: Any, ctx: HookContext | None = None, in_time: bool = True
    ) -> Block | None:
        """Call a hook of the chain, within the run's deadline."""
        if not self.options.middleware:
            return None
        try:
            async with asyncio.timeout(self.deadline.remaining() if in_time else None) as limit:
                return await call_hooks(self.options.middleware, hook, ctx or self.hook_context(), *arguments)
        except TimeoutError:
            if limit.expired():
                raise self.too_late() from None
            raise

    def tool_context(
        self, call: ToolCall, token: CancelToken, report: Callable[[str, float | None], None]
    ) -> ToolContext:
        return ToolContext(
            self.directory,
            self.options.context,
            self.options.name,
            self.run_id,
            call.id,
            self.deadline.shortest(self.options.tool_timeout),
            token,
            self.tool_state,
            report,
        )

    # -- steering -------------------------------------------------------------------------------------------------

    def steer(self, message: Message) -> bool:
        """A user message for before the next provider call, from any thread; False once the run ends."""
        with self._steering_lock:
            if not self._steering_open:
                return False
            self._steering.append(message)
            return True

    def take_steering(self, *, last: bool = False) -> list[Message]:
        """What was steered since; with `last` and nothing there, no more is taken."""
        with self._steering_lock:
            messages = list(self._steering)
            self._steering.clear()
            if last and not messages:
                self._steering_open = False
            return messages

    # -- the end --------------------------------------------------------------------------------------------------

    def too_late(self) -> DeadlineExceeded:
        """The error that the run's deadline ends it with."""
        return DeadlineExceeded(f"the run's timeout of {self.options.timeout:g} s passed")

    def finish(self, status: Status, error: AlloyError | None = None) -> None:
        """Settle how the run ended, and take the prompt back when nothing came of it."""
        self.status = status
        self.error = error
        with self._steering_lock:
            self._steering_open = False
        # Nothing came of it: the prompt is taken back. What goes on without one keeps whatever it has added.
        if error is not None and self.prompt is not None and len(self.history) <= len(self.before) + 1:
            self.history = list(self.given)

    def result(self, events: Any = None) -> Result:
        return Result(
            text=self._answer_text(),
            output=self.output,
            messages=tuple(self.history),
            usage=self.usage,
            cost=self.cost,
            tool_calls=tuple(self.records),
            turns=self.turns,
            status=self.status,
            stop_reason=self.stop_reason,
            error=self.error,
            pending=self.pending,
            model=self.model or self.provider.model,
            run_id=self.run_id,
            duration=time.perf_counter() - self.started_at,
            events=events,
        )

    def _answer_text(self) -> str:
        """The newest answer of this run, never an earlier run's."""
        for message in reversed(self.history[len(self.before) :]):
            if message.role == "assistant":
                return message.text
        return ""


_PROVIDER_EVENTS = frozenset(
    {"turn_start", "text_delta", "thinking_delta", "tool_call_delta", "retry", "fallback", "dropped_option"}
)


def check_tool_choice(choice: str | None, tools: dict[str, Any]) -> None:
    if choice in (None, "auto", "none"):
        return
    if not tools:
        raise ConfigError(f"tool_choice is {choice!r}, and there are no tools", hint="pass tools=[...]")
    if choice != "required" and choice not in tools:
        raise ConfigError(
            f"tool_choice names `{choice}`, which is no tool of this run",
            hint="give 'auto', 'required', 'none', or one of: " + ", ".join(tools),
        )


def _output_type(output: Any) -> OutputType:
    from .output import OutputType  # and pydantic with it

    return OutputType(output)


def _correlation_id(options: Options, run_id: str) -> str:
    """The caller's own id for what this run is part of: the option, else from the context, else the run's id."""
    if options.correlation_id:
        return options.correlation_id
    for key in ("request_id", "correlation_id"):
        value = options.context.get(key)
        if isinstance(value, str) and value:
            return value
    return run_id
