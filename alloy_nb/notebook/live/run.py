"""A run that is shown live: its transcript, what of it the page was told, and what the page may do to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ...events import Event
from ...render.bundle import unfinished_bundle
from ...tools.approval import Decision
from ..shows import frozen_bundle
from .changes import Changes, facts_of, wire_blocks

if TYPE_CHECKING:
    from ...execution import Execution
    from ...render.blocks import Transcript

__all__ = ["LiveRun"]

#: So long a view counts as there after it was heard. While a question waits it says so every five seconds, or each
#: minute where its tab is hidden: browsers allow no more.
HEARD_SECONDS = 90.0


class LiveRun:
    """`feed` on one thread, `take` on the courier's, `snapshot` and what the page asks for on any.

    `changed` is called when there is something to take. `waited`: a cell waits for it, which an interrupt ends.

    `name` is what the page knows it by: another one for each run, where a run's id may be given twice.
    """

    def __init__(
        self,
        execution: Execution,
        transcript: Transcript,
        changed: Callable[[LiveRun], None],
        *,
        waited: bool,
        name: str | None = None,
    ) -> None:
        self.execution = execution
        self.run_id = execution.run_id
        self.name = name or execution.run_id
        self.transcript = transcript
        self._heard_at: float | None = None
        #: While the input box is the only way to answer, as where a cell blocks in it.
        self.input_only = False
        #: The handles of its displays, each of which shows its end.
        self.displays: list[Any] = []
        #: Nothing more is fed, and the blocks may be read on any thread.
        self.settled = False
        self._changed = changed
        self._lock = threading.Lock()
        self._changes = Changes(transcript)
        self._facts: dict[str, Any] = {"asks": "page", "waited": waited}
        self._told: dict[str, Any] = {}
        self._outbox: list[dict[str, Any]] = []
        self._seq = 0

    def feed(self, events: Sequence[Event]) -> None:
        with self._lock:
            for event in events:
                self.transcript.feed(event)
        self._changed(self)

    def set_facts(self, **facts: Any) -> None:
        """What the page is to know beside the run itself."""
        with self._lock:
            changed = any(self._facts.get(name) != value for name, value in facts.items())
            self._facts.update(facts)
        if changed:
            self._changed(self)

    def take(self) -> list[dict[str, Any]]:
        """What the page was not told yet, as numbered changes."""
        with self._lock:
            self._advance()
            outbox, self._outbox = self._outbox, []
            return outbox

    def _advance(self) -> None:
        changes = self._changes.take()
        extra = {name: value for name, value in self._facts.items() if self._told.get(name) != value}
        if extra:
            self._told = dict(self._facts)
            changes.append(["f", extra])
        if changes:
            self._seq += 1
            self._outbox.append({"run": self.name, "seq": self._seq, "ops": changes})

    def settle(self) -> None:
        """The run is over for who shows it. From here on the blocks are read without the lock.

        Their words are looked at as they are read, by whoever comes first: who came second, while the courier was at
        it, would have had an answer without its end.
        """
        with self._lock:
            _ = self.transcript.blocks
            self.settled = True

    def snapshot(self) -> dict[str, Any]:
        """The run as it stands, in one piece, with the number of the last change that it holds."""
        with self._lock:
            self._advance()  # else what is in here would be told once more
            return {
                "seq": self._seq,
                "blocks": wire_blocks(self.transcript.blocks),
                "facts": {**facts_of(self.transcript), **self._facts, "seconds": self.transcript.seconds},
            }

    def message(self) -> dict[str, Any]:
        """The same as a message to the page."""
        return {"kind": "snapshot", "run": self.name, **self.snapshot()}

    def unfinished(self) -> dict[str, Any]:
        """What a notebook's file holds of it until it is over."""
        return unfinished_bundle(self.run_id, self.execution.stored_as)

    def frozen(self) -> dict[str, Any]:
        """What stays of it, once it is settled."""
        return frozen_bundle(self.transcript, self.execution.options.record)

    @property
    def goes_on(self) -> bool:
        """Launched, and not over."""
        return self.execution.launched and self.execution.result is None

    @property
    def is_heard(self) -> bool:
        """Whether a view of it has reached the kernel lately: only then its buttons are of use."""
        return self._heard_at is not None and time.monotonic() - self._heard_at < HEARD_SECONDS

    # -- what the page does ---------------------------------------------------------------------------------------

    def hear(self) -> None:
        """A view is there, and what it says arrives; it says so again while a question waits."""
        self._heard_at = time.monotonic()
        if not self.input_only:
            self.set_facts(asks="page")

    def stop(self) -> bool:
        """As `Run.cancel`; a tool of it that holds the main thread is interrupted."""
        return self.execution.cancel()

    def decide(self, call_id: str, decision: Decision) -> bool:
        return self.execution.decide(call_id, decision)
