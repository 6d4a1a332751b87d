"""The sinks of a notebook: shown once, growing HTML, running text. The widget's is in `live`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..events import Event, now_ms
from ..render.blocks import Transcript
from ..render.bundle import record_kept
from ..result import Result
from .cell import Cell
from .interrupts import interrupts_held

if TYPE_CHECKING:
    from ..execution import Execution

__all__ = ["Show", "find_show", "frozen_bundle", "static_bundle", "transcript_of"]

logger = logging.getLogger("alloy_nb")

#: Updates a second at most, and characters up to which the whole answer is rendered anew: beyond them a browser
#: spends its time on rendering, and what is sent grows with the square of the text.
UPDATES = 8
LONGEST_LIVE = 10_000
#: The same for what a run with many calls is rendered to.
LARGEST_LIVE = 60_000


def transcript_of(result: Result, inputs: Sequence[str] = ()) -> Transcript:
    """The transcript of a Result: of its events, or, where they are gone (it was pickled), of its answer."""
    transcript = Transcript(result.run_id or None, inputs=inputs)
    for event in result.events or _retold(result):
        transcript.feed(event)
    return transcript


def _retold(result: Result) -> list[Event]:
    error = result.error
    end = {
        "status": result.status,
        "error": None if error is None else error.message,
        "hint": None if error is None else error.hint,
        "turns": result.turns,
        "usage": result.usage.to_dict(),
        "cost": result.cost,
    }
    told = [("run_start", {"prompt": "", "model": result.model}), ("text_delta", result.text), ("run_end", end)]
    stamp = now_ms()
    return [Event(seq, result.run_id, kind, payload, ts_ms=stamp) for seq, (kind, payload) in enumerate(told, 1)]


def static_bundle(transcript: Transcript, record: str | None = None) -> dict[str, Any]:
    """The forms of a run that are the same each time it runs; with the record only when it is asked for."""
    from ..render.bundle import bundle

    return bundle(transcript, static=True, record=record_kept(record, "off"))


def frozen_bundle(transcript: Transcript, record: str | None = None) -> dict[str, Any]:
    """What stays of a run that was shown while it went on: with times, and with the record, unless not wanted."""
    from ..render.bundle import bundle

    return bundle(transcript, static=False, record=record_kept(record, "full"))


class Show:
    """What all sinks have in common. A fault in rendering is told, and never costs the answer."""

    interval = 60.0

    def __init__(self, cell: Cell, inputs: Sequence[str]) -> None:
        self._cell = cell
        self._transcript = Transcript(inputs=inputs)
        self._faulty = False
        self._record: str | None = None
        record_kept(None, "off")  # a wrong setting is said before the run begins

    def open(self, run: Execution) -> None:
        self._record = run.options.record
        try:
            with interrupts_held():
                self._begin(run)
        except Exception:  # noqa: BLE001 - the run, and the answer, must outlive what shows them
            self._complain()

    def feed(self, events: Sequence[Event]) -> None:
        try:
            with interrupts_held():
                self._take(events)
        except Exception:  # noqa: BLE001 - as above
            self._complain()

    def close(self, result: Result) -> None:
        if result.run_id:
            self._cell.shown.add(result.run_id)
        try:
            with interrupts_held():
                self._finish()
        except Exception:  # noqa: BLE001 - as above
            self._complain()
            self._publish_plainly(result.text)

    def _publish_plainly(self, text: str) -> None:
        try:
            self._publish({"text/plain": text})
        except Exception:  # noqa: BLE001 - as above; it was complained of
            self._complain()

    def show(self, result: Result) -> None:
        """Show a Result that is there already."""
        self._transcript = transcript_of(result, self._transcript.inputs)
        self.close(result)

    def _begin(self, run: Execution) -> None:
        """Nothing to show yet."""

    def _take(self, events: Sequence[Event]) -> None:
        for event in events:
            self._transcript.feed(event)

    def _finish(self) -> None:
        raise NotImplementedError

    def _publish(self, data: dict[str, Any]) -> None:
        from IPython.display import display

        display(data, raw=True)

    def _complain(self) -> None:
        if not self._faulty:
            self._faulty = True
            logger.exception("a run could not be shown as it should; its result is complete")


class StaticShow(Show):
    """Shown once, when it is over, the same in every execution: for documents and for comparing them."""

    def _finish(self) -> None:
        self._publish(static_bundle(self._transcript, self._record))


class HtmlShow(Show):
    """One output that grows while the run goes on, and is frozen into its last form."""

    interval = 1 / UPDATES
    #: How a person stops what is shown.
    stop = "interrupt the kernel to stop it"

    def __init__(self, cell: Cell, inputs: Sequence[str]) -> None:
        super().__init__(cell, inputs)
        self._handle: Any = None
        self._size = 0
        self._is_long = False

    def _begin(self, run: Execution) -> None:
        self._publish(self._live())

    def _take(self, events: Sequence[Event]) -> None:
        super()._take(events)
        self._size += sum(len(event.payload) for event in events if isinstance(event.payload, str))
        if self._transcript.live:
            self._publish(self._live())

    def _live(self) -> dict[str, Any]:
        from ..render.html import live_html, tail_html

        html = ""
        if not self._is_long:
            html = live_html(self._transcript, self.stop)
            self._is_long = self._size > LONGEST_LIVE or len(html) > LARGEST_LIVE
        if self._is_long:
            html = tail_html(self._transcript, self._size, self.stop)
        return {"text/html": html, "text/plain": "this run did not finish here"}

    def _finish(self) -> None:
        self._publish(frozen_bundle(self._transcript, self._record))

    def _publish(self, data: dict[str, Any]) -> None:
        from IPython.display import display

        if self._handle is None:
            self._handle = display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)


class BackgroundHtmlShow(HtmlShow):
    """The same of a run that no cell waits for: an interrupt of the kernel does not reach it."""

    stop = "its `.cancel()` stops it"


class TextShow(Show):
    """Words as they come, on the standard output of this moment."""

    interval = 0.05

    def __init__(self, cell: Cell, inputs: Sequence[str]) -> None:
        super().__init__(cell, inputs)
        from ..render.text import TextWriter

        self._out = sys.stdout
        self._writer = TextWriter(self._out.write, color=self._out.isatty(), transcript=self._transcript)

    def _begin(self, run: Execution) -> None:
        for item in self._transcript.inputs:
            self._out.write(f"with {item}\n")

    def _take(self, events: Sequence[Event]) -> None:
        for event in events:
            self._writer.feed(event)
        self._out.flush()

    def _finish(self) -> None:
        self._out.flush()

    def show(self, result: Result) -> None:
        from ..render.text import to_text

        self._out.write(to_text(transcript_of(result)) + "\n")
        self.close(result)

    def _publish(self, data: dict[str, Any]) -> None:
        self._out.write(data["text/plain"] + "\n")


_SHOWS: dict[str, type[Show]] = {
    "static": StaticShow,
    "html": HtmlShow,
    "background-html": BackgroundHtmlShow,
    "text": TextShow,
}


def find_show(kind: str) -> type[Show]:
    """The sink of that kind; ``"widget"`` brings in what widgets need."""
    if kind in _SHOWS:
        return _SHOWS[kind]
    from .live.show import BackgroundWidgetShow, WidgetShow

    return {"widget": WidgetShow, "background-widget": BackgroundWidgetShow}[kind]
