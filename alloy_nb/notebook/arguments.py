"""What stands on the line of a magic: options first, then (for ``%alloy``) the prompt, untouched."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..commands import command_table, commands_of
from ..errors import ConfigError
from ..options import nearest, read_thinking

if TYPE_CHECKING:
    from ..commands import Command

__all__ = ["FLAGS", "Arguments", "Unfinished", "admit", "notes_on", "parse_line", "unfinished", "usage"]


@dataclass(frozen=True, slots=True)
class Arguments:
    """A magic's line, read. `options` holds what is said of the run, by the names that `alloy.run` uses.

    `behind` is what the prompt ends with that would be options in front of it.
    """

    prompt: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    out: str | None = None
    agent: str | None = None
    fresh: bool = False
    show: bool = False
    no_context: bool = False
    help: bool = False
    behind: str = ""


@dataclass(frozen=True, slots=True)
class _Flag:
    """One option: its spellings, what it sets, how its value is read (None: it takes none), what it is for."""

    names: tuple[str, ...]
    key: str
    read: Callable[[str], Any] | None
    value: str
    help: str


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _variable(text: str) -> str:
    if not text.isidentifier() or keyword.iskeyword(text):
        raise ValueError("a variable's name")
    return text


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("a whole number") from None


def _turns(text: str) -> int:
    turns = _whole(text)
    if turns < 1:
        raise ValueError("1 or more: without a turn no model is asked")
    return turns


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("a number") from None


def _display(text: str) -> str | None:
    return None if text.lower() == "none" else text


FLAGS = (
    _Flag(("-m", "--model"), "model", str, "MODEL", "provider:model, or a variable that holds a provider"),
    _Flag(
        ("-a", "--agent"), "agent", _variable, "NAME", "ask this Agent, a variable; else the notebook's own is asked"
    ),
    _Flag(
        ("-t", "--tools"),
        "tools",
        _names,
        "NAMES",
        "read,glob,grep,fetch,write,edit,bash,… or functions, by comma; or none",
    ),
    _Flag(("-o", "--out"), "out", _variable, "NAME", "put the Result into this variable"),
    _Flag(("--output",), "output", str, "TYPE", "a type, such as a pydantic model, that the answer must match"),
    _Flag(("--system",), "system_prompt", str, '"TEXT"', "the system prompt"),
    _Flag(("--tool-choice",), "tool_choice", str, "NAME", "auto, required, none, or the tool that must be called"),
    _Flag(("--max-turns",), "max_turns", _turns, "N", "how many times the model may be called"),
    _Flag(("--budget",), "budget", str, "LIMIT", "dollars, or a variable that holds a Budget"),
    _Flag(("--timeout",), "timeout", _number, "SECONDS", "for the whole answer, tools included"),
    _Flag(("--thinking",), "thinking", read_thinking, "HOW", "low, medium, high, on, off, or a number of tokens"),
    _Flag(("--fallback",), "fallback", _names, "NAMES", "models to go to when the first one fails, by comma"),
    _Flag(("--temperature",), "temperature", _number, "N", "0 for the most likely words"),
    _Flag(("--approval",), "approval", str, "POLICY", "ask, auto, deny, or a function (call, ctx) -> bool"),
    _Flag(("--display",), "display", _display, "KIND", "auto, widget, html, static, text or none"),
    _Flag(("--record",), "record", str.lower, "HOW", "full, summary or off: what is kept beside what is seen"),
    _Flag(("--fresh",), "fresh", None, "", "forget the conversation: it starts over here"),
    _Flag(("--no-context",), "no_context", None, "", "leave out AGENTS.md, .alloy/context/*.md and skills"),
    _Flag(("--show",), "show", None, "", "print what would be sent, and send nothing"),
    _Flag(("-h", "--help"), "help", None, "", "print this"),
)
_BY_KEY = {flag.key: flag for flag in FLAGS}
_BY_NAME = {name: flag for flag in FLAGS for name in flag.names}
_OWN = {"out", "agent", "fresh", "show", "no_context", "help"}

# A minus before anything but a letter ("-5 degrees", "- a list") begins a prompt.
_OPTION = re.compile(r"\s*(--?[A-Za-z][\w-]*)(=?)")
_LONGEST_BEHIND = 400
_BEHIND = re.compile(r"(?<=\s)--?[A-Za-z][\w-]*")
_VALUE = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\S+))(?=\s|\Z)""", re.DOTALL)


