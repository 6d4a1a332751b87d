"""The scripts by which shells complete the words of `alloy`, of what may be typed."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["MODELS", "SESSIONS", "WEIGHTS", "Level", "Word", "bash", "fish", "zsh"]

#: Kinds of what is looked up while somebody types: names of conversations and of weights, which `alloy` lists, and
#: models, of which files may be part.
SESSIONS, WEIGHTS, MODELS = "sessions", "local", "models"


@dataclass(frozen=True, slots=True)
class Word:
    """An option: `values` is what it takes, None for nothing, () for anything that is not of its `kind`.

    Of `several` it takes some, with commas between them.
    """

    names: tuple[str, ...]
    help: str
    values: tuple[str, ...] | None = None
    kind: str = ""
    several: bool = False


@dataclass(frozen=True, slots=True)
class Level:
    """What may follow ``alloy local pull``, say: options, commands, and values of the word that stands by itself."""

    path: str
    options: tuple[Word, ...]
    commands: Mapping[str, str]
    words: tuple[str, ...]
    kind: str = ""


def _models() -> tuple[str, str]:
    """Providers, and what is known of each."""
    from ..models import known_models
    from ..providers.vendors import VENDORS

    names = dict.fromkeys(f"{info.provider}:{info.name}" for info in known_models())
    return " ".join((*VENDORS, "local", "scripted:")), " ".join(names)


def bash(levels: list[Level]) -> str:
    """For bash, and for zsh in its bash manner, where `path` is PATH and only what stands in $((...)) is reckoned."""
    steps = [f'"{level.path} {name}") at="{level.path} {name}" ;;' for level in levels for name in level.commands]
    values = [
        f"{shlex.quote(f'{level.path} {name}')}) words={shlex.quote(' '.join(option.values))} "
        f"kind={option.kind} several={'1' * option.several} value=1 ;;"
        for level in levels
        for option in level.options
        if option.values is not None
        for name in option.names
    ]
    words = [
        f"{shlex.quote(level.path)}) words={shlex.quote(' '.join([*level.commands, *level.words]))} "
        f"options={shlex.quote(' '.join(name for option in level.options for name in option.names))} "
        f"kind={level.kind} ;;"
        for level in levels
    ]
    blocks = ("\n".join(f"    {line}" for line in lines) for lines in (steps, words, values))
    return _BASH.format(*blocks, *map(shlex.quote, _models()))


_BASH = """\
# Completion of alloy.
_alloy() {{
  local at=alloy cur="" prev="" words="" options="" value="" kind="" several="" lead="" whole word number=0
  COMPREPLY=()
  for word in "${{COMP_WORDS[@]:1:$COMP_CWORD}}"; do
    # bash cuts words at : and =
    if [[ -n $COMP_WORDBREAKS && -n $cur && ( $word == [:=]* || $cur == *[:=] ) ]]; then cur+=$word; continue; fi
    if [[ $number == 1 || $at != alloy ]]; then _alloy_step; fi
    prev=$cur cur=$word number=$((number+1))
  done
  whole=$cur
  if [[ $cur == --*=* ]]; then prev=${{cur%%=*}} lead=${{cur%%=*}}= cur=${{cur#*=}}; fi
  case "$at" in
{1}
  esac
  # What begins a question is no command.
  if [[ $at == alloy && $number != 1 ]]; then words=""; fi
  case "$at $prev" in
{2}
  esac
  if [[ -n $several && $cur == *,* ]]; then lead+=${{cur%,*}}, cur=${{cur##*,}}; fi
  if [[ $cur == -* && -z $value ]]; then words=$options kind=""; fi
  if [[ -n $words$kind && ( $at != alloy || -n $value ) ]]; then compopt +o default 2>/dev/null; fi
  case "$kind" in
    models) _alloy_models ;;
    ?*) _alloy_stored ;;
  esac
  COMPREPLY+=($(compgen -W "$words" -- "$cur"))
  _alloy_whole
}}
_alloy_step() {{
  case "$at $cur" in
{0}
  esac
}}
_alloy_models() {{
  case "$cur" in
    scripted:*)
      lead+=scripted: cur=${{cur#scripted:}}
      for word in "${{cur//\\\\/}}"*; do
        if [[ -d $word ]]; then word+=/; compopt -o nospace 2>/dev/null; fi
        if [[ -e $word ]]; then printf -v word %q "$word"; COMPREPLY+=("$word"); fi
      done ;;
    *:*) words={4} ;;
    *) words={3}
      # The file's name comes right behind.
      if [[ $cur == s* ]]; then compopt -o nospace 2>/dev/null; fi ;;
  esac
}}
# Names may be any text, and nothing of one may be code where it is put. zsh takes one level of quotes away, and makes
# its own; bash puts a name in quotes as it is, so that what quotes do not hold is not offered there.
_alloy_stored() {{
  local typed=$cur quoted="" name
  if [[ $cur == [\\"\\']* ]]; then typed=${{cur:1}} quoted=1; fi
  if [[ $cur != \\'* ]]; then typed=${{typed//\\\\/}}; fi
  while IFS= read -r name; do
    [[ "${{name:0:${{#typed}}}}" == "$typed" ]] || continue
    if [[ -z $quoted || -n $ZSH_VERSION ]]; then
      printf -v name %q "$name"
    elif [[ $name == *[\\\\\\$\\`\\"\\'!]* ]]; then
      continue
    fi
    COMPREPLY+=("$name")
  done < <(alloy $kind list --names 2>/dev/null)
}}
# What is typed before the last : or = stays, and bash wants to have only the rest.
_alloy_whole() {{
  local head="" replies=("${{COMPREPLY[@]}}") full
  if [[ $whole != [\\"\\']* ]]; then
    if [[ $COMP_WORDBREAKS == *=* && $whole == *=* ]]; then head=${{whole%"${{whole##*=}}"}}; fi
    if [[ $COMP_WORDBREAKS == *:* && ${{whole#"$head"}} == *:* ]]; then head=${{whole%"${{whole##*:}}"}}; fi
  fi
  COMPREPLY=()
  for word in "${{replies[@]}}"; do
    full=$lead$word
    COMPREPLY+=("${{full#"$head"}}")
  done
}}
complete -o default -F _alloy alloy alloy-nb
"""


def zsh(levels: list[Level]) -> str:
    return "autoload -U +X bashcompinit && bashcompinit\n" + bash(levels)


def fish(levels: list[Level]) -> str:
    lines = [_FISH.format(*_models()).rstrip()]
    for level in levels:
        here = _fish_condition(level)
        bare = shlex.quote("__alloy_begins") if level.path == "alloy" else here
        for name, help in level.commands.items():
            lines.append(f"complete -c alloy -n {bare} -f -a {name} -d {shlex.quote(help)}")
        lines += [f"complete -c alloy -n {here} -f -a {word}" for word in level.words]
        lines += [f"complete -c alloy -n {here} -f -a {shlex.quote(_fish_values((), level.kind))}"] * bool(level.kind)
        lines += [_fish_option(here, option) for option in level.options]
    lines.append("complete -c alloy-nb -w alloy")
    return "\n".join(lines) + "\n"


_FISH = """\
# Completion of alloy for fish.
function __alloy_begins
    test (count (commandline -opc)) -eq 1
end
function __alloy_is
    set -l typed (commandline -opc)
    contains -- "$typed[2]" $argv
end
function __alloy_value
    string replace -r '^--[a-z-]+=' '' -- (commandline -ct)
end
function __alloy_several
    set -l before (string match -r '^.*,' -- (__alloy_value))
    for word in $argv
        echo "$before$word"
    end
end
function __alloy_models
    set -l typed (string replace -r '^.*,' '' -- (__alloy_value))
    switch "$typed"
        case 'scripted:*'
            for file in (string replace 'scripted:' '' -- $typed)*
                echo "scripted:$file"
            end
        case '*:*'
            string split ' ' -- '{1}'
        case '*'
            string split ' ' -- '{0}'
    end
end
"""


def _fish_condition(level: Level) -> str:
    names = level.path.split()[1:]
    first = [f"__alloy_is {names[0]}"] if names else [f"not __alloy_is {' '.join(level.commands)}"]
    seen = [f"__fish_seen_subcommand_from {name}" for name in names[1:]]
    free = [f"not __fish_seen_subcommand_from {' '.join(level.commands)}"] if names and level.commands else []
    return shlex.quote("; and ".join([*first, *seen, *free]))


def _fish_option(here: str, option: Word) -> str:
    names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
    values = _fish_values(option.values or (), option.kind, several=option.several)
    takes = "" if option.values is None else f" -x -a {shlex.quote(values)}" if values else " -r"
    return f"complete -c alloy -n {here} {names}{takes} -d {shlex.quote(option.help)}"


def _fish_values(words: tuple[str, ...], kind: str, *, several: bool = False) -> str:
    listed = "__alloy_models" if kind == MODELS else f"alloy {kind} list --names 2>/dev/null" if kind else ""
    if several:
        return f"(__alloy_several {f'({listed})' if listed else ' '.join(words)})"
    return f"({listed})" if listed else " ".join(words)
