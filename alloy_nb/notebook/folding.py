"""Many runs in one cell: after the first few, one row counts the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..counting import counted
from ..events import Event
from ..result import Result
from .cell import Cell

if TYPE_CHECKING:
    from ..execution import Execution

__all__ = ["FoldedSink", "Row", "row_of"]

_WORDS = {"error": "failed", "halted": "halted", "cancelled": "stopped", "waiting": "waiting"}


class Row:
    """Counts runs. Where a display can be updated it does so at once, else it is shown when the cell is over."""

    def __init__(self, cell: Cell, *, live: bool) -> None:
        self._live = live
        self._handle: Any = None
        self._begun = 0
        self._ended: dict[str, int] = {}
        if not live:
            cell.ended.append(self.show)

    def begin(self) -> None:
        self._begun += 1
        self._update()

    def end(self, result: Result) -> None:
        word = _WORDS.get(result.status, "ok")
        self._ended[word] = self._ended.get(word, 0) + 1
        self._update()

    def text(self) -> str:
        """``… and 7 more runs: 6 ok, 1 failed``."""
        going = self._begun - sum(self._ended.values())
        counts = [f"{count} {word}" for word, count in sorted(self._ended.items(), key=lambda item: item[0] != "ok")]
        if going:
            counts.append(f"{going} running")
        return f"… and {counted(self._begun, 'more run')}: {', '.join(counts)}"

    def show(self) -> None:
        from IPython.display import display

        display(_data(self.text()), raw=True)

    def _update(self) -> None:
        if not self._live:
            return
        from IPython.display import display

        if self._handle is None:
            self._handle = display(_data(self.text()), raw=True, display_id=True)
        else:
            self._handle.update(_data(self.text()), raw=True)


def _data(text: str) -> dict[str, str]:
    return {"text/html": f'<div style="opacity:.65;font-size:.9em">{text}</div>', "text/plain": text}


def row_of(cell: Cell, kind: str) -> Row:
    """The row of this cell."""
    if cell.folded is None:
        cell.folded = Row(cell, live=kind in ("html", "widget"))
    row: Row = cell.folded
    return row


class FoldedSink:
    """Shows nothing of a run but that it was there, and how it ended."""

    interval = 60.0

    def __init__(self, row: Row) -> None:
        self._row = row

    def open(self, run: Execution) -> None:
        self._row.begin()

    def feed(self, events: Sequence[Event]) -> None:
        """Nothing of it is shown."""

    def close(self, result: Result) -> None:
        self._row.end(result)
