"""marimo: its cells are plain Python, so there are no magics and no live cell; answers show themselves."""

from __future__ import annotations

import json
import re
from pathlib import Path

from .conftest import front_ends, run

NOTEBOOK = """
import marimo

app = marimo.App()


@app.cell
def _():
    import alloy_nb as alloy

    call = {"name": "bash", "input": {"command": "touch made"}}
    model = alloy.Scripted(["Helium, **neon** and argon.", {"tool_calls": [call]}, "Then not.", "Krypton."])
    return alloy, model


@app.cell
def _(alloy, model):
    answer = alloy.run("Name three noble gases.", model=model)
    answer
    return (answer,)


@app.cell
def _(alloy, answer, model):
    assert answer.status == "completed"
    denied = alloy.run("Make a file.", model=model, tools=["bash"])
    print(denied.tool_calls[0].error)
    return (denied,)


@app.cell
async def _(alloy, denied, model):
    assert denied.status == "completed"
    last = await alloy.arun("And another one?", model=model)
    print(last.text)
    return


if __name__ == "__main__":
    app.run()
"""


def export(folder: Path) -> str:
    """The page that marimo makes of the executed notebook, with what it says."""
    (folder / "notebook.py").write_text(NOTEBOOK, "utf-8")
    said = run(front_ends(), "-m", "marimo", "export", "html", "notebook.py", "-o", "page.html", cwd=folder)
    return said + (folder / "page.html").read_text("utf-8")


def test_marimo_shows_a_result(tmp_path: Path) -> None:
    found = re.search(r'"text/html": ("\\u003Cdiv class=\\"alloy-run.*?[^\\]")', export(tmp_path))
    assert found
    html = json.loads(found[1])
    assert re.search(r"Helium, <strong[^>]*>neon</strong> and argon\.", html)
    assert "<script" not in html


def test_marimo_denies_what_nobody_can_allow_and_awaits(tmp_path: Path) -> None:
    """An approval function decides there, or `approval="auto"`."""
    page = export(tmp_path)
    assert "nobody could be asked" in page
    assert "Krypton." in page
    assert not (tmp_path / "made").exists()
