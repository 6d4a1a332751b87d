"""Whose conversation a cell goes on with: the notebook's own, exchange by exchange, or an agent's."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..context.condensed import Condensed, still_holds
from ..context.gauge import Gauge
from ..errors import SessionError
from ..history import without_signed_thoughts
from ..messages import Message
from ..prompts import to_message
from ..result import Result
from ..tools.approval import Memory
from ..usage import Usage, add_costs
from .telling import Told, told_of

if TYPE_CHECKING:
    from ..dialogue import Dialogue
    from ..execution import Execution
    from ..options import Options
    from ..recorder import Recorder
    from ..session import SessionStore
    from ..tools.approval import Asker
    from .arguments import Arguments

__all__ = ["AgentConversation", "Conversation", "Exchange", "OwnConversation", "Place"]

logger = logging.getLogger("alloy_nb")

#: The front end's id of the cell that runs (None where it sends none), and the number of this execution.
Place = tuple[str | None, int]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and what came of it; `cell` is None where the front end does not name its cells.

    `line` is what stood on the magic's line; None where that is not known.
    """

    cell: str | None
    execution: int
    messages: tuple[Message, ...]
    line: Arguments | None = None

    @property
    def question(self) -> Message | None:
        """None where a conversation that was stored elsewhere begins with something else."""
        first = next(iter(self.messages), None)
        return first if first is not None and first.role == "user" and not first.tool_results else None


