"""Logging in to a provider: the key is asked for unseen, tried once, and stored where only its owner can read it."""

from __future__ import annotations

import asyncio
import getpass
import warnings
from collections.abc import Coroutine, Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

from .asking import is_refused_stdin, stdin_available
from .errors import AlloyError, AuthError, Cancelled, ConfigError
from .models import default_model
from .options import nearest
from .portal import PORTAL
from .providers.credentials import forget_key, store_key
from .providers.keys import check_key_text, find_key, key_text
from .providers.registry import plug_ins
from .providers.secret import Secret
from .providers.vendors import VENDORS, Vendor
from .redaction import register_secret

if TYPE_CHECKING:
    from .providers.vendor import VendorProvider

__all__ = ["by_words", "find_vendor", "log_in", "log_out", "refuse_words"]

#: What is asked of a service whose list of models anybody may have.
_ASKED_OF = {"openrouter": "/key"}
#: Longer words may be a key in the wrong place: they are not repeated.
_LONGEST_NAME = 16
_CHECK_SECONDS = 60.0
_OPTIONS = ("--force", "--remove")


def log_in(name: str, *, force: bool = False) -> Iterator[str]:
    """Ask for the key, try it, store it; what is to be said meanwhile.

    Nothing is stored where the service refuses the key (`AuthError`), nor, without `force`, where it cannot be asked.
    Raises `ConfigError` where nobody can be asked for the key, and `Cancelled` for an interrupt meanwhile.
    """
    vendor = find_vendor(name)
    variable = vendor.keys[0]
    try:
        key = _ask_for_key(name, variable)
        problem = _try_key(name, vendor, key)
    except KeyboardInterrupt:
        raise Cancelled(
            f"interrupted: no key for {name} was stored", hint="run it again when you have the key"
        ) from None
    if problem is not None and vendor.needs_key and not force:
        raise AlloyError(
            f"the key could not be tried, and was not stored: {problem.message}",
            hint=f"{problem.hint or 'try again'}; with --force it is stored untried",
        )
    where = store_key(variable, key)
    tried = "it works" if problem is None else f"untried: {problem.message}"
    yield f"The key for {name} is stored in {where} ({tried})."
    yield from _told_of_others(vendor, key)


def log_out(name: str) -> Iterator[str]:
    """Delete what `log_in` stored; what is to be said. A `ConfigError` where nothing was."""
    vendor = find_vendor(name)
    places = [place for variable in vendor.keys for place in forget_key(variable)]
    left = find_key(None, vendor.keys).where
    if not places:
        hint = f"another one is still found: {left}" if left else "`alloy doctor` shows which keys are seen"
        raise ConfigError(f"no key for {name} is stored", hint=hint)
    yield f"The key for {name} is deleted from {' and '.join(dict.fromkeys(places))}."
    if left is not None:
        yield f"Another one is still found: {left}."


def by_words(argument: str, written: str) -> Iterator[str]:
    """Do what the words after ``/login`` say: ``PROVIDER``, with ``--force`` or ``--remove``; what is to be said.

    `written` is how the command is to be written.
    """
    words = argument.split()
    names = [word for word in words if not word.startswith("-")]
    options = [word for word in words if word.startswith("-")]
    if len(names) > 1 or any("=" in word for word in words):
        refuse_words(names[1:] + options, written)
    for option in options:
        if option not in _OPTIONS:
            near = nearest(option, _OPTIONS)
            hint = f"did you mean {near}?" if near else f"/login takes {' and '.join(_OPTIONS)}"
            raise ConfigError("/login takes no such option", hint=hint)
    if not names:
        raise ConfigError("no provider is named", hint="name one of " + ", ".join(VENDORS))
    return log_out(names[0]) if "--remove" in options else log_in(names[0], force="--force" in options)


