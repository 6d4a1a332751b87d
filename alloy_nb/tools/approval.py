"""Who decides whether a call may run: the policy, the questions, and what was decided before."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

from ..articles import a_kind
from ..errors import ConfigError
from ..guests import call_guest, contain, is_async
from ..messages import ToolCall
from .workers import call_in_thread

if TYPE_CHECKING:
    from ..options import Approval
    from .context import ToolContext

__all__ = ["ApprovalDesk", "Asker", "Decision", "Memory", "Question", "Remember", "is_bool", "nobody_to_ask"]

Remember = Literal["once", "command", "tool"]


@dataclass(frozen=True, slots=True)
class Question:
    """A call that needs a person's word: which call, why, and the argument that matters.

    `subject` is for showing, on one line; `pattern` is that argument to the letter, for remembering what was allowed.
    `scope` says for which tool in which folder: what is remembered of one holds for no other of its name. `agent` is
    the path of who asks (``"team/coder"``), None for an agent without a name.
    """

    call: ToolCall
    reason: str
    subject: str
    pattern: str
    scope: Hashable = None
    agent: str | None = None

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, by whom (``"user"``, ``"policy"``, ``"function"``, ``"remembered"``), and why not."""

    allowed: bool
    reason: str | None = None
    by: str = "user"
    remember: Remember = "once"

    def __post_init__(self) -> None:
        if self.remember not in get_args(Remember):
            raise ConfigError(f"remember is {self.remember!r}", hint="choose one of " + ", ".join(get_args(Remember)))


def nobody_to_ask(question: Question) -> Decision:
    """The answer where no person can be asked: no, and how to change that."""
    what = f"{question.call.name} {question.subject}".strip()
    return Decision(
        allowed=False,
        reason=f"nobody could be asked to approve `{what}`: there is no interactive prompt here. "
        "The user can allow it with approval='auto' or a function that decides.",
        by="policy",
    )


class Wanted:
    """How a question stands, on any thread: whether it still waits, to be asked before it is put; and its answer.

    Who puts one question after the other says the answer to `settle` before the next one's turn, which it may cover.
    """

    def __init__(self, desk: ApprovalDesk, question: Question) -> None:
        self._desk = desk
        self._question = question

    def __call__(self) -> bool:
        return self._desk.wants(self._question)

    def settle(self, decision: Decision) -> None:
        self._desk.decide(self._question.call.id, decision)


class Asker(Protocol):
    """Asks a person. `ask` may take as long as it likes; it is cancelled when the answer comes another way."""

    async def ask(self, question: Question, wanted: Wanted) -> Decision: ...


