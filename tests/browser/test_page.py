"""The page's own promises: one retry, told; conditions that never come end in words."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from playwright.sync_api import Error
from steps import browser as browsers
from steps import render
from steps.places import Places

from ..kernel.test_replies import HOLDING, OLD
from . import ROOT
from .asking import await_file
from .lab import Lab
from .page import NeverReady, Page, PageRetried


def never(page: Page, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """The next `times` notebooks never become ready."""
    real, left = page._call, [True] * times

    def call(name: str, *arguments: Any) -> Any:
        if name == "open" and left and left.pop():
            raise Error("never: the kernel is idle")
        return real(name, *arguments)

    monkeypatch.setattr(page, "_call", call)


def test_a_page_that_never_becomes_ready_is_opened_once_more_and_told(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    never(page, monkeypatch, 1)
    with pytest.warns(PageRetried, match=r"test-.*never became ready.*the kernel is idle"):
        page.open("print('there')")
    assert page.run(0) == "ok"


def test_a_second_time_is_a_failure(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    never(page, monkeypatch, 2)
    with pytest.warns(PageRetried), pytest.raises(NeverReady, match="the kernel is idle"):
        page.open("1")


def test_what_never_comes_is_named(page: Page) -> None:
    page.open("print('something')")
    page.run(0)
    with pytest.raises(Error, match='never: cell 0 shows "else"'):
        page.await_text(0, "else", seconds=0.1)


def test_a_first_cell_that_lies_unread_is_read_when_the_kernel_is_reconnected(page: Page, lab: Lab) -> None:
    """ipykernel 7.3, before `%load_ext alloy_nb`: README tells a person what to do, and `run` does it."""
    page.open("%load_ext alloy_nb\nprint('read')", kernel=OLD)
    held = lab.root / "held"
    held.unlink(missing_ok=True)
    kernel = "[...window.jupyterapp.shell.widgets('main')].at(-1).context.sessionContext.session.kernel"
    page.raw.evaluate(f"code => void {kernel}.requestExecute({{ code, store_history: false }})", HOLDING)
    await_file(held)
    assert page.run(0) == "ok", page.text(0)
    assert page.text(0).strip() == "read"
    assert "warning: the kernel did not read what it was asked, and is reconnected" in page.console


def test_without_a_kernel_none_is_started(page: Page) -> None:
    page.open("print(1)", live=False)
    assert page.raw.evaluate("window.jupyterapp.shell.currentWidget.context.sessionContext.session") is None
    assert page.status(0) == "new"


def test_the_check_of_the_set_up_tells_a_browser_from_another_program() -> None:
    """The set-up takes only what this script accepts; it starts a browser of its own."""
    executable = browsers.at_hand(Places(ROOT), os.environ)
    if executable is None:
        pytest.skip("no browser here")
    check = [sys.executable, "-I", render.__file__]
    good = subprocess.run([*check, executable], capture_output=True, text=True)
    assert good.returncode == 0, good.stdout
    assert good.stdout[0].isdigit()
    bad = subprocess.run([*check, sys.executable], capture_output=True, text=True)
    assert bad.returncode == 1
    assert bad.stdout.startswith("ERROR: ")