def find_vendor(name: str) -> Vendor:
    """The provider of that name; a `ConfigError`, which does not repeat what may be a key, for any other word."""
    if name in VENDORS:
        return VENDORS[name]
    others = plug_ins()
    if name in others:
        raise ConfigError(
            f"{name} is a plug-in, from {others[name]}, and takes its key in a way of its own",
            hint=f"its documentation says which; `alloy login` stores those of {', '.join(VENDORS)}",
        )
    _remember([name])
    near = nearest(name.lower(), list(VENDORS))
    said = f"`{name}` is" if len(name) <= _LONGEST_NAME and name.isalpha() else "that is"
    known = "the providers are " + ", ".join(VENDORS)
    hint = f"did you mean {near}? {known}" if near else f"{known}; the key itself is asked for, and never written there"
    raise ConfigError(f"{said} no provider that takes a key", hint=hint)


def refuse_words(words: Sequence[str], command: str) -> NoReturn:
    """For a key (or what may be one) that was written where it stays: in a cell, or in the shell's history."""
    _remember(words)
    raise ConfigError(
        "a key is not written there: it would stay in the history",
        hint=f"write `{command}` alone, and it is asked for; one that was written out is known: revoke it",
    )


def _remember(words: Sequence[str]) -> None:
    """Each may be a key, and is shown no more; but a plain word is none."""
    for word in words:
        for part in (word, word.partition("=")[2]):
            if not part.isalpha():
                register_secret(part)


# Asking


def _ask_for_key(name: str, variable: str) -> Secret:
    if not stdin_available():
        raise _nobody_here(name, variable)
    try:
        with warnings.catch_warnings():
            # Where the echo cannot be turned off, the key would be seen.
            warnings.simplefilter("error", getpass.GetPassWarning)
            # Looked up when it is called: a kernel puts its own in its place.
            typed = key_text(getpass.getpass(f"API key for {name} (it is not shown): "), "your answer")
    except (EOFError, getpass.GetPassWarning):
        raise _nobody_here(name, variable) from None
    except Exception as error:
        if is_refused_stdin(error):
            raise _nobody_here(name, variable) from None
        raise
    if not typed:
        raise ConfigError("no key was given", hint="run it again and paste the key; nothing is shown while you do")
    register_secret(typed)
    check_key_text(typed, "your answer")
    return Secret(typed)


def _nobody_here(name: str, variable: str) -> ConfigError:
    return ConfigError(
        "nobody can be asked for the key here",
        hint=f"run `alloy login {name}` in a terminal, or put {variable} into the environment or into .env",
    )


# Trying


def _try_key(name: str, vendor: Vendor, key: Secret) -> AlloyError | None:
    """One call with the key: why it told nothing, None when the key is good. Raises `AuthError` for a bad one."""
    if not vendor.needs_key:
        return ConfigError(f"{name} answers without one, too")
    try:
        provider = _provider(name, vendor, key)
        _wait_for(_ask(provider, name))
    except AuthError as error:
        if error.status == 403:  # a good key may lack the right to list models
            return error
        refused = error
    except AlloyError as error:
        return error
    else:
        return None
    raise AuthError(
        f"the key is not good, and was not stored: {refused.message}",
        hint=f"copy it again from your account at {name}; it must be a key for its API",
        status=refused.status,
        request_id=refused.request_id,
    )


def _provider(name: str, vendor: Vendor, key: Secret) -> VendorProvider:
    module, _, cls = vendor.provider.partition(":")
    made: VendorProvider = getattr(import_module(module), cls)(default_model(name) or "any", api_key=key)
    return made


async def _ask(provider: Any, name: str) -> None:
    if name in _ASKED_OF:
        await provider.get_json(_ASKED_OF[name])
    else:
        await provider.models()


def _wait_for(work: Coroutine[Any, Any, None]) -> None:
    """Its end, also where the caller's own loop runs; Ctrl-C ends it."""
    future = asyncio.run_coroutine_threadsafe(work, PORTAL.loop())
    try:
        future.result(_CHECK_SECONDS)
    except TimeoutError:
        raise AlloyError("the service did not answer in time", hint="try again in a moment") from None
    finally:
        future.cancel()


def _told_of_others(vendor: Vendor, key: Secret) -> Iterator[str]:
    """Of a key that goes before the one that was just stored."""
    try:
        found = find_key(None, vendor.keys)
    except ConfigError as error:
        yield f"But it is not used: {error.message}."
        return
    if found.value != key.reveal():
        yield f"But it is not used as long as there is another one: {found.where}."
