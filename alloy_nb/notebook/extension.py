"""``%load_ext alloy_nb`` and ``%unload_ext alloy_nb``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from .magics import AlloyMagics

__all__ = ["load", "unload"]

# A reload keeps the conversation.
_loaded: WeakKeyDictionary[Any, AlloyMagics] = WeakKeyDictionary()


def load(shell: Any) -> None:
    """Register the magics, and have their text reach them as it was typed. Twice is once."""
    from . import syntax
    from .cell import watch
    from .magics import AlloyMagics
    from .replies import keep_listening

    earlier = _loaded.get(shell)
    magics = AlloyMagics(shell, earlier.conversation if earlier is not None else None)
    shell.register_magics(magics)
    syntax.register(shell)
    watch(shell)
    keep_listening(shell)
    _loaded[shell] = magics


def unload(shell: Any) -> None:
    """Take the magics away again."""
    from . import syntax

    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("alloy", None)
    syntax.unregister(shell)