def parse_line(line: str, *, prompt_follows: bool) -> Arguments:
    """Read the options of `line`; with `prompt_follows` the rest is the prompt, else there must be no rest.

    Raises `ConfigError`, which names the nearest option there is.

    >>> parse_line('-t read,bash --max-turns 3 Say "hi"', prompt_follows=True).prompt
    'Say "hi"'
    """
    found, place = _read_options(line)
    rest, behind = line[place:].strip(), ""
    if rest == "--" or rest.startswith("-- "):
        rest = rest[2:].lstrip()
    elif prompt_follows:
        behind = _options_behind(rest)
    elif rest:
        raise _no_prompt_here(rest)
    own = {key: value for key, value in found.items() if key in _OWN}
    return Arguments(rest, {key: value for key, value in found.items() if key not in _OWN}, **own, behind=behind)


def _read_options(line: str) -> tuple[dict[str, Any], int]:
    """What `line` begins with, and where that ends."""
    found: dict[str, Any] = {}
    place = 0
    while match := _OPTION.match(line, place):
        if not match[2] and not re.match(r"\s|\Z", line[match.end() :]):
            break  # `-x.y`: no option, but the beginning of a prompt
        flag = _flag(match[1])
        place = match.end()
        if flag.read is None:
            found[flag.key] = _no_value(match)
            continue
        text, place = _value(line, place, match[1], flag)
        if flag.read is _names:
            while text.endswith(",") and (more := _VALUE.match(line, place)):  # `-t read, bash`
                text, place = text + more[0].strip(), more.end()
        found[flag.key] = _read(flag, match[1], text)
    return found, place


def _options_behind(prompt: str) -> str:
    """The end of a prompt that would be options in front of it; "" where there is none."""
    for match in _BEHIND.finditer(prompt, max(0, len(prompt) - _LONGEST_BEHIND)):
        end = prompt[match.start() :]
        try:
            if match[0] in _BY_NAME and _read_options(end)[1] == len(end):
                return end
        except ConfigError:
            continue
    return ""


def _no_prompt_here(rest: str) -> ConfigError:
    if re.match(r"/[A-Za-z]", rest):
        return ConfigError(f"after %%alloy stands the command {rest[:60]!r}", hint=f"write `%alloy {rest[:60]}`")
    return ConfigError(f"after the options of %%alloy stands {rest[:60]!r}", hint="the prompt goes on the lines below")


def notes_on(arguments: Arguments) -> list[str]:
    """What is to be told above the answer of options behind the question, which are part of it.

    Raises `ConfigError` where they have the long names that are ours: sent in spite of ``--show``, it could not be
    taken back. The short ones are those of other programs, too, which a question may be about.
    """
    if not arguments.behind:
        return []
    question = arguments.prompt[: -len(arguments.behind)].strip()
    name = re.split(r"[\s=]", arguments.behind)[0]
    way = f"`%alloy {arguments.behind} {question}`"
    if re.search(r"(?<!\S)--[a-z]", arguments.behind):
        raise ConfigError(
            f"`{name}` stands behind the question: options go first; nothing was sent",
            hint=f"write {way}, or `%alloy -- {arguments.prompt}` where it is part of the question",
        )
    return [f"`{arguments.behind}` as part of the question: options go first, as in {way}"]


def admit(command: Command, arguments: Arguments) -> None:
    """Raise `ConfigError` where options stand before a command that does not take them: nothing is passed over."""
    if command.own and arguments.agent is not None:
        agent = arguments.agent
        raise ConfigError(
            f"/{command.name} is about the notebook's own agent, and --agent names {agent}",
            hint=f"leave --agent out; in Python there are {agent}.usage, {agent}.undo_turn() and their like",
        )
    if command.asks and not command.lines and arguments.behind:
        raise ConfigError(
            f"options stand before /{command.name}",
            hint=f"write `%alloy {arguments.behind} /{command.name}`",
        )
    if command.asks:
        return
    given = [*arguments.options, *(key for key in sorted(_OWN) if getattr(arguments, key))]
    if wrong := [_BY_KEY[key].names[-1] for key in given if key not in command.takes]:
        raise ConfigError(
            f"/{command.name} takes no {' and no '.join(wrong)}; nothing was done",
            hint=f"write `%alloy /{command.name}`: options are for questions",
        )


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What is being written at the end of a line: an option's name, the value of the option `key`, or the prompt."""

    text: str
    key: str = ""
    option: bool = False


