"""The words with a slash: what the magic does besides asking a model."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from ..options import nearest
from .cell import say

if TYPE_CHECKING:
    from .magics import AlloyMagics

__all__ = ["COMMANDS", "find_command"]

# `/usr/bin/python` and `/ 2` are no commands.
_COMMAND = re.compile(r"/([A-Za-z][\w-]*)(?:[ \t]+([^\n]*))?\s*\Z")
_WORD = re.compile(r"/[A-Za-z][\w-]*(?=\s|\Z)")


def _reset(magics: AlloyMagics, argument: str) -> None:
    _no_argument("reset", argument)
    count = len(magics.conversation.exchanges)
    magics.start_over()
    say("The conversation starts over." if count else "There was no conversation yet.")


def _model(magics: AlloyMagics, argument: str) -> None:
    from ..providers.registry import choose_model, set_default_model

    if argument:
        set_default_model(magics.model_of(argument))
    chosen, why = choose_model()
    name = chosen if isinstance(chosen, str) else f"{chosen.name}:{chosen.model}"
    say(f"model: {name} ({why})")


def _doctor(_: AlloyMagics, argument: str) -> Any:
    from ..diagnosis import doctor

    _no_argument("doctor", argument)
    return doctor()


def _login(_: AlloyMagics, argument: str) -> None:
    from .login import login

    login(argument)


def _stop(_: AlloyMagics, argument: str) -> None:
    from .going import stop_runs

    say(stop_runs(argument))


def _attach(magics: AlloyMagics, argument: str) -> None:
    from .going import attach

    attach(magics.shell, argument)


COMMANDS: dict[str, Callable[[AlloyMagics, str], Any]] = {
    "attach": _attach,
    "doctor": _doctor,
    "login": _login,
    "model": _model,
    "reset": _reset,
    "stop": _stop,
}


def find_command(prompt: str) -> tuple[Callable[[AlloyMagics, str], Any], str] | None:
    """The command that `prompt` is, with its argument; None for a question.

    Raises `ConfigError` for a word with a slash that is no command: no question begins with one.
    """
    text = prompt.strip()
    word = _WORD.match(text)
    if word is None:
        return None
    name = word[0][1:]
    match = _COMMAND.match(text)
    if name in COMMANDS and match is not None:
        return COMMANDS[name], (match[2] or "").strip()
    known = ", ".join(f"/{command}" for command in COMMANDS)
    near = nearest(name, list(COMMANDS))
    raise ConfigError(
        f"there is no command {word[0]}" if name not in COMMANDS else f"{word[0]} takes one line",
        hint=(f"did you mean /{near}? " if near and near != name else "") + f"the commands are {known}; a question "
        "does not begin with a slash",
    )


def _no_argument(name: str, argument: str) -> None:
    if argument:
        raise ConfigError(f"/{name} takes no argument, and was given {argument[:40]!r}", hint=f"write /{name} alone")
