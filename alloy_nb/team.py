"""`Team`: agents that work side by side, each on a lane of its own, and share what they know and may spend."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from .agent import Agent, ask_agent
from .errors import AlloyError, ConfigError
from .events import Event
from .execution import Execution
from .guests import check_callback
from .handle import Run
from .interrupting import interrupts_cancel
from .keywords import keywords_told
from .leaving import Leaving
from .options import check_overrides, make_options
from .portal import PORTAL
from .prompts import to_message
from .result import Result
from .runs import in_background
from .sinks import resolve
from .subscribers import Subscription
from .teams.context import SharedContext, as_json
from .teams.group import TeamRun
from .teams.handing_over import Handoff, HandoffTool
from .teams.kinds import Broadcast, Handover
from .teams.listeners import Listeners
from .teams.making import check_context, check_list, check_team, checked_handoffs, make_member, tools_of, unknown
from .teams.members import Member, MemberHealth
from .teams.results import TeamResults
from .teams.timeline import Timeline
from .teams.waiting import find_delegate_sink, find_team_sink
from .teams.watch import Watch
from .tools.base import Tool
from .tools.workers import call_in_thread
from .usage import Budget, Usage, add_costs
from .waiting import await_end, cancellation_of

__all__ = ["Team"]

logger = logging.getLogger("alloy_nb")

#: Seconds that a member may take for one prompt, unless something else is said.
TIMEOUT = 120.0


@keywords_told
class Team(Leaving):
    """Agents by name, made here from options or given; each works on a thread and a loop of its own.

    `delegate` asks one, `broadcast` all of them at once, `handoff` one after another; `adelegate` and its like are
    awaited on your loop, `start_delegate` and its like go on in the background. What blocks, breaks or floods one
    member holds up no other. One that crashes goes on with its conversation, and stays down when that happens more
    than 3 times in 60 s; a run that does not answer its stop is given up, and its member works on.

    `context` is a mapping that the agents see in their prompts, and change with a tool; `budget` is spent by all of
    them together, but for one that has a budget of its own; `timeout` is in seconds, for each prompt to a member.
    `handoffs` says who may hand a conversation over to whom by itself: ``{"triage": ["coder", "critic"]}``; in place of
    a name ``Handoff("coder", filter=...)`` says what goes along.

    >>> import alloy_nb as alloy
    >>> team = alloy.Team({name: {"model": alloy.Scripted([f"I am {name}."])} for name in ("coder", "critic")})
    >>> team.broadcast("Who are you?")
    coder   completed  I am coder.
    critic  completed  I am critic.
    >>> team.stop()
    """

    def __init__(
        self,
        agents: Mapping[str, Agent | Mapping[str, Any]],
        *,
        context: Mapping[str, Any] | None = None,
        budget: Budget | None = None,
        timeout: float | None = TIMEOUT,
        name: str = "team",
        handoffs: Mapping[str, Sequence[str | Agent | Handoff]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        check_team(agents, context, budget, timeout, name)
        self.name = name
        self._context = SharedContext(context)
        self.budget = budget
        self.timeout = timeout
        self._clock = clock
        self._lock = threading.Lock()
        self._members: dict[str, Member] = {}
        self._stopped = False
        self._gone: tuple[Usage, float | None] = (Usage(), None)
        self._timeline = Timeline()
        self._watch = Watch(name)
        self._listeners = Listeners(name)
        self._transfers: dict[str, dict[str, Handoff]] = {}
        try:
            for key, given in agents.items():
                self._members[key] = make_member(key, given, self, clock)
            self._transfers = checked_handoffs(handoffs or {}, self.agents)
        except BaseException:
            for member in self._members.values():
                member.release()
            raise

    # -- asking them ----------------------------------------------------------------------------------------------

    def delegate(self, name: str, prompt: Any, *, check: bool = True, **overrides: Any) -> Result:
        """Ask one member, and wait for its answer; options given here hold for this time.

        Raises `ConfigError` for an unknown name, `Busy` for one at work, and what the run ended in; with
        ``check=False`` the `Result` says so instead.
        """
        PORTAL.refuse_here("Team.delegate")
        try:
            check_overrides(overrides, _DELEGATE)
            agent, options = self._addressed(name, overrides)
            return ask_agent(agent, prompt, options, check=check, find=partial(find_delegate_sink, self, name))
        except AlloyError as error:
            return _refused(error, check)

    async def adelegate(self, name: str, prompt: Any, *, check: bool = True, **overrides: Any) -> Result:
        """The same, awaited on the running loop; the member works on its lane. Being cancelled stops its run."""
        try:
            check_overrides(overrides, _DELEGATE)
            execution = self._begin(name, prompt, overrides)
        except AlloyError as error:
            return _refused(error, check)
        with interrupts_cancel(lambda: cancellation_of(execution)):
            try:
                sink = find_delegate_sink(self, name, execution.options.display, execution.inputs)
                return await await_end(execution, sink, check=check)
            except BaseException:
                execution.cancel()
                await await_end(execution, check=False)
                raise

    def start_delegate(self, name: str, prompt: Any, **overrides: Any) -> Run:
        """The same in the background: the handle of the run, at once."""
        return Run(self._begin(name, prompt, overrides))

    def broadcast(
        self, prompt: Any, *, names: Sequence[str] | None = None, display: str | None = "auto", **overrides: Any
    ) -> TeamResults:
        """Ask all members at once, or those of `names`, and wait: each one's `Result` by its name, in order.

        It never raises for one: that crashed, took too long or could not begin is said by its result. `ConfigError`
        for an unknown option or name.
        """
        PORTAL.refuse_here("Team.broadcast")
        sink = find_team_sink(display, self)
        return self.start_broadcast(prompt, names=names, **overrides).wait(sink=sink)

    async def abroadcast(
        self, prompt: Any, *, names: Sequence[str] | None = None, display: str | None = "auto", **overrides: Any
    ) -> TeamResults:
        """The same, awaited on the running loop. Being cancelled stops all of them."""
        sink = find_team_sink(display, self)
        return await self.start_broadcast(prompt, names=names, **overrides).wait_async(sink=sink)

    def start_broadcast(
        self, prompt: Any, *, names: Sequence[str] | None = None, **overrides: Any
    ) -> TeamRun[TeamResults]:
        """The same in the background: a handle of all of them, at once."""
        self._check_open()
        self._check_said(overrides, _BROADCAST)  # what is wrong for all of them is nobody's own result
        run = Broadcast(self, self._asked(names), _text_of(prompt))
        options = {"correlation_id": run.run_id, **overrides}
        with _stopped_by_interrupt(run):
            run.begin(lambda name: self._begin(name, prompt, options, run.note))
        return run

    def handoff(
        self, names: Sequence[str], prompt: Any, *, check: bool = True, display: str | None = "auto", **overrides: Any
    ) -> Result:
        """Ask one member after another: each one's text is the next one's prompt; the last one's `Result`.

        Each one after the first is told what was asked at the beginning, too. It stops at the first that does not
        complete. `usage` and `cost` are of all of them; ``[]`` gives an empty result. All names and options are looked
        at before the first one is asked: `ConfigError` for one that is unknown.
        """
        PORTAL.refuse_here("Team.handoff")
        sink = find_team_sink(display, self)
        try:
            run = self.start_handoff(names, prompt, **overrides)
        except AlloyError as error:
            return _refused(error, check)
        return run.wait(check=check, sink=sink)

    async def ahandoff(
        self, names: Sequence[str], prompt: Any, *, check: bool = True, display: str | None = "auto", **overrides: Any
    ) -> Result:
        """The same, awaited on the running loop. Being cancelled stops it."""
        sink = find_team_sink(display, self)
        try:
            run = self.start_handoff(names, prompt, **overrides)
        except AlloyError as error:
            return _refused(error, check)
        return await run.wait_async(check=check, sink=sink)

    def start_handoff(self, names: Sequence[str], prompt: Any, **overrides: Any) -> TeamRun[Result]:
        """The same in the background: a handle of all of it, at once."""
        check_list(names)
        names = list(names)
        self._check_open()
        self._check_said(overrides, _HANDOFF)
        for name in names:  # before the first one is asked, who is at the mercy of the last one's name
            self._member(name).check_up()
        run = Handover(self, names, _text_of(prompt))

        def begin(place: int, text: Any) -> Execution:
            options = {"correlation_id": run.run_id, **overrides}
            if place:
                before, name = run.names[place - 1], run.names[place]
                options["system_prompt"] = self._told_of_task(name, before, _text_of(prompt), options)
                self._timeline.note("handoff", name, **{"from": before, "to": name})
            return self._begin(run.names[place], text, options, run.note)

        with _stopped_by_interrupt(run):
            run.begin(begin, prompt)
        return run

    def _check_said(self, overrides: Mapping[str, Any], beside: Sequence[str]) -> None:
        """Wrong options are told once, before anybody is asked."""
        check_overrides(overrides, beside)
        make_options(overrides)

    def _asked(self, names: Sequence[str] | None) -> list[str]:
        """The members of a broadcast: all, or those of the names, each once."""
        if names is None:
            return list(self._copied())
        check_list(names)
        return [self._member(name).name for name in dict.fromkeys(names)]

    def _begin(
        self,
        name: str,
        prompt: Any,
        overrides: Mapping[str, Any],
        note: Callable[[Execution], Any] | None = None,
    ) -> Execution:
        """A run in the background, begun or in the queue; `note` is given it before, should an interrupt land here."""
        agent, options = self._addressed(name, overrides)
        execution = agent.dialogue.make(prompt, options, background=True)
        if note is not None:
            note(execution)
        agent.begin(execution)
        in_background(execution)
        return execution

    def _addressed(self, name: str, overrides: Mapping[str, Any]) -> tuple[Agent, dict[str, Any]]:
        """The agent of a member that is up, and the options of a run of it."""
        self._check_open()
        member = self._member(name)
        member.check_up()
        options = dict(overrides)
        if "timeout" not in options and member.agent.dialogue.options.timeout is None:
            options["timeout"] = self.timeout
        return member.agent, options

    def _told_of_task(self, name: str, before: str, task: str, options: Mapping[str, Any]) -> str:
        """The system prompt of one who goes on with what another one made of a task."""
        own = options.get("system_prompt") or self._member(name).agent.dialogue.options.system_prompt
        told = _TASK.format(before=before, task=as_json(task, LONGEST_TASK))
        return "\n\n".join(text for text in (own, told) if text)

    # -- what they share ------------------------------------------------------------------------------------------

    @property
    def context(self) -> SharedContext:
        """What the agents share; a mapping that is assigned has its values put in place of all that is there."""
        return self._context

    @context.setter
    def context(self, values: Mapping[str, Any]) -> None:
        check_context(values)
        self._context.replace(values)

    # -- who is in it ---------------------------------------------------------------------------------------------

    @property
    def agents(self) -> dict[str, Agent]:
        """The members' agents by name, in order."""
        return {name: member.agent for name, member in self._copied().items()}

    def add(self, name: str, agent: Agent | Mapping[str, Any]) -> Agent:
        """Take in one more, an agent or the options of one. `ConfigError` for a name that is taken."""
        self._check_free(name)
        # Not under the lock: hooks of a session that begins may look at the team.
        member = make_member(name, agent, self, self._clock)
        try:
            with self._lock:
                self._check_free(name)
                self._members[name] = member
        except AlloyError:
            member.release()
            raise
        self.tell("member_added", name)
        return member.agent

    def _check_free(self, name: str) -> None:
        self._check_open()
        if name in self._members:
            raise ConfigError(f"there is an agent {name!r} already", hint="choose another name, or remove it first")

    def remove(self, name: str) -> None:
        """Let one go: its run is stopped, its agent closed. The others are not held up. `ConfigError` when unknown."""
        self._member(name)
        with self._lock:
            member = self._members.pop(name, None)
        if member is None:  # somebody else was quicker
            return
        self._leave(member)
        self.tell("member_removed", name)

    async def aremove(self, name: str) -> None:
        """The same, without holding up the running loop."""
        await call_in_thread(lambda: self.remove(name), "team-remove").future

    def restart(self, name: str) -> None:
        """Have one that stays down work again, with its conversation, on a new lane. `Busy` when it is at work."""
        self._check_open()
        self._member(name).restart()

    def get(self, name: str) -> Agent | None:
        """A member's agent, None where there is none."""
        member = self._copied().get(name)
        return None if member is None else member.agent

    def __getitem__(self, name: str) -> Agent:
        return self._member(name).agent

    def __contains__(self, name: object) -> bool:
        return name in self._copied()

    def __iter__(self) -> Iterator[str]:
        return iter(self._copied())

    def __len__(self) -> int:
        return len(self._members)

    def _copied(self) -> dict[str, Member]:
        with self._lock:
            return dict(self._members)

    def _member(self, name: str) -> Member:
        members = self._copied()
        if name not in members:
            raise unknown(name, list(members))
        return members[name]

    def _leave(self, member: Member) -> None:
        member.leave()
        with self._lock:
            usage, cost = self._gone
            added = member.agent.usage
            self._gone = usage + added, add_costs(usage, cost, added, member.agent.cost)

    # -- how it is ------------------------------------------------------------------------------------------------

    def health(self) -> dict[str, MemberHealth]:
        """How each member is: its agent's `health()`, crashes, restarts, whether it is down, runs given up. At once."""
        return {name: member.health() for name, member in self._copied().items()}

    @property
    def usage(self) -> Usage:
        """Of all members, those that have left included."""
        return self._spent()[0]

    @property
    def cost(self) -> float | None:
        """The same in US dollars, None where a price is not known, or nothing was used."""
        return self._spent()[1]

    def _spent(self) -> tuple[Usage, float | None]:
        usage, cost = self._gone
        for member in self._copied().values():
            added = member.agent.usage
            usage, cost = usage + added, add_costs(usage, cost, added, member.agent.cost)
        return usage, cost

    def snapshot(self) -> dict[str, Any]:
        """All that a view begins with, JSON-ready: `name`, `members` (name, health, newest run), `timeline`, `context`,
        `usage`, `cost`. The timeline holds the last 500 runs and happenings, oldest first.
        """
        usage, cost = self._spent()
        return {
            "name": self.name,
            "members": [member.to_dict() for member in self._copied().values()],
            "timeline": self._timeline.to_list(),
            "context": {
                key: {"value": as_json(entry.value), "by": entry.by} for key, entry in self.context.entries().items()
            },
            "usage": usage.to_dict(),
            "cost": cost,
        }

    @property
    def timeline(self) -> Timeline:
        """Who ran when: what front ends go by."""
        return self._timeline

    def run_of(self, name: str) -> Run | None:
        """The newest run of a member, going on or over; None before the first."""
        newest = self._member(name).newest
        return None if newest is None else Run(newest)

    def subscribe(self, callback: Callable[[Event], Any]) -> Subscription:
        """Have `callback` called with every event of every member, as one stream, and with what happens to the team.

        In order, on one thread; `seq` rises by one, `agent` is the path (``"team/coder"``), `origin_seq` the run's own
        number. What happens to the team has the `run_id` ``""`` and the `type` ``"member_added"``,
        ``"member_removed"``, ``"crash"``, ``"restart"``, ``"down"`` or ``"abandoned"``. To the first who subscribes,
        what goes on is told from its beginning. `cancel()` of what is returned ends it.
        """
        check_callback(callback)
        newest = (member.newest for member in self._copied().values())
        return self._listeners.add(callback, [run for run in newest if run is not None and run.result is None])

    def __repr__(self) -> str:
        text: str = resolve("team_text")(self)
        return text

    def _ipython_display_(self) -> None:
        resolve("show_team")(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle: dict[str, Any] = resolve("team_bundle")(self)
        return bundle

    # -- its end --------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop what runs, and close all agents. Once; in a coroutine, `await team.astop()`."""
        with self._lock:
            was_open, self._stopped = not self._stopped, True
            members = list(self._members.values())
        if not was_open:
            return
        for member in members:
            member.agent.dialogue.cancel_all()
        for member in members:
            self._leave_quietly(member)

    def _leave_quietly(self, member: Member) -> None:
        try:
            member.leave()
        except Exception:  # the others are to be closed all the same
            logger.exception("an agent of %s could not be closed", self.name)

    async def astop(self) -> None:
        """The same, without holding up the running loop."""
        await call_in_thread(self.stop, "team-stop").future

    def _exit(self) -> None:
        self.stop()

    def _check_open(self) -> None:
        if self._stopped:
            raise AlloyError("the team is stopped", hint="make a new one: alloy.Team({...})")

    # -- what its members tell (see `Home`) -----------------------------------------------------------------------

    def began(self, member: Member, execution: Execution) -> None:
        """A run of a member has its turn."""
        self._timeline.began(member.name, execution)
        self._watch.add(execution, member.give_up)
        self._listeners.follow(execution)

    def ended(self, member: Member, execution: Execution, result: Result) -> None:
        """It is over."""
        self._timeline.ended(execution, result)

    def tell(self, kind: str, name: str, **told: Any) -> None:
        """Something happened to a member."""
        self._timeline.note(kind, name, **told)
        self._listeners.tell(kind, {"name": name, **told})

    def transfers(self, name: str) -> Sequence[Tool]:
        """The tools by which a member hands a conversation over to others, as far as they are there and up."""
        members, given = self._copied(), self._transfers.get(name, {})
        return [
            HandoffTool(
                other, members[other].successor, tool, handoff, handed=self._handed, over=members[other].took_over
            )
            for (other, handoff), tool in zip(given.items(), tools_of(given), strict=True)
            if other in members and not members[other].supervision.down
        ]

    def _handed(self, giver: str, to: str) -> None:
        self._timeline.note("handoff", to, **{"from": giver, "to": to})


#: What the ways to ask take beside options.
_DELEGATE = ("name", "prompt", "check")
_BROADCAST = ("names", "prompt", "display")
_HANDOFF = ("names", "prompt", "check", "display")

#: What a member after the first one of a hand-off is told beside its prompt, and how much of the task.
_TASK = (
    "# The task\nYou go on where {before} ended, whose answer is your prompt. What was asked at the beginning: {task}"
)
LONGEST_TASK = 8_000


def _refused(error: AlloyError, check: bool) -> Result:
    """What could not begin is raised, or said by the result of who does not want it raised."""
    if check:
        raise error
    return Result(status="error", error=error)


@contextmanager
def _stopped_by_interrupt(run: TeamRun[Any]) -> Iterator[None]:
    """An interrupt while some have begun and others not: nobody has a handle of it yet."""
    try:
        yield
    except KeyboardInterrupt:
        run.cancel()
        raise


def _text_of(prompt: Any) -> str:
    return "" if prompt is None else to_message(prompt).text
