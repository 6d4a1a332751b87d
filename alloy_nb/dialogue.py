"""What an agent is behind its name: a conversation, the one run at a time that goes on with it, and who waits."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, MutableMapping, Sequence
from dataclasses import replace
from typing import Any, Protocol
from uuid import uuid4

from .agent_health import Health
from .candidates import collect_candidates, summarizer_of
from .context.condensed import Condensed, still_holds
from .context.gauge import Gauge
from .context.surroundings import home_of, skills_of
from .errors import AlloyError, Busy, ConfigError, QueueFull
from .exchanges import Exchanges
from .execution import Execution
from .history import open_calls, repair
from .messages import Message, ToolCall
from .options import Options, check_overrides, working_directory
from .portal import PORTAL, Portal
from .recorder import Recorder, with_session
from .result import Result
from .session import Session
from .state import RunState
from .tools.approval import Asker, Memory
from .tools.context import ParentRun
from .tools.kept import KeptOutputs
from .tools.toolbox import collect_tools
from .usage import Usage, add_costs

__all__ = ["Dialogue", "Host"]

logger = logging.getLogger("alloy_nb")


class Host(Protocol):
    """What an agent is a member of, and works for: it is told of each run, and where the run lives."""

    @property
    def portal(self) -> Portal:
        """Where runs live that nobody drives himself."""

    def adjusted(self, options: Options) -> Options:
        """The options of a run, with what is added to those of every run here."""

    def began(self, execution: Execution) -> None:
        """The turn of this run has come, or it ends before that."""

    def ended(self, execution: Execution, result: Result) -> None:
        """It is over; the next run may have its turn already."""


class Dialogue:
    """One conversation that runs go on with, one at a time; others wait in a queue. On any thread.

    An execution is made (`make`), then has its turn (`claim`, for who waits for it) or waits for it (`enqueue`);
    when it is over, what came of it is the conversation, and the next one is launched. `ended` is called with each
    execution and its result, on the loop that drove it.

    It keeps nothing that belongs to a loop: runs may be driven on different ones.
    """

    def __init__(self, options: Options, ended: Callable[[Execution, Result], None] | None = None) -> None:
        self.memory = Memory()
        self.tool_state: MutableMapping[str, Any] = {}
        self.host: Host | None = None
        self._own_id = f"session-{uuid4().hex[:16]}"
        self._ended = ended
        self._lock = threading.Lock()
        self._current: Execution | None = None
        self._queue: deque[Execution] = deque()
        self._closed = False
        self._began = time.monotonic()
        self._exchanges = Exchanges()
        #: What was learnt of the models that were asked.
        self.gauge = Gauge()
        self._recorder: Recorder | None = None
        self.take(options)
        options, self._recorder = with_session(options)
        stored = self._recorder.session if self._recorder is not None else Session()
        self.restore(options.messages, stored.usage, stored.cost, view=stored.view)
        if self._recorder is not None:
            self._recorder.fill(self.tool_state)

    # -- what it is made of ---------------------------------------------------------------------------------------

    def take(self, options: Options) -> None:
        """Go by these options from now on; every mistake in them is raised here. Nothing may be running."""
        directory = working_directory(options)
        label = collect_candidates(options, directory)[0].label
        collect_tools(options.tools)
        summarizer_of(options, directory)
        if isinstance(options.skills, Collection):  # those that are found are looked for in each run
            skills_of(options.skills, directory, home_of(options))
        with self._lock:
            self.check_idle()
            #: The model that would be asked, when that was looked at last.
            self.label = label
            self.options = options.override(messages=())

    def restore(
        self,
        messages: Sequence[Message],
        usage: Usage | None = None,
        cost: float | None = None,
        *,
        view: Condensed | None = None,
    ) -> None:
        """Put a conversation from elsewhere in place of this one, with its cost so far, and what is sent of it."""
        history = repair(messages)
        with self._lock:
            self.check_idle()
            self._exchanges.take(history, still_holds(view, messages, history))
            if usage is not None:
                self._exchanges.usage, self._exchanges.cost = usage, cost
            self._store()

    @property
    def session_id(self) -> str:
        """That of the store, else the caller's own from the context (also a hook's); else one of its own, for life."""
        if self.options.session is not None:
            return self.options.session
        given = self.options.context.get("session_id")
        return given if isinstance(given, str) and given else self._own_id

    @property
    def messages(self) -> tuple[Message, ...]:
        """The conversation as it stands, with what the run that goes on has added."""
        current = self._current
        return self._exchanges.messages if current is None else current.messages

    @property
    def view(self) -> Condensed | None:
        """What of the beginning of the conversation is sent in its place; None: all of it as it is."""
        current = self._current
        return self._exchanges.view if current is None else current.view

    @property
    def usage(self) -> Usage:
        """Of all runs so far, the one that goes on included."""
        with self._lock:
            before = self._exchanges.usage
            return before if self._current is None else before + self._current.usage

    @property
    def cost(self) -> float | None:
        """In US dollars; None where the price of anything that was used is not known."""
        with self._lock:
            current, before = self._current, self._exchanges
            if current is None:
                return before.cost
            return add_costs(before.usage, before.cost, current.usage, current.cost)

    @property
    def pending(self) -> tuple[ToolCall, ...]:
        """The calls that wait for a decision; empty while a run goes on."""
        return () if self._current is not None else open_calls(self._exchanges.messages)

    @property
    def busy(self) -> bool:
        return self._current is not None

    @property
    def current(self) -> Execution | None:
        """The run that goes on."""
        return self._current

    def health(self) -> Health:
        """At once, also while a run is in flight."""
        with self._lock:
            current, waiting, said = self._current, len(self._queue), self._exchanges
            status, turns, history, usage = said.status, said.turns, said.messages, said.usage
        if current is not None:
            status = "waiting" if current.questions else "running"
            turns, history, usage = current.turns, current.messages, usage + current.usage
        uptime = round((time.monotonic() - self._began) * 1000)
        return Health(
            "closed" if self._closed else status,
            turns,
            len(history),
            usage,
            uptime,
            current is not None,
            waiting,
            self.options.max_pending,
        )

    # -- a run of it ----------------------------------------------------------------------------------------------

    def make(
        self,
        prompt: Any,
        overrides: Mapping[str, Any],
        *,
        asker: Asker | None = None,
        background: bool = False,
        parent: ParentRun | None = None,
    ) -> Execution:
        """A run that goes on with the conversation as it stands now. It changes nothing here before its turn."""
        given = dict(overrides)
        if "request_id" in given:  # Alloy's word for it
            given.setdefault("run_id", given.pop("request_id"))
        check_overrides(given)
        if prompt is None and not self._exchanges.messages:
            raise ConfigError("there is no prompt and no conversation yet", hint="pass a prompt")
        options = self.options.override(**given, messages=self._exchanges.messages)
        host = self.host
        if host is not None:
            options = host.adjusted(options)
        execution: Execution

        def ended(result: Result) -> None:
            self._finish(execution, result)

        state = RunState(
            prompt,
            options,
            asker=asker,
            memory=self.memory,
            tool_state=self.tool_state,
            parent=parent,
            call_ids=set(self._exchanges.call_ids),
            session_id=self.session_id,
            gauge=self.gauge,
            view=self._exchanges.view,
        )
        execution = Execution(state, background=background, ended=ended, portal=self._portal)
        return execution

    def _portal(self) -> Portal:
        return PORTAL if self.host is None else self.host.portal

    def claim(self, execution: Execution) -> None:
        """Its turn is now, or `Busy` is raised; to be followed by `let_go`, whatever happens in between."""
        try:
            with self._lock:
                self.check_idle()
                self._begin(execution)
        except BaseException:  # an interrupt, too: whoever is not told that it is theirs does not let go of it
            self.let_go(execution)
            raise

    def let_go(self, execution: Execution) -> None:
        """Who waited for it no longer does: what never began will never end, and holds up nobody."""
        if execution.launched:
            return
        with self._lock:
            if self._current is not execution:
                return
            self._current = None
            following = self._take_next()
        if self.host is not None:  # it was told that it began
            execution.abandon(AlloyError("the run was let go before it began"))
        self._launch(following)

    def enqueue(self, execution: Execution) -> None:
        """Launch it now, or when those before it are done; `Busy` without a queue, `QueueFull` without room."""
        try:
            with self._lock:
                self._check_open()
                if execution.run_id in self._run_ids():
                    raise ConfigError(f"a run {execution.run_id!r} is there already", hint="give each its own run_id")
                if self._current is not None:
                    if len(self._queue) >= self.options.max_pending:
                        raise self._full()
                    self._queue.append(execution)
                    return
                self._begin(execution)
            execution.launch()
        except BaseException:  # an interrupt, too: it may come as soon as the turn is taken
            self.let_go(execution)
            raise

    def cancel(self, run_id: str | None = None) -> bool:
        """Stop the run of that id, queued or running (None: the one that runs); False when there is none."""
        with self._lock:
            current = self._current
            waiting = next((item for item in self._queue if item.run_id == run_id), None)
            if waiting is not None:
                self._queue.remove(waiting)
        if waiting is not None:
            waiting.cancel()
            if self.host is not None:
                self.host.began(waiting)
            waiting.launch()  # who waits for it sees it begin and end
            return True
        if current is None or run_id not in (None, current.run_id):
            return False
        return current.cancel()

    def cancel_all(self) -> list[Execution]:
        """Stop whatever runs or waits; what is to be waited for."""
        with self._lock:
            stopped = [*([self._current] if self._current is not None else []), *self._queue]
        for execution in reversed(stopped):
            self.cancel(execution.run_id)
        return stopped

    def close(self) -> bool:
        """Take no more runs; False when it was closed already."""
        with self._lock:
            was_open, self._closed = not self._closed, True
            return was_open

    def _begin(self, execution: Execution) -> None:
        """Its turn has come: it goes on from the conversation as it is now. Under the lock."""
        said = self._exchanges
        execution.begin(said.messages, set(said.call_ids), self._recorder, said.view)
        self._current = execution
        if self.host is not None:
            self.host.began(execution)

    def _take_next(self) -> list[Execution]:
        """The next of the queue has its turn; those before it that cannot go on from here end in an error."""
        taken: list[Execution] = []
        while self._queue and self._current is None:
            execution = self._queue.popleft()
            taken.append(execution)
            try:
                self._begin(execution)
            except AlloyError as error:
                execution.refuse(error)
        return taken

    def _launch(self, executions: Sequence[Execution]) -> None:
        for execution in executions:
            try:
                execution.launch()
            except Exception:  # no thread can be started: whoever comes next may have more luck
                logger.exception("a queued run could not be launched")
                self.let_go(execution)

    def _finish(self, execution: Execution, result: Result) -> None:
        """Take over what came of a run, and launch the next. On the loop that drove it, before anybody knows."""
        following: list[Execution] = []
        with self._lock:
            if self._current is execution:
                self._current = None
                try:
                    self._exchanges.absorb(execution, result)
                finally:
                    following = self._take_next()
        try:
            if self.host is not None:
                self.host.ended(execution, result)
            if self._ended is not None:
                self._ended(execution, result)
        finally:
            self._launch(following)

    def _run_ids(self) -> set[str]:
        running = [self._current] if self._current is not None else []
        return {execution.run_id for execution in (*running, *self._queue)}

    # -- changing the conversation --------------------------------------------------------------------------------

    def clear(self) -> None:
        """Forget what was said, noted and allowed; options and usage stay."""
        with self._lock:
            self.check_idle()
            self._exchanges.clear()
            self.tool_state.clear()
            self.memory = Memory()
            self._store()

    def undo(self) -> tuple[Message, ...]:
        """Take the last prompt back, with all that came of it; what was taken. Earlier signed thoughts go, too."""
        with self._lock:
            self.check_idle()
            taken = self._exchanges.undo()
            if taken:
                self._store()
            return taken

    def _store(self) -> None:
        """What was changed between two runs, into the session's store."""
        said = self._exchanges
        if self._recorder is not None:
            self._recorder.sync(said.messages, self.tool_state, total=(said.usage, said.cost), view=said.view)

    def fork(
        self, ended: Callable[[Execution, Result], None] | None = None, given: Mapping[str, Any] | None = None
    ) -> Dialogue:
        """Another dialogue that begins as this one stands: what is said, noted or allowed there stays there.

        `given` are options in which it differs. It is stored only under a session of its own.
        """
        if given and "messages" in given:
            raise ConfigError("a fork begins with this conversation", hint="make a new agent for another one")
        with self._lock:
            said, options = self._exchanges, self.options
            history, starts, view = said.messages, list(said.starts), said.view
        made = Dialogue(replace(options, messages=history, session=None, store=None).override(**given or {}), ended)
        made._exchanges.starts = starts
        made._exchanges.view = still_holds(view, history, made._exchanges.messages)
        made.gauge = self.gauge
        made.memory = self.memory.copy()
        made.tool_state.update(_copied(self.tool_state))
        return made

    def renew(self) -> None:
        """Go on from here with copies of what a run may still hold that did not come back, or that broke."""
        with self._lock:
            self.tool_state = _copied(self.tool_state)

    # -- refusing -------------------------------------------------------------------------------------------------

    def _check_open(self) -> None:
        if self._closed:
            raise AlloyError("the agent is closed", hint="make a new one: Agent.from_session(old.export_session())")

    def check_idle(self) -> None:
        """Raise `Busy` while a run goes on, and what is to be raised once it is closed."""
        self._check_open()
        if self._current is not None:
            raise self._busy()

    def _busy(self) -> Busy:
        return Busy(
            "the agent is at work",
            hint="wait for it, or agent.cancel() it; agent.send(...) queues prompts with max_pending=N; "
            "agent.fork() works beside it",
        )

    def _full(self) -> Busy:
        if not self.options.max_pending:
            return self._busy()
        return QueueFull(
            f"the agent's queue of {self.options.max_pending} is full",
            hint="wait, or make it with a larger max_pending",
        )


def _copied(state: Mapping[str, Any]) -> dict[str, Any]:
    """What can be copied of a tool state: values and kept outputs, not other things that hold files or locks."""
    from copy import deepcopy

    kinds = (str, int, float, list, dict, tuple, KeptOutputs)
    return deepcopy({key: value for key, value in dict(state).items() if isinstance(value, kinds)})
