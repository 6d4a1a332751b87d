"""Telling how far a download is: one line rewritten on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

__all__ = ["Progress"]

_MEGABYTE = 1_000_000
_REDRAW = 0.1
_EVERY_SECONDS, _EVERY_SHARE = 2.0, 0.1


class Progress:
    """Call it with the bytes done so far.

    >>> import io
    >>> out = io.StringIO()
    >>> bar = Progress("smollm2", 93_000_000, out=out, clock=iter([0.0, 1.0, 2.0]).__next__)
    >>> bar(41_000_000); bar.finish()
    >>> print(out.getvalue(), end="")
    smollm2  41 of 93 MB  41.0 MB/s
    """

    def __init__(
        self,
        name: str,
        total: int | None = None,
        *,
        out: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.total = total
        self._out = out if out is not None else sys.stderr
        self._clock = clock
        self._tty = self._out.isatty()
        self._started = self._shown_at = clock()
        self._first: int | None = None
        self._shown = 0
        self._width = 0

    def start_at(self, done: int) -> None:
        """What an earlier attempt left does not count for the rate."""
        self._first = self._shown = done
        self._started = self._clock()

    def __call__(self, done: int) -> None:
        if self._first is None:
            self._first = 0
        now = self._clock()
        if self._is_due(done, now):
            self._shown_at, self._shown = now, done
            self._write(self._line(done, now))

    def finish(self) -> None:
        if self._tty and self._width:
            self._out.write("\n")
            self._out.flush()
            self._width = 0

    def say(self, text: str) -> None:
        """A line of its own."""
        self.finish()
        self._out.write(f"{self.name}  {text}\n")
        self._out.flush()

    def _is_due(self, done: int, now: float) -> bool:
        if done == self.total and done != self._shown:
            return True
        waited = now - self._shown_at
        if self._tty:
            return waited >= _REDRAW
        share = (done - self._shown) / self.total if self.total else 0.0
        return share >= _EVERY_SHARE or waited >= _EVERY_SECONDS

    def _line(self, done: int, now: float) -> str:
        total = f" of {self.total / _MEGABYTE:.0f}" if self.total else ""
        rate = (done - (self._first or 0)) / max(now - self._started, 1e-6) / _MEGABYTE
        return f"{self.name}  {done / _MEGABYTE:.0f}{total} MB  {rate:.1f} MB/s"

    def _write(self, line: str) -> None:
        if self._tty:
            self._out.write("\r" + line.ljust(self._width))
            self._width = len(line)
        else:
            self._out.write(line + "\n")
        self._out.flush()
