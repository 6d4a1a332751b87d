"""The `alloy` command: which part of it is meant, and how failures are told."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import Namespace

    from .parser import Parser

__all__ = ["main", "whole_parser"]

#: Command -> what it does. Each one is a module here, with `add_arguments(subparsers)` and `run(args) -> int`.
COMMANDS = {
    "doctor": "what is installed, which model would be used and why, what to do next",
    "login": "store a provider's key, without showing it",
    "models": "which models are known: limits, prices, defaults",
    "demo": "watch the embedded model read a file and answer",
    "sessions": "stored conversations: list, search, fork, export, …",
    "local": "weights of the embedded model: pull, list, path, remove",
    "completion": "a script by which bash, zsh or fish completes these words",
}


#: Words that are taken as what everybody means by them.
_WORDS = {"help": "--help", "version": "--version"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code, one of `failure.EXIT_CODES` or 128 and the number of a signal."""
    arguments = _meant(list(sys.argv[1:] if argv is None else argv))
    if arguments in (["--version"], ["-V"]):
        return _version()
    try:
        return _run(arguments)
    except KeyboardInterrupt:  # while the first modules come in
        return 130
    finally:
        if argv is None:
            _let_exit_be()


def _meant(arguments: list[str]) -> list[str]:
    """`help`, `version` and `help COMMAND` as the options that tell it."""
    if len(arguments) == 1:
        return [_WORDS.get(arguments[0], arguments[0])]
    if len(arguments) == 2 and arguments[0] == "help" and arguments[1] in COMMANDS:
        return [arguments[1], "--help"]
    return arguments


def _run(arguments: list[str]) -> int:
    """Whatever happens becomes an exit code."""
    from .console import prepare_streams, silence_stdout
    from .failure import INTERRUPTED, READER_GONE, is_of_output, report

    prepare_streams()
    try:
        code = _dispatch(arguments)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        silence_stdout()
        return READER_GONE
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told in two lines
        return _output_lost(error) if is_of_output(error) else report(error)


