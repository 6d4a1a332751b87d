"""Which cell runs, and whose code asks."""

from __future__ import annotations

from typing import Any

from alloy_nb.notebook.cell import cell_id, current_cell, is_top_level, running_shell

from .conftest import Notebook


def test_outside_a_cell_nothing_is_top_level() -> None:
    assert not is_top_level()


def test_each_execution_has_a_number_and_the_front_ends_name(notebook: Notebook) -> None:
    seen: list[Any] = []
    notebook.names.update(note=lambda: seen.append(cell_id(running_shell())))
    notebook.ok("note()", cell="A")
    notebook.ok("note(); note()", cell="A")
    notebook.ok("note()")
    names, numbers = zip(*seen, strict=True)
    assert names == ("A", "A", "A", None)
    assert numbers[1] == numbers[2]
    assert len(set(numbers)) == 3


def test_what_waits_for_the_end_of_the_cell_is_called_once(notebook: Notebook) -> None:
    called: list[int] = []
    notebook.names.update(later=lambda: current_cell(running_shell()).ended.append(lambda: called.append(1)))
    notebook.ok("later()")
    notebook.ok("1")
    notebook.run("later(); 1/0")
    assert called == [1, 1]
