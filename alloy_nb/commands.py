"""The words with a slash: one table for every front end, and what they do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .brief import in_brief
from .errors import ConfigError
from .options import nearest
from .plain import one_line
from .redaction import redact, redact_line
from .session_commands import fork, list_sessions, resume, rewind, save
from .setting_commands import set_approval, set_budget, set_tools, tell
from .skill_commands import list_skills, use_skill

if TYPE_CHECKING:
    from .context.meter import ContextUsage
    from .places import NotebookPlace, Place, TerminalPlace

__all__ = [
    "COMMANDS",
    "Command",
    "command_table",
    "commands_of",
    "find_command",
    "no_question",
]

# `/usr/bin/python` and `/ 2` are no commands.
_COMMAND = re.compile(r"/([A-Za-z][\w-]*)(?:[ \t]+([^\n]*))?\s*\Z")
_WORD = re.compile(r"/[A-Za-z][\w-]*(?=\s|\Z)")


@dataclass(frozen=True, slots=True)
class Command:
    """One word with a slash: `argument` as help writes it, `run(place, argument)`; what that returns is shown.

    `where` names the front ends that have it, `completes` what its argument is one of, `also` its other names. The
    argument is one line, unless it takes `lines`.

    In a cell, `own` says that it is about the notebook's own agent and no other one, `asks` that it puts a question,
    and so takes the options of one; else `takes` names those that it takes, as `Arguments` does.
    """

    name: str
    argument: str
    help: str
    run: Callable[[Any, str], Any]
    where: frozenset[str]
    completes: str = ""
    also: tuple[str, ...] = ()
    lines: bool = False
    own: bool = False
    asks: bool = False
    takes: frozenset[str] = frozenset()


def commands_of(place: str) -> tuple[Command, ...]:
    """The commands of a front end, ``"notebook"`` or ``"terminal"``.

    >>> [command.name for command in commands_of("notebook")][:3]
    ['help', 'model', 'models']
    """
    return tuple(command for command in COMMANDS if place in command.where)


def find_command(prompt: str, commands: Iterable[Command]) -> tuple[Command, str] | None:
    """The command that `prompt` is, with its argument; None for a question.

    Raises `ConfigError` for a word with a slash that is no command: no question begins with one.

    >>> find_command("/usr/bin/env is a path", COMMANDS) is None
    True
    """
    text = prompt.strip()
    word = _WORD.match(text)
    if word is None:
        return None
    name = word[0][1:]
    by_name = {known: command for command in commands for known in (command.name, *command.also)}
    match = _COMMAND.match(text)
    if name in by_name and by_name[name].lines:
        return by_name[name], text[word.end() :].strip()
    if name in by_name and match is not None:
        return by_name[name], (match[2] or "").strip()
    if name in by_name:
        raise ConfigError(f"{word[0]} takes one line", hint="a question does not begin with a slash")
    raise ConfigError(f"there is no command {word[0]}", hint=_instead(name.lower(), by_name))


def _instead(name: str, by_name: Mapping[str, Command]) -> str:
    """What to do in place of a command that there is not."""
    if name in _WANTED:
        return _WANTED[name]
    if near := nearest(name, list(by_name)):
        return f"did you mean /{near}? /help lists all; a question does not begin with a slash"
    known = ", ".join(f"/{command.name}" for command in dict.fromkeys(by_name.values()))
    return f"the commands are {known}; a question does not begin with a slash"


#: What is looked for in vain, as other programs have it; a front end that has it knows better.
_WANTED = {
    "exit": "a cell is left by itself; /reset starts the conversation over",
    "quit": "a cell is left by itself; /reset starts the conversation over",
    "clear": "/reset starts the conversation over; what is shown is cleared by the front end",
}


# What every front end has


def command_table(prefix: str, commands: Sequence[Command]) -> str:
    """What each command is for, a line each."""
    written = [f"{prefix}/{command.name} {command.argument}".rstrip() for command in commands]
    wide = max(map(len, written))
    return "\n".join(f"  {word:<{wide}}  {_purpose(command)}" for word, command in zip(written, commands, strict=True))


def _purpose(command: Command) -> str:
    return command.help + (f" (also /{', /'.join(command.also)})" if command.also else "")


def _help(place: Place, argument: str) -> None:
    _no_argument("help", argument)
    place.say(command_table(place.prefix, place.commands))


def _model(place: Place, argument: str) -> None:
    if argument:
        place.set_model(argument)
    label, why = place.model_and_why()
    place.say(f"model: {label} ({why})")


def _models(place: Place, argument: str) -> None:
    from .models import default_model, known_models
    from .providers.vendors import VENDORS

    if argument and argument not in VENDORS:
        near = nearest(argument.lower(), list(VENDORS))
        hint = f"did you mean {near}?" if near else "the providers are " + ", ".join(VENDORS)
        raise ConfigError(f"unknown provider `{one_line(argument, 40)}`", hint=hint)
    for name in [argument] if argument else VENDORS:
        default = default_model(name)
        known = [f"{info.name}{' (default)' if info.name == default else ''}" for info in known_models(name)]
        place.say(f"{name} ({_key_of(name)}): {', '.join(known) or 'none is known'}")
    if not argument:
        place.say("local: the embedded model; `alloy local list` shows its weights")


def _key_of(name: str) -> str:
    from .providers.keys import find_key
    from .providers.vendors import VENDORS

    try:
        where = find_key(None, VENDORS[name].keys).where
    except ConfigError as error:
        return redact(error.message)
    return where or ("no key" if VENDORS[name].needs_key else "needs no key")


def _history(place: Place, argument: str) -> None:
    _no_argument("history", argument)
    messages = place.messages()
    place.say("\n".join(map(in_brief, messages)) if messages else "There is no conversation yet.")


def _context(place: Place, argument: str) -> ContextUsage:
    _no_argument("context", argument)
    return place.context_usage()


def _usage(place: Place, argument: str) -> None:
    from .render.wording import cost_words

    _no_argument("usage", argument)
    usage, cost = place.used()
    rows = {
        "input": usage.input_tokens,
        "output": usage.output_tokens,
        "cache creation": usage.cache_write_tokens,
        "cache read": usage.cached_tokens,
        "total": usage.total_tokens,
    }
    lines = [f"{name + ':':<16}{count:>10,}" for name, count in rows.items()]
    price = cost_words(cost if usage.total_tokens else 0.0).removeprefix("cost ")
    place.say("\n".join([*lines, f"{'cost:':<16}{price:>10}"]))


def _undo(place: Place, argument: str) -> None:
    _no_argument("undo", argument)
    taken = place.undo()
    if not taken:
        place.say("There is nothing to take back.")
        return
    came = "with all that came of it" if len(taken) > 1 else "nothing had come of it"
    place.say(f"Taken back, {came}: {in_brief(taken[0])}")


def _retry(place: Place, argument: str) -> Any:
    _no_argument("retry", argument)
    return place.retry()


def no_question() -> ConfigError:
    """What is raised where there is nothing to ask again."""
    return ConfigError("there is no question to ask again", hint="ask one first")


def _reset(place: Place, argument: str) -> None:
    _no_argument("reset", argument)
    begun, stored = bool(place.messages()), place.session
    place.reset()
    told = "The conversation starts over." if begun else "There was no conversation yet."
    if stored is not None and place.session is None:
        how = f"{place.prefix}/resume {one_line(stored)}"
        told += f" {one_line(stored, 80)} stays as it is stored; `{how}` goes on with it."
    place.say(told)


def _skills(place: Place, argument: str) -> None:
    _no_argument("skills", argument)
    list_skills(place)


def _doctor(_: Place, argument: str) -> Any:
    from .diagnosis import doctor

    _no_argument("doctor", argument)
    return doctor()


def _login(place: Place, argument: str) -> None:
    from .login import by_words

    for line in by_words(argument, f"{place.prefix}/login PROVIDER"):
        place.say(redact_line(line, 1000))


# What the notebook has


def _stop(place: NotebookPlace, argument: str) -> None:
    place.stop(argument)


def _attach(place: NotebookPlace, argument: str) -> None:
    place.attach(argument)


def _jobs(place: NotebookPlace, argument: str) -> None:
    _no_argument("jobs", argument)
    place.jobs()


def _agents(place: NotebookPlace, argument: str) -> None:
    _no_argument("agents", argument)
    place.agents()


def _team(place: NotebookPlace, argument: str) -> None:
    place.team(argument)


# What the terminal has


def _exit(place: TerminalPlace, argument: str) -> None:
    _no_argument("exit", argument)
    place.leave()


def _no_argument(name: str, argument: str) -> None:
    if argument:
        raise ConfigError(f"/{name} takes no argument, and was given {argument[:40]!r}", hint=f"write /{name} alone")


_EVERYWHERE = frozenset({"notebook", "terminal"})
_NOTEBOOK = frozenset({"notebook"})
_TERMINAL = frozenset({"terminal"})

COMMANDS: tuple[Command, ...] = (
    Command("help", "", "these commands", _help, _EVERYWHERE),
    Command(
        "model", "[NAME]", "which model answers; NAME answers from now on", _model, _EVERYWHERE, "models", own=True
    ),
    Command(
        "models", "[PROVIDER]", "which models are known, and which keys are seen", _models, _EVERYWHERE, "providers"
    ),
    Command(
        "tools", "[NAMES]", "which tools it has; read,bash or none sets them", set_tools, _EVERYWHERE, "tools", own=True
    ),
    Command(
        "approval",
        "[POLICY]",
        "who decides on calls; ask, auto or deny sets it",
        set_approval,
        _EVERYWHERE,
        "policies",
        own=True,
    ),
    Command(
        "budget",
        "[DOLLARS]",
        "what may be spent; DOLLARS from now on, or none",
        set_budget,
        _EVERYWHERE,
        "budgets",
        own=True,
    ),
    Command("usage", "", "tokens and dollars of the conversation", _usage, _EVERYWHERE, also=("cost",), own=True),
    Command("history", "", "the conversation, a line a message", _history, _EVERYWHERE, own=True),
    Command("context", "", "what fills the window of the model, kind by kind", _context, _EVERYWHERE, own=True),
    Command("undo", "", "take the last question back, with all that came of it", _undo, _EVERYWHERE, own=True),
    Command("retry", "", "ask the last question again", _retry, _EVERYWHERE, own=True, asks=True),
    Command("reset", "", "start the conversation over", _reset, _EVERYWHERE, own=True),
    Command(
        "sessions", "[WORDS]", "the stored conversations; those that hold WORDS, and where", list_sessions, _EVERYWHERE
    ),
    Command("save", "[NAME]", "store the conversation, from now on as it grows", save, _EVERYWHERE, own=True),
    Command(
        "resume",
        "[NAME]",
        "go on with a stored conversation; the newest other one",
        resume,
        _EVERYWHERE,
        "sessions",
        own=True,
    ),
    Command(
        "rewind", "[N]", "take back the last N questions, with all that came of them", rewind, _EVERYWHERE, own=True
    ),
    Command(
        "fork",
        "NAME",
        "go on in a copy that is stored under NAME; this one stays as it is",
        fork,
        _EVERYWHERE,
        own=True,
    ),
    Command("skills", "", "the skills that are here", _skills, _EVERYWHERE, takes=frozenset({"agent", "no_context"})),
    Command(
        "skill",
        "NAME [TEXT]",
        "ask by a skill; /NAME does it, too",
        use_skill,
        _EVERYWHERE,
        "skills",
        lines=True,
        asks=True,
    ),
    Command("config", "", "what is set, and where from", tell, _EVERYWHERE, own=True),
    Command("login", "PROVIDER", "ask for a provider's key, and store it", _login, _EVERYWHERE, "providers"),
    Command("doctor", "", "what is here, which model is used and why, what to do next", _doctor, _EVERYWHERE),
    Command("stop", "[ID]", "stop what goes on in the background; a variable does for ID", _stop, _NOTEBOOK, "going"),
    Command("attach", "[ID]", "show a run here, live where it goes on; the newest", _attach, _NOTEBOOK, "runs"),
    Command("jobs", "", "the jobs of the schedulers here, and when they run next", _jobs, _NOTEBOOK),
    Command("agents", "", "the agents and teams in variables, and how they are", _agents, _NOTEBOOK),
    Command(
        "team",
        "[NAME]",
        "show the team in that variable, or called so, live where something of it goes on",
        _team,
        _NOTEBOOK,
        "teams",
    ),
    Command("exit", "", "leave", _exit, _TERMINAL, also=("quit",)),
)