class Memory:
    """What was allowed for good: a tool, or a tool with one subject (a command, a path). For a session's life."""

    def __init__(self) -> None:
        self._allowed: set[tuple[Hashable, str, str | None]] = set()

    def copy(self) -> Memory:
        made = Memory()
        made._allowed = set(self._allowed)
        return made

    def knows(self, question: Question) -> bool:
        tool = (question.scope, question.call.name)
        return (*tool, None) in self._allowed or (*tool, question.pattern) in self._allowed

    def note(self, question: Question, decision: Decision) -> None:
        if decision.allowed and decision.remember != "once":
            pattern = None if decision.remember == "tool" else question.pattern
            self._allowed.add((question.scope, question.call.name, pattern))


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A question that was put and has no answer yet."""

    question: Question
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Decision]


class ApprovalDesk:
    """The questions of one run. Answers come from the policy, the asker, or `decide` on any thread."""

    def __init__(
        self,
        policy: Approval,
        asker: Asker | None,
        memory: Memory,
    ) -> None:
        self.policy = policy
        self.asker = asker
        self.memory = memory
        self._decisions: dict[str, bool | Decision] = {}
        self._open: dict[str, _Waiting] = {}
        self._lock = threading.Lock()
        self._closed = False

    def prepare(self, decisions: Mapping[str, bool | Decision]) -> None:
        """What was decided before the run began, by the calls' ids; a `ConfigError` for what is no decision."""
        for call_id, decision in decisions.items():
            if not isinstance(decision, Decision) and not is_bool(decision):
                raise ConfigError(f"the decision on {call_id} is {decision!r}", hint="say True or False for each call")
        self._decisions = dict(decisions)

    @property
    def open_questions(self) -> tuple[Question, ...]:
        """What waits for a person now."""
        with self._lock:
            return tuple(waiting.question for waiting in self._open.values())

    def wants(self, question: Question) -> bool:
        """Whether a question still waits for a person; of a run that was stopped none does."""
        with self._lock:
            return question.call.id in self._open and not self._closed

    def close(self) -> None:
        """The run is being stopped: nothing more is put to anybody."""
        self._closed = True

    def pauses(self, call: ToolCall) -> bool:
        """True when this call ends the run as ``waiting`` instead of being asked about."""
        return self.policy == "pause" and call.id not in self._decisions

    def decide(self, call_id: str, decision: Decision) -> bool:
        """Answer an open question, from any thread; False when it is not open (any more)."""
        with self._lock:
            waiting = self._open.get(call_id)
            if waiting is None:
                return False
            # The loop is told first: an interrupt between the two leaves no question that nobody can answer.
            told = _tell(waiting, decision)
            del self._open[call_id]
        if told:
            # At once: whoever looks at the open questions next finds those that this covers answered.
            self._cover(waiting.question, decision)
        return told

    async def ask(self, question: Question, ctx: ToolContext, told: Callable[[], Awaitable[Any]]) -> Decision:
        """The decision for one call, however long a person takes.

        `told` returns once whoever consumes the run has the question: only then it is put to a person or a function,
        who may want to see what led to it. It may be answered by `decide` from the beginning.
        """
        call = question.call
        if call.id in self._decisions:
            return _as_decision(self._decisions.pop(call.id))  # it was made for one call
        if callable(self.policy):
            await told()
            return await self._ask_function(call, ctx)
        if self.policy == "auto":
            return Decision(allowed=True, by="policy")
        if self.policy == "deny":
            return Decision(False, "the approval policy is 'deny'", by="policy")
        if self.memory.knows(question):
            return Decision(allowed=True, by="remembered")
        if self.policy == "pause":  # the question of an agent within a call: that call cannot wait for it
            return nobody_to_ask(question)
        decision = await self._ask_person(question, told)
        self._cover(question, decision)
        return decision

    async def _ask_function(self, call: ToolCall, ctx: ToolContext) -> Decision:
        assert callable(self.policy)
        policy = self.policy
        if is_async(policy):
            return _as_answer(await call_guest(policy, call, ctx))
        # A function that is not async may wait for somebody: in a thread of its own it holds up nobody else.
        settling = call_in_thread(lambda: policy(call, ctx), "approval")
        answer: Any = await settling.future
        if inspect.isawaitable(answer):
            answer = await contain(answer)
        return _as_answer(answer)

    def _cover(self, question: Question, decision: Decision) -> None:
        """Remember what is allowed for good: it answers the other questions that it covers, too."""
        if not decision.allowed or decision.remember == "once":
            return
        self.memory.note(question, decision)
        for other in self.open_questions:
            if self.memory.knows(other):
                self.decide(other.call.id, Decision(allowed=True, by="remembered"))

    async def _ask_person(self, question: Question, told: Callable[[], Awaitable[Any]]) -> Decision:
        asker = self.asker
        if asker is None:
            return nobody_to_ask(question)
        if self.memory.knows(question):  # since it was asked about, a sibling's answer has covered it
            return Decision(allowed=True, by="remembered")

        async def put() -> Decision:
            await told()
            return await asker.ask(question, Wanted(self, question))

        loop = asyncio.get_running_loop()
        future: asyncio.Future[Decision] = loop.create_future()
        with self._lock:
            if question.call.id in self._open:  # an answer must reach the call that it was given for
                return Decision(False, "another question with the id of this call is open", by="policy")
            self._open[question.call.id] = _Waiting(question, loop, future)
        asking = asyncio.ensure_future(put())
        try:
            await asyncio.wait({asking, future}, return_when=asyncio.FIRST_COMPLETED)
            return future.result() if future.done() else asking.result()
        finally:
            with self._lock:
                self._open.pop(question.call.id, None)
            asking.cancel()


def _tell(waiting: _Waiting, decision: Decision) -> bool:
    try:
        waiting.loop.call_soon_threadsafe(_answer, waiting.future, decision)
    except RuntimeError:  # its loop is closed: the run is gone
        return False
    return True


def _answer(future: asyncio.Future[Decision], decision: Decision) -> None:
    if not future.done():
        future.set_result(decision)


def _as_answer(value: Any) -> Decision:
    """Only True allows: a function that says "no" in words has not said yes."""
    if isinstance(value, Decision):
        return value
    if value is None or is_bool(value):
        return Decision(bool(value), None if value else "the approval function said no", by="function")
    why = f"the approval function returned {a_kind(value)}, where only True allows a call"
    return Decision(False, why, by="function")


def is_bool(value: Any) -> bool:
    """True, False, or numpy's."""
    return isinstance(value, bool) or (type(value).__module__ == "numpy" and type(value).__name__ in ("bool", "bool_"))


def _as_decision(value: bool | Decision) -> Decision:
    if isinstance(value, Decision):
        return value
    return Decision(bool(value), None if value else "the user said no")
