"""`/attach` and `/stop`: the runs of this kernel from another cell."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter

from alloy_nb.errors import ConfigError
from alloy_nb.providers.scripted import Scripted

from .conftest import Notebook


class Waits(Scripted):
    """Answers when it is stopped, or never."""

    async def stream(self, request: Any) -> Any:
        await asyncio.Event().wait()
        yield


@pytest.fixture
def waiting(notebook: Notebook) -> Iterator[Notebook]:
    """Runs that go on until they are stopped, in `one` and `two`."""
    notebook.names["w"] = Waits([])
    notebook.ok("one = alloy.start('Tell me of one', model=w)\ntwo = alloy.start('Tell me of two', model=w)")
    yield notebook
    for name in ("one", "two"):
        notebook.names[name].cancel()
        notebook.names[name].result(check=False)


def test_the_newest_run_is_shown_also_one_in_the_background_that_is_over(notebook: Notebook, script: Any) -> None:
    """It showed the last cell's answer, or none."""
    script("of the cell", "in the background")
    notebook.ok("%alloy -m m first")
    notebook.ok("run = alloy.start('second', model=m)\n_ = run.result()")
    assert "in the background" in notebook.ok("%alloy /attach").stdout
    assert "in the background" in notebook.ok("%alloy /attach run").stdout
    assert "in the background" in notebook.ok(f"%alloy /attach {notebook.names['run'].run_id}").stdout


def test_one_that_was_stopped_is_shown(waiting: Notebook) -> None:
    waiting.ok("%alloy /stop two")
    waiting.names["two"].result(check=False)
    shown = waiting.ok("%alloy /attach two").stdout
    assert "stopped" in shown
    assert "is kept" not in shown  # nothing was said


def test_the_run_in_a_variable_is_stopped_and_no_other(waiting: Notebook) -> None:
    one, two = waiting.names["one"], waiting.names["two"]
    assert waiting.ok("%alloy /stop one").stdout == f"Stopped 1 run: {one.run_id}\n"
    assert one.result(check=False).status == "cancelled"
    assert two.status == "running"
    error = waiting.run("%alloy /stop one").error
    assert isinstance(error, ConfigError)
    assert two.run_id in (error.hint or "")
    assert one.run_id not in (error.hint or "")


@pytest.mark.parametrize("command", ["attach", "stop"])
def test_runs_are_told_with_variable_model_time_and_question(command: str, waiting: Notebook) -> None:
    """There was a list of ids."""
    error = waiting.run(f"%alloy /{command} nope").error
    assert isinstance(error, ConfigError)
    told = re.findall(r"(\S+) \(`(\w+)`, ([\w:]+), \d\d:\d\d:\d\d, ([^)]+)\)", error.hint or "")
    model = waiting.names["w"].name + ":" + waiting.names["w"].model
    expected = [(waiting.names[name].run_id, name, model, f"Tell me of {name}") for name in ("two", "one")]
    assert told == expected


def test_a_variable_that_holds_a_run_is_completed(waiting: Notebook) -> None:
    for line in ("%alloy /stop tw", "%alloy /attach tw"):
        with provisionalcompleter():
            offered = list(waiting.shell.Completer.completions(line, len(line)))
        assert [found.text for found in offered] == ["two"]


def test_without_a_run_there_is_none_to_show(notebook: Notebook) -> None:
    error = notebook.run("%alloy /attach").error
    assert isinstance(error, ConfigError)
    assert "there is no run to show yet" in error.message
