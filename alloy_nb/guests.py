"""Calling code that is not ours: tools, hooks, approval functions.

Such code may raise what would end an event loop (`SystemExit`, `KeyboardInterrupt`); here that becomes an ordinary
error, which is told as the crash of whoever raised it.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from .errors import ConfigError

__all__ = ["GuestCrash", "call_guest", "check_callback", "contain", "is_async"]


class GuestCrash(Exception):
    """What must not be raised on a loop: a `SystemExit`, a `KeyboardInterrupt` or the like of foreign code."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(f"{type(error).__name__}: {error}".rstrip(": "))


async def contain(awaitable: Awaitable[Any]) -> Any:
    """Await foreign code; a cancellation passes, nothing else that is no `Exception` does."""
    try:
        return await awaitable
    except (Exception, asyncio.CancelledError, GeneratorExit):
        raise
    except BaseException as error:
        raise GuestCrash(error) from error


def is_async(function: Any) -> bool:
    """Whether calling it gives something to await, as far as can be told before: an object with such a `__call__`, too.

    >>> is_async(contain), is_async(print)
    (True, False)
    """
    called = getattr(function, "__call__", None)  # noqa: B004 - what is called, not whether it can be
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)


def check_callback(function: Any, arguments: str = "one argument") -> None:
    """A `ConfigError` for what cannot be called, or has to be awaited: nobody would await it, and nothing would happen.

    >>> check_callback(print)
    """
    if not callable(function):
        raise ConfigError(f"{function!r} cannot be called", hint=f"give a function of {arguments}")
    if is_async(function):
        raise ConfigError(f"{function!r} is async, and nobody awaits it", hint=f"give a plain function of {arguments}")


async def call_guest(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call foreign code, sync or async, on this loop."""
    try:
        answer = function(*arguments)
    except (Exception, asyncio.CancelledError, GeneratorExit):
        raise
    except BaseException as error:
        raise GuestCrash(error) from error
    return await contain(answer) if inspect.isawaitable(answer) else answer