def unfinished(line: str) -> Unfinished:
    """What stands last on `line`, which somebody is still writing.

    >>> unfinished("-t read,gr").text, unfinished("-t read Say").text, unfinished("--fresh --ap").option
    ('read,gr', 'Say', True)
    """
    place = 0
    while match := _OPTION.match(line, place):
        if not match[2] and (match.end() == len(line) or not line[match.end()].isspace()):
            break
        flag = _BY_NAME.get(match[1])
        place = match.end()
        if flag is not None and flag.read is not None:
            end = _value_end(line, place, flag)
            if end is None:
                return Unfinished(line[place:].lstrip(), flag.key)
            place = end
    rest = line[place:].lstrip()
    return Unfinished(rest, option=re.fullmatch(r"--?(?:[A-Za-z][\w-]*)?", rest) is not None)


def _value_end(line: str, place: int, flag: _Flag) -> int | None:
    """Where the value behind `place` ends; None when something of it may still come."""
    value = _VALUE.match(line, place)
    while value is not None and value.end() < len(line):
        if (value[3] or "").startswith(('"', "'")):  # a quote that nothing closes yet
            return None
        if flag.read is not _names or not value[0].endswith(","):
            return value.end()
        value = _VALUE.match(line, value.end())
    return None


def _flag(name: str) -> _Flag:
    flag = _BY_NAME.get(name)
    if flag is not None:
        return flag
    bare = name.lstrip("-").lower()
    if bare == "session":  # the command line's word
        raise ConfigError(
            f"unknown option {name}",
            hint="`%alloy /save NAME` stores the conversation as it grows, `%alloy /resume NAME` goes on with one",
        )
    words = {known.lstrip("-"): known for known in _BY_NAME}
    near = words.get(bare) or words.get(nearest(bare, [word for word in words if len(word) > 1]) or "")
    raise ConfigError(
        f"unknown option {name}",
        hint=(f"did you mean {near}? " if near else "") + "`%alloy --help` lists them; before a prompt, "
        "`--` ends the options",
    )


def _no_value(match: re.Match[str]) -> bool:
    if match[2]:
        raise ConfigError(f"{match[1]} takes no value", hint=f"write {match[1]} alone")
    return True


def _value(line: str, place: int, name: str, flag: _Flag) -> tuple[str, int]:
    match = _VALUE.match(line, place)
    if match is None:
        raise ConfigError(f"{name} needs a value", hint=f"{name} {flag.value}: {flag.help}")
    if match[3] is not None:
        return match[3], match.end()
    quoted = match[1] if match[1] is not None else match[2]
    return re.sub(r"\\([\\\"'])", r"\1", quoted), match.end()


def _read(flag: _Flag, name: str, text: str) -> Any:
    assert flag.read is not None
    try:
        return flag.read(text)
    except ValueError as error:
        raise ConfigError(f"{name} is {text!r}", hint=f"give {error}") from None


def usage() -> str:
    """What ``%alloy --help`` prints."""
    rows = [(", ".join(flag.names) + (f" {flag.value}" if flag.value else ""), flag.help) for flag in FLAGS]
    wide = max(len(left) for left, _ in rows)
    lines = [f"  {left:<{wide}}  {right}" for left, right in rows]
    return "\n".join(
        (
            "%%alloy [options]          a question on the lines below; the conversation goes on from cell to cell",
            "%alloy [options] QUESTION  the same on one line; x = %alloy … keeps the Result",
            "",
            *lines,
            "",
            "In a question, {name} puts a variable in, as itself or described when it is large; \\{name} does not.",
            "",
            "A word with a slash is a command:",
            command_table("%alloy ", commands_of("notebook")),
        )
    )
