"""From a model's name to a provider: the names that are known, and the choice when none is given."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..articles import a_kind
from ..errors import AlloyError, ConfigError
from ..forks import renewed_in_child
from ..models import default_model
from ..options import nearest
from ..plain import one_line
from ..redaction import redact
from ._filling import as_provider
from .base import Provider
from .keys import find_key
from .vendors import VENDORS, Vendor, vendor_of_model

__all__ = [
    "NO_MODEL",
    "Way",
    "choose_model",
    "no_model",
    "plug_ins",
    "prefer_model",
    "resolve_model",
    "set_default_model",
    "ways_to_a_model",
]

ENTRY_POINTS = "alloy_nb.providers"
MODEL_VARIABLE = "ALLOY_MODEL"
_LOCAL = "alloy_nb.providers.local"
#: Names that no plug-in can have.
_OURS = (*VENDORS, "local", "scripted")

_Chosen = str | Provider

_lock = renewed_in_child(threading.RLock)  # a provider may resolve another one while it is made
_default: _Chosen | None = None
_why_default = ""
#: Providers made from strings, by all that they were made from: a changed key makes another one.
_made: dict[Hashable, Provider] = {}


def set_default_model(model: str | Provider | None) -> None:
    """The model of this process, where none is named; None takes it back. It is checked now.

    Raises `ConfigError` for a model that cannot be had.

    >>> import alloy_nb as alloy
    >>> alloy.set_default_model(alloy.Scripted(["Good morning."]))
    >>> alloy.run("Hello").text
    'Good morning.'
    >>> alloy.set_default_model(None)
    """
    prefer_model(model, "set by set_default_model in this process")


def prefer_model(model: _Chosen | None, why: str) -> None:
    """The same, where something else than `set_default_model` is what the user knows it by."""
    global _default, _why_default
    if model is not None:
        resolve_model(model)
    _default, _why_default = model, why


def resolve_model(
    model: str | Provider | None = None,
    *,
    default: str | Provider | None = None,
    working_directory: str | os.PathLike[str] = ".",
) -> Provider:
    """The provider for ``"provider:model"``, for an object as it is, or, for None, for `default` or the choice.

    A provider's name alone stands for its default model; ``"ollama"`` for the server's newest.
    `working_directory` is where `.env` is read and a script's relative path begins. Raises `ConfigError` with
    the way out.
    """
    chosen = model if model is not None else default
    if chosen is None:
        chosen, _ = choose_model(working_directory=working_directory)
    if isinstance(chosen, str):
        return _from_string(chosen.strip(), Path(working_directory))
    provider = as_provider(chosen)
    if provider is None:
        raise _no_provider(chosen)
    return provider


def choose_model(*, working_directory: str | os.PathLike[str] = ".") -> tuple[str | Provider, str]:
    """The model that is taken when none is named, and why. A `ConfigError` lists the ways out when there is none."""
    for way in ways_to_a_model(working_directory=working_directory):
        if way.model is not None:
            return way.model, way.why
    raise no_model()


@dataclass(frozen=True, slots=True)
class Way:
    """One way to a model where none is named: `model` is None where it leads to none, `why` says why in both cases."""

    name: str
    model: str | Provider | None
    why: str


def ways_to_a_model(*, working_directory: str | os.PathLike[str] = ".") -> Iterator[Way]:
    """All ways, in the order in which they are tried; each is looked at when its turn comes."""
    why = "not set" if _default is None else _why_default
    yield Way("set_default_model", _default, why)
    named = os.environ.get(MODEL_VARIABLE, "").strip()
    yield Way(MODEL_VARIABLE, named or None, f"environment variable {MODEL_VARIABLE}" if named else "not set")
    yield from _by_key(working_directory)
    yield _by_ollama(working_directory)
    installed = _local_is_installed()
    why = "the embedded model is installed" if installed else "the embedded model is not installed"
    yield Way("embedded model", "local" if installed else None, why)


def _by_key(working_directory: str | os.PathLike[str]) -> Iterator[Way]:
    """A way for each vendor that has a default model and whose key is there, or one that says that none is."""
    found = False
    for name, vendor in VENDORS.items():
        model = default_model(name)
        if model is None:
            continue
        where = find_key(None, vendor.keys, working_directory=working_directory).where
        if where is not None:
            found = True
            yield Way("a key", f"{name}:{model}", f"{where}; {name}'s default model")
    if not found:
        yield Way("a key", None, "none found in the environment, in .env or stored by `alloy login`")


def _by_ollama(working_directory: str | os.PathLike[str]) -> Way:
    """Asked when its turn comes: nobody listening on this machine is known at once."""
    from .ollama import complete_address, running_models

    variable = VENDORS["ollama"].address_variable or ""
    given = os.environ.get(variable, "").strip()
    try:
        parts = urlsplit(complete_address(given or VENDORS["ollama"].address))
    except ConfigError as error:
        return Way("Ollama", None, f"{variable} cannot be used: {error.message}")
    where = f"{parts.hostname}:{parts.port}" if parts.port else f"{parts.hostname}"
    models = running_models(given)
    if not models:
        why = f"none with a model runs at {where}"
        key = None if given else find_key(None, VENDORS["ollama"].keys, working_directory=working_directory).where
        cloud = f"; for its cloud, whose key is there ({key}), name a model, as in ollama:gpt-oss:120b" if key else ""
        return Way("Ollama", None, why + cloud)
    return Way("Ollama", f"ollama:{models[0]}", f"Ollama runs at {where}; its newest model")


#: What is said where no way leads to a model; front ends know it by this, and have a shorter hint.
NO_MODEL = "no model is named, and none is found"


def no_model() -> ConfigError:
    """What is raised where no way leads to a model; its hint lists them."""
    keys = [key for vendor in VENDORS.values() if vendor.needs_key for key in vendor.keys]
    ways = [
        'name one: model="openai:gpt-5.2"',
        "alloy_nb.set_default_model(...) for this process",
        f"the environment variable {MODEL_VARIABLE}",
        f"a key: {' or '.join(keys)}, in the environment or in .env, or stored by `alloy login PROVIDER`",
        "a running Ollama with a model: ollama pull qwen3",
        f"the embedded model: {'' if find_spec('xllamacpp') else 'pip install xllamacpp, then '}"
        "`alloy local pull smollm2`",
        'any service in OpenAI\'s manner: model=alloy_nb.OpenAICompatible("name", base_url="http://…")',
    ]
    return ConfigError(NO_MODEL, hint="one of: " + "; ".join(ways))


def _local_is_installed() -> bool:
    try:
        return bool(import_module(_LOCAL).is_installed())
    except ImportError:
        return False


# Names


#: Names that Alloy has for providers.
_ALSO = {"gemini": "google"}


def _from_string(spec: str, directory: Path) -> Provider:
    name, colon, model = spec.partition(":")
    if name in _ALSO and _entry_point(name) is None:
        name = _ALSO[name]
    if name in VENDORS:
        return _from_vendor(name, model.strip() if colon else _usual_model(name, directory), directory)
    if name == "local":
        stored_in = os.environ.get("ALLOY_DATA_DIR")
        return _made_once((spec, stored_in), lambda: _load(f"{_LOCAL}:Local")(model or None))
    if name == "scripted":
        return _from_script(model, directory)
    if colon and (entry := _entry_point(name)):
        return _made_once((spec,), lambda: _from_entry_point(entry, model))
    raise _unknown(spec, name)


def _usual_model(name: str, directory: Path) -> str:
    """What a provider's name alone stands for; "" where that is nothing."""
    model = default_model(name)
    if model is None and name == "ollama":
        found = _by_ollama(directory).model
        return found.partition(":")[2] if isinstance(found, str) else ""
    return model or ""


