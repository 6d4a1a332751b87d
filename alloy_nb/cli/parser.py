"""Reading the command line: argparse, with mistakes told the way all others are."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from ..errors import ConfigError
from ..options import nearest
from ..plain import one_line

__all__ = ["Parser", "chosen_parser", "refuse_unknown", "split_words"]

_NO_NUMBER = re.compile(r"argument (\S+): invalid int value: '(.*)'", re.DOTALL)
_NUMBER = re.compile(r"-\d+(\.\d*)?|-\.\d+")


class Parser(argparse.ArgumentParser):
    """Raises `ConfigError` where argparse would print its usage and exit; takes no abbreviated options."""

    def __init__(self, **settings: Any) -> None:
        settings.setdefault("formatter_class", _Help)
        super().__init__(**{"allow_abbrev": False, **settings})

    def error(self, message: str) -> NoReturn:
        if number := _NO_NUMBER.fullmatch(message):
            raise ConfigError(f"{number[1]} is `{one_line(number[2], 40)}`", hint="give a whole number")
        missing = message.removeprefix("the following arguments are required: ")
        choices = [it.choices for it in self._actions if it.choices and missing in (it.dest, it.metavar)]
        raise ConfigError(
            message if missing == message else f"`{self.prog}` needs {missing}",
            hint=f"there are {', '.join(choices[0])}" if choices else f"`{self.prog} --help` lists the options",
        )

    def _match_argument(self, action: argparse.Action, arg_strings_pattern: str) -> int:
        try:
            return super()._match_argument(action, arg_strings_pattern)
        except argparse.ArgumentError as error:
            if not action.option_strings:
                raise
            name, value = action.option_strings[-1], action.metavar or action.dest.upper()
            raise ConfigError(f"{name} needs a value", hint=f"{name} {value}: {action.help}") from error

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        known = list(map(str, action.choices))
        near = nearest(str(value).lower(), known)
        is_command = isinstance(action, argparse._SubParsersAction)
        what = "no command of" if is_command else f"no {action.metavar or action.dest} for"
        raise ConfigError(
            f"`{one_line(str(value), 40)}` is {what} `{self.prog}`",
            hint=f"did you mean {near}?" if near else f"there are {', '.join(known)}",
        )


class _Help(argparse.RawDescriptionHelpFormatter):
    """With room for long options."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=32)


def split_words(parser: Parser, arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """The options, and the words between and after them; after ``--`` everything is a word."""
    given = list(arguments)
    place = given.index("--") if "--" in given else len(given)
    parsed, words = parser.parse_known_args(given[:place])
    refuse_unknown([word for word in words if _looks_like_option(word)], parser)
    return parsed, words + given[place + 1 :]


def _looks_like_option(word: str) -> bool:
    """As argparse sees it: a dash, and neither a number nor a sentence."""
    return word.startswith("-") and word != "-" and " " not in word and not _NUMBER.fullmatch(word)


def refuse_unknown(extra: Sequence[str], parser: argparse.ArgumentParser) -> None:
    """Raise for what no option takes, with the nearest one that there is."""
    if not extra:
        return
    name = extra[0].partition("=")[0]
    near = nearest(name, sorted(parser._option_string_actions)) if name.startswith("-") else None
    kind = "option" if name.startswith("-") else "argument"
    hint = f"did you mean `{near}`?" if near else f"`{parser.prog} --help` lists the options"
    raise ConfigError(f"unknown {kind} `{name}`", hint=hint)


def chosen_parser(parser: argparse.ArgumentParser, parsed: argparse.Namespace) -> argparse.ArgumentParser:
    """That of the command, and of its own command, which were given: the options of others are no help."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            name = getattr(parsed, action.dest, None)
            if name in action.choices:
                return chosen_parser(action.choices[name], parsed)
    return parser
