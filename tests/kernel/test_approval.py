"""Who may run what: a person at a front end, or nobody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Kernel

pytestmark = pytest.mark.kernel


def script(kernel: Kernel, *lines: object) -> None:
    kernel.wait_for_no_page()
    ran = kernel.run(f"import json\nm = alloy.Scripted(json.loads({json.dumps(json.dumps(lines))}))")
    assert ran.status == "ok"


def bash(command: str) -> dict[str, object]:
    return {"tool_calls": [{"name": "bash", "input": {"command": command}}]}


def test_headless_nothing_runs_and_the_reason_is_said(tmp_path: Path) -> None:
    """Under nbclient (nbconvert, papermill, CI) nobody can be asked: the call is denied, the model is told."""
    import nbformat
    from nbclient import NotebookClient

    from .conftest import ROOT

    setup = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\nimport alloy_nb as alloy\n%load_ext alloy_nb\n"
        f"m = alloy.Scripted([{bash('touch ran')!r}, 'I was not allowed to.'])"
    )
    cells = [setup, "%%alloy -m m -t bash -o r\nMake a file.\n", "print(r.tool_calls[0].error, r.status)"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert not (tmp_path / "ran").exists()
    shown = notebook.cells[1].outputs[0].data
    assert "nobody could be asked" in shown["text/html"]
    assert "approval='auto'" in shown["text/html"]
    assert "I was not allowed to." in shown["text/markdown"]
    assert "completed" in notebook.cells[2].outputs[0].text


def test_a_person_allows_denies_with_a_reason_and_allows_for_good(kernel: Kernel, tmp_path: Path) -> None:
    script(
        kernel,
        bash("touch one"),
        "done",
        bash("touch two"),
        "done",
        bash("touch three"),
        "done",
        bash("touch three"),
        "done",
    )

    def ask(*answers: str) -> list[str]:
        ran = kernel.run("r = %alloy -m m -t bash do it", allow_stdin=True, answers=answers)
        assert ran.status == "ok"
        return ran.questions

    (question,) = ask("y")
    assert "touch one" in question
    assert (tmp_path / "one").exists()

    assert len(ask("not in this folder")) == 1
    assert not (tmp_path / "two").exists()
    assert "not in this folder" in kernel.run("print(m.requests[-1].messages[-1].tool_results[0].text)").stdout

    assert len(ask("a")) == 1
    assert (tmp_path / "three").exists()
    (tmp_path / "three").unlink()
    assert ask() == []
    assert (tmp_path / "three").exists()


def test_what_was_allowed_for_good_is_forgotten_with_the_conversation(kernel: Kernel) -> None:
    script(kernel, bash("true"), "done", bash("true"), "done")
    assert len(kernel.run("r = %alloy -m m -t bash hi", allow_stdin=True, answers=["t"]).questions) == 1
    kernel.run("%alloy /reset")
    assert len(kernel.run("r = %alloy -m m -t bash hi", allow_stdin=True, answers=["n"]).questions) == 1


def test_plain_python_asks_too(kernel: Kernel, tmp_path: Path) -> None:
    script(kernel, bash("touch plain"), "done")
    ran = kernel.run("r = alloy.run('hi', model=m, tools=['bash'])", allow_stdin=True, answers=["y"])
    assert len(ran.questions) == 1
    assert (tmp_path / "plain").exists()