def _from_vendor(name: str, model: str, directory: Path) -> Provider:
    vendor = VENDORS[name]
    if not model:
        hint = f'name one, as in "{name}:{_example(name)}"'
        raise ConfigError(
            f"{name!r} names no model", hint=hint if default_model(name) else f"{hint}; {_by_ollama(directory).why}"
        )
    address = os.environ.get(vendor.address_variable or "", "").strip() or None
    found = find_key(None, vendor.keys, working_directory=directory).value
    kind = _load(vendor.provider)
    address, key = kind.settle(address, found, found=True)

    wire = _wire(vendor)

    def make() -> Provider:
        made: Provider = kind(model, base_url=address, api_key=key, **wire)
        return made

    if key is None and vendor.needs_key:  # whether that is an error depends on the moment
        return make()
    return _made_once((name, model, address, key, *wire.values()), make)


def _wire(vendor: Vendor) -> dict[str, str]:
    """The `api` that a variable names, for servers in a service's place that know only one of its wires."""
    variable = vendor.api_variable or ""
    named = os.environ.get(variable, "").strip().lower()
    if not named:
        return {}
    known = list(_load(vendor.provider).wires)
    if named not in known:
        raise ConfigError(f"{variable} is {one_line(named, 40)!r}", hint=f"set it to one of {', '.join(known)}")
    return {"api": named}


