"""How far estimates are off, and how much a model takes: learnt while it is asked."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Gauge", "Room", "make_room"]

#: How far a correction goes: what seems to be further off is no matter of how a text is counted. Down it goes so little
#: that a service which leaves out what was cached does not have us fill more than its window: some cut that in silence.
LEAST, MOST = 0.9, 4.0
#: A report below this share of the estimate is not of the whole request (the rest was cached, or it is a fixed number).
OF_THE_WHOLE = 0.2
#: How much of the way to the newest report a correction goes at once.
PACE = 0.5
#: Of a request that was too large, so much may have been what fits.
STEP_BACK = 0.75

#: Room for an answer whose length nobody set: this share of the window, but no more tokens than that.
ANSWER_SHARE, ANSWER_MOST = 1 / 8, 8192
#: Of what the conversation may fill until it is sent in brief: what is left of it then, and what it may come to so that
#: the last messages stay whole.
TARGET, COMFORTABLE = 2 / 3, 0.8
LEFT_FOR_MESSAGES = 0.1


class Gauge:
    """What is known of models by their labels, of one run or of an agent's runs; any thread may read it.

    >>> gauge = Gauge()
    >>> gauge.learn("openai:gpt-5.2", 1000, 1400)
    >>> gauge.factor("openai:gpt-5.2"), gauge.factor("another")
    (1.2, 1.0)
    """

    def __init__(self) -> None:
        self._factors: dict[str, float] = {}
        self._limits: dict[str, int] = {}

    def factor(self, label: str) -> float:
        """What an estimate is to be multiplied with; 1.0 before anything is known."""
        return self._factors.get(label, 1.0)

    def learn(self, label: str, estimated: int, reported: int) -> None:
        """A request that was estimated at so many tokens was counted by the service."""
        if estimated <= 0 or reported < estimated * OF_THE_WHOLE:
            return
        ratio = min(MOST, max(LEAST, reported / estimated))
        known = self.factor(label)
        self._factors[label] = known + PACE * (ratio - known)

    def limit(self, label: str) -> int | None:
        """Estimated tokens, uncorrected, that a model takes as far as its refusals tell; None: it has refused none."""
        return self._limits.get(label)

    def overflowed(self, label: str, estimated: int) -> None:
        """A request that was estimated at so many tokens was too large."""
        self._limits[label] = min(int(estimated * STEP_BACK), self._limits.get(label, estimated))

    def room(self, label: str, window: int, at: float, answer: int | None) -> Room:
        """The room of a model with this window, in tokens; see `make_room`."""
        return make_room(window, at, answer, self.factor(label), self.limit(label))


@dataclass(frozen=True, slots=True)
class Room:
    """Sizes of a request in estimated tokens, uncorrected: it is made smaller from `most` on, until it is `target`.

    Up to `comfortable` the last messages stay as they are.
    """

    most: int
    comfortable: int
    target: int

    @classmethod
    def of(cls, most: float) -> Room:
        return cls(int(most), int(most * COMFORTABLE), int(most * TARGET))

    def less(self, fixed: int) -> Room:
        """What is left of it for messages, beside system prompt and tools; a tenth, whatever those come to."""
        return Room.of(max(self.most - fixed, self.most * LEFT_FOR_MESSAGES))


def make_room(window: int, at: float, answer: int | None, factor: float = 1.0, limit: int | None = None) -> Room:
    """The room in a window of so many tokens, of which the share `at` may be filled, the answer included.

    >>> make_room(8000, 0.9, None), make_room(8000, 0.9, 2000).most, make_room(8000, 0.9, None, factor=2.0).most
    (Room(most=6200, comfortable=4960, target=4133), 5200, 3100)
    """
    reserve = min(window * ANSWER_SHARE, ANSWER_MOST) if answer is None else answer
    whole, reserve = window / factor, reserve / factor
    if limit is not None and limit < whole:
        whole, reserve = limit, min(reserve, limit * ANSWER_SHARE)
    filled = at * whole
    most = filled - min(reserve, filled / 2)
    return Room.of(most)
