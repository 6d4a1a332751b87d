"""Many runs' events as one stream, numbered anew: fairly, so that a run that floods holds up no other one's."""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ..bell import LONGEST_WAIT, Bell
from ..events import Event
from ..journal import Journal, Reader

__all__ = ["Confluence"]

logger = logging.getLogger("alloy_nb")

#: How many events of one run are taken at most before the others have their turn.
BURST = 256


@dataclass(frozen=True, slots=True)
class _Told:
    """An event of its own; one that waits comes after all of the runs that were added before it."""

    event: Event
    waits: bool


class Confluence:
    """Takes in runs' journals and gives `hear` their events in bursts, `seq` rising by one, each run's in its order.

    A thread of its own does that, while there is something to take in.
    """

    def __init__(self, hear: Callable[[list[Event]], None], name: str) -> None:
        self._hear = hear
        self._name = name
        self._seq = 0
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._process = os.getpid()
        self._bell = Bell()
        self._lock = threading.Lock()
        self._incoming: deque[Journal | _Told] = deque()
        self._readers: list[Reader] = []
        self._thread: threading.Thread | None = None

    def add(self, journal: Journal) -> None:
        """Take in a run, from its first event to its end."""
        self._take_in(journal)

    def tell(self, event: Event, *, waits: bool = False) -> None:
        """An event of the stream's own, whose `seq` does not count; with `waits`, after all that was added before."""
        self._take_in(_Told(event, waits))

    def _take_in(self, item: Journal | _Told) -> None:
        if self._process != os.getpid():
            # In a forked child: the thread is there no more, nor what it read, and it may have held the lock.
            self._begin_anew()
        with self._lock:
            self._incoming.append(item)
            if self._thread is None or not self._thread.is_alive():  # an interrupt may have torn its start
                self._thread = threading.Thread(target=self._work, name=f"alloy-stream-{self._name}", daemon=True)
                self._thread.start()
        self._bell.ring()

    def _work(self) -> None:
        while True:
            self._admit()
            if self._read():
                continue
            with self._lock:
                if not self._readers and not self._incoming:
                    self._thread = None
                    return
            self._bell.wait(LONGEST_WAIT)

    def _admit(self) -> None:
        """What has come in, in its order, as far as nothing has to wait for the runs before it."""
        while True:
            with self._lock:
                item = self._incoming[0] if self._incoming else None
                if item is None or (isinstance(item, _Told) and item.waits and self._readers):
                    return
                self._incoming.popleft()
            if isinstance(item, _Told):
                self._read()  # what led to it was told before it, unless that is a flood
                self._give([item.event])
            else:
                self._readers.append(Reader(item, self._bell.ring))

    def _read(self) -> bool:
        """One round: a burst of each run that has something new. Whether anything was, or a run came to its end."""
        something = False
        for reader in tuple(self._readers):
            events = reader.step(BURST)
            if events is None:
                self._readers.remove(reader)
            elif events:
                self._give(events)
            something = something or events is None or bool(events)
        return something

    def _give(self, events: list[Event]) -> None:
        first, self._seq = self._seq + 1, self._seq + len(events)
        # What belongs to the stream itself has no number elsewhere.
        numbered = [
            event._replace(seq=seq, origin_seq=event.origin_seq or event.seq or None)
            for seq, event in enumerate(events, first)
        ]
        try:
            self._hear(numbered)
        except Exception:
            logger.exception("a stream of events was not taken")