def _from_script(file: str, directory: Path) -> Provider:
    if not file:
        raise ConfigError("scripted names no file", hint='name one, as in "scripted:answers.jsonl"')
    path = (directory / Path(file).expanduser()).absolute()
    # The place in the script is kept for the process; a file that was written anew begins anew.
    stat = path.stat() if path.exists() else None
    version = stat and (stat.st_mtime_ns, stat.st_size)

    def make() -> Provider:
        provider: Provider = _load("alloy_nb.providers.scripted:Scripted")(path)
        provider.model = file  # as it was written: outputs that are passed on tell of nobody's folders
        return provider

    return _made_once(("scripted", path, version), make)


def _made_once(key: Hashable, make: Callable[[], Provider]) -> Provider:
    with _lock():
        provider = _made.get(key)
        if provider is None:
            provider = _made[key] = make()
        return provider


def _load(dotted: str) -> Any:
    module, _, name = dotted.partition(":")
    return getattr(import_module(module), name)


def _entry_point(name: str) -> EntryPoint | None:
    return next(iter(entry_points(group=ENTRY_POINTS, name=name)), None)


def plug_ins() -> dict[str, str]:
    """The names of third parties' providers, and the packages that they come from; nothing of theirs is loaded."""
    found = {entry.name: entry for entry in entry_points(group=ENTRY_POINTS) if entry.name not in _OURS}
    return {name: _origin(entry) for name, entry in sorted(found.items())}


def _origin(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else entry.value


def _from_entry_point(entry: EntryPoint, model: str) -> Provider:
    """A third party's: whatever the entry point names is called with the model's name."""
    problem = ""
    try:
        made = entry.load()(model)
    except AlloyError:
        raise
    except Exception as error:  # noqa: BLE001 - another package's code
        problem = f"{type(error).__name__}: {redact(str(error))}"
    if problem:
        raise ConfigError(
            f"the provider {entry.name!r} ({entry.value}) failed: {problem}", hint="ask its package for help"
        )
    provider = as_provider(made)
    if provider is None:
        raise _no_provider(made)
    return provider


# What went wrong


def _no_provider(given: Any) -> ConfigError:
    if isinstance(given, type):
        return ConfigError(f"model is the class {given.__name__}", hint=f"make one: {given.__name__}(...)")
    return ConfigError(
        f"model is {a_kind(given)}, which is no provider: it has neither an async stream nor an async complete",
        hint='give "provider:model", or an object such as alloy_nb.OpenAICompatible(...)',
    )


def _unknown(spec: str, name: str) -> ConfigError:
    known = [*_OURS, *plug_ins()]
    near = nearest(name, known)
    maker, slash, model = spec.partition("/")
    if vendor := vendor_of_model(spec) or vendor_of_model(f"{spec}-"):
        # A family's name, as `claude`, is no model's.
        meant = vendor if spec.isalpha() and default_model(vendor) else f"{vendor}:{spec}"
        hint = f"did you mean {meant!r}?"
    elif slash and maker in VENDORS:  # as gateways write it
        hint = f"did you mean {f'{maker}:{model}'!r}, or {f'openrouter:{spec}'!r}?"
    elif near is not None:
        hint = f"did you mean {near!r}? Known are: " + ", ".join(known)
    elif ":" not in spec:
        hint = f'write "provider:model", as in "openai:{spec}"; the providers are: ' + ", ".join(known)
    else:
        hint = "the providers are: " + ", ".join(known)
    return ConfigError(f"unknown provider {name!r}", hint=hint)


def _example(name: str) -> str:
    return default_model(name) or "llama4"
