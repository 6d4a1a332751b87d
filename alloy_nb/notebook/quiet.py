"""IPython in a terminal: what a cell has shown already is kept as its value, and not told once more.

There "Out[3]: " is written before a value is asked how it shows itself. A kernel has no need of this.
"""

from __future__ import annotations

from typing import Any

from ..result import Result
from ..teams.results import TeamResults
from .cell import current_cell

__all__ = ["be_quiet", "be_usual"]


def be_quiet(shell: Any) -> None:
    """Have the shell say nothing of a value that its cell has shown. Twice is once."""
    if getattr(shell, "kernel", None) is None and not isinstance(shell.display_trap.hook, _Hook):
        shell.display_trap.hook = _Hook(shell)


def be_usual(shell: Any) -> None:
    """Have it say again what it says by itself."""
    hook = shell.display_trap.hook
    if isinstance(hook, _Hook):
        shell.display_trap.hook = hook.usual


class _Hook:
    """In the place of the shell's own display hook."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self.usual = shell.display_trap.hook

    def __call__(self, value: Any = None) -> None:
        ids = _run_ids(value)
        if not ids or not ids <= current_cell(self._shell).shown:
            self.usual(value)
            return
        self.usual.check_for_underscore()
        if not self.usual.quiet():  # as with a `;` at the end
            self.usual.update_user_ns(value)
            self.usual.fill_exec_result(value)


def _run_ids(value: Any) -> set[str]:
    results = value.values() if isinstance(value, TeamResults) else [value] if isinstance(value, Result) else []
    return {result.run_id for result in results if result.run_id}
