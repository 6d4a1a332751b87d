"""Where the conversation is shown: stdout, as long as somebody takes it."""

from __future__ import annotations

from typing import TextIO

from ...wrapping import width_of
from ..console import OutputGone, shown_on

__all__ = ["Screen"]

#: Columns of a terminal that does not tell.
_USUAL = 80


class Screen:
    """`gone` once it took no more: a run that writes to it hands on an interrupt, which does not say from whom."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.gone = False

    def width(self) -> int:
        """Its columns now: COLUMNS in the environment is of a window as it was."""
        return width_of(self._stream) or _USUAL

    def write(self, text: str) -> None:
        """Show it at once. Raises `OutputGone` when nobody takes it."""
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError as error:
            self.gone = True
            raise OutputGone from error

    def say(self, text: str) -> None:
        """Lines of ours, no wider than the terminal."""
        self.write(f"{shown_on(self._stream, text)}\n")
