"""What a command says in JupyterLab: in a narrow window, too, it is read."""

from __future__ import annotations

import pytest

from .asking import Asking
from .lab import Lab
from .page import Page

#: The words of a cell's output that are shown in two pieces.
BROKEN = """cell => {
  const area = document.querySelectorAll(".jp-Cell")[cell].querySelector(".jp-OutputArea");
  const walker = document.createTreeWalker(area, NodeFilter.SHOW_TEXT), broken = [];
  while (walker.nextNode()) for (const {0: word, index} of walker.currentNode.data.matchAll(/[^\\s,-]+/g)) {
    const range = document.createRange();
    range.setStart(walker.currentNode, index);
    range.setEnd(walker.currentNode, index + word.length);
    if (new Set([...range.getClientRects()].map(one => one.top)).size > 1) broken.push(word);
  }
  return broken;
}"""


@pytest.mark.parametrize("command", ["/help", "/models", "--help"])
def test_no_word_is_broken_in_a_narrow_window(page: Page, lab: Lab, command: str) -> None:
    """build/screenshots/command-*.png"""
    name = command.strip("/-") + str(len(command))
    Asking(page, lab, f"command-{name}", ["x"], f"%alloy {command}")
    page.resize(600)
    assert page.run(1) == "ok", page.text(1)
    assert page.raw.evaluate(BROKEN, 1) == []
    assert len(page.outputs(1)) == 1
    for theme in ("light", "dark"):
        page.theme(theme)  # type: ignore[arg-type]
        seen = page.legible(1)
        assert seen.contrast >= 4.5, seen.lowest
        assert seen.overflowing == []
    page.screenshot(f"command-{name}", cell=1)
