"""What one run knows while it goes on: its history, its counters, its desk."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Iterable, MutableMapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cached_property
from operator import is_not
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from .answering import answer_tool, with_output
from .candidates import Candidate, check_prices, collect_candidates, summarizer_of
from .context.condensed import Condensed, edited, still_holds
from .context.estimate import text_tokens, tool_tokens
from .context.gauge import Gauge
from .context.sending import Sending
from .context.surroundings import look_around, tell_problems
from .deadline import Deadline
from .errors import AlloyError, ConfigError, DeadlineExceeded
from .events import Event, now_ms
from .history import close_open_calls, open_calls, repair
from .messages import Message, ToolCall, ToolResult
from .middleware.base import Block, HookContext, ask_hooks, call_hooks
from .options import PROVIDER_OPTIONS, Options, working_directory
from .prompts import to_message
from .providers.base import Provider, Request, ToolSpec, shows_tools
from .providers.keys import register_dotenv
from .redaction import register_environment
from .result import Result, Status, ToolRecord
from .steering import Steering
from .tools.approval import ApprovalDesk, Asker, Memory
from .tools.context import CancelToken, ParentRun, ToolContext
from .tools.kept import KeptOutputs, kept_outputs
from .tools.toolbox import collect_tools, to_spec
from .usage import Usage, add_costs

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
        parent: ParentRun | None = None,
        call_ids: set[str] | None = None,
        session_id: str | None = None,
        gauge: Gauge | None = None,
        view: Condensed | None = None,
        begun: Container[str] = (),
    ) -> None:
        register_environment(os.environ)
        self.options = options
        #: The conversation that the run is part of, where it has a name.
        self.session_id = session_id or options.session
        self.parent = parent
        self.path = _path_of(options.name, parent)
        self.directory = working_directory(options)
        register_dotenv(self.directory)
        self.candidates = collect_candidates(options, self.directory)
        self.tools = collect_tools(options.tools)
        #: The context files and skills of this run.
        self.around = look_around(options, self.directory, self.provider, self.tools)
        tell_problems(self.around.problems)
        self.tools.update({tool.name: tool for tool in self.around.tools})
        check_tool_choice(options.tool_choice, self.tools)
        self.run_id = options.run_id or f"run-{uuid4().hex[:16]}"
        self.correlation_id = _correlation_id(options, self.run_id)
        self.system_prompt = self.around.prompt(options.system_prompt)
        self.output_type = None if options.output is None else _output_type(options.output)
        self.answer_tool = None if self.output_type is None else answer_tool(self.output_type, self.tools)
        self.budget = options.budget or (parent.budget if parent is not None else None)
        #: The model that sums up what does not fit any more.
        self.summarizer = summarizer_of(options, self.directory)
        check_prices((*self.candidates, *([self.summarizer] if self.summarizer else [])), self.budget)
        self.gauge = gauge or Gauge()
        self.tool_state: MutableMapping[str, Any] = {} if tool_state is None else tool_state
        self.prompt = None if prompt is None else to_message(prompt)
        self.desk = ApprovalDesk(options.approval, asker, memory or Memory())
        self.deadline = Deadline(options.timeout)
        self.steering = Steering()
        #: The agents that handed over before this run began, outermost first.
        succession = parent.succession if parent is not None else None
        self.passed = succession.passed if succession is not None else ()
        #: Awaited before a call runs.
        self.starting: Callable[[ToolCall], Awaitable[None]] = _at_once
        #: Awaited after a call has run beside others.
        self.finished: Callable[[ToolResult], Awaitable[None]] = _at_once
        self._clear()
        self.begin(options.messages, call_ids, view, begun)

    def _clear(self) -> None:
        """Nothing was said, done or spent, and nothing is in its way."""
        self.seq = 0
        #: What ends the run before it asks or does anything more: somebody else has found that it cannot go on.
        self.fault: AlloyError | None = None
        self.output: Any = None
        self.output_json: str | None = None
        self.usage = Usage()
        self.cost: float | None = None
        self.turns = 0
        self.status: Status = "running"
        self.error: AlloyError | None = None
        self.stop_reason: str | None = None
        self.model: str | None = None
        self.pending: tuple[ToolCall, ...] = ()
        self.records: list[ToolRecord] = []
        self.repairs = 0
        #: What the newest answer gave by the answer tool, as it came.
        self.answered: list[str] = []
        self.started_at = time.perf_counter()

    def begin(
        self,
        messages: Sequence[Message],
        call_ids: set[str] | None = None,
        view: Condensed | None = None,
        begun: Container[str] = (),
    ) -> None:
        """Take the conversation as it stands, with what was said before; a prompt ends what that left open.

        Once more for a run that had to wait for its turn, when that has come. `call_ids` are those of all calls of a
        history that an agent vouches for: it needs no repair, and costs the same however long it is. `view` is what was
        sent of it so far, `begun` has the calls that ran when a process ended.
        """
        prompt = self.prompt
        self.given = tuple(messages)
        history = repair(self.given) if call_ids is None else self.given
        self.history: list[Message] = list(history if prompt is None else close_open_calls(history, begun))
        self._given_view = still_holds(view, self.given, self.history)
        #: What of the history is sent.
        self.sending = Sending(self._given_view)
        if prompt is None and not self.history:
            raise ConfigError("there is no prompt and no history", hint="pass a prompt, or messages=")
        #: Where this run's own part of the history begins.
        self.own_start = len(self.history)
        if prompt is not None:
            self.history.append(prompt)
        #: The ids of all calls so far: a service that counts anew in each answer would use one twice. A run within
        #: another shares them, so that one desk can tell the questions of both apart.
        if call_ids is None:
            call_ids = {call.id for message in self.history for call in message.tool_calls}
        self.call_ids = call_ids
        if self.parent is not None:
            self.parent.call_ids.update(call_ids)
            self.call_ids = self.parent.call_ids
        # A decision holds for a call that waits now, not for whichever comes to have the same id.
        waiting = {call.id for call in open_calls(self.history)} if prompt is None else set()
        self.desk.prepare({key: value for key, value in self.options.decisions.items() if key in waiting})
        self.started_at = time.perf_counter()
        self.deadline.restart()

    @property
    def outputs(self) -> KeptOutputs | None:
        """Where the whole of what is too long to be sent is kept; None where no tool could read it."""
        return kept_outputs(self.tool_state) if any(tool.reads_outputs for tool in self.tools.values()) else None

    @property
    def provider(self) -> Provider:
        """The model that is asked first."""
        return self.candidates[0].provider

    def append(self, message: Message) -> None:
        """An answer, into the history."""
        self.history.append(message)
        self.call_ids.update(call.id for call in message.tool_calls)

    def answer_calls(self, message: Message) -> tuple[ToolCall, ...]:
        """The calls by which an answer of the `output` type is given; no tool runs for them."""
        tool = self.answer_tool
        return () if tool is None else tuple(call for call in message.tool_calls if call.name == tool.name)

    # -- events ---------------------------------------------------------------------------------------------------

    def event(self, type: str, payload: Any) -> Event:
        """The next event of this run. Only on the loop that drives it."""
        self.seq += 1
        turn = self.turns + 1 if type in _PROVIDER_EVENTS else self.turns
        return Event(self.seq, self.run_id, type, payload, turn, now_ms(), self.correlation_id, self.path)

    def events(self, told: Iterable[tuple[str, Any]]) -> list[Event]:
        """The same of many that belong to the answer on its way, by type and payload."""
        run_id, turn, now = self.run_id, self.turns + 1, now_ms()
        correlation_id, path = self.correlation_id, self.path
        events = [
            Event(seq, run_id, type, payload, turn, now, correlation_id, path)
            for seq, (type, payload) in enumerate(told, self.seq + 1)
        ]
        self.seq += len(events)
        return events

    def adopt(self, event: Event) -> Event:
        """An event of a run within this one, in this one's stream: with a number of this one, and its own kept."""
        self.seq += 1
        return event._replace(seq=self.seq, origin_seq=event.origin_seq or event.seq)

    def spend(self, usage: Usage, cost: float | None) -> None:
        """Count what a provider call used; the cost of the run is known only as long as that of each call is."""
        if self.budget is not None:
            self.budget.debit(usage, cost)
        self.count(usage, cost)

    def count(self, usage: Usage, cost: float | None) -> None:
        """The same of a run within this one, which was debited by who made the call."""
        self.cost = add_costs(self.usage, self.cost, usage, cost)
        self.usage += usage

    # -- what the next provider call sends ------------------------------------------------------------------------

    def request(self, candidate: Candidate) -> Request:
        options = self.options
        values = {name: getattr(options, name) for name in PROVIDER_OPTIONS if name not in candidate.lacks}
        values["stop_sequences"] = tuple(options.stop_sequences)
        if self.turns > 0 and values.get("tool_choice") != "none":
            values["tool_choice"] = None  # forcing every turn would never end
        request = Request(
            messages=self.sending.messages(self.history),
            system_prompt=self.system_prompt,
            tools=self._specs(candidate.provider),
            request_timeout=options.request_timeout,
            **values,
        )
        return with_output(request, self.answer_tool, candidate)

    def fixed_tokens(self, candidate: Candidate) -> int:
        """About how many tokens each request to this model has besides messages, uncorrected."""
        specs = self._plain_specs if shows_tools(candidate.provider) else ()
        specs = specs if self.answer_tool is None else (*specs, self.answer_tool)
        return text_tokens(self.system_prompt) + sum(map(tool_tokens, specs))

    def sent_tokens(self, candidate: Candidate) -> int:
        """The same of the whole request."""
        return self.fixed_tokens(candidate) + self.sending.tokens(self.history)

    def _specs(self, provider: Provider) -> tuple[ToolSpec, ...]:
        """What the model is told of the tools: the same each turn, but for values that exist right now."""
        if getattr(provider, "constrains_arguments", False):
            options = self.options
            ctx = ToolContext(
                self.directory, options.context, self.path, self.run_id, state=self.tool_state, outputs=self.outputs
            )
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
            self.path,
            self.turns,
            self.status,
            tuple(self.history),
            self.usage,
            self.options.context,
            self.system_prompt,
            self.error,
            self.candidates[0].label,
            self.cost,
        )

    async def call_hooks(self, hook: str, *, in_time: bool = True) -> None:
        """Call a hook of the chain, within the run's deadline, and take over what it changed."""
        if self.options.middleware:
            ctx = self.hook_context()
            async with self._hooks_in_time(in_time=in_time):
                await call_hooks(self.options.middleware, hook, ctx)
            if hook != "on_error":
                self._take_over(ctx)

    async def ask_hooks(self, call: ToolCall) -> Block | ToolCall:
        """What the hooks say to a call: `Block`, or the call as it may run."""
        if not self.options.middleware:
            return call
        async with self._hooks_in_time():
            return await ask_hooks(self.options.middleware, self.hook_context(), call)

    @asynccontextmanager
    async def _hooks_in_time(self, *, in_time: bool = True) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self.deadline.remaining() if in_time else None) as limit:
                yield
        except TimeoutError:
            if limit.expired():
                raise self.too_late() from None
            raise

    def _take_over(self, ctx: HookContext) -> None:
        """What a hook put into its context in place of what was there."""
        self.system_prompt = ctx.system_prompt
        if ctx.model is not None and ctx.model != self.candidates[0].label:
            self.candidates = collect_candidates(self.options.override(model=ctx.model), self.directory)
            check_prices(self.candidates, self.budget)
        if len(ctx.messages) != len(self.history) or any(map(is_not, ctx.messages, self.history)):
            self.rewrite(ctx.messages)

    def rewrite(self, messages: Iterable[Message]) -> None:
        """Put another conversation in place of this one; this run's own part stays as long, from its end.

        Thoughts that were signed after what is not the same any more are dropped: their makers refuse them.
        """
        own = len(self.history) - self.own_start
        changed = repair(edited(self.sending.view, self.history, tuple(messages))[0])
        if [call.id for call in open_calls(changed)] != [call.id for call in open_calls(self.history)]:
            raise ConfigError(
                "a hook changed which calls wait for their results", hint="leave the calls of the last answer alone"
            )
        self.sending.changed(self.history, changed)
        self.history[:] = changed
        self.own_start = max(0, len(self.history) - own)

    def tool_context(
        self, call: ToolCall, token: CancelToken, report: Callable[[str, float | None], None], parent: ParentRun
    ) -> ToolContext:
        return ToolContext(
            self.directory,
            self.options.context,
            self.path,
            self.run_id,
            call.id,
            self.deadline.shortest(self.options.tool_timeout),
            token,
            self.tool_state,
            report,
            replace(parent, call_id=call.id),
            outputs=self.outputs,
        )

    # -- the end --------------------------------------------------------------------------------------------------

    def too_late(self) -> DeadlineExceeded:
        """The error that the run's deadline ends it with."""
        return DeadlineExceeded(f"the run's timeout of {self.options.timeout:g} s passed")

    def finish(self, status: Status, error: AlloyError | None = None) -> None:
        """Settle how the run ended, and take the prompt back when nothing came of it."""
        self.status = status
        self.error = error
        self.steering.close()
        # Nothing came of it: the prompt is taken back. What goes on without one keeps whatever it has added.
        if error is not None and self.prompt is not None and len(self.history) <= self.own_start + 1:
            self.history = list(self.given)
            self.sending.take(self._given_view)
            self.own_start = len(self.history)

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
        for message in reversed(self.history[self.own_start :]):
            if message.role == "assistant":
                return "\n".join(self.answered) if self.answer_calls(message) else message.text
        return ""


