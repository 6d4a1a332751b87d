"""The page on writing a provider: it runs anywhere, without a key and a network, and says what it says here."""

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
NOTEBOOK = ROOT / "notebooks" / "write-a-provider.ipynb"

if not NOTEBOOK.exists():
    pytest.skip("installed without the notebooks", allow_module_level=True)


@pytest.fixture(scope="module")
def cells() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return found


def outputs(cells: list[dict[str, Any]], cell_id: str) -> str:
    (cell,) = [cell for cell in cells if cell["id"] == cell_id]
    return "".join("".join(output.get("text", ())) for output in cell["outputs"])


def test_no_output_names_this_machine_a_time_an_id_or_a_key(cells: list[dict[str, Any]]) -> None:
    said = json.dumps([cell["outputs"] for cell in cells if cell["cell_type"] == "code"])
    for pattern in (r"/(?:home|tmp|root|Users|work|private)\b", r"127\.0\.0\.1", r"run-[0-9a-f]{8}", r"0x[0-9a-f]{6}"):
        assert not re.search(pattern, said), pattern
    for key in ("let-me-in-please", "open-sesame-42"):
        assert key not in said
    assert "vnd.alloy.run" not in said


def test_every_cell_ran_in_order_and_without_an_error(cells: list[dict[str, Any]]) -> None:
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert {output["output_type"] for cell in code for output in cell["outputs"]} == {"display_data", "stream"}
    assert all(set(cell["metadata"]) <= {"tags"} for cell in cells)


def test_what_it_shows_is_what_it_tells(cells: list[dict[str, Any]]) -> None:
    assert "AuthError: tern answered 401: I do not know you" in outputs(cells, "errors")
    assert "✓ a cut stream is an error" in outputs(cells, "cases")
    assert "✗" not in outputs(cells, "cases")
    assert "✗ a cut stream is an error: law 8" in outputs(cells, "fault")
    assert "tide {'place': 'Bergen'} → in Bergen 1.2 m, rising" in outputs(cells, "found")


def test_the_provider_is_a_page_or_two(cells: list[dict[str, Any]]) -> None:
    """API guide: a new one is about 200 lines."""
    written = [cell["source"] for cell in cells if cell["id"] in ("imports", "there", "back", "provider")]
    assert len(written) == 4
    assert sum(len("".join(source).splitlines()) for source in written) <= 200


@pytest.mark.kernel
def test_it_passes_strict_comparison(tmp_path: Path) -> None:
    shutil.copy(NOTEBOOK, tmp_path)
    env = {**os.environ, "ALLOY_MODEL": "", "ALLOY_DISPLAY": "static", "PYTHONPATH": str(ROOT)}
    plugins = ["-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", NOTEBOOK.name, "-q", *plugins],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\nmeant to be so? python tests/notebooks/refresh.py"
    left = [path.name for path in tmp_path.iterdir() if path.name != "__pycache__"]
    assert left == [NOTEBOOK.name]
