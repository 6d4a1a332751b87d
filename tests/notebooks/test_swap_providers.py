"""The page on swapping providers: real answers of the embedded model, over three vendors' wires, the same anywhere."""

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

from alloy_nb.providers.local import is_installed
from alloy_nb.weights.catalogue import DEFAULT
from alloy_nb.weights.store import is_present

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks" / "swap-providers.ipynb"

if not NOTEBOOK.exists():
    pytest.skip("installed without the notebooks", allow_module_level=True)


@pytest.fixture(scope="module")
def cells() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return found


@pytest.fixture(scope="module")
def weights() -> None:
    if is_present(DEFAULT) and is_installed():
        return
    how = f'needs `pip install -e ".[local]"` and `alloy local pull {DEFAULT}`'
    if os.environ.get("CI"):
        pytest.fail(how)
    pytest.skip(how)


def said(cells: list[dict[str, Any]], cell_id: str) -> str:
    (cell,) = [cell for cell in cells if cell["id"] == cell_id]
    return "".join("".join(output.get("text", ())) for output in cell["outputs"])


def test_no_output_names_this_machine_a_time_an_id_or_a_port(cells: list[dict[str, Any]]) -> None:
    outputs = json.dumps([cell["outputs"] for cell in cells if cell["cell_type"] == "code"])
    for pattern in (r"/(?:home|tmp|root|Users|work|private)\b", r"[A-Z]:\\\\", r"run-[0-9a-f]{8}", r"0x[0-9a-f]{6}"):
        assert not re.search(pattern, outputs), pattern
    assert set(re.findall(r"127\.0\.0\.1:\d+", outputs)) == {"127.0.0.1:9"}
    assert not re.search(r"\b\d+(?:\.\d+)? (?:ms|s|seconds)\b", outputs)
    assert "vnd.alloy.run" not in outputs
    assert "<script" not in outputs


def test_every_cell_ran_in_order_and_without_an_error(cells: list[dict[str, Any]]) -> None:
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert {output["output_type"] for cell in code for output in cell["outputs"]} == {"display_data", "stream"}
    assert all(set(cell["metadata"]) <= {"tags"} for cell in cells)


def test_one_conversation_goes_over_three_wires(cells: list[dict[str, Any]]) -> None:
    assert [line.split()[0] for line in said(cells, "models").splitlines()] == [
        "openai-compatible",
        "openai",
        "anthropic",
    ]
    assert "tool_end         {'name': 'temperature', 'output': 'The temperature in Oslo is 4 degrees.'}" in said(
        cells, "call"
    )
    assert "text_delta       The| temperature| in| Oslo| is| |4| degrees|." in said(cells, "answer")
    lines = said(cells, "history").splitlines()
    assert [line.split()[0] for line in lines[:-1]] == ["user", "assistant"] * 4
    assert lines[5].endswith("The capital of Norway is Oslo.")
    assert lines[7].endswith("The capital of France is Paris.")


def test_the_fallback_is_told_and_answers(cells: list[dict[str, Any]]) -> None:
    told = said(cells, "fallback")
    assert "fallback         {'from': 'nobody:smollm2', 'to': 'anthropic:smollm2'" in told
    assert "run_end          {'status': 'completed'}" in told


def test_the_providers_it_lists_are_all_there_are(cells: list[dict[str, Any]]) -> None:
    from alloy_nb.models_table import our_table
    from alloy_nb.providers.vendors import VENDORS

    lines = said(cells, "known").splitlines()
    assert [line.split()[0] for line in lines] == list(VENDORS), "python tests/notebooks/refresh.py"
    table = our_table()
    for line, name in zip(lines, VENDORS, strict=True):
        default = table[name].default if name in table else None
        assert line.endswith(default or "the newest on the server"), "python tests/notebooks/refresh.py"


@pytest.mark.kernel
@pytest.mark.model
@pytest.mark.usefixtures("weights")
def test_it_passes_strict_comparison_also_beside_itself(tmp_path: Path) -> None:
    """Two at once, each with a server and a port of its own; nothing is left behind."""
    shutil.copy(NOTEBOOK, tmp_path)
    env = {
        **os.environ,
        "ALLOY_MODEL": "",
        "ALLOY_DISPLAY": "static",
        # A user's own table may have other defaults.
        "ALLOY_MODELS": "",
        "ALLOY_CONFIG_DIR": str(tmp_path / "config"),
        "PYTHONPATH": str(ROOT),
    }
    plugins = ["-p", "no:cacheprovider", "-p", "no:xdist"]
    command = [sys.executable, "-m", "pytest", "--nbval", NOTEBOOK.name, "-q", *plugins]
    both = [
        subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    for process in both:
        words, _ = process.communicate(timeout=110)
        assert process.returncode == 0, f"{words}\nmeant to be so? python tests/notebooks/refresh.py"
        assert "passed" in words
    left = sorted(path.name for path in tmp_path.iterdir() if path.name != "__pycache__")
    assert left == [NOTEBOOK.name]
