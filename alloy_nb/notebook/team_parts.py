"""One run's stream in parts: its own, and one for each agent that it was handed over to, which answers in its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..events import Event
from ..render.blocks import Transcript

__all__ = ["Part", "Parts"]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What the member `name` did in a run: `path` is its place among the agents, None for whose run it is."""

    name: str
    transcript: Transcript
    path: str | None = None


class Parts:
    """Sorts the events of one run, in their order.

    >>> parts = Parts("triage", "r1")
    >>> told = [
    ...     Event(1, "r1", "handoff", {"from": "triage", "to": "coder"}, agent="crew/triage"),
    ...     Event(2, "r2", "run_start", {"prompt": "Fix it."}, agent="crew/triage/coder"),
    ...     Event(3, "r1", "text_delta", "Fixed.", agent="crew/triage"),
    ... ]
    >>> [(part.name, [event.seq for event in events]) for part, events in parts.sort(told)]
    [('triage', [1, 3]), ('coder', [2])]
    """

    def __init__(self, name: str, run_id: str) -> None:
        own = Part(name, Transcript(run_id))
        #: Those so far: whose run it is, then who went on.
        self.all = [own]
        self._by_run = {run_id: own}
        self._expected: dict[str, str] = {}

    def sort(self, events: Iterable[Event]) -> Sequence[tuple[Part, list[Event]]]:
        """Each part that is told of something, with that."""
        told: dict[Part, list[Event]] = {}
        for event in events:
            part = self._by_run.get(event.run_id) or self._new(event)
            told.setdefault(part, []).append(event)
            if event.type == "handoff" and isinstance(event.payload, Mapping):
                to = str(event.payload.get("to"))
                self._expected[f"{event.agent}/{to}"] = to
        return list(told.items())

    def _new(self, event: Event) -> Part:
        """The part that a run within belongs to: one of its own when it was handed over to, else that of its caller."""
        path = event.agent or ""
        if path in self._expected:
            part = Part(self._expected.pop(path), Transcript(event.run_id), path)
            self.all.append(part)
        else:
            around = [part for part in self.all if part.path is not None and path.startswith(f"{part.path}/")]
            part = max(around, key=lambda one: len(one.path or ""), default=self.all[0])
        self._by_run[event.run_id] = part
        return part
