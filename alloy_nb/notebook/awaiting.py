"""``%%alloy`` as an awaiting cell: the kernel's loop stays free while the run goes on.

IPython does not await what a magic returns. So a cell that is ``%%alloy``, or one lone ``%alloy`` line, is rewritten
to ``await …`` before IPython looks at it; everywhere else (below ``%%time``, in a function, after ``x =``) the plain,
blocking magic runs. Nothing is rewritten while a cell executes: what is transformed then is not a cell's top level.
"""

from __future__ import annotations

import re
from typing import Any

from .cell import watch

__all__ = ["may_await", "rewrite"]

_CELL = re.compile(r"%%alloy(?=\s|$)(?P<line>[^\n]*)\n?(?P<body>.*)\Z", re.DOTALL)
_LINE = re.compile(r"%alloy(?=\s)(?P<line>[^\n]+)\n?\Z")


def may_await(shell: Any) -> bool:
    """True where a cell can be awaited on asyncio, and none executes now."""
    if not getattr(shell, "autoawait", False) or watch(shell).executing:
        return False
    # A kernel runs cells on its own asyncio loop; a terminal has a runner of the user's choice.
    if getattr(shell, "kernel", None) is None:
        return False
    runner = getattr(shell, "loop_runner", None)
    return getattr(runner, "__name__", "") not in ("_curio_runner", "_trio_runner", "_pseudo_sync_runner")


def rewrite(lines: list[str]) -> list[str] | None:
    """The awaiting form of a cell that is one magic of ours, and nothing else; None for any other cell.

    >>> print(*rewrite(["%alloy What is new?"]), end="")
    await get_ipython().magics_manager.registry['AlloyMagics'].aalloy(' What is new?', None)
    """
    text = "".join(lines)
    found = _CELL.match(text)
    if found is not None:
        return [_call(found["line"], found["body"])]
    spoken = [line for line in lines if line.strip() and not line.startswith("#")]
    alone = _LINE.match(spoken[0]) if len(spoken) == 1 else None
    return None if alone is None else [_call(alone["line"], None)]


def _call(line: str, body: str | None) -> str:
    return f"await get_ipython().magics_manager.registry['AlloyMagics'].aalloy({line!r}, {body!r})\n"
