"""The handle of a run in the background: what users read of it, and how they steer and stop it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any

from .events import Event
from .execution import Execution
from .interrupting import goes_on, interrupts_cancel, interrupts_told, steps_of
from .journal import follow, follow_async
from .portal import PORTAL
from .prompts import to_message
from .result import Result, Status
from .sinks import resolve
from .tools.approval import Decision, Remember
from .waiting import await_end, block_on

__all__ = ["Run", "TextStream"]


class Run:
    """A run that goes on in the background. Several readers may iterate; each sees every event from the first.

    Iterating never raises; `result()` and ``await run`` do.

    >>> import alloy_nb as alloy
    >>> run = alloy.start("Hello", model=alloy.Scripted(["Good morning."]))
    >>> "".join(run.text_stream()), run.result().status
    ('Good morning.', 'completed')
    """

    def __init__(self, execution: Execution) -> None:
        self._execution = execution

    def __repr__(self) -> str:
        return f"<Run {self.run_id} {self.status}>"

    @property
    def run_id(self) -> str:
        """Which run it is: the `run_id` of each of its events."""
        return self._execution.run_id

    @property
    def status(self) -> Status:
        """``"running"`` until the run is over, then how it ended."""
        result = self._execution.result
        return "running" if result is None else result.status

    # -- steering it ----------------------------------------------------------------------------------------------

    def cancel(self) -> bool:
        """Stop the run; False when it is over already. Its partial answer is kept, its child processes die."""
        return self._execution.cancel()

    def steer(self, text: Any) -> bool:
        """A message that the model sees before its next turn; False once the run is over."""
        return self._execution.steer(to_message(text))

    def approve(self, call_id: str, remember: Remember | None = None) -> bool:
        """Allow a call that waits; `remember` is ``"once"``, ``"command"`` or ``"tool"``. False when none waits."""
        return self._execution.decide(call_id, Decision(allowed=True, remember=remember or "once"))

    def deny(self, call_id: str, reason: str | None = None) -> bool:
        """Refuse a call that waits; the model reads the reason. False when it does not wait."""
        return self._execution.decide(call_id, Decision(False, reason or "the user said no"))

    # -- reading it -----------------------------------------------------------------------------------------------

    def result(self, timeout: float | None = None, check: bool = True) -> Result:
        """Wait for the end, at most `timeout` seconds (then `TimeoutError`); giving up does not end the run.

        The time that a person takes at a question is not cut short.
        """
        PORTAL.refuse_here("Run.result")
        with interrupts_told(goes_on):
            return block_on(self._execution, check=check, timeout=timeout, owns=False)

    def __await__(self) -> Generator[Any, None, Result]:
        with interrupts_cancel(goes_on):
            return (yield from await_end(self._execution).__await__())

    def __iter__(self) -> Iterator[Event]:
        PORTAL.refuse_here("Run.__iter__")
        with interrupts_told(goes_on), self._execution.attendance.reading() as idle:
            for events in follow(self._execution.journal, idle):
                yield from events

    async def __aiter__(self) -> AsyncIterator[Event]:
        with self._execution.attendance.reading() as idle:

            async def waits(place: int) -> None:
                idle(place)

            async for events in steps_of(follow_async(self._execution.journal, waits), goes_on):
                for event in events:
                    yield event

    def text_stream(self) -> TextStream:
        """The words as they come: ``for chunk in run.text_stream()``, or ``async for``."""
        return TextStream(self)

    def _ipython_display_(self) -> None:
        resolve("show_run")(self._execution)


class TextStream:
    """The text of a run, chunk by chunk, for ``for`` and for ``async for``; not what an agent within it says."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __iter__(self) -> Iterator[str]:
        return (event.payload for event in self._run if self._is_text(event))

    async def __aiter__(self) -> AsyncIterator[str]:
        async for event in self._run:
            if self._is_text(event):
                yield event.payload

    def _is_text(self, event: Event) -> bool:
        return event.type == "text_delta" and event.run_id == self._run.run_id
