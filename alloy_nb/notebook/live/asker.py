"""Asking by the card of a live cell; by Jupyter's input box where no page is heard."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from ...asking import PumpAsker
from ...tools.approval import Asker, Decision, Question, Wanted, nobody_to_ask

if TYPE_CHECKING:
    from .run import LiveRun

__all__ = ["CardAsker"]

#: Seconds until a page must have been heard, while the cell runs, for its buttons to be relied on: a page that has
#: shown a live cell before says so at once, the first one must load what shows it.
PATIENCE = 3.0
FIRST_PATIENCE = 8.0
_LOOK_AGAIN = 0.05


class CardAsker:
    """Leaves a question to the card, whose answer comes by `LiveRun.decide`; else it asks as `other` does."""

    def __init__(self, live: LiveRun, other: Asker | None, *, page_known: bool) -> None:
        self._live = live
        self._other = other
        self._patience = PATIENCE if page_known else FIRST_PATIENCE

    async def ask(self, question: Question, wanted: Wanted) -> Decision:
        end = time.monotonic() + self._patience
        while self._live.is_heard or time.monotonic() < end:
            await asyncio.sleep(_LOOK_AGAIN)
        self._patience = 0.0  # the next question of this run need not wait
        # What blocks a cell in its input box cannot be answered elsewhere: the cell would not go on.
        self._live.input_only = isinstance(self._other, PumpAsker)
        self._live.set_facts(asks="input")
        try:
            return await self._other.ask(question, wanted) if self._other is not None else nobody_to_ask(question)
        finally:
            self._live.input_only = False
