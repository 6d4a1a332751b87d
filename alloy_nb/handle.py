"""The handle of a run: driving the loop, reading its events, steering and stopping it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any

from .asking import ThreadAsker, ask_on_stdin, stdin_available
from .errors import AlloyError
from .events import Event
from .journal import EventFile, Journal
from .loop import run_loop
from .portal import PORTAL
from .prompts import to_message
from .result import Result, Status
from .sinks import resolve
from .state import RunState
from .tools.approval import Decision, Question, Remember, nobody_to_ask

__all__ = ["HandleAsker", "Run", "TextStream"]

#: How long a question of a background run waits for somebody to attend to that run, in seconds.
UNATTENDED_GRACE = 60.0


class Run:
    """A run that goes on in the background. Several readers may iterate; each sees every event from the first.

    Iterating never raises; `result()` and ``await run`` do.
    """

    def __init__(self, state: RunState) -> None:
        self._state = state
        self._journal = Journal()
        self._file = EventFile.from_environment()
        self._lock = threading.Lock()
        self._task: asyncio.Task[Any] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._cancelled = False
        self._launched = False
        self._result: Result | None = None
        self._readers = 0
        self._interactive = stdin_available()

    def __repr__(self) -> str:
        return f"<Run {self.run_id} {self.status}>"

    @property
    def run_id(self) -> str:
        return self._state.run_id

    @property
    def status(self) -> Status:
        """``"running"`` until the run is over, then how it ended."""
        return "running" if self._result is None else self._result.status

    # -- driving it -----------------------------------------------------------------------------------------------

    def launch(self) -> None:
        """Begin, on the portal. Once: a second call changes nothing."""
        if not self._launched:
            PORTAL.spawn(self._drive(), f"alloy run {self.run_id}")
            self._launched = True

    async def _drive(self, hear: Callable[[list[Event]], None] | None = None) -> None:
        """Consume the loop to its end; on whichever loop this is awaited."""
        with self._lock:
            if self._loop is not None:  # an interrupt between the launch and its note made it launch twice
                return
            self._task = asyncio.current_task()
            self._loop = asyncio.get_running_loop()
            if self._cancelled and self._task is not None:
                self._task.cancel()
        try:
            async for event in run_loop(self._state):
                self._journal.append(event)
                if self._file is not None:
                    self._file.write(event)
                if hear is not None:
                    hear([event])
        finally:
            if self._state.status == "running":  # the loop itself broke: whoever waits must learn of it
                self._state.finish("error", AlloyError("the run was broken off", hint="please report this"))
            with self._lock:
                self._task = None
                self._result = self._state.result(self._journal.since(0))
            if self._file is not None:
                self._file.close()
            self._journal.close()

    def _settled(self) -> Result:
        assert self._result is not None
        return self._result

    # -- steering it ----------------------------------------------------------------------------------------------

    def cancel(self) -> bool:
        """Stop the run; False when it is over already. Its partial answer is kept, its child processes die."""
        with self._lock:
            if self._result is not None:
                return False
            self._cancelled = True
            if self._task is not None and self._loop is not None:
                self._loop.call_soon_threadsafe(self._task.cancel)
            return True

    def steer(self, text: Any) -> bool:
        """A message that the model sees before its next turn; False once the run is over."""
        return self._state.steer(to_message(text))

    def approve(self, call_id: str, remember: Remember | None = None) -> bool:
        """Allow a call that waits; `remember` is ``"once"``, ``"command"`` or ``"tool"``. False when none waits."""
        return self._state.desk.decide(call_id, Decision(allowed=True, remember=remember or "once"))

    def deny(self, call_id: str, reason: str | None = None) -> bool:
        """Refuse a call that waits; the model reads the reason. False when it does not wait."""
        return self._state.desk.decide(call_id, Decision(False, reason or "the user said no"))

    # -- reading it -----------------------------------------------------------------------------------------------

    def result(self, timeout: float | None = None, check: bool = True) -> Result:
        """Wait for the end, at most `timeout` seconds (then `TimeoutError`); giving up does not end the run."""
        from .waiting import block_on

        PORTAL.refuse_here("Run.result")
        return block_on(self, check=check, timeout=timeout, owns=False)

    def __await__(self) -> Generator[Any, None, Result]:
        return self._wait().__await__()

    async def _wait(self) -> Result:
        while self._result is None:
            place = len(self._journal)  # before the questions: one that comes meanwhile wakes us again
            if self._interactive:
                await self._ask_from_a_thread()
            else:
                self._refuse_unanswerable()
            await self._journal.wait_async(place)
        return self._result.check()

    def __iter__(self) -> Iterator[Event]:
        PORTAL.refuse_here("Run.__iter__")
        place = 0
        self._readers += 1
        try:
            while True:
                events = self._journal.since(place)
                yield from events
                place += len(events)
                if self._journal.closed and place == len(self._journal):
                    return
                if place == len(self._journal):
                    self._caught_up(place)
                    self._journal.wait(place)
        finally:
            self._readers -= 1

    async def __aiter__(self) -> AsyncIterator[Event]:
        place = 0
        self._readers += 1
        try:
            while True:
                events = self._journal.since(place)
                for event in events:
                    yield event
                place += len(events)
                if self._journal.closed and place == len(self._journal):
                    return
                if place == len(self._journal):
                    self._caught_up(place)
                    await self._journal.wait_async(place)
        finally:
            self._readers -= 1

    def text_stream(self) -> TextStream:
        """The words as they come: ``for chunk in run.text_stream()``, or ``async for``."""
        return TextStream(self)

    # -- questions nobody else answers ----------------------------------------------------------------------------

    def _caught_up(self, place: int) -> None:
        """A reader waits for more: without a person here, nobody will answer the questions it has seen."""
        if self._interactive or self._readers > 1:
            return
        waiting = {question.call.id: question for question in self._state.desk.open_questions}
        if not waiting:
            return
        seen = {e.payload["id"] for e in self._journal.since(0)[:place] if e.type == "approval_request"}
        for call_id in waiting.keys() & seen:
            self._state.desk.decide(call_id, nobody_to_ask(waiting[call_id]))

    def _refuse_unanswerable(self) -> None:
        """Somebody waits for the end, and nobody reads along who could answer."""
        if self._readers:
            return
        for question in self._state.desk.open_questions:
            self._state.desk.decide(question.call.id, nobody_to_ask(question))

    def _ask_here(self) -> None:
        for question in self._state.desk.open_questions:
            self._state.desk.decide(question.call.id, ask_on_stdin(question))

    async def _ask_from_a_thread(self) -> None:
        for question in self._state.desk.open_questions:
            self._state.desk.decide(question.call.id, await ThreadAsker().ask(question))

    def _ipython_display_(self) -> None:
        resolve("show_run")(self)


class TextStream:
    """The text of a run, chunk by chunk, for ``for`` and for ``async for``."""

    def __init__(self, handle: Run) -> None:
        self._handle = handle

    def __iter__(self) -> Iterator[str]:
        return (event.payload for event in self._handle if event.type == "text_delta")

    async def __aiter__(self) -> AsyncIterator[str]:
        async for event in self._handle:
            if event.type == "text_delta":
                yield event.payload


class HandleAsker:
    """A background run's questions wait for `approve` and `deny`; unattended and without a person, not for ever."""

    def __init__(self, handle: Run) -> None:
        self._handle = handle

    async def ask(self, question: Question) -> Decision:
        if self._handle._interactive:
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(UNATTENDED_GRACE)
        return nobody_to_ask(question)
