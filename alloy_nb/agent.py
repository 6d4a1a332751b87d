"""`Agent`: a conversation that goes on, with a model, tools and a memory of what was allowed."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from .agent_health import Health
from .agent_tool import AgentTool
from .articles import a_kind
from .candidates import window_of
from .context.condensed import edited, still_holds
from .context.meter import ContextUsage
from .dialogue import Dialogue
from .errors import AlloyError, Busy, ConfigError, Halted
from .events import Event
from .execution import Execution
from .guests import check_callback
from .handle import Run
from .history import end_open_calls
from .leaving import Leaving
from .messages import Message, ToolCall
from .metering import context_usage
from .middleware.base import HookContext
from .middleware.here import call_hooks_here
from .models import model_info
from .options import check_overrides, make_options
from .portal import PORTAL, is_portal_thread
from .prompts import to_message
from .providers.base import Provider
from .providers.registry import resolve_model
from .pubsub import PubSub
from .result import Result
from .runs import FindSink, in_background, run_awaited, run_blocking
from .session import Session
from .subscribers import Subscribers, Subscription
from .teams.handing_over import Handoff, handoff_tools
from .tools.approval import Asker, Decision, Remember
from .tools.base import Tool
from .tools.changes import UndoneFile, undo_changes
from .tools.scratchpad import notes_of
from .tools.workers import call_in_thread
from .usage import Usage
from .waiting import block_on

__all__ = ["Agent", "ask_agent"]

logger = logging.getLogger("alloy_nb")

#: How long the run of an agent that is closed may take to end, in seconds.
CLOSING = 10.0

#: What an agent takes beside the options where it is made, and where it is asked.
_MADE_WITH = ("pubsub", "topics", "on_shutdown", "handoffs")
_BESIDE = ("prompt", "check")


class Agent(Leaving):
    """Remembers what was said, and does one thing at a time; takes the options of `run`.

    `chat` blocks, `achat` is awaited on your own loop, `send` returns a `Run` at once and queues up to `max_pending`
    prompts; they may be mixed, on any thread. While it is at work another `chat` raises `Busy`. A run that fails or is
    stopped leaves what it had done in the conversation, and its usage; a prompt of which nothing came is taken back.

    `handoffs` lists agents, or `Handoff`s of them, to whom its model may hand the conversation over: the other one
    answers in its place, within the same run.

    `pubsub` and `topics` have it take what is published there as prompts, and publish the results of background runs
    on ``agent:<session id>:responses``. `on_shutdown(session)` is called when it is closed, after `session_end`.

    >>> from alloy_nb import Agent, Scripted
    >>> agent = Agent(model=Scripted(["Hello, Ann.", "You said: Ann."]))
    >>> agent.chat("I am Ann.").text, agent.chat("Who am I?").text, len(agent.messages)
    ('Hello, Ann.', 'You said: Ann.', 4)
    """

    def __init__(
        self,
        *,
        pubsub: PubSub | None = None,
        topics: Sequence[str] = (),
        on_shutdown: Callable[[Session], Any] | None = None,
        handoffs: Sequence[Agent | Handoff] = (),
        **options: Any,
    ) -> None:
        if handoffs:
            options["tools"] = (*(options.get("tools") or ()), *handoff_tools(handoffs))
        if isinstance(topics, str):
            raise ConfigError(f"topics is the string {topics!r}", hint=f"give a list: topics=[{topics!r}]")
        if topics and pubsub is None:
            raise ConfigError("topics without a bus", hint="give both: Agent(pubsub=bus, topics=[...])")
        made = make_options(options, _MADE_WITH)
        if made.max_turns < 1:
            raise ConfigError("max_turns is 0: it would never answer", hint="give 1 or more: Agent(max_turns=10)")
        self._init(Dialogue(made, self._ended), pubsub, on_shutdown)
        self._start_session(tuple(topics))

    def _init(
        self,
        dialogue: Dialogue,
        pubsub: PubSub | None = None,
        on_shutdown: Callable[[Session], Any] | None = None,
        created_at: datetime | None = None,
    ) -> None:
        #: What the package itself goes by; not for users.
        self.dialogue = dialogue
        self._pubsub = pubsub
        self._on_shutdown = on_shutdown
        self._created_at = created_at or datetime.now(UTC)
        self._subscribers = Subscribers(dialogue.options.name or dialogue.session_id)
        self._topics: list[Subscription] = []

    @classmethod
    def from_session(cls, session: Session, /, **options: Any) -> Agent:
        """An agent that goes on where an exported session ended: its conversation, usage, notes and id.

        What a session does not hold is said anew: model, tools, policies. Raises `ConfigError` for `messages=`.
        """
        if not isinstance(session, Session):
            raise ConfigError(f"{a_kind(session)} is no session", hint="read it first: alloy.Session.from_json(text)")
        if "messages" in options:
            raise ConfigError("messages are the session's own", hint="leave messages= out")
        context = {**(options.get("context") or {}), "session_id": session.id}
        agent = cls(**{**options, "context": context, "messages": session.messages})
        view = still_holds(session.view, session.messages, agent.messages)
        agent.dialogue.restore(agent.messages, session.usage, session.cost, view=view)
        agent._created_at = session.created_at
        if session.notes:
            notes_of(agent.dialogue.tool_state).update(session.notes)
        return agent

    # -- asking it ------------------------------------------------------------------------------------------------

    def chat(self, prompt: Any, *, check: bool = True, **overrides: Any) -> Result:
        """Ask, and wait for the answer; options given here hold for this time. `Busy` when it is at work."""
        PORTAL.refuse_here("Agent.chat")
        check_overrides(overrides, _BESIDE)
        return ask_agent(self, prompt, overrides, check=check)

    async def achat(self, prompt: Any, *, check: bool = True, **overrides: Any) -> Result:
        """The same on the running loop. Cancelling it stops the run; what it had done is kept."""
        check_overrides(overrides, _BESIDE)
        with self._turn(prompt, overrides) as make:
            return await run_awaited(make, check=check)

    @contextmanager
    def _turn(self, prompt: Any, overrides: Mapping[str, Any]) -> Iterator[Callable[[Asker | None], Execution]]:
        """What makes the run, whose turn is now; and lets go of it, should it never begin."""
        made: list[Execution] = []

        def make(asker: Asker | None) -> Execution:
            made.append(self.dialogue.make(prompt, overrides, asker=asker))
            self.dialogue.claim(made[0])
            return made[0]

        try:
            yield make
        finally:
            for execution in made:
                self.dialogue.let_go(execution)

    def send(self, prompt: Any, **overrides: Any) -> Run:
        """Ask in the background: the handle of a run that goes on now, or when those before it are done.

        `Busy` when it is at work and `max_pending` is 0, `QueueFull` when so many wait already.
        """
        execution = self.dialogue.make(prompt, overrides, background=True)
        self.begin(execution)
        return in_background(execution)

    def begin(self, execution: Execution) -> None:
        """What the package itself goes by: the run behind `send`, which goes on now or waits."""
        self.dialogue.enqueue(execution)
        self._subscribers.follow(execution)

    def resume(
        self, decisions: Mapping[str, bool | Decision] | None = None, *, check: bool = True, **overrides: Any
    ) -> Result:
        """Go on with the calls that wait (`pending`): True or False for each, by id; the others wait on."""
        return self.chat(None, check=check, decisions=self._checked(decisions), **overrides)

    async def aresume(
        self, decisions: Mapping[str, bool | Decision] | None = None, *, check: bool = True, **overrides: Any
    ) -> Result:
        """The same on the running loop."""
        return await self.achat(None, check=check, decisions=self._checked(decisions), **overrides)

    def _checked(self, decisions: Mapping[str, bool | Decision] | None) -> dict[str, bool | Decision]:
        """Decisions on calls that wait; a `ConfigError` names those that do."""
        if not self.dialogue.busy:
            self.dialogue.check_idle()
            waiting = [call.id for call in self.pending]
            if not waiting:
                raise ConfigError("nothing waits for a decision", hint="ask something: agent.chat(...)")
            hint = "give True or False by the id of a call that waits: " + ", ".join(waiting)
            if decisions is not None and not isinstance(decisions, Mapping):
                raise ConfigError(f"decisions is {decisions!r}", hint=hint)
            for call_id in decisions or ():
                if call_id not in waiting:
                    raise ConfigError(f"no call {call_id!r} waits", hint=hint)
        return dict(decisions or {})

    # -- while it works -------------------------------------------------------------------------------------------

    def cancel(self, run_id: str | None = None) -> bool:
        """Stop a run, queued or running, by its id (None: the one that runs); False when there is none."""
        return self.dialogue.cancel(run_id)

    def steer(self, text: Any) -> bool:
        """A message that the model sees before its next turn; False when the agent is not at work."""
        current = self.dialogue.current
        return current is not None and current.steer(to_message(text))

    def approve(self, call_id: str, remember: Remember | None = None) -> bool:
        """Allow a call of the run that goes on; see `Run.approve`."""
        current = self.dialogue.current
        return current is not None and current.decide(call_id, Decision(allowed=True, remember=remember or "once"))

    def deny(self, call_id: str, reason: str | None = None) -> bool:
        """Refuse a call of the run that goes on; see `Run.deny`."""
        current = self.dialogue.current
        return current is not None and current.decide(call_id, Decision(False, reason or "the user said no"))

    def subscribe(self, callback: Callable[[Event | Result], Any]) -> Subscription:
        """Have `callback` called with each event of runs in the background, and with each one's `Result` at its end.

        On one thread, in order; what it raises is logged. `cancel()` of what is returned ends it.
        """
        check_callback(callback)
        subscription = self._subscribers.add(callback)
        current = self.dialogue.current
        if current is not None and current.background:
            self._subscribers.follow(current)
        return subscription

    # -- what it is like ------------------------------------------------------------------------------------------

    @property
    def messages(self) -> tuple[Message, ...]:
        """The conversation, with what a run in flight has added so far."""
        return self.dialogue.messages

    @property
    def usage(self) -> Usage:
        """Of the agent's life, the run in flight included."""
        return self.dialogue.usage

    @property
    def cost(self) -> float | None:
        """In US dollars, of the agent's life; None where a price is not known, or nothing was used."""
        return self.dialogue.cost

    @property
    def pending(self) -> tuple[ToolCall, ...]:
        """The calls that wait for `resume`."""
        return self.dialogue.pending

    @property
    def name(self) -> str | None:
        """What it is shown as; part of the paths of agents within it."""
        return self.dialogue.options.name

    @property
    def session_id(self) -> str:
        """From the context's ``session_id``, else one of its own, for the agent's life."""
        return self.dialogue.session_id

    @property
    def model(self) -> str:
        """``"provider:model"``, as it would be asked now."""
        provider = self._provider()
        return f"{provider.name}:{provider.model}"

    @property
    def context_window(self) -> int:
        """Tokens that the conversation may fill: the option, else what is known of the model that would be asked."""
        given = self.dialogue.options.context_window
        if given is not None:
            return given
        provider = self._provider()
        info = model_info(provider.model, provider.name)
        return window_of(provider, info) or info.window

    def context_usage(self) -> ContextUsage:
        """What fills the model's window, kind by kind, if it were asked now; estimated. Shown in a cell, a table."""
        dialogue = self.dialogue
        return context_usage(dialogue.options, dialogue.messages, dialogue.view, dialogue.gauge)

    def _provider(self) -> Provider:
        options = self.dialogue.options
        return resolve_model(options.model, working_directory=options.working_directory)

    def health(self) -> Health:
        """Status, turns, messages, usage, uptime, queue: from memory, at once, also while a run is in flight."""
        return self.dialogue.health()

    def __repr__(self) -> str:
        health = self.health()
        name = f" {self.name}" if self.name else ""
        return f"<Agent{name} {health.status}, {health.message_count} messages>"

    # -- changing it ----------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Forget the conversation, the scratchpad and what was allowed; keep options and usage. `Busy` at work."""
        self.dialogue.clear()

    def set_model(self, model: str | Provider) -> None:
        """Ask another model from now on, with the same conversation. `Busy` when it is at work."""
        if model is None:
            raise ConfigError("no model is given", hint="name one, as in agent.set_model('openai:gpt-5.2')")
        self.dialogue.take(self.dialogue.options.override(model=model))

    def undo_files(self, run_id: str | None = None) -> list[UndoneFile]:
        """Take back what `write` and `edit` did to files, in that run or in all so far; what became of each file.

        Only files that are still as the tools left them are touched. `Busy` when it is at work.
        """
        self.dialogue.check_idle()
        return undo_changes(self.dialogue.tool_state, run_id)

    def undo_turn(self) -> tuple[Message, ...]:
        """Take back the last prompt with all that came of it; what was taken, ``()`` when nothing is left."""
        return self.dialogue.undo()

    def fork(self, **options: Any) -> Agent:
        """Another agent that begins with this conversation, its notes and permissions; its usage begins at nothing.

        `options` differ from this one's. It has no bus, subscribers, `on_shutdown` or session hooks.
        """
        agent = object.__new__(type(self))
        agent._init(self.dialogue.fork(agent._ended, options))
        return agent

    def as_tool(self, name: str | None = None, description: str | None = None) -> Tool:
        """A tool with which another agent hands tasks to a fork of this one."""
        name = name or re.sub(r"[^A-Za-z0-9_-]+", "_", self.name or "agent")[:64]
        said = description or f"Hand a task to the agent `{name}`, which works on it and answers in text."
        return AgentTool(self.dialogue, name, said)

    # -- its session ----------------------------------------------------------------------------------------------

    def export_session(self) -> Session:
        """The conversation as a value, to be kept and gone on with by `from_session`; also while a run is in flight.

        Who goes on with it then does not run again what is being run: of those calls the outcome is unknown there.
        """
        health = self.health()
        metadata = {"status": health.status, "turns": health.turns, "model": self.dialogue.label, "name": self.name}
        return Session(
            self.session_id,
            self._messages_for_others(),
            health.usage,
            self.cost,
            metadata,
            dict(notes_of(self.dialogue.tool_state)),
            self._created_at,
            datetime.now(UTC),
            self.dialogue.view,
        )

    def _messages_for_others(self) -> tuple[Message, ...]:
        running = self.dialogue.current
        messages = self.messages
        if running is None:
            return messages
        if running.result is not None:  # its calls have ended since the messages were read
            return running.result.messages
        return end_open_calls(messages, but={question.call.id for question in running.questions})

    def close(self) -> None:
        """Stop what runs and waits, then `session_end`, then `on_shutdown(session)`. Once; later calls do nothing.

        What those raise is logged, and the agent is closed all the same. In a coroutine, `await agent.aclose()`.
        """
        if not self.dialogue.close():
            return
        for subscription in self._topics:
            subscription.cancel()
        for execution in self.dialogue.cancel_all():
            if not execution.is_driven_here and not is_portal_thread():
                try:
                    block_on(execution, check=False, timeout=CLOSING, owns=False)
                except TimeoutError:
                    logger.warning("a run of %r did not end within %g s of its stop", self, CLOSING)
        session = self._end_session()
        if self._on_shutdown is not None:
            try:
                self._on_shutdown(session)
            except Exception:  # the user's own code
                logger.exception("on_shutdown raised; the agent is closed all the same")

    async def aclose(self) -> None:
        """The same, without holding up the running loop."""
        await call_in_thread(self.close, "agent-close").future

    def _exit(self) -> None:
        self.close()

    def _start_session(self, topics: tuple[str, ...]) -> None:
        """`session_start` may change context, topics, system prompt and conversation; a `Halt` is raised."""
        options = self.dialogue.options
        if options.middleware:
            ctx, before = self._hook_context(topics), self.messages
            call_hooks_here(options.middleware, "session_start", ctx)
            self.dialogue.take(options.override(context=ctx.context, system_prompt=ctx.system_prompt))
            messages, view = edited(self.dialogue.view, before, ctx.messages)
            self.dialogue.restore(messages, view=view)
            topics = ctx.topics
        if self._pubsub is not None:
            self._topics = [self._pubsub.subscribe(topic, self._take_prompt) for topic in topics]

    def _end_session(self) -> Session:
        """The session that `on_shutdown` gets: as `session_end` left it, or as it was when that halts or breaks."""
        session = self.export_session()
        middleware = self.dialogue.options.middleware
        if middleware:
            ctx = self._hook_context(())
            try:
                call_hooks_here(middleware, "session_end", ctx)
                messages, view = edited(session.view, session.messages, ctx.messages)
                session = replace(session, messages=messages, view=view)
            except Halted as halted:
                logger.info("session_end: %s", halted.message)
            except Exception:  # the user's own code
                logger.exception("a session_end hook raised; the agent is closed all the same")
        return session

    def _hook_context(self, topics: tuple[str, ...]) -> HookContext:
        options, health = self.dialogue.options, self.health()
        return HookContext(
            "",
            options.name,
            health.turns,
            health.status,
            self.messages,
            health.usage,
            dict(options.context),
            options.system_prompt,
            cost=self.cost,
            topics=topics,
        )

    # -- the bus --------------------------------------------------------------------------------------------------

    def _take_prompt(self, prompt: Any) -> None:
        """A message of a topic: a text is a prompt; what cannot be taken now is told as a result that says so."""
        if not isinstance(prompt, str):
            logger.info("a %s was published, which is no prompt", type(prompt).__name__)
            return
        try:
            self.send(prompt)
        except AlloyError as error:
            known = isinstance(error, Busy)
            logger.warning("a published prompt was not taken: %s", error.message, exc_info=not known)
            self._publish(Result(status="error", error=error))

    def _ended(self, execution: Execution, result: Result) -> None:
        if execution.background:
            self._publish(result)

    def _publish(self, result: Result) -> None:
        if self._pubsub is not None:
            self._pubsub.publish(f"agent:{self.session_id}:responses", result)


def ask_agent(
    agent: Agent, prompt: Any, overrides: Mapping[str, Any], *, check: bool, find: FindSink | None = None
) -> Result:
    """What `Agent.chat` does, shown where `find` says."""
    with agent._turn(prompt, overrides) as make:
        return run_blocking(make, check=check, find=find)