class Conversation:
    """Exchanges in the order they were had. What was allowed for good and the scratchpad live as long as it does.

    Under a `session`, it is stored there as it grows.
    """

    def __init__(self) -> None:
        self.exchanges: tuple[Exchange, ...] = ()
        self.memory = Memory()
        self.tool_state: MutableMapping[str, Any] = {}
        self.told = Told()
        #: What was learnt of the models that were asked, and what is sent of the messages of the newest run.
        self.gauge = Gauge()
        self._sent: tuple[tuple[Message, ...], Condensed | None] = ((), None)
        #: For which cell, and of which exchanges, it was said last what a run begins with; and what that was.
        self._begun: tuple[tuple[Place, int], tuple[Exchange, ...], tuple[Exchange, ...]] | None = None
        #: The newest question, where nothing came of it.
        self._unanswered: Exchange | None = None
        #: Tokens and dollars of all runs, also of those that were taken back.
        self.used: tuple[Usage, float | None] = (Usage(), None)
        #: Those of the newest run.
        self.options: Options | None = None
        #: The name under which it is stored.
        self.session: str | None = None
        self._recorder: Recorder | None = None

    @classmethod
    def resumed(cls, session: str, store: SessionStore) -> Conversation:
        """One that is stored: each question an exchange of its own, of no cell."""
        from ..options import Options
        from ..recorder import with_session

        options, recorder = with_session(Options(session=session, store=store))
        assert recorder is not None
        made = cls()
        made.exchanges = tuple(Exchange(None, 0, messages) for messages in _by_question(options.messages))
        made._sent = (tuple(options.messages), recorder.session.view)
        made.session, made._recorder = session, recorder
        made.used = (recorder.session.usage, recorder.session.cost)
        recorder.fill(made.tool_state)
        return made

    def save(self, session: str, store: SessionStore) -> None:
        """Store it under a name that is free, and from now on as it grows."""
        from ..recorder import Recorder

        self._store(Recorder(store, session), self.used)

    def last(self) -> Exchange | None:
        """The question that was asked last, also one of which nothing came."""
        return self._unanswered or (self.exchanges[-1] if self.exchanges else None)

    @property
    def unanswered(self) -> Message | None:
        """That one, where nothing came of it: it is not in the conversation."""
        return self._unanswered.question if self._unanswered is not None else None

    def undo(self) -> tuple[Message, ...]:
        """Take the question that was asked last back, with all that came of it; what was taken."""
        if self._unanswered is None:
            return self.rewind(1)
        taken, self._unanswered = self._unanswered.messages, None
        return taken

    def rewind(self, questions: int) -> tuple[Message, ...]:
        """Take the last exchanges back; what was taken. Signed thoughts before them go, too."""
        self._unanswered = None
        kept = self.exchanges[: max(0, len(self.exchanges) - questions)]
        taken = tuple(message for exchange in self.exchanges[len(kept) :] for message in exchange.messages)
        if taken:
            view = self.view_of(_messages_of(kept))
            self.exchanges = tuple(map(_unsigned, kept))
            # It stands for the same as long as nothing but thoughts went.
            same = len(self.messages) == len(_messages_of(kept))
            self._sent = (self.messages, view if same else None)
            if self._recorder is not None:
                self._store(self._recorder)
        return taken

    def _store(self, recorder: Recorder, total: tuple[Usage, float | None] | None = None) -> None:
        messages = self.messages
        recorder.sync(messages, self.tool_state, total=total, view=self.view_of(messages))
        self.session, self._recorder = recorder.session.id, recorder

    def begin(
        self,
        place: Place,
        text: str | Message,
        given: Mapping[str, Any],
        asker: Asker | None,
        *,
        line: Arguments | None = None,
        again: Exchange | None = None,
    ) -> Execution:
        """The run of a question, ready to be launched; every mistake in its options is raised here.

        With `again` it goes on from before that exchange, and what comes of it takes the place of that.
        """
        from ..execution import Execution
        from ..options import make_options
        from ..state import RunState

        self.note_asked(Exchange(*place, (to_message(text),), line), again)
        before = self.before(*place, again)
        options = make_options({**given, "messages": before})
        state = RunState(
            text,
            options,
            asker=asker,
            memory=self.memory,
            tool_state=self.tool_state,
            gauge=self.gauge,
            session_id=self.session,
            view=self.view_of(before),
        )
        return Execution(state, recorder=self._recorder)

    def end(
        self,
        place: Place,
        execution: Execution,
        result: Result | None,
        *,
        line: Arguments | None = None,
        again: Exchange | None = None,
    ) -> bool:
        """Remember what came of it; False when nothing did."""
        prior = len(execution.options.messages)
        kept = result is not None and self.keep(*place, result, prior, line=line, again=again)
        if kept and result is not None:
            self._sent = (result.messages, execution.view)
            self.options = execution.options
        if kept or execution.prompt is None:
            self._unanswered = None
        else:
            self.note_asked(Exchange(*place, (execution.prompt,), line), again)
        used, cost = self.used
        self.used = (used + execution.usage, add_costs(used, cost, execution.usage, execution.cost))
        if self._recorder is not None:
            try:  # a run of which nothing is kept was stored as it went on
                self._store(self._recorder)
            except SessionError as error:
                logger.error("the session could not be stored: %s", error)
        return kept

    def note_asked(self, question: Exchange, again: Exchange | None = None) -> None:
        """Nothing came of it so far; of one that is asked again while its answer is there, that is the last."""
        answered = any(exchange is again for exchange in self.exchanges)
        self._unanswered = None if answered else question

    def view_of(self, messages: Sequence[Message]) -> Condensed | None:
        """What of the beginning of these is sent in its place, as it was for the newest run."""
        before, view = self._sent
        return still_holds(view, before, messages)

    @property
    def messages(self) -> tuple[Message, ...]:
        return _messages_of(self.exchanges)

    def before(self, cell: str | None, execution: int, again: Exchange | None = None) -> tuple[Message, ...]:
        """What the model is told of the conversation, when `cell` runs: a cell that runs again does not see itself.

        Neither does a question that is asked `again` see what came of it.
        """
        return _messages_of(self._gone_on_from(cell, execution, again))

    def keep(
        self,
        cell: str | None,
        execution: int,
        result: Result,
        prior: int,
        *,
        line: Arguments | None = None,
        again: Exchange | None = None,
    ) -> bool:
        """Remember a result that began with `prior` messages of history; in place of what `cell` said last time.

        False when nothing came of the run: then everything stays as it was.
        """
        messages = result.messages[prior:]
        if not messages or result.status == "waiting":
            return False
        left = self._gone_on_from(cell, execution, again)
        self.exchanges = (*left, Exchange(cell, execution, messages, line))
        return True

    def _gone_on_from(self, cell: str | None, execution: int, again: Exchange | None) -> tuple[Exchange, ...]:
        """The exchanges that a run of `cell` begins with; the same objects when it ends, if none was had meanwhile.

        What follows an exchange that is left out has lost its signed thoughts, and so has all, when what was sent in
        brief is not any more: their makers refuse them in a history that was changed.
        """
        key = (cell, execution), id(again)
        if self._begun is None or self._begun[0] != key or self._begun[1] is not self.exchanges:
            left = tuple(exchange for exchange in self._without(cell, execution) if exchange is not again)
            pairs = enumerate(zip(self.exchanges, left, strict=False))
            same = next((place for place, (before, now) in pairs if before is not now), len(left))
            if self._sent[1] is not None and self.view_of(_messages_of(left)) is None:
                same = 0
            if len(left) < len(self.exchanges):
                left = (*left[:same], *map(_unsigned, left[same:]))
            self._begun = key, self.exchanges, left
        return self._begun[2]

    def _without(self, cell: str | None, execution: int) -> tuple[Exchange, ...]:
        """All exchanges but those of an earlier run of `cell`; several of one run of it stay."""
        if cell is None:
            return self.exchanges
        return tuple(e for e in self.exchanges if e.cell != cell or e.execution == execution)

    def __repr__(self) -> str:
        return f"<Conversation of {len(self.exchanges)} exchanges>"


