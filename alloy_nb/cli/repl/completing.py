"""What Tab offers: commands and what they take, and files."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ...commands import Command
from ...errors import AlloyError
from ...session import SessionInfo, SessionStore, conversations
from ...setting_commands import POLICIES

__all__ = ["Offer", "model_offers", "offers"]

_ARGUMENT = re.compile(r"/([A-Za-z][\w-]*)[ \t]+(?:\S*[,\s])?([^,\s]*)\Z")
#: A name that may hold blanks is all that follows.
_REST = re.compile(r"/([A-Za-z][\w-]*)[ \t]+(.*)\Z", re.DOTALL)
_WITH_BLANKS = ("sessions", "teams")
_MOST = 200
_SCRIPTED = "scripted:"


class Offer(NamedTuple):
    """`text` in place of the last `replaces` characters; `help` says what it is."""

    text: str
    replaces: int
    help: str = ""


def offers(
    text: str,
    commands: Sequence[Command],
    directory: Path,
    store: Callable[[], SessionStore],
    own: Callable[[str], Iterable[str]] | None = None,
) -> list[Offer]:
    """What may come next, after `text`; `own` gives what there is of a kind beside what is there everywhere.

    >>> from alloy_nb.commands import commands_of
    >>> [offer.text for offer in offers("/mo", commands_of("terminal"), Path("."), list)]
    ['/model', '/models']
    """
    if re.fullmatch(r"/[\w-]*", text):
        names = [(name, command) for command in commands for name in (command.name, *command.also)]
        return [Offer(f"/{name}", len(text), c.help) for name, c in names if f"/{name}".startswith(text)]
    argument = _ARGUMENT.match(text)
    if argument is not None:
        command = next((c for c in commands if argument[1] in (c.name, *c.also)), None)
        if command is not None and command.completes in _WITH_BLANKS:
            argument = _REST.match(text) or argument
        if command is not None and command.completes:
            more = own(command.completes) if own is not None else ()
            if command.completes == "models":
                return model_offers(argument[2], directory, more)
            words = dict.fromkeys([*_words(command.completes, store, commands), *more])
            return [Offer(word, len(argument[2])) for word in words if word.startswith(argument[2])]
        if command is not None and not command.lines:
            return []
    return list(_files(re.split(r"\s", text)[-1], directory))


def model_offers(typed: str, directory: Path, own: Iterable[str] = ()) -> list[Offer]:
    """What `typed` may become where a model is named: providers, what is known of each, `own`; files of answers.

    >>> [offer.text for offer in model_offers("mist", Path("."), ["misty"])][:1]
    ['mistral']
    """
    from ...models import known_models
    from ...providers.vendors import VENDORS

    if typed.startswith(_SCRIPTED):
        return list(_files(typed.removeprefix(_SCRIPTED), directory, all=True))
    names = [f"{info.provider}:{info.name}" for info in known_models()]
    words = dict.fromkeys((*VENDORS, "local", _SCRIPTED, *names, *own))
    return [Offer(word, len(typed)) for word in words if word.startswith(typed)]


def _words(kind: str, store: Callable[[], SessionStore], commands: Sequence[Command]) -> Iterable[str]:
    from ...providers.vendors import VENDORS
    from ...tools.builtin import BUILTIN_TOOLS

    match kind:
        case "tools":
            return (*BUILTIN_TOOLS, "none")
        case "policies":
            return POLICIES
        case "budgets":
            return ("none",)
        case "providers":
            return VENDORS
        case "skills":
            return [command.name for command in commands if command.lines and not command.completes]
        case "sessions":
            return [info.id for info in _listed(store)]
    return ()


def _listed(store: Callable[[], SessionStore]) -> Iterable[SessionInfo]:
    try:
        return conversations(store())
    except AlloyError:  # a broken store is told by the command, not by Tab
        return ()


def _files(word: str, directory: Path, *, all: bool = False) -> Iterator[Offer]:
    """Files whose path begins so, as it is written: relative to the tools' directory, absolute, or from home.

    Those of the directory itself without a word only when `all` is set.
    """
    head, _, start = word.rpartition("/")
    if not word and not all:
        return
    try:
        folder = Path(f"{head}/" if head or word.startswith("/") else "").expanduser()
        entries = sorted(os.scandir(directory / folder), key=lambda entry: entry.name)
    except (OSError, ValueError, RuntimeError):
        return
    fitting = [e for e in entries if e.name.startswith(start) and (start.startswith(".") or not e.name.startswith("."))]
    for entry in fitting[:_MOST]:
        if entry.name.isprintable():
            yield Offer(entry.name + ("/" if entry.is_dir() else ""), len(start))
