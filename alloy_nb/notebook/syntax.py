"""Having IPython hand over a prompt as it was typed.

By itself IPython takes ``>>>`` from the lines of a cell, also below ``%%alloy``, and reads ``%alloy what is this?`` as
a request for help on `this`. These transformers see such cells and lines first.
"""

from __future__ import annotations

import re
from typing import Any

from IPython.core import inputtransformer2 as ipython

from . import awaiting
from .cell import running_shell

__all__ = ["register", "unregister"]

_CELL = re.compile(r"%%alloy(?=\s|$)")


def keep_cell(lines: list[str]) -> list[str]:
    """A cell that begins with ``%%alloy`` goes to the magic before anything else is done to its lines."""
    kept: list[str] = ipython.leading_empty_lines(lines)
    shell = running_shell()
    awaited = awaiting.rewrite(kept) if shell is not None and awaiting.may_await(shell) else None
    if awaited is not None:
        return awaited
    if kept and _CELL.match(kept[0]):
        called: list[str] = ipython.cell_magic(kept)
        return called
    return lines


# Asked whether a cell is complete, IPython passes over such a transformer and sees the magic as it was typed.
keep_cell.has_side_effects = True  # type: ignore[attr-defined]


def _is_ours(tokens: list[Any], place: int) -> bool:
    """True for ``%alloy`` at `place`, but not for ``%alloy?``, which asks for help."""
    if len(tokens) < place + 2 or [token.string for token in tokens[place : place + 2]] != ["%", "alloy"]:
        return False
    after = tokens[place + 1].line[tokens[place + 1].end[1] :]
    return not after.startswith("?")


class AlloyLine(ipython.EscapedCommand):  # type: ignore[misc]
    """``%alloy QUESTION?`` on a line of its own."""

    priority = 4  # before HelpEnd, which takes what ends in a question mark

    @classmethod
    def find(cls, tokens_by_line: list[list[Any]]) -> Any:
        for line in tokens_by_line:
            place = next((i for i, token in enumerate(line) if token.string.strip()), len(line))
            if _is_ours(line, place):
                return cls(line[place].start)
        return None


class AlloyAssign(ipython.MagicAssign):  # type: ignore[misc]
    """``x = %alloy QUESTION?``; the line as a whole begins before that, where HelpEnd would see it first."""

    priority = 4

    @classmethod
    def find(cls, tokens_by_line: list[list[Any]]) -> Any:
        for line in tokens_by_line:
            place = ipython._find_assign_op(line)
            if place is not None and _is_ours(line, place + 1):
                return cls(line[0].start, line[place + 1].start)
        return None

    def __init__(self, start: tuple[int, int], magic: tuple[int, int]) -> None:
        super().__init__(start)
        self._magic = magic

    def transform(self, lines: list[str]) -> list[str]:
        self.start_line, self.start_col = self._magic[0] - 1, self._magic[1]
        changed: list[str] = super().transform(lines)
        return changed


def register(shell: Any) -> None:
    """Put the transformers first; twice is once."""
    unregister(shell)
    manager = shell.input_transformer_manager
    manager.cleanup_transforms.insert(0, keep_cell)
    manager.token_transformers[:0] = [AlloyLine, AlloyAssign]


def unregister(shell: Any) -> None:
    manager = shell.input_transformer_manager
    ours = ("keep_cell", "AlloyLine", "AlloyAssign")
    for transforms in (manager.cleanup_transforms, manager.token_transformers):
        # By name and module: after a reload these are other objects of the same name.
        transforms[:] = [
            item
            for item in transforms
            if getattr(item, "__module__", "") != __name__ or getattr(item, "__name__", "") not in ours
        ]
