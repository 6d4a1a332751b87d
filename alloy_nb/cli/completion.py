"""`alloy completion`: a script by which a shell completes commands, options and their values."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

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
    print({"bash": _bash, "zsh": _zsh, "fish": _fish}[args.shell](levels), end="")
    return 0


@dataclass(frozen=True, slots=True)
class _Word:
    """What may be typed: an option (`values`: what it takes, None for nothing, () for anything) or a plain word.

    What a `stored` one takes is the name of a conversation: the shell asks for those when it needs them.
    """

    names: tuple[str, ...]
    help: str
    values: tuple[str, ...] | None = None
    stored: bool = False


@dataclass(frozen=True, slots=True)
class _Level:
    """What may follow ``alloy local pull``, say: options, commands, and values of the word that stands by itself.

    That of a `stored` one is the name of a conversation.
    """

    path: str
    options: tuple[_Word, ...]
    commands: Mapping[str, str]
    words: tuple[str, ...]
    stored: bool = False


def _levels(path: str, parser: argparse.ArgumentParser) -> Iterator[_Level]:
    from .main import COMMANDS

    options: list[_Word] = []
    words: list[str] = []
    inner: list[tuple[str, argparse.ArgumentParser]] = []
    stored = False
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            inner = list(action.choices.items())
        elif action.option_strings:
            values = None if action.nargs == 0 else _values(action)
            of_stored = action.dest == "session"
            options.append(_Word(tuple(action.option_strings), _plain(action.help), values, of_stored))
        else:
            words += _values(action)
            stored = stored or (path.startswith("alloy sessions ") and action.dest == "name")
    commands = {name: _plain(COMMANDS.get(name) if path == "alloy" else command.description) for name, command in inner}
    yield _Level(path, tuple(options), commands, tuple(words), stored)
    for name, command in inner:
        yield from _levels(f"{path} {name}", command)


def _values(action: argparse.Action) -> tuple[str, ...]:
    """What a value may be, as far as it is known without looking."""
    from ..providers.vendors import VENDORS
    from ..tools.builtin import BUILTIN_TOOLS

    if action.choices:
        return tuple(map(str, action.choices))
    known: dict[str, Iterable[str]] = {
        "tools": BUILTIN_TOOLS,
        "provider": VENDORS,
        "model": (*VENDORS, "local"),
        "fallback": VENDORS,
    }
    return tuple(known.get(action.dest, ()))


def _plain(help: str | None) -> str:
    return " ".join((help or "").split()) if help != argparse.SUPPRESS else ""


def _flat(options: tuple[_Word, ...]) -> str:
    return " ".join(name for option in options for name in option.names)


def _bash(levels: list[_Level]) -> str:
    """For bash, and for zsh in its bash manner, where `path` is PATH and only what stands in $((...)) is reckoned."""
    steps = [f'"{level.path} {name}") at="{level.path} {name}" ;;' for level in levels for name in level.commands]
    values = [
        f"{shlex.quote(f'{level.path} {name}')}) words={shlex.quote(' '.join(option.values))}; "
        f"stored={'1' * option.stored}; value=1 ;;"
        for level in levels
        for option in level.options
        if option.values is not None
        for name in option.names
    ]
    words = [
        f"{shlex.quote(level.path)}) words={shlex.quote(' '.join([*level.commands, *level.words]))}; "
        f"options={shlex.quote(_flat(level.options))}; stored={'1' * level.stored} ;;"
        for level in levels
    ]
    return _BASH.format(*("\n".join(f"    {line}" for line in lines) for lines in (steps, words, values)))


_BASH = """\
# Completion of alloy.
_alloy() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}}
  local at=alloy words="" options="" value="" stored="" word
  for word in "${{COMP_WORDS[@]:1:$((COMP_CWORD-1))}}"; do
    case "$at $word" in
{0}
    esac
  done
  case "$at" in
{1}
  esac
  case "$at $prev" in
{2}
  esac
  if [[ $cur == -* && -z $value ]]; then words=$options stored=""; fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  if [[ -n $stored ]]; then _alloy_stored "$cur"; fi
}}
# Names may be any text, and nothing of one may be code where it is put. zsh takes one level of quotes away, and makes
# its own; bash puts a name in quotes as it is, so that what quotes do not hold is not offered there.
_alloy_stored() {{
  local typed=$1 quoted="" name
  if [[ $1 == [\\"\\']* ]]; then typed=${{1:1}} quoted=1; fi
  if [[ $1 != \\'* ]]; then typed=${{typed//\\\\/}}; fi
  while IFS= read -r name; do
    [[ "${{name:0:${{#typed}}}}" == "$typed" ]] || continue
    if [[ -z $quoted || -n $ZSH_VERSION ]]; then
      printf -v name %q "$name"
    elif [[ $name == *[\\\\\\$\\`\\"\\'!]* ]]; then
      continue
    fi
    COMPREPLY+=("$name")
  done < <(alloy sessions list --names 2>/dev/null)
}}
complete -o default -F _alloy alloy alloy-nb
"""


def _zsh(levels: list[_Level]) -> str:
    return "autoload -U +X bashcompinit && bashcompinit\n" + _bash(levels)


def _fish(levels: list[_Level]) -> str:
    lines = ["# Completion of alloy for fish."]
    for level in levels:
        here = _fish_condition(level)
        for name, help in level.commands.items():
            lines.append(f"complete -c alloy -n {here} -f -a {name} -d {shlex.quote(help)}")
        lines += [f"complete -c alloy -n {here} -f -a {word}" for word in level.words]
        lines += [f"complete -c alloy -n {here} -f -a '{_STORED}'"] * level.stored
        lines += [_fish_option(here, option) for option in level.options]
    lines.append("complete -c alloy-nb -w alloy")
    return "\n".join(lines) + "\n"


_STORED = "(alloy sessions list --names 2>/dev/null)"


def _fish_condition(level: _Level) -> str:
    names = level.path.split()[1:]
    seen = [f"__fish_seen_subcommand_from {name}" for name in names]
    free = [f"not __fish_seen_subcommand_from {' '.join(level.commands)}"] if level.commands else []
    return shlex.quote("; and ".join([*seen, *free]) or "true")


def _fish_option(here: str, option: _Word) -> str:
    names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
    values = _STORED if option.stored else " ".join(option.values or ())
    takes = "" if option.values is None else f" -x -a {shlex.quote(values)}" if values else " -r"
    return f"complete -c alloy -n {here} {names}{takes} -d {shlex.quote(option.help)}"
