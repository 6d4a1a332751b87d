"""From a model's name to a provider: the names that are known, and the choice when none is given."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from ..errors import AlloyError, AuthError, ConfigError
from ..models import default_model
from ..options import nearest
from ..redaction import redact
from .base import Provider
from .keys import find_key

__all__ = ["VENDORS", "Vendor", "choose_model", "resolve_model", "set_default_model"]

ENTRY_POINTS = "alloy_nb.providers"
MODEL_VARIABLE = "ALLOY_MODEL"
_LOCAL = "alloy_nb.providers.local"


@dataclass(frozen=True, slots=True)
class Vendor:
    """A service that is reached over the network.

    `provider` is the dotted name of the class that speaks its wire, None where this version has none; `address`
    is where it answers in OpenAI's manner, `address_variable` what may say otherwise.
    """

    keys: tuple[str, ...]
    address: str
    provider: str | None = None
    address_variable: str | None = None


#: In the order in which keys are looked for when no model is named.
VENDORS: dict[str, Vendor] = {
    "anthropic": Vendor(("ANTHROPIC_API_KEY",), "https://api.anthropic.com/v1"),
    "openai": Vendor(
        ("OPENAI_API_KEY",),
        "https://api.openai.com/v1",
        provider="alloy_nb.providers.openai_compatible:OpenAICompatible",
        address_variable="OPENAI_BASE_URL",
    ),
    "google": Vendor(("GEMINI_API_KEY", "GOOGLE_API_KEY"), "https://generativelanguage.googleapis.com/v1beta/openai"),
    "ollama": Vendor((), "http://localhost:11434/v1"),
    "openrouter": Vendor(("OPENROUTER_API_KEY",), "https://openrouter.ai/api/v1"),
    "xai": Vendor(("XAI_API_KEY",), "https://api.x.ai/v1"),
    "deepseek": Vendor(("DEEPSEEK_API_KEY",), "https://api.deepseek.com/v1"),
    "mistral": Vendor(("MISTRAL_API_KEY",), "https://api.mistral.ai/v1"),
}

_Chosen = str | Provider

_lock = threading.RLock()  # a provider may resolve another one while it is made
_default: _Chosen | None = None
#: Providers made from strings, by all that they were made from: a changed key makes another one.
_made: dict[Hashable, Provider] = {}


def set_default_model(model: str | Provider | None) -> None:
    """The model of this process, where none is named; None takes it back. It is checked now.

    Raises `ConfigError` for a model that cannot be had.
    """
    global _default
    if model is not None:
        resolve_model(model)
    _default = model


def resolve_model(
    model: str | Provider | None = None,
    *,
    default: str | Provider | None = None,
    working_directory: str | os.PathLike[str] = ".",
) -> Provider:
    """The provider for ``"provider:model"``, for an object as it is, or, for None, for `default` or the choice.

    `working_directory` is where `.env` is read and a script's relative path begins. Raises `ConfigError` with
    the way out.
    """
    chosen = model if model is not None else default
    if chosen is None:
        chosen, _ = choose_model(working_directory=working_directory)
    if isinstance(chosen, str):
        return _from_string(chosen.strip(), Path(working_directory))
    if isinstance(chosen, Provider) and not isinstance(chosen, type):
        return chosen
    raise _no_provider(chosen)


def choose_model(*, working_directory: str | os.PathLike[str] = ".") -> tuple[str | Provider, str]:
    """The model that is taken when none is named, and why. A `ConfigError` lists the ways out when there is none."""
    if _default is not None:
        return _default, "set by set_default_model in this process"
    if from_environment := os.environ.get(MODEL_VARIABLE, "").strip():
        return from_environment, f"environment variable {MODEL_VARIABLE}"
    for name, vendor in VENDORS.items():
        model = default_model(name)
        if vendor.provider is None or model is None:
            continue
        where = find_key(None, vendor.keys, working_directory=working_directory).where
        if where is not None:
            return f"{name}:{model}", f"{where}; {name}'s default model"
    if _local_is_installed():
        return "local", "the embedded model is installed"
    raise ConfigError("no model is named, and none is found", hint=_ways_out())


def _ways_out() -> str:
    keys = [key for vendor in VENDORS.values() if vendor.provider for key in vendor.keys]
    ways = [
        'name one: model="openai:gpt-5.2"',
        "alloy_nb.set_default_model(...) for this process",
        f"the environment variable {MODEL_VARIABLE}",
        f"a key: {' or '.join(keys)}, in the environment or in .env",
        "the embedded model: pip install xllamacpp, then `alloy local pull smollm2`",
        'any service in OpenAI\'s manner: model=alloy_nb.OpenAICompatible("name", base_url="http://…")',
    ]
    return "one of: " + "; ".join(ways)


def _local_is_installed() -> bool:
    try:
        return bool(import_module(_LOCAL).is_installed())
    except ImportError:
        return False


# Names


def _from_string(spec: str, directory: Path) -> Provider:
    name, colon, model = spec.partition(":")
    if name in VENDORS:
        return _from_vendor(name, model.strip(), directory)
    if name == "local":
        stored_in = os.environ.get("ALLOY_DATA_DIR")
        return _made_once((spec, stored_in), lambda: _load(f"{_LOCAL}:Local")(model or None))
    if name == "scripted":
        return _from_script(model, directory)
    if colon and (entry := _entry_point(name)):
        return _made_once((spec,), lambda: _from_entry_point(entry, model))
    raise _unknown(spec, name)


def _from_vendor(name: str, model: str, directory: Path) -> Provider:
    vendor = VENDORS[name]
    if not model:
        raise ConfigError(f"{name!r} names no model", hint=f'name one, as in "{name}:{_example(name)}"')
    if vendor.provider is None:
        raise _not_spoken(name, model, vendor)
    address = os.environ.get(vendor.address_variable or "", "").strip() or vendor.address
    key = find_key(None, vendor.keys, working_directory=directory).value
    if key is None and address == vendor.address:
        raise AuthError(
            f"no key for {name}",
            hint=f"set {' or '.join(vendor.keys)} in the environment, or in .env in the working directory",
        )
    make = _load(vendor.provider)
    return _made_once((name, model, address, key), lambda: make(model, base_url=address, api_key=key, name=name))


def _from_script(file: str, directory: Path) -> Provider:
    if not file:
        raise ConfigError("scripted names no file", hint='name one, as in "scripted:answers.jsonl"')
    path = (directory / Path(file).expanduser()).absolute()
    # The place in the script is kept for the process; a file that was written anew begins anew.
    stat = path.stat() if path.exists() else None
    version = stat and (stat.st_mtime_ns, stat.st_size)
    return _made_once(("scripted", path, version), lambda: _load("alloy_nb.providers.scripted:Scripted")(path))


def _made_once(key: Hashable, make: Callable[[], Provider]) -> Provider:
    with _lock:
        provider = _made.get(key)
        if provider is None:
            provider = _made[key] = make()
        return provider


def _load(dotted: str) -> Any:
    module, _, name = dotted.partition(":")
    return getattr(import_module(module), name)


def _entry_point(name: str) -> EntryPoint | None:
    return next(iter(entry_points(group=ENTRY_POINTS, name=name)), None)


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
    if not isinstance(made, Provider):
        raise _no_provider(made)
    return made


# What went wrong


def _no_provider(given: Any) -> ConfigError:
    if isinstance(given, type):
        return ConfigError(f"model is the class {given.__name__}", hint=f"make one: {given.__name__}(...)")
    wanted = ("name", "model", "options", "constrains_arguments", "stream")
    missing = [name for name in wanted if not hasattr(given, name)]
    return ConfigError(
        f"model is a {type(given).__name__}, which is no provider: it has no {', '.join(missing)}",
        hint='give "provider:model", or an object such as alloy_nb.OpenAICompatible(...)',
    )


def _not_spoken(name: str, model: str, vendor: Vendor) -> ConfigError:
    key = f", api_key=os.environ[{vendor.keys[0]!r}]" if vendor.keys else ""
    return ConfigError(
        f"this version of alloy_nb does not speak {name} yet",
        hint=f"it answers in OpenAI's manner too: "
        f"alloy_nb.OpenAICompatible({model!r}, base_url={vendor.address!r}{key})",
    )


def _unknown(spec: str, name: str) -> ConfigError:
    known = [*VENDORS, "local", "scripted", *entry_points(group=ENTRY_POINTS).names]
    near = nearest(name, known)
    if near is not None:
        hint = f"did you mean {near!r}? Known are: " + ", ".join(known)
    elif ":" not in spec:
        hint = f'write "provider:model", as in "openai:{spec}"; the providers are: ' + ", ".join(known)
    else:
        hint = "the providers are: " + ", ".join(known)
    return ConfigError(f"unknown provider {name!r}", hint=hint)


def _example(name: str) -> str:
    return default_model(name) or "llama4"
