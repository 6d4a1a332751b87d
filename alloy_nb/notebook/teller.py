"""What a command says in a cell: one output, whose lines break between words."""

from __future__ import annotations

from typing import Any

from .cell import running_shell, say

__all__ = ["Teller"]


class Teller:
    """One command's words, however often it speaks; printed where nothing else is shown, and in a document."""

    def __init__(self) -> None:
        self._said: list[str] = []
        self._handle: Any = None

    def say(self, text: str) -> None:
        from .display import display_kind  # not with the extension: it brings the runs

        if display_kind("auto", running_shell()) not in ("widget", "html"):
            say(text)
            return
        from IPython.display import display

        from ..render.lines import lines_html

        self._said.append(text)
        all_said = "\n".join(self._said)
        data = {"text/html": lines_html(all_said), "text/plain": all_said}
        if self._handle is None:
            self._handle = display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)
