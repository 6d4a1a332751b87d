"""An IPython shell in this process, with the extension loaded."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass
class Ran:
    """What a cell did: its value, its error, the displays it made (`update` marks a change of one), its text."""

    value: Any
    error: BaseException | None
    outputs: list[dict[str, Any]]
    stdout: str

    @property
    def texts(self) -> list[str]:
        return [output["data"]["text/plain"] for output in self.outputs]


class Notebook:
    """Runs cells, as a notebook would."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.cell_id: str | None = None
        shell.get_parent = lambda: {"metadata": {"cellId": self.cell_id} if self.cell_id else {}}

    @property
    def names(self) -> dict[str, Any]:
        names: dict[str, Any] = self.shell.user_ns
        return names

    def run(self, code: str, *, cell: str | None = None) -> Ran:
        from IPython.utils.capture import capture_output

        self.cell_id = cell
        with capture_output() as captured:
            done = self.shell.run_cell(code, store_history=True)
        outputs = [dict(output) for output in captured._outputs]
        return Ran(done.result, done.error_before_exec or done.error_in_exec, outputs, captured.stdout)

    def ok(self, code: str, *, cell: str | None = None) -> Ran:
        ran = self.run(code, cell=cell)
        if ran.error is not None:
            raise AssertionError(f"{code!r} failed") from ran.error
        return ran

    @property
    def conversation(self) -> Any:
        return self.shell.magics_manager.registry["AlloyMagics"].conversation


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.chdir(tmp_path)
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=config)
    notebook = Notebook(shell)
    try:
        notebook.ok("%load_ext alloy_nb\nimport alloy_nb as alloy")
        yield notebook
    finally:
        InteractiveShell.clear_instance()
        # At exit each shell of them all would look for garbage everywhere: 10 seconds, until xdist kills the worker.
        atexit.unregister(shell.atexit_operations)


@pytest.fixture
def script(notebook: Notebook) -> Any:
    """Makes a `Scripted` model of the lines given, bound as `m` in the notebook."""
    from alloy_nb import Scripted

    def make(*lines: Any) -> Scripted:
        model = notebook.names["m"] = Scripted(list(lines))
        return model

    return make
