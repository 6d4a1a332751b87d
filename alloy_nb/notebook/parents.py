"""Cells that ipykernel 7.4 takes for others: which request runs is told by what runs, not by what ran before."""

from __future__ import annotations

import inspect
import sys
from typing import Any

__all__ = ["keep_parents"]


def keep_parents(shell: Any) -> None:
    """Let the kernel of `shell` go on with the request that runs, after a comm's message that came in between.

    ipykernel 7.4 takes a widget's message while a cell awaits, and says when it is done with it that the cell which
    awaited then is the one that runs now. Has the next one begun meanwhile, as in a Run All, then that one's output
    and its end are told of the wrong cell: it stays at ``[*]`` for good. Nothing is done where the kernel is not made
    so; twice is once.
    """
    kernel: Any = getattr(shell, "kernel", None)
    if "concurrent" not in _parameters(getattr(kernel, "dispatch_shell", None)) or "set_parent" in vars(kernel):
        return
    set_parent, receiving = kernel.set_parent, kernel.shell_main.__func__.__code__

    def set_running(ident: Any, parent: Any, channel: str = "shell") -> None:
        # `shell_main` sets none but the one it has seen before. It runs in the context of its cells, and the comm's
        # message in a copy of that: what the context says is the request that runs now.
        if sys._getframe(1).f_code is receiving:
            ident, parent = kernel._parent_ident["shell"], kernel.get_parent("shell")
        set_parent(ident, parent, channel)

    kernel.set_parent = set_running


def _parameters(function: Any) -> frozenset[str]:
    return frozenset(inspect.signature(function).parameters) if callable(function) else frozenset()
