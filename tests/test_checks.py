"""What each front end here can show."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from alloy_nb import checks
from alloy_nb.checks import Check, check_front_ends


def check(name: str) -> Check:
    return next(found for found in check_front_ends() if found.name == name)


@pytest.fixture
def jupyter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A Jupyter folder of our own, the only one that is looked into."""
    monkeypatch.setattr(checks, "_jupyter_folders", lambda kind: [tmp_path / kind])
    return tmp_path


def with_kernel(folder: Path, name: str, program: str) -> None:
    (folder / "kernels" / name).mkdir(parents=True)
    (folder / "kernels" / name / "kernel.json").write_text(json.dumps({"argv": [program, "-m", "ipykernel_launcher"]}))


def test_the_kernels_that_start_this_python_are_named(jupyter: Path) -> None:
    assert not check("kernel").ok
    with_kernel(jupyter, "elsewhere", "/opt/other/bin/python")
    assert "python -m ipykernel install" in check("kernel").says
    with_kernel(jupyter, "mine", sys.executable)
    (jupyter / "kernels" / "broken").mkdir()
    (jupyter / "kernels" / "broken" / "kernel.json").write_text("{")
    assert check("kernel").ok
    assert check("kernel").says.partition(";")[0].endswith(", as mine")


@pytest.mark.parametrize(("number", "loses"), [("7.0.0", True), ("7.3.1", True), ("7.4.0", False), ("6.31.0", False)])
def test_a_kernel_that_loses_requests_is_told(
    number: str, loses: bool, jupyter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_kernel(jupyter, "mine", sys.executable)
    monkeypatch.setattr(checks, "_version", lambda name: number)
    assert ("loses requests" in check("kernel").says) == loses


def test_a_lab_without_widgets_says_what_brings_them(jupyter: Path) -> None:
    assert "pip install jupyterlab_widgets anywidget" in check("JupyterLab").says
    for part in ("@jupyter-widgets/jupyterlab-manager", "anywidget"):
        (jupyter / "labextensions" / part).mkdir(parents=True)
    assert check("JupyterLab").ok


def test_what_is_not_installed_is_told_by_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_version", lambda name: None)
    monkeypatch.setattr(checks, "find_spec", lambda name: None)
    found = check_front_ends()
    assert not any(item.ok for item in found)
    assert all("pip install" in item.says for item in found)


@pytest.mark.parametrize(
    ("term", "no_colour", "says"),
    [("xterm", "", "and colours"), ("xterm", "1", "no colours"), ("dumb", "", "plain lines")],
)
def test_what_the_terminal_can_do(term: str, no_colour: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("NO_COLOR", no_colour)
    assert check("terminal").ok
    assert says in check("terminal").says