def _messages_of(exchanges: Iterable[Exchange]) -> tuple[Message, ...]:
    return tuple(message for exchange in exchanges for message in exchange.messages)


def _unsigned(exchange: Exchange) -> Exchange:
    return replace(exchange, messages=without_signed_thoughts(exchange.messages))


def _by_question(messages: Iterable[Message]) -> Iterator[tuple[Message, ...]]:
    held: list[Message] = []
    for message in messages:
        if held and message.role == "user" and not message.tool_results:
            yield tuple(held)
            held = []
        held.append(message)
    if held:
        yield tuple(held)


class OwnConversation:
    """The notebook's own, for one question: with what stood on its line, and in place of what it is asked `again`.

    Such a question stays the cell's that asked it first: when that cell runs again, it replaces what came of it.
    """

    def __init__(self, conversation: Conversation, line: Arguments, again: Exchange | None = None) -> None:
        self.conversation = conversation
        self.told = conversation.told
        self._line = line
        self._again = again

    def before(self, cell: str | None, execution: int) -> tuple[Message, ...]:
        """What the model is told of the conversation."""
        return self.conversation.before(*self._place((cell, execution)), self._again)

    def begin(self, place: Place, text: str | Message, given: Mapping[str, Any], asker: Asker | None) -> Execution:
        """The run of the question; see `Conversation`."""
        return self.conversation.begin(self._place(place), text, given, asker, line=self._line, again=self._again)

    def end(self, place: Place, execution: Execution, result: Result | None) -> bool:
        """Remember what came of it; False when nothing did."""
        return self.conversation.end(self._place(place), execution, result, line=self._line, again=self._again)

    def _place(self, place: Place) -> Place:
        return place if self._again is None else (self._again.cell, self._again.execution)


class AgentConversation:
    """That of an agent of the user's. It is no cell's: a cell that runs again goes on with it."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self.told = told_of(dialogue)

    def before(self, cell: str | None, execution: int) -> tuple[Message, ...]:
        """What the model is told of the conversation."""
        return self._dialogue.messages

    def begin(self, place: Place, text: str | Message, given: Mapping[str, Any], asker: Asker | None) -> Execution:
        """The run of a question, whose turn is now; to be followed by `end`. `Busy` while the agent is at work."""
        execution = self._dialogue.make(text, given, asker=asker)
        self._dialogue.claim(execution)
        return execution

    def end(self, place: Place, execution: Execution, result: Result | None) -> bool:
        """The agent itself remembers."""
        self._dialogue.let_go(execution)
        return False