def _let_exit_be() -> None:
    """A second Ctrl-C must not break what ends the children: the process is about to end, within seconds."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _version() -> int:
    from .._version import __version__

    try:
        print(f"alloy_nb {__version__}", flush=True)
    except OSError as error:
        return _output_lost(error)
    return 0


def _output_lost(error: Exception) -> int:
    from .console import silence_stdout
    from .failure import READER_GONE, output_lost, report

    silence_stdout()
    return READER_GONE if isinstance(error, BrokenPipeError) else report(output_lost(error))


def _dispatch(arguments: list[str]) -> int:
    try:
        if arguments and arguments[0] in COMMANDS:
            return _run_command(arguments)
        return _run_prompt(arguments)
    except SystemExit as stop:  # argparse, after --help
        return stop.code if isinstance(stop.code, int) else 0


def whole_parser() -> Parser:
    """One parser of everything that may be typed, for those who read it: to run, a part of it is enough."""
    parser = _prompt_parser()
    commands = parser.add_subparsers(metavar="COMMAND")
    for name in COMMANDS:
        _module_of(name).add_arguments(commands)
    return parser


def _module_of(command: str) -> Any:
    from importlib import import_module

    return import_module(f".{command}", __package__)


def _run_command(arguments: list[str]) -> int:
    from .parser import Parser, chosen_parser, refuse_unknown

    parser = Parser(prog="alloy")
    module = _module_of(arguments[0])
    module.add_arguments(parser.add_subparsers(dest="command"))
    parsed, extra = parser.parse_known_args(arguments)
    # A command may have its own reasons not to repeat a word.
    getattr(module, "refuse_unknown", refuse_unknown)(extra, chosen_parser(parser, parsed))
    code: int = module.run(parsed)
    return code


def _run_prompt(arguments: list[str]) -> int:
    from ..errors import ConfigError
    from . import prompt
    from .console import is_terminal
    from .parser import split_words

    parser = _prompt_parser()
    parsed, words = split_words(parser, arguments)
    if parsed.version:
        return _version()
    if parsed.prompt is not None:
        _hint_at_comma(parsed, arguments)
        return prompt.run(_with_words(parsed, words))
    if words == ["-"]:
        raise ConfigError("`-` is no question", hint=_PIPED)
    if not is_terminal(sys.stdin):
        if arguments:
            raise _no_prompt(words)
        parser.print_help(sys.stderr)
        return 2
    if len(words) == 1 and ((_is_bare(words[0]) and words == arguments) or _near_command(words[0])):
        raise _no_command(words[0])
    return _converse(parsed, words)


def _converse(parsed: Namespace, words: list[str]) -> int:
    from ..errors import ConfigError
    from .prompt import named_options, names_in, run_options, tools_named
    from .repl.loop import TOOLS, converse

    if parsed.json:
        raise ConfigError("--json prints one answer", hint='ask for it by `alloy -p "..." --json`')
    tools = TOOLS if parsed.tools is None else names_in(parsed.tools)
    options = run_options(parsed, list(tools_named(tools).values()))
    return converse(options, " ".join(words), named_options(parsed))


def _hint_at_comma(parsed: Namespace, arguments: list[str]) -> None:
    """`-t read bash`: the second word belongs to the question, which is hardly what was meant."""
    from ..tools.builtin import BUILTIN_TOOLS
    from .console import Notes

    place = max((arguments.index(name) for name in ("-t", "--tools") if name in arguments), default=len(arguments))
    after = next(iter(arguments[place + 2 : place + 3]), "")
    if after in BUILTIN_TOOLS and parsed.tools:
        both = f"{parsed.tools.rstrip(',')},{after}"
        note = f"`{after}` is taken as a word of the question; for a tool more write -t {both}"
        Notes(sys.stderr).line(note, "yellow")


def _with_words(parsed: Namespace, words: list[str]) -> Namespace:
    parsed.prompt = " ".join(word for word in (parsed.prompt, *words) if word)
    return parsed


def _prompt_parser() -> Parser:
    from . import prompt
    from .failure import EXIT_CODES
    from .parser import Parser

    width = max(map(len, COMMANDS)) + 2
    codes = "\n".join(f"  {code:<{width}}{means}" for code, means in EXIT_CODES.items())
    commands = "\n".join(f"  {name:{width}}{does}" for name, does in COMMANDS.items())
    parser = Parser(
        prog="alloy",
        usage="alloy [options] [QUESTION]\n       alloy -p QUESTION [options]\n       alloy COMMAND [options]",
        description="Agents that live in a notebook, and in the terminal:\n"
        "  alloy                            a conversation; /help tells what it can do\n"
        "  alloy --session NAME             one that is stored, and gone on with\n"
        '  alloy -p "What is a monad?"      one answer, on stdout; everything else goes to stderr\n'
        '  git diff | alloy -p "Review it"  stdin goes along with the question',
        epilog=f"commands (alloy COMMAND --help tells more):\n{commands}\n\nexit codes:\n{codes}",
    )
    prompt.add_arguments(parser)
    parser.add_argument("-V", "--version", action="store_true", help="print the version")
    return parser


_PIPED = "`alloy -p` takes what is piped into it as the question"


def _no_prompt(words: list[str]) -> Exception:
    import shlex

    from ..errors import ConfigError
    from ..plain import one_line

    question = one_line(" ".join(words), 60)
    if not question:
        return ConfigError(
            "there is no question", hint=f'ask by `alloy -p "..."`; {_PIPED}; `alloy --help` lists the rest'
        )
    if len(words) == 1 and (_is_bare(words[0]) or _near_command(words[0])):
        return _no_command(words[0])
    # A pipe that somebody left open must not be waited for: without -p nothing is asked.
    whole = '"..."' if question.endswith("…") else shlex.quote(question)
    near = _near_command(words[0])
    meant = f"; did you mean `alloy {near}`?" if near else ""
    return ConfigError(
        f"`{question}` would begin a conversation, which needs a terminal",
        hint=f"for one answer write `alloy -p {whole}`{meant}",
    )


def _is_bare(word: str) -> bool:
    """Whether it looks like a command's name: no sentence (in Chinese one is a word), no path, no word with a slash."""
    return word.isascii() and word.replace("-", "").replace("_", "").isalnum()


def _near_command(word: str) -> str | None:
    from ..options import nearest

    return nearest(word.lower(), [*COMMANDS, *_WORDS])


def _no_command(word: str) -> Exception:
    from ..errors import ConfigError
    from ..plain import one_line

    word, near = one_line(word, 60), _near_command(word)
    meant = f"did you mean `alloy {near}`?" if near else f"the commands are {', '.join(COMMANDS)}"
    ask = f"`alloy -p {word}` asks it"
    return ConfigError(f"`{word}` is no command", hint=f"{meant} {ask}" if near else f"{ask}; {meant}")
