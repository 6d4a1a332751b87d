"""The README's table of front ends: each cell names a test that is there, or says that nothing was tried."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
NOTHING = {"untested", "no file"}
NAMED = re.compile(r"\[`(test_\w+)`\]\(([\w/.]+)\)$")

if not README.exists():
    pytest.skip("needs the work tree", allow_module_level=True)


def rows() -> list[list[str]]:
    section = README.read_text("utf-8").partition("\n## Front ends\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


@cache
def names_in(path: str) -> set[str]:
    body = ast.parse((ROOT / path).read_text("utf-8")).body
    return {node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_the_table_names_every_front_end() -> None:
    names = [row[0] for row in rows()]
    for name in ("JupyterLab 4", "Notebook 7", "nbclient", "papermill", "nbconvert", "plain Python", "marimo"):
        assert name in names
    assert {tuple(cells) for name, *cells in rows() if name in ("VS Code", "Colab")} == {("untested",) * 4}


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_each_cell_names_a_test_that_is_there(row: list[str]) -> None:
    assert len(row) == 5
    for cell in row[1:]:
        found = NAMED.search(cell)
        assert found or cell in NOTHING, cell
        if found:
            assert found[1] in names_in(found[2]), cell
