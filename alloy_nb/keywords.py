"""Misspelt names of arguments, told as every other mistake."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

from .errors import ConfigError

__all__ = ["keywords_told"]

_Made = TypeVar("_Made", bound=Callable[..., Any])


def keywords_told(made: _Made) -> _Made:
    """Have a class or a function raise `ConfigError` for an argument that it does not take, with the nearest one.

    >>> @keywords_told
    ... def keep(messages=10): ...
    >>> try:
    ...     keep(mesages=3)
    ... except ConfigError as error:
    ...     print(error.message, error.hint, sep="; ")
    keep takes no `mesages`; did you mean `messages`?
    """
    told: Any = made
    if isinstance(made, type):
        told.__init__ = _checked(told.__init__, made.__name__)
    else:
        told = _checked(made, made.__qualname__)
    return cast("_Made", told)


def _checked(call: Callable[..., Any], name: str) -> Callable[..., Any]:
    taken = [word for word in inspect.signature(call).parameters if word != "self"]

    @functools.wraps(call)
    def checked(*args: Any, **given: Any) -> Any:
        for word in given:
            if word not in taken:
                near = difflib.get_close_matches(word, taken, 1)
                hint = f"did you mean `{near[0]}`?" if near else "it takes " + ", ".join(taken)
                raise ConfigError(f"{name} takes no `{word}`", hint=hint)
        return call(*args, **given)

    return checked
