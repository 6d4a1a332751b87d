"""Who sees to the questions of a run in the background: whoever waits for it, reads along, or answers by name."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .asking import ThreadAsker, ask_on_stdin, stdin_available
from .journal import Journal
from .tools.approval import ApprovalDesk, Decision, Question, nobody_to_ask

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
        self._readers = 0
        self._lock = threading.Lock()

    async def ask(self, question: Question) -> Decision:
        """The asker's part: wait for an answer that comes another way; without a person, not for ever."""
        if self._interactive:
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(UNATTENDED_GRACE)
        return nobody_to_ask(question)

    def attend(self) -> None:
        """For a thread that waits for the end: ask here, or refuse what nobody can answer."""
        if not self._interactive:
            self._refuse_unanswerable()
            return
        for question in self._questions:
            self._desk.decide(question.call.id, ask_on_stdin(question))

    async def attend_async(self) -> None:
        """The same for a loop that waits, which must go on meanwhile."""
        if not self._interactive:
            self._refuse_unanswerable()
            return
        for question in self._questions:
            asked = asyncio.ensure_future(ThreadAsker().ask(question))
            try:
                # Somebody else may answer meanwhile, or end the run: the prompt is left alone then.
                while question in self._questions and not asked.done():
                    await asyncio.wait({asked}, timeout=LOOK_AGAIN)
                if asked.done():
                    self._desk.decide(question.call.id, asked.result())
            finally:
                asked.cancel()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """While somebody reads along, who may answer what is read."""
        with self._lock:
            self._readers += 1
        try:
            yield
        finally:
            with self._lock:
                self._readers -= 1

    def refuse_seen(self, place: int) -> None:
        """A reader has read so many events and waits for more: without a person it will not answer what it saw."""
        if self._interactive or self._readers > 1:
            return
        waiting = {question.call.id: question for question in self._questions}
        if not waiting:
            return
        seen = {e.payload["id"] for e in self._journal.since(0)[:place] if e.type == "approval_request"}
        for call_id in waiting.keys() & seen:
            self._desk.decide(call_id, nobody_to_ask(waiting[call_id]))

    def _refuse_unanswerable(self) -> None:
        """Somebody waits for the end, and nobody reads along who could answer."""
        if self._readers:
            return
        for question in self._questions:
            self._desk.decide(question.call.id, nobody_to_ask(question))

    @property
    def _questions(self) -> tuple[Question, ...]:
        return self._desk.open_questions if self._desk.asker is self else ()
