"""Asking by the card of a live cell; by Jupyter's input box where no page is heard."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

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
        while not self._live.heard.is_set() and time.monotonic() < end:
            await asyncio.sleep(_LOOK_AGAIN)
        if self._live.heard.is_set():
            await asyncio.get_running_loop().create_future()
        self._patience = 0.0  # the next question of this run need not wait
        self._live.set_facts(asks="input")
        return await self._other.ask(question, wanted) if self._other is not None else nobody_to_ask(question)
