"""`%load_ext alloy_nb`."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from .conftest import Notebook

_LOAD = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
before = set(sys.modules)
shell.run_cell("%load_ext alloy_nb")
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before}))
print(*sorted(name for name in sys.modules if name.startswith("alloy_nb.")))
"""

#: What takes long to import, or is only needed once a question is asked.
_HEAVY = {
    "pydantic",
    "pydantic_core",
    "httpx2",
    "nbformat",
    "nbclient",
    "markdown_it",
    "nh3",
    "ipywidgets",
    "anywidget",
}


def test_loading_imports_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", _LOAD], capture_output=True, text=True, check=True)
    new, ours = done.stdout.strip().splitlines()[-2:]
    assert "alloy_nb" in new.split()
    assert not _HEAVY & set(new.split())
    assert not [name for name in ours.split() if ".render" in name or name.endswith((".loop", ".runs"))]


def test_loading_twice_and_reloading_keep_the_conversation(notebook: Notebook, script: Any) -> None:
    model = script("a1", "a2")
    notebook.ok("%alloy -m m q1")
    notebook.ok("%load_ext alloy_nb")
    notebook.ok("%reload_ext alloy_nb")
    notebook.ok("%alloy -m m q2?")
    assert [message.text for message in model.requests[-1].messages] == ["q1", "a1", "q2?"]


def test_unloading_takes_the_magics_away(notebook: Notebook) -> None:
    notebook.ok("%unload_ext alloy_nb")
    assert "not found" in str(notebook.run("%alloy --help").error)
    assert "alloy" not in notebook.shell.magics_manager.magics["cell"]
    notebook.ok("%load_ext alloy_nb")
    notebook.ok("%alloy --help")
