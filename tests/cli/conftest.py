"""Scripts to answer from, and a command line to call."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from alloy_nb.cli.main import main

if TYPE_CHECKING:
    from .terminals import Terminal

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., str]:
    """Writes a script and gives the model's name."""

    def write(*answers: Mapping[str, Any] | str) -> str:
        path = tmp_path / "script.jsonl"
        path.write_text("".join(json.dumps(answer) + "\n" for answer in answers), "utf-8")
        return f"scripted:{path}"

    return write


@pytest.fixture
def alloy(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., Said]:
    """The command line in this process, in an empty folder, with `stdin` piped into it."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, stdin: str = "") -> Said:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        code = main(list(arguments))
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return call


def environment(**more: str) -> dict[str, str]:
    """For a real process: this work tree first, wherever it runs."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **more}


def alloy_process(*arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    """The command line as a process of its own."""
    settings.setdefault("stdin", subprocess.DEVNULL)
    if "input" in settings:
        del settings["stdin"]
    return subprocess.run(
        [sys.executable, "-m", "alloy_nb", *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **settings,
    )


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Opens terminals in an empty folder; they are closed at the end."""
    from .terminals import Terminal

    opened: list[Terminal] = []

    def open_one(*arguments: str, **settings: Any) -> Terminal:
        opened.append(Terminal(*arguments, **{"cwd": tmp_path, **settings}))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()
