"""``%load_ext alloy_nb`` and ``%unload_ext alloy_nb``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from .magics import AlloyMagics

__all__ = ["load", "unload"]

#: Seconds behind `%load_ext` until its own cell is surely over.
_IDLE = 0.2

# A reload keeps the conversation, and what was set.
_loaded: WeakKeyDictionary[Any, AlloyMagics] = WeakKeyDictionary()


def load(shell: Any) -> None:
    """Register the magics, and have their text reach them as it was typed. Twice is once."""
    from . import completing, syntax
    from .cell import watch
    from .magics import AlloyMagics
    from .parents import keep_parents
    from .quiet import be_quiet
    from .replies import keep_listening

    earlier = _loaded.get(shell)
    kept = () if earlier is None else (earlier.conversation, earlier.settings)
    magics = AlloyMagics(shell, *kept)
    shell.register_magics(magics)
    syntax.register(shell)
    completing.register(shell)
    watch(shell)
    be_quiet(shell)
    keep_listening(shell)
    keep_parents(shell)
    _loaded[shell] = magics
    _prepare_page(shell)


def _prepare_page(shell: Any) -> None:
    """Have the page load what shows a live cell as soon as the kernel is idle, before the first one is run."""
    loop = getattr(getattr(shell, "kernel", None), "io_loop", None)
    if loop is not None:
        loop.call_later(_IDLE, _make_hub, shell)


def _make_hub(shell: Any) -> None:
    from .display import display_kind

    if display_kind("auto", shell) == "widget":  # in nbclient and its like nobody looks on
        from .live.hub import hub_of

        hub_of(shell)


def unload(shell: Any) -> None:
    """Take the magics away again."""
    from . import completing, syntax
    from .quiet import be_usual

    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("alloy", None)
    syntax.unregister(shell)
    completing.unregister(shell)
    be_usual(shell)
