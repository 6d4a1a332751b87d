"""Where a run, a `Run` or a `Result` is shown: the choice of a sink, and what the table in `sinks` names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from ..asking import stdin_available
from ..errors import ConfigError
from ..execution import Execution
from ..options import nearest
from ..result import Result
from ..sinks import DISPLAYS, Sink
from ..waiting import block_on, see_out
from .cell import Cell, current_cell, is_top_level, running_shell, say
from .folding import FoldedSink, row_of

__all__ = ["choose_sink", "display_kind", "result_bundle", "show_result", "show_run"]

#: So many runs of one cell are shown whole; the rest is counted in one row.
MOST_SHOWN = 3


def display_kind(display: str | None, shell: Any) -> str | None:
    """``"widget"``, ``"html"``, ``"static"``, ``"text"`` or None; ``ALLOY_DISPLAY`` overrides what is asked for.

    A kernel shows a widget, unless nobody can be asked there (nbclient, papermill, CI): then what is shown is shown
    once, at the end, the same in every execution.
    """
    named = os.environ.get("ALLOY_DISPLAY", "").strip().lower()
    _check("ALLOY_DISPLAY", named or "auto", (*DISPLAYS, "none"))
    _check("display", display or "auto", DISPLAYS)
    if display is None or named == "none":
        return None
    kind = named if named not in ("", "auto") else display
    if shell is None:
        return "text" if kind == "text" else None
    if getattr(shell, "kernel", None) is None and kind in ("auto", "widget"):
        return "text"
    if kind != "auto":
        return kind
    return "widget" if stdin_available() else "static"


def _check(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        near = nearest(value, known)
        raise ConfigError(
            f"{name} is {value!r}", hint=f"did you mean {near!r}?" if near else f"choose one of {', '.join(known)}"
        )


def choose_sink(display: str | None, *, inputs: Sequence[str] = ()) -> Sink | None:
    """The sink of a run that begins now, on this thread; None when it is not to be shown.

    Only runs at the top level of a cell are: what a tool, a thread or a task asks for belongs to somebody else's
    answer. `inputs` names what went into the prompt.
    """
    shell = running_shell()
    kind = display_kind(display, shell)
    if kind is None:
        return None
    if shell is None:
        return _make(kind, Cell(), inputs)
    if not is_top_level():
        return None
    cell = current_cell(shell)
    cell.runs += 1
    if cell.runs > MOST_SHOWN:
        return FoldedSink(row_of(cell, kind))
    return _make(kind, cell, inputs)


def _make(kind: str, cell: Cell, inputs: Sequence[str]) -> Sink:
    from .shows import find_show

    return find_show(kind)(cell, inputs)


def result_bundle(result: Result) -> dict[str, Any]:
    """A Result in the forms that front ends know: HTML, Markdown, plain text."""
    from .shows import static_bundle, transcript_of

    return static_bundle(transcript_of(result))


def show_result(result: Result) -> None:
    """Show a Result, unless this cell has shown its run already."""
    from .shows import find_show

    shell = running_shell()
    kind = display_kind("auto", shell) or "text"
    cell = current_cell(shell) if shell is not None else Cell()
    if result.run_id and result.run_id in cell.shown:
        if shell is not None and getattr(shell, "kernel", None) is None:
            say(f"<Result {result.status}>")  # IPython's terminal has written "Out[3]: " already
        return
    find_show("html" if kind == "widget" else kind)(cell, ()).show(result)


def show_run(run: Execution) -> None:
    """Show a run that goes on in the background: live where a display can change, else once it is over."""
    shell = running_shell()
    kind = display_kind("auto", shell) or "text"
    cell = current_cell(shell) if shell is not None else Cell()
    if run.run_id in cell.shown:
        return
    cell.shown.add(run.run_id)
    if kind not in ("html", "widget"):
        from ..pump import Pump

        block_on(run, Pump(), _make(kind, cell, run.inputs), check=False)
        return
    sink = _make(f"background-{kind}", cell, run.inputs)
    sink.open(run)
    see_out(run, sink)
