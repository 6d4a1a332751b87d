"""Notebook 7 in the place of JupyterLab: each notebook has a page of its own."""

from __future__ import annotations

import os
import time
from pathlib import Path
from urllib.parse import quote

from . import ROOT
from .lab import command_of
from .page import READY, Page

#: window.jupyterapp, as JupyterLab has it.
OPTIONS = {"JupyterNotebookApp.expose_app_in_browser": True}

#: Asked again and again: a promise that the page waits for while it loads is now and then "garbage collected".
RESTORED = """() => {
  window.jupyterapp?.restored.then(() => { window.isRestored = true; });
  return window.isRestored === true;
}"""


def front_ends() -> Path:
    """The Python that has Notebook 7; `make test` makes it."""
    return Path(os.environ.get("ALLOY_FRONTENDS") or ROOT / "build/frontends/bin/python")


def command(root: Path, port: int) -> list[str]:
    return command_of([str(front_ends()), "-m", "notebook"], OPTIONS, root, port)


class NotebookPage(Page):
    """The same page object. A kernel is always started, also for who only reads."""

    def _load(self) -> None:
        self._visit("tree")

    def open_file(self, path: Path, *, live: bool = True) -> None:
        relative = path.relative_to(self.lab.root).as_posix()
        self._twice(relative, lambda: self._open(relative))
        self.path = path

    def reload(self, *, idle: bool = True) -> None:
        self._open(self._open_path().relative_to(self.lab.root).as_posix(), idle=idle)

    def _open(self, relative: str, *, idle: bool = True) -> None:
        self._visit(f"notebooks/{quote(relative)}")
        self._call("reopened", relative, idle, READY * 1000)

    def _visit(self, where: str) -> None:
        self.raw.goto(f"{self.lab.url}/{where}?token={self.lab.token}")
        end = time.monotonic() + READY
        while not self.raw.evaluate(RESTORED):
            assert time.monotonic() < end, f"{where} was never ready"
            self.raw.wait_for_timeout(50)
        self._call("started", READY * 1000)
