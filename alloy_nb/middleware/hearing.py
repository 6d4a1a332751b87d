"""Which events are to be taken, where a middleware belongs to an agent and to one within that agent's calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..events import Event

__all__ = ["Hearing"]


class Hearing:
    """Keeps a middleware from counting an inner run twice: it hears it by itself, and in the stream around it.

    The stream around is the one to take: there the call that the inner run works for was told of before.
    """

    def __init__(self) -> None:
        # Runs may be on several threads: single operations of a set are atomic.
        self._open: set[str] = set()
        self._told_around: set[str] = set()

    def takes(self, event: Event) -> bool:
        """Whether to take an event. To be asked about every `run_start` and `run_end`, and what is of interest."""
        run_id = event.run_id
        if event.type == "run_start":
            parent = event.payload.get("parent")
            if event.origin_seq is None and parent is not None and parent["run_id"] in self._open:
                self._told_around.add(run_id)
            self._open.add(run_id)
        again = event.origin_seq is None and run_id in self._told_around
        if event.type == "run_end":
            self._open.discard(run_id)
            if event.origin_seq is None:
                self._told_around.discard(run_id)
        return not again
