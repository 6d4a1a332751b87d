"""nbconvert: executes and exports; an exported answer needs no script of ours and no network."""

from __future__ import annotations

import re
from pathlib import Path

from .conftest import APPROVE, ASK, MODEL, PYTHON, outputs, run, text_of, write


def convert(path: Path, *options: str) -> None:
    run(PYTHON, "-m", "nbconvert", "--execute", *options, path, cwd=path.parent)


def test_nbconvert_executes_and_exports_html(tmp_path: Path) -> None:
    convert(write(tmp_path / "a.ipynb", [MODEL, ASK]), "--to", "html")
    page = (tmp_path / "a.html").read_text("utf-8")
    (answer,) = re.findall(r'<div class="alloy-run".*?</div>\s*</div>\s*</div>', page, re.DOTALL)
    assert re.search(r"Helium, <strong[^>]*>neon</strong> and argon\.", answer)
    assert "<script" not in answer


def test_nbconvert_exports_markdown(tmp_path: Path) -> None:
    convert(write(tmp_path / "a.ipynb", [MODEL, ASK]), "--to", "markdown")
    assert "Helium, **neon** and argon." in (tmp_path / "a.md").read_text("utf-8")


def test_nbconvert_denies_what_nobody_can_allow(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", [MODEL, ASK, APPROVE, "print(denied.tool_calls[0].error)"])
    convert(path, "--to", "notebook", "--output", "b.ipynb")
    assert "nobody could be asked" in text_of(outputs(tmp_path / "b.ipynb")[-1][0]["text"])
    assert not (tmp_path / "made").exists()
