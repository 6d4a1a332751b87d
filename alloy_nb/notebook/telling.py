"""What goes to the model beside the questions of a conversation is told once, and again when it is something else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

__all__ = ["Told", "told_of"]


class Told:
    """What was told last, and in which cell: one that runs again tells it again, as its output is made anew.

    >>> told = Told()
    >>> told.new("a", ("AGENTS.md",)), told.new("b", ("AGENTS.md",)), told.new("a", ("AGENTS.md",))
    (('AGENTS.md',), (), ('AGENTS.md',))
    """

    def __init__(self) -> None:
        self._cell: str | None = None
        self._inputs: Sequence[str] = ()

    def new(self, cell: str | None, inputs: Sequence[str]) -> Sequence[str]:
        """What of it is to be told in this cell: all or nothing."""
        if not inputs or (inputs == self._inputs and (cell is None or cell != self._cell)):
            return ()
        self._cell, self._inputs = cell, inputs
        return inputs


_of_agents: WeakKeyDictionary[Any, Told] = WeakKeyDictionary()


def told_of(dialogue: Any) -> Told:
    """That of an agent's conversation, which lives as long as the agent."""
    return _of_agents.setdefault(dialogue, Told())
