"""Misspelt names of arguments, told as every other mistake."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, cast

from .errors import ConfigError

__all__ = ["keywords_told"]

#: Words of others' for what is called otherwise here.
_OTHERS_WORDS = {"dollars": "usd", "dollar": "usd", "cost": "usd", "money": "usd"}

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
    if not isinstance(made, type):
        return cast("_Made", _checked(made, made.__qualname__, lambda *_: [made]))

    def heirs(*args: Any) -> Iterable[Callable[..., Any]]:
        """What hands an argument on to what: from this class on, in the order of the object at hand."""
        order = type(args[0]).__mro__ if args else made.__mro__
        return (vars(kind)["__init__"] for kind in order[order.index(made) :] if "__init__" in vars(kind))

    told: Any = made
    told.__init__ = _checked(told.__init__, made.__name__, heirs)
    return cast("_Made", told)


def _checked(
    call: Callable[..., Any], name: str, heirs: Callable[..., Iterable[Callable[..., Any]]]
) -> Callable[..., Any]:
    own = frozenset(_taken([call])[0])

    @functools.wraps(call)
    def checked(*args: Any, **given: Any) -> Any:
        if not own.issuperset(given):
            named, unnamed, anything = _taken(heirs(*args))
            for word in given:
                if not anything and word not in named:
                    raise ConfigError(f"{name} takes no `{word}`", hint=_meant(word, named, unnamed, name))
        return call(*args, **given)

    return checked


def _taken(calls: Iterable[Callable[..., Any]]) -> tuple[Sequence[str], Sequence[str], bool]:
    """What may be given by name and what only by its place, in order; whether any other name may be, too.

    What a call takes as ``**rest`` it hands on to the next.
    """
    named: dict[str, None] = {}
    unnamed: list[str] = []
    for call in calls:
        handed_on = False
        for word, parameter in inspect.signature(call).parameters.items():
            match parameter.kind:
                case inspect.Parameter.VAR_KEYWORD:
                    handed_on = True
                case inspect.Parameter.VAR_POSITIONAL | inspect.Parameter.POSITIONAL_ONLY:
                    unnamed.append(word)
                case _ if word != "self":
                    named[word] = None
        if not handed_on:
            return list(named), unnamed, False
    return list(named), unnamed, True


def _meant(word: str, named: Sequence[str], unnamed: Sequence[str], name: str) -> str:
    others = [other for other, ours in _OTHERS_WORDS.items() if ours in named]
    near = next(iter(difflib.get_close_matches(word, [*named, *unnamed, *others], 1)), None)
    near = _OTHERS_WORDS.get(near, near) if near in others else near
    if near in unnamed:
        return f"give `{near}` without a name: {name}(...)"
    return (
        f"did you mean `{near}`?"
        if near is not None
        else "it takes " + (", ".join([*unnamed, *named]) or "no arguments")
    )
