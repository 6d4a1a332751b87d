"""`alloy completion`: a script by which a shell completes commands, options and their values."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator

from .shells import MODELS, SESSIONS, WEIGHTS, Level, Word, bash, fish, zsh

__all__ = ["add_arguments", "run"]

_EPILOG = """to have it in every shell:
  bash   alloy completion bash > ~/.local/share/bash-completion/completions/alloy
  zsh    echo 'source <(alloy completion zsh)' >> ~/.zshrc    (after compinit)
  fish   alloy completion fish > ~/.config/fish/completions/alloy.fish
in this one:
  source <(alloy completion bash)
"""


def add_arguments(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "completion",
        description="Prints a script by which your shell completes the words of `alloy`.",
        epilog=_EPILOG,
    )
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    from .main import whole_parser

    levels = list(_levels("alloy", whole_parser()))
    print({"bash": bash, "zsh": zsh, "fish": fish}[args.shell](levels), end="")
    return 0


#: Options whose value is of a kind that is looked up while somebody types.
_KINDS = {"session": SESSIONS, "model": MODELS, "fallback": MODELS}
_SEVERAL = frozenset({"tools", "fallback"})


def _levels(path: str, parser: argparse.ArgumentParser) -> Iterator[Level]:
    from .main import COMMANDS

    options: list[Word] = []
    words: list[str] = []
    inner: list[tuple[str, argparse.ArgumentParser]] = []
    kind = ""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            inner = list(action.choices.items())
        elif action.option_strings and action.help == argparse.SUPPRESS:
            continue  # taken, but nobody is to be told of it
        elif action.option_strings:
            names, help, of = tuple(action.option_strings), _plain(action.help), _KINDS.get(action.dest, "")
            values = None if action.nargs == 0 else _values(action)
            options.append(Word(names, help, values, of, action.dest in _SEVERAL))
        else:
            words += _values(action, path)
            kind = kind or _kind_of_name(path, action.dest)
    commands = {name: _plain(COMMANDS.get(name) if path == "alloy" else command.description) for name, command in inner}
    yield Level(path, tuple(options), commands, tuple(words), kind)
    for name, command in inner:
        yield from _levels(f"{path} {name}", command)


def _kind_of_name(path: str, dest: str) -> str:
    if dest != "name":
        return ""
    stored = path in ("alloy local path", "alloy local remove")
    return SESSIONS if path.startswith("alloy sessions ") else WEIGHTS if stored else ""


def _values(action: argparse.Action, path: str = "") -> tuple[str, ...]:
    """What a value may be, as far as it is known without looking."""
    from ..options import THINKING
    from ..providers.vendors import VENDORS
    from ..tools.builtin import BUILTIN_TOOLS
    from ..weights.catalogue import CATALOGUE

    if action.choices:
        return tuple(map(str, action.choices))
    if path == "alloy local pull":
        return tuple(CATALOGUE)
    known: dict[str, Iterable[str]] = {
        "tools": BUILTIN_TOOLS,
        "tool_choice": ("auto", "required", "none", *BUILTIN_TOOLS),
        "thinking": ("on", "off", *THINKING),
        "provider": VENDORS,
    }
    return tuple(known.get(action.dest, ()))


def _plain(help: str | None) -> str:
    return " ".join((help or "").split()) if help != argparse.SUPPRESS else ""
