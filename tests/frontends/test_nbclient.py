"""nbclient: an answer is shown once, the same in every execution; nobody is asked; a timeout stops a run."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from .conftest import APPROVE, ASK, MODEL, ROOT, text_of, write

SLOW = """
%load_ext alloy_nb
import alloy_nb as alloy
model = alloy.Scripted([{"chunks": ["So far, ", "and the end."], "delay_ms": 600_000}, "It works."])
"""


def execute(path: Path, **options: Any) -> Any:
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}, **options
    )
    asyncio.run(client.async_execute())
    return notebook


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def test_nbclient_shows_an_answer_once(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", [MODEL, ASK, "print(answer.text)"])
    first, second = execute(path), execute(path)
    (shown,) = first.cells[1].outputs
    assert shown.output_type == "display_data"
    assert sorted(shown.data) == ["text/html", "text/markdown", "text/plain"]
    assert "<strong" in text_of(shown.data["text/html"])
    assert first.cells[2].outputs[0].text == "Helium, **neon** and argon.\n"
    assert [cell.outputs for cell in first.cells] == [cell.outputs for cell in second.cells]


def test_nbclient_denies_what_nobody_can_allow(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", [MODEL, ASK, APPROVE, "print(denied.tool_calls[0].error)"])
    notebook = execute(path)
    assert "nobody could be asked" in notebook.cells[3].outputs[0].text
    assert not (tmp_path / "made").exists()


def test_nbclient_stops_a_question_by_its_timeout(tmp_path: Path) -> None:
    """The cell ends in an error, and the next question works."""
    path = write(tmp_path / "a.ipynb", [SLOW, ASK, "%%alloy -m model\nAnd now?"])
    seconds = {ASK: 5}
    options = {"timeout_func": lambda cell: seconds.get(cell.source, 60), "interrupt_on_timeout": True}
    notebook = execute(path, allow_errors=True, **options)
    shown = notebook.cells[1].outputs[0].data["text/plain"]
    assert shown.splitlines()[-1].startswith("── stopped · "), shown
    assert [output.ename for output in notebook.cells[1].outputs if output.output_type == "error"]
    assert "It works." in str(notebook.cells[2].outputs)
