"""`alloy.show`: what was kept of a run is shown again, from wherever it lies."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.notebook.shows import transcript_of
from alloy_nb.render.bundle import RECORD_MIME

from .conftest import Notebook

KEY = "sk-ant-api03-ABCDEFGHIJKLMNOP"


def result_of(text: str = "Good morning") -> alloy.Result:
    return alloy.run("Hello", model=alloy.Scripted([text]), display=None)


def record_of(text: str = "Good morning") -> dict[str, Any]:
    return transcript_of(result_of(text)).record()


def notebook_with(*records: Any) -> dict[str, Any]:
    outputs = [{"output_type": "display_data", "data": {RECORD_MIME: record, "text/plain": "x"}} for record in records]
    cells = [{"cell_type": "code", "outputs": [output]} for output in outputs]
    return {"nbformat": 4, "cells": [{"cell_type": "markdown", "source": "x"}, *cells]}


@pytest.fixture(autouse=True)
def outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """No shell of IPython, unless a test makes one."""
    from IPython.core.interactiveshell import InteractiveShell

    InteractiveShell.clear_instance()


def test_each_form_of_a_record_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = record_of()
    saved = tmp_path / "run.json"
    saved.write_text(json.dumps(record))
    data = {RECORD_MIME: record, "text/html": "<script>alert(1)</script>"}
    given = [record, json.dumps(record), saved, data, {"output_type": "display_data", "data": data}, result_of()]
    for value in given:
        alloy.show(value)
        assert capsys.readouterr().out.startswith("Good morning\n")


def test_a_notebook_shows_all_its_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = tmp_path / "old.ipynb"
    saved.write_text(json.dumps(notebook_with(record_of("One"), record_of("Two"))))
    alloy.show(saved)
    out = capsys.readouterr().out
    assert out.index("One") < out.index("Two")


def test_a_run_is_shown_when_it_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    alloy.show(alloy.start("Hello", model=alloy.Scripted(["Good morning"])))
    assert capsys.readouterr().out.startswith("Good morning\n")
    failed = [{"text": "Half", "error": {"type": "ServerError", "message": "it broke"}}]
    alloy.show(alloy.start("Hello", model=alloy.Scripted(failed), max_retries=0))
    assert "it broke" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "None is no run record"),
        ([], "a list is no run record"),
        (b"{}", "a bytes is no run record"),
        ({}, "this is no run record"),
        ({"v": 99, "blocks": []}, "newer"),
        ("run.json", "is no JSON"),
        ("[1]", "a list is no run record"),
        ("[" * 100_000, "is no JSON"),
        (Path("/no/such/file.json"), "cannot read"),
        (notebook_with(), "this is no run record"),
        (notebook_with(5), "this is no run record"),
        ({RECORD_MIME: None}, "this is no run record"),
    ],
)
def test_what_is_no_run_is_said_with_a_hint(value: Any, message: str) -> None:
    with pytest.raises(alloy.ConfigError, match=message) as caught:
        alloy.show(value)
    assert caught.value.hint


@pytest.mark.parametrize("name", ["cells", "outputs", "data", "messages", "blocks"])
def test_what_is_nested_without_end_is_no_run(name: str) -> None:
    """It was a RecursionError."""
    deep: dict[str, Any] = {}
    for _ in range(3_000):
        deep = {name: [deep], "output_type": "x"} if name != "data" else {name: deep, "output_type": "x"}
    with pytest.raises(alloy.ConfigError, match="run record"):
        alloy.show(deep)


def test_a_hostile_record_shows_no_key_and_runs_nothing(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOY_DISPLAY", "html")
    wild = f"<img src=x onerror=alert(1)> {KEY}"
    block = {"block": "tool", "name": wild, "output": wild, "state": "done", "data": {wild: wild}, "__proto__": wild}
    rich = [{"image": wild, "mime": "image/svg+xml"}, {"table": {"columns": [wild], "rows": [[wild]]}}]
    message = {"role": "user", "parts": [{"type": "opaque", "provider": wild, "data": {"k": wild}}]}
    notebook.names["record"] = {
        "v": 1,
        "status": wild,
        "blocks": [{**block, "rich": rich}, {"block": "text", "markdown": wild}, 5, None],
        "messages": [message, "x", 5],
        "usage": {"input_tokens": wild},
        "cost": wild,
    }
    (output,) = notebook.ok("alloy.show(record)").outputs
    assert {"text/html", "text/markdown", "text/plain", RECORD_MIME} == set(output["data"])
    assert "ABCDEFGH" not in json.dumps(output["data"])
    assert "<img" not in output["data"]["text/html"]
    assert "<script" not in output["data"]["text/html"]


def test_in_a_notebook_it_looks_as_it_did(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOY_DISPLAY", "html")
    notebook.names["model"] = alloy.Scripted(["**Good** morning", "again"])
    (first,) = notebook.ok("result = alloy.run('Hello', model=model)").outputs[-1:]
    notebook.names["data"] = first["data"]
    (again,) = notebook.ok("alloy.show(data)").outputs
    assert again["data"]["text/html"] == first["data"]["text/html"]
    assert again["data"][RECORD_MIME] == first["data"][RECORD_MIME]
    monkeypatch.setenv("ALLOY_RECORD", "off")
    (bare,) = notebook.ok("alloy.show(data)").outputs
    assert RECORD_MIME not in bare["data"]
    # A Result that this cell has shown already is shown once more: it was asked for.
    assert len(notebook.ok("result = alloy.run('Hello', model=model)\nalloy.show(result)").outputs) >= 2


def test_plain_python_needs_no_notebook(tmp_path: Path) -> None:
    saved = tmp_path / "run.json"
    saved.write_text(json.dumps(record_of()))
    code = (
        "import sys, pathlib, alloy_nb as alloy\n"
        "alloy.show(pathlib.Path(sys.argv[1]))\n"
        "assert 'IPython' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(saved)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Good morning\n")
