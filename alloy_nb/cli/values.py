"""Values of options as they are typed in a shell, and what a shell is told of wrong ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ..errors import ConfigError
from ..options import THINKING, nearest, read_thinking

__all__ = ["a_name", "one_of", "seconds", "thinking", "whole_number"]


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
    """A reader of seconds, 0 or more."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not value >= 0:
            raise ConfigError(
                f"{option} is `{text}`", hint=f"give seconds, as in {option} 60; leave it out for no limit"
            )
        return value

    return read


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
