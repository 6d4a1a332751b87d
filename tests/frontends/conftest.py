"""Front ends that run a notebook without a person, or that are no notebooks: as programs of their own, and for real."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import alloy_nb

ROOT = Path(alloy_nb.__file__).parents[1]
HERE = Path(__file__).parent
LONGEST = 120.0

#: A model whose second answer wants to run a command; nobody is asked where nobody is.
MODEL = """
%load_ext alloy_nb
import alloy_nb as alloy
call = {"name": "bash", "input": {"command": "touch made"}}
model = alloy.Scripted(["Helium, **neon** and argon.", {"text": "May I?", "tool_calls": [call]}, "Then not."])
"""
ASK = "%%alloy -m model -o answer\nName three noble gases."
APPROVE = "%%alloy -m model -t bash -o denied\nMake a file."


@pytest.hookimpl(tryfirst=True)  # before tests are selected by their marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("kernel")


def front_ends() -> str:
    """The Python that has Notebook 7, papermill and marimo."""
    python = Path(os.environ.get("ALLOY_FRONTENDS") or ROOT / "build/frontends/bin/python")
    if not python.exists():
        pytest.skip("no papermill and no marimo here; make test brings them")
    return str(python)


def environment(**extra: str) -> dict[str, str]:
    """This process's, from which the fixtures have taken keys, with the package importable."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYDEVD_DISABLE_FILE_VALIDATION": "1", **extra}


def run(*command: str | Path, cwd: Path) -> str:
    """A program to its end, which must be a good one; all that it said."""
    ran = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


def write(path: Path, cells: Sequence[str], tags: Sequence[str] = ()) -> Path:
    """A notebook of code cells; the first one has `tags`."""
    made = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {"tags": list(tags)} if tags and number == 0 else {},
            "source": source,
            "execution_count": None,
            "outputs": [],
        }
        for number, source in enumerate(cells)
    ]
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"cells": made, "metadata": {"kernelspec": spec}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(notebook, indent=1), "utf-8")
    return path


def outputs(notebook: Path) -> list[list[dict[str, Any]]]:
    """The outputs of each cell of a saved notebook."""
    return [cell["outputs"] for cell in json.loads(notebook.read_text("utf-8"))["cells"]]


def text_of(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "".join(value)


PYTHON = sys.executable
