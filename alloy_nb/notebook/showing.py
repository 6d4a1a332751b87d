"""`alloy.show`: a run that was kept, shown again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..articles import a_kind
from ..errors import ConfigError
from ..render.blocks import Transcript
from ..render.bundle import RECORD_MIME, Kept, bundle, record_kept
from ..render.team_bundle import team_bundle
from ..render.team_record import from_team_record, is_team_record
from ..render.team_values import TeamTold
from ..result import Result
from ..runs import Run
from .cell import running_shell, say
from .display import display_kind
from .shows import transcript_of

if TYPE_CHECKING:
    from os import PathLike

__all__ = ["show"]

_HINT = (
    "give a run record, a Path to one or to a notebook, a Result or a Run; a notebook keeps records of runs that are "
    "shown live, unless record='off'"
)


def show(record: Mapping[str, Any] | str | PathLike[str] | Result | Run) -> None:
    """Show a run that was kept: in a notebook as it looked when it ended, in plain Python as text.

    `record` is a run record (a mapping, or its JSON as a string), a Path to one or to a notebook, an output of a
    notebook that holds one, a `Result`, or a `Run` (which is shown as it goes on). Of a notebook each run is shown.
    Nothing in a record is believed: it runs nothing, loads nothing, and keys in it are taken out. Raises
    `ConfigError` for what is no run.

    >>> show({"v": 1, "status": "completed", "blocks": [{"block": "text", "markdown": "Good morning"}]})
    Good morning
    """
    if isinstance(record, Run) and running_shell() is not None:
        record._ipython_display_()
        return
    found = list(_found(record))
    if not found:
        raise ConfigError("there is no run record in this", hint=_HINT)
    for item in found:
        _show(item)


def _show(item: Transcript | TeamTold) -> None:
    kind = display_kind("auto", running_shell()) or "text"
    if kind == "text":
        say(_bundled(item)["text/plain"])
        return
    from IPython.display import display

    static = kind == "static"
    display(_bundled(item, static=static, record=record_kept(None, "off" if static else "full")), raw=True)


def _bundled(item: Transcript | TeamTold, *, static: bool = False, record: Kept = "off") -> dict[str, Any]:
    if isinstance(item, TeamTold):
        return team_bundle(item, static=static, record=record)
    return bundle(item, static=static, record=record)


def _found(value: Any) -> Iterator[Transcript | TeamTold]:
    if isinstance(value, Run):
        value = value.result(check=False)
    if isinstance(value, Result):
        yield transcript_of(value)
        return
    if isinstance(value, str):
        value = _read(value, "the string", hint="for a file give a Path: alloy.show(Path('run.json'))")
    elif hasattr(value, "__fspath__"):
        value = _read_file(Path(value))
    if not isinstance(value, Mapping):
        raise ConfigError(f"{a_kind(value)} is no run record", hint=_HINT)
    found = list(_records(value))
    # What holds no other records is taken for one itself: what is wrong with it is said by who reads it.
    for record in found or [value]:
        yield from_team_record(record) if is_team_record(record) else Transcript.from_record(record)


def _read_file(path: Path) -> Any:
    try:
        text = path.expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise ConfigError(f"cannot read {path}: {why}", hint="give the path of a run record or a notebook") from error
    return _read(text, str(path), hint="give the path of a run record or a notebook")


def _read(text: str, what: str, hint: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{what} is no JSON", hint=hint) from error


#: Notebook, cell, output and its data: a record lies no deeper.
_DEEPEST = 4


def _records(value: Mapping[str, Any], depth: int = 0) -> Iterator[Any]:
    """The records within: of a notebook, a cell, an output, or an output's data."""
    if depth > _DEEPEST:
        return
    if RECORD_MIME in value:
        yield value[RECORD_MIME]
        return
    data = value.get("data")
    inner = [data] if isinstance(data, Mapping) and "output_type" in value else []
    for name in ("cells", "outputs"):
        items = value.get(name)
        inner += items if isinstance(items, list) else []
    for item in inner:
        if isinstance(item, Mapping):
            yield from _records(item, depth + 1)
