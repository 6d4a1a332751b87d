"""What of a history is sent, and about how much that is."""

from __future__ import annotations

from collections.abc import Sequence

from ..messages import Message
from .condensed import Condensed, still_holds
from .estimate import Tally, history_tokens

__all__ = ["Sending"]


class Sending:
    """The view of one history that grows: `take` another view of it, or say that the history was `changed`.

    >>> sending = Sending()
    >>> sending.tokens([Message.user("four")])
    5
    """

    def __init__(self, view: Condensed | None = None) -> None:
        self._whole = Tally()
        self.take(view)

    def take(self, view: Condensed | None) -> None:
        """Have this sent in place of the beginning; None: the whole."""
        self.view = view
        self._condensed = 0 if view is None else history_tokens(view.messages)
        self._rest = Tally(0 if view is None else view.upto)

    def changed(self, before: Sequence[Message], now: Sequence[Message]) -> None:
        """The history is another one: a view of what is not the same any more is dropped."""
        self._whole = Tally()
        self.take(still_holds(self.view, before, now))

    def messages(self, history: Sequence[Message]) -> tuple[Message, ...]:
        """What is sent."""
        return tuple(history) if self.view is None else self.view.view(history)

    def tokens(self, history: Sequence[Message]) -> int:
        """About how many tokens that is, uncorrected; at the cost of what is new."""
        return self._condensed + self._rest.of(history)

    def whole_tokens(self, history: Sequence[Message]) -> int:
        """The same of all of the history."""
        return self._whole.of(history)
