"""Tab in JupyterLab's editor: what its list shows while one of our lines is typed."""

from __future__ import annotations

import pytest

from alloy_nb.commands import commands_of

from .page import Page

LIST = ".jp-Completer"
SHOWN = f"{LIST} .jp-Completer-match"


def typed(page: Page, text: str) -> list[str]:
    """What the list of the completer shows after `text` and Tab in the empty cell 1."""
    page.raw.locator(".jp-Cell .cm-content").nth(1).click()
    page.raw.keyboard.press("ControlOrMeta+a")
    page.raw.keyboard.type(text)
    page.raw.keyboard.press("Tab")
    page.raw.locator(SHOWN).first.wait_for()
    words = page.raw.locator(SHOWN).all_inner_texts()
    page.raw.keyboard.press("Escape")
    page.raw.locator(SHOWN).first.wait_for(state="hidden")
    return words


@pytest.mark.parametrize("magic", ["%alloy ", "%%alloy\n"])
def test_the_list_shows_our_commands_and_nothing_else(page: Page, magic: str) -> None:
    """232 names of Python's stood in it, each behind a slash."""
    page.open("%load_ext alloy_nb\nvalue = 1", "")
    assert page.run(0) == "ok"
    names = {f"/{name}" for command in commands_of("notebook") for name in (command.name, *command.also)}
    assert set(typed(page, f"{magic}/")) == names


def test_options_and_their_values_in_the_order_in_which_they_are_offered(page: Page) -> None:
    page.open("%load_ext alloy_nb\ndef decide(call, ctx): return True", "")
    assert page.run(0) == "ok"
    # Where nothing is typed yet, JupyterLab adds the words of the cell behind what the kernel offers.
    assert typed(page, "%alloy --approval ")[:4] == ["ask", "auto", "deny", "decide"]
    assert typed(page, "%%alloy --t") == ["--temperature", "--thinking", "--timeout", "--tool-choice", "--tools"]
    page.raw.locator(".jp-Cell .cm-content").nth(1).click()
    page.raw.keyboard.press("ControlOrMeta+a")
    page.raw.keyboard.type("%alloy --ap")
    page.raw.keyboard.press("Tab")
    page.raw.locator(SHOWN).first.wait_for()
    page.raw.keyboard.press("Enter")
    page.raw.locator(SHOWN).first.wait_for(state="hidden")
    assert page.source(1) == "%alloy --approval"
