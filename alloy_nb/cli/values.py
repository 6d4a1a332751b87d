"""Values of options as they are typed in a shell, and what a shell is told of wrong ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..errors import ConfigError
from ..options import THINKING, nearest, read_thinking

if TYPE_CHECKING:
    from ..usage import Budget

__all__ = ["a_name", "dollars", "one_of", "seconds", "temperature", "thinking", "whole_number"]


def thinking(text: str) -> bool | str | int:
    """How hard to think: on, off, a number of tokens or a word.

    >>> thinking("on"), thinking("2000"), thinking("high")
    (True, 2000, 'high')
    """
    value = read_thinking(text)
    if isinstance(value, str) and value not in THINKING:
        raise _wrong("--thinking", text, ("on", "off", *THINKING), "a number of tokens")
    return value


def one_of(option: str, words: Sequence[str]) -> Callable[[str], str]:
    """A reader of a word that is one of these."""

    def read(text: str) -> str:
        if text not in words:
            raise _wrong(option, text, words)
        return text

    return read


def seconds(option: str) -> Callable[[str], float]:
    """A reader of seconds, more than 0: within none nothing is answered."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not value > 0:
            raise ConfigError(
                f"{option} is `{text}`", hint=f"give seconds, as in {option} 60; leave it out for no limit"
            )
        return value

    return read


def dollars(option: str) -> Callable[[str], Budget]:
    """A reader of a budget above 0, which is made for each line: it counts what is spent.

    >>> dollars("--budget")("0.50").limits
    {'usd': 0.5}
    """

    def read(text: str) -> Budget:
        from ..setting_commands import read_budget

        budget = read_budget(text, option, "; leave it out for no limit")
        if not budget.limits["usd"]:
            raise ConfigError(
                f"{option} is `{text}`: nothing could be asked",
                hint=f"give dollars, as in {option} 0.50; leave it out for no limit",
            )
        return budget

    return read


def temperature(text: str) -> float:
    """How freely words are chosen, 0 or more.

    >>> temperature("0.2")
    0.2
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ConfigError(f"--temperature is `{text}`", hint="give a number, 0 for the most likely words")
    return value


def whole_number(option: str, usual: int) -> Callable[[str], int]:
    """A reader of a whole number, 1 or more; without it is `usual`.

    >>> whole_number("--max-turns", 25)("3")
    3
    """

    def read(text: str) -> int:
        if not text.strip().isdecimal() or int(text) < 1:
            raise ConfigError(f"{option} is `{text}`", hint=f"give a whole number, 1 or more, as in {option} {usual}")
        return int(text)

    return read


def a_name(option: str) -> Callable[[str], str]:
    """A reader of a name, which is not blank."""

    def read(text: str) -> str:
        if not text.strip():
            raise ConfigError(f"{option} is empty", hint=f"give a name, as in {option} my-analysis")
        return text

    return read


def _wrong(option: str, text: str, words: Sequence[str], *more: str) -> ConfigError:
    near = nearest(text.strip().lower(), words)
    *first, last = *words, *more
    hint = f"did you mean {option} {near}?" if near else f"give {', '.join(first)} or {last}"
    return ConfigError(f"{option} is `{text}`", hint=hint)