_PROVIDER_EVENTS = frozenset(
    {
        "turn_start",
        "compaction",
        "text_delta",
        "thinking_delta",
        "tool_call_delta",
        "retry",
        "fallback",
        "dropped_option",
    }
)


async def _at_once(_: Any) -> None:
    """Nobody has to be told that a call begins, or has ended."""


def check_tool_choice(choice: str | None, tools: dict[str, Any]) -> None:
    if choice in (None, "auto", "none"):
        return
    if not tools:
        raise ConfigError(
            f"tool_choice is {choice!r}, and there are no tools",
            hint="name some: tools=[...] in Python, -t NAMES on a line",
        )
    if choice != "required" and choice not in tools:
        raise ConfigError(
            f"tool_choice names `{choice}`, which is no tool of this run",
            hint="give 'auto', 'required', 'none', or one of: " + ", ".join(tools),
        )


def _output_type(output: Any) -> OutputType:
    from .output import OutputType  # and pydantic with it

    return OutputType(output)


def _path_of(name: str | None, parent: ParentRun | None) -> str | None:
    """``"lead/research"``: the names of the agents, from the outermost to this one."""
    if parent is None or parent.path is None:
        return name
    return f"{parent.path}/{name or 'agent'}"


def _correlation_id(options: Options, run_id: str) -> str:
    """The caller's own id for what this run is part of: the option, else from the context, else the run's id."""
    if options.correlation_id:
        return options.correlation_id
    for key in ("request_id", "correlation_id"):
        value = options.context.get(key)
        if isinstance(value, str) and value:
            return value
    return run_id
