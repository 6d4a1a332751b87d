"""Who sees to the questions of a run in the background: whoever waits for it, reads along, or answers by name."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .asking import ThreadAsker, ask_on_stdin, stdin_available
from .journal import Journal
from .tools.approval import ApprovalDesk, Decision, Question, Wanted, nobody_to_ask

__all__ = ["Attendance"]

#: How long a question of a background run waits for somebody to attend to that run, in seconds.
UNATTENDED_GRACE = 60.0
#: How often it is looked whether a question that a person is asked is still open, in seconds.
LOOK_AGAIN = 0.1


class Attendance:
    """The asker of a run in the background; of a run that has another one, it sees to nothing.

    With a person here (asked when the run is made) a question waits until somebody waits for the run, who then is
    asked, or until `approve` or `deny`. Without, it is refused as soon as nobody is left who might answer it.
    """

    def __init__(self, desk: ApprovalDesk, journal: Journal) -> None:
        self._desk = desk
        self._journal = journal
        self._interactive = stdin_available()
        #: Whether a person is asked in another way, such as by a card that is shown: then nobody is asked here.
        self.elsewhere: Callable[[], bool] = lambda: False
        self._places: dict[object, int] = {}  # how far each reader has read
        self._lock = threading.Lock()

    async def ask(self, question: Question, wanted: Wanted) -> Decision:
        """The asker's part: wait for an answer that comes another way; without a person, not for ever."""
        if self._interactive:
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(UNATTENDED_GRACE)
        return nobody_to_ask(question)

    @property
    def asks_here(self) -> bool:
        """Whether who waits now would put a question on the standard input."""
        return self._interactive and bool(self._questions) and not self.elsewhere()

    def attend(self) -> None:
        """For a thread that waits for the end: ask here, or refuse what nobody can answer."""
        if not self._interactive:
            self._refuse_unanswerable()
            return
        if self.elsewhere():
            return
        for question in self._questions:
            wanted = Wanted(self._desk, question)
            ask_on_stdin(question, wanted, wanted.settle)

    async def attend_async(self) -> None:
        """The same for a loop that waits, which must go on meanwhile."""
        if not self._interactive:
            self._refuse_unanswerable()
            return
        if self.elsewhere():
            return
        for question in self._questions:
            asked = asyncio.ensure_future(ThreadAsker().ask(question, Wanted(self._desk, question)))
            try:
                # Somebody else may answer meanwhile, or end the run: the prompt is left alone then.
                while question in self._questions and not asked.done():
                    await asyncio.wait({asked}, timeout=LOOK_AGAIN)
                if asked.done():
                    asked.result()
            finally:
                asked.cancel()

    @contextmanager
    def reading(self) -> Iterator[Callable[[int], None]]:
        """While somebody reads along, who may answer what is read.

        To be called by that reader whenever it has read so many events and waits for more: without a person here,
        a question that every reader has passed by is refused.
        """
        reader = object()

        def idle(place: int) -> None:
            self._places[reader] = place
            self._refuse_seen()

        with self._lock:
            self._places[reader] = 0
        try:
            yield idle
        finally:
            with self._lock:
                del self._places[reader]
            self._refuse_seen()

    def pass_by(self, call_id: str) -> None:
        """Somebody who reads several runs at once has read this question, and waits for more."""
        if self._interactive or self.elsewhere():
            return
        for question in self._questions:
            if question.call.id == call_id:
                self._desk.decide(call_id, nobody_to_ask(question))

    def _refuse_seen(self) -> None:
        waiting = {question.call.id: question for question in self._questions}
        with self._lock:
            place = min(self._places.values(), default=0)
        if self._interactive or self.elsewhere() or not waiting or not place:
            return
        seen = {e.payload["id"] for e in self._journal.since(0)[:place] if e.type == "approval_request"}
        for call_id in waiting.keys() & seen:
            self._desk.decide(call_id, nobody_to_ask(waiting[call_id]))

    def _refuse_unanswerable(self) -> None:
        """Somebody waits for the end, and nobody reads along who could answer."""
        if self._places or self.elsewhere():
            return
        for question in self._questions:
            self._desk.decide(question.call.id, nobody_to_ask(question))

    @property
    def _questions(self) -> tuple[Question, ...]:
        return self._desk.open_questions if self._desk.asker is self else ()
