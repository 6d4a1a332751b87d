"""The quickstart: its saved outputs are those of its script, on any machine, at any time."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks" / "01-quickstart.ipynb"
SCRIPT = NOTEBOOK.with_suffix(".jsonl")

if not NOTEBOOK.exists():
    pytest.skip("installed without the notebooks", allow_module_level=True)


@pytest.fixture(scope="module")
def cells() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return found


def test_no_output_names_this_machine_a_time_or_an_id(cells: list[dict[str, Any]]) -> None:
    outputs = json.dumps([cell["outputs"] for cell in cells if cell["cell_type"] == "code"])
    for pattern in (r"/(?:home|tmp|root|Users|work|private)\b", r"[A-Z]:\\", r"run-[0-9a-f]{8}", r"0x[0-9a-f]{6}"):
        assert not re.search(pattern, outputs), pattern
    assert not re.search(r"\b\d+(?:\.\d+)? (?:ms|s|seconds)\b", outputs)
    assert "vnd.alloy.run" not in outputs
    assert "<script" not in outputs


def test_every_cell_ran_in_order_and_without_an_error(cells: list[dict[str, Any]]) -> None:
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    kinds = {output["output_type"] for cell in code for output in cell["outputs"]}
    assert kinds == {"display_data", "stream"}
    assert all(set(cell["metadata"]) <= {"tags"} for cell in cells)


def test_the_number_is_in_the_file_and_in_the_answer(cells: list[dict[str, Any]]) -> None:
    (check,) = [cell for cell in cells if cell["id"] == "check"]
    text = "".join(check["outputs"][0]["text"])
    assert re.search(r"The number of the day is \d{5}\.", text)
    assert "The answer has the number: True" in text


@pytest.mark.kernel
def test_it_passes_strict_comparison_also_beside_itself(tmp_path: Path) -> None:
    """Two at once, in one folder: neither meets the other's files, and nothing is left behind."""
    for file in (NOTEBOOK, SCRIPT):
        shutil.copy(file, tmp_path)
    env = {
        **os.environ,
        "ALLOY_MODEL": f"scripted:{tmp_path / SCRIPT.name}",
        "ALLOY_DISPLAY": "static",
        "PYTHONPATH": str(ROOT),
    }
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval",
        NOTEBOOK.name,
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
    ]
    both = [
        subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    for process in both:
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, f"{said}\nmeant to be so? python tests/notebooks/refresh.py"
        assert "passed" in said
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".pyc" and path.name != "__pycache__") == [
        NOTEBOOK.name,
        SCRIPT.name,
    ]
