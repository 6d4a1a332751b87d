"""What Tab offers after ``%alloy /`` and on a line of ``%%alloy`` that begins with a slash."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakSet

from ..cli.repl.completing import offers
from ..commands import commands_of
from ..context.skills import find_skills
from ..folders import home_folder
from ..sinks import resolve
from ..skill_commands import skill_commands
from .names import UserNames, words_of

__all__ = ["complete", "register"]

_TYPED = re.compile(r"\s*(?:%alloy\s+)?(/(?:[A-Za-z].*)?)\Z")
_NOTHING: Mapping[str, Any] = {}

_registered: WeakSet[Any] = WeakSet()


def register(shell: Any) -> None:
    """Have IPython ask us; twice is once."""
    if shell not in _registered:
        _registered.add(shell)
        shell.set_hook("complete_command", _hook, str_key="%alloy")
        shell.set_hook("complete_command", _hook, re_key=r"/[A-Za-z]|/\Z")


def _hook(shell: Any, event: Any) -> list[str]:
    if "alloy" not in shell.magics_manager.magics["line"]:  # it was unloaded
        return []
    return complete(event.text_until_cursor, event.symbol, UserNames(shell))


def complete(line: str, word: str, names: Mapping[str, Any] = _NOTHING) -> list[str]:
    """What `word` at the end of `line` may become; nothing where no command is typed. `names` are the user's.

    >>> complete("%alloy /rese", "/rese")
    ['/reset']
    """
    typed = _TYPED.match(line)
    if typed is None:
        return []
    directory, own = Path.cwd(), commands_of("notebook")
    commands = (*own, *skill_commands(find_skills(directory, home_folder())[0], own))
    text = typed[1]
    offered = offers(text, commands, directory, lambda: resolve("default_store")(), partial(words_of, names))
    whole = [text[: len(text) - offer.replaces] + offer.text for offer in offered]
    return [full[len(text) - len(word) :] for full in whole]
