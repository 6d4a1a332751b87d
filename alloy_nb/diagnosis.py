"""What is here to work with: versions, the model that would be used and why, keys seen, the embedded model."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ._version import __version__
from .checks import Check, check_front_ends
from .errors import AlloyError
from .keywords import keywords_told
from .plain import one_line
from .redaction import redact, redact_line

__all__ = ["Diagnosis", "LocalModel", "SeenKey", "StoredWeights", "doctor"]

#: What a reader knows it by, and the distribution that it comes from.
PACKAGES = {
    "IPython": "ipython",
    "ipykernel": "ipykernel",
    "JupyterLab": "jupyterlab",
    "ipywidgets": "ipywidgets",
    "anywidget": "anywidget",
    "nbclient": "nbclient",
    "rich": "rich",
    "prompt_toolkit": "prompt_toolkit",
}
_MEGABYTE = 1_000_000
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class SeenKey:
    """A variable that holds a key, and where it was found; never a character of the key.

    `problem` says what is wrong with it.
    """

    variable: str
    where: str
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class StoredWeights:
    """Weights on this machine; `size` in bytes."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class LocalModel:
    """The embedded model: the version of its engine (None: not installed), and the weights that are stored."""

    engine: str | None
    weights: tuple[StoredWeights, ...]
    installed: bool


@dataclass(frozen=True, slots=True, repr=False)
class Diagnosis:
    """What `doctor` found, all at one moment.

    `model` is None where none can be used: then `why` says what is wrong and `hint` how to mend it; `misconfigured`
    tells something that is set and cannot work from nothing at all. `sends_to` is the host that prompts would go to,
    None for a model on this machine. `notice` is what the model wants to be known of itself. `tried` holds the ways to
    a model in their order, as far as they were looked at, and what came of each. `front_ends` tells what each can show.
    `context` lists the context files and skills that a conversation would begin with here, and what is passed over.
    """

    python: str
    system: str
    alloy_nb: str
    packages: tuple[tuple[str, str | None], ...]
    model: str | None
    why: str
    hint: str | None
    misconfigured: bool
    sends_to: str | None
    notice: str | None
    tried: tuple[tuple[str, str], ...]
    keys: tuple[SeenKey, ...]
    key_variables: tuple[str, ...]
    local: LocalModel
    front_ends: tuple[Check, ...]
    context: tuple[str, ...]
    data_folder: str
    data_folder_writable: bool

    @property
    def ok(self) -> bool:
        """Whether there is a model to use."""
        return self.model is not None

    @property
    def better_models(self) -> tuple[str, ...]:
        """The ways to a model that does real work."""
        server = "http://localhost:1234/v1"
        return (
            f"a key: alloy login PROVIDER, or {' or '.join(self.key_variables)} in the environment or in .env",
            "Ollama on this machine: ollama pull qwen3",
            "a server that speaks Chat Completions (LM Studio, vLLM, a gateway), in Python: "
            f'model=alloy_nb.OpenAICompatible("NAME", base_url="{server}")',
            f"in the shell: OPENAI_BASE_URL={server} OPENAI_API_KEY=none ALLOY_OPENAI_API=chat ALLOY_MODEL=openai:NAME",
            "a larger model on this machine: alloy local pull hf:ORG/REPO:FILE.gguf, then ALLOY_MODEL=local:NAME",
        )

    @property
    def next(self) -> str:
        """The one best thing to do."""
        if self.model is None:
            return self._next_without_model()
        if self.notice is not None:
            return "try it: alloy demo. For real work choose a better model, by one of the ways above"
        return 'ask something: alloy -p "What is a monad?", or in a notebook: %load_ext alloy_nb'

    def _next_without_model(self) -> str:
        if self.misconfigured:
            return self.hint or self.why
        if self.local.engine is None:
            return f"{one_line(sys.executable)} -m pip install xllamacpp; then: alloy local pull smollm2"
        if not self.data_folder_writable:
            return "set ALLOY_DATA_DIR to a folder that can be written; then: alloy local pull smollm2"
        return "alloy local pull smollm2"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            **asdict(self),
            "packages": dict(self.packages),
            "tried": [list(way) for way in self.tried],
            "ok": self.ok,
            "better_models": list(self.better_models),
            "next": self.next,
        }

    def __str__(self) -> str:
        lines = []
        for label, values in _rows(self):
            for place, value in enumerate(values):
                lines.append(f"{'' if place else label:<15}{value}")
        return "\n".join([*lines, "", f"next: {self.next}"])

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        cell = "<br>".join
        rows = [f"| {label} | {cell(map(_code_safe, values))} |" for label, values in _rows(self)]
        python = one_line(sys.executable)
        python = f'"{python}"' if " " in python else python  # as each shell reads it
        command = "alloy" if shutil.which("alloy") else f"{python} -m alloy_nb"
        in_a_cell = f"A command, `alloy …`, is one for a terminal; in a cell: {_code_safe(f'!{command} …')}"
        return "\n".join(["| | |", "|---|---|", *rows, "", f"**next:** {_code_safe(self.next)}", "", in_a_cell])


@keywords_told
def doctor(*, working_directory: str | os.PathLike[str] = ".") -> Diagnosis:
    """Look around once: nothing is loaded or created, and nothing asked but an Ollama, when its turn comes.

    Shown in a cell, the answer is a table.

    >>> doctor().python.split(".")[0]
    '3'
    """
    folder = _data_folder()
    return Diagnosis(
        **_model(working_directory),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        alloy_nb=__version__,
        packages=tuple((name, _version(distribution)) for name, distribution in PACKAGES.items()),
        keys=tuple(_seen_keys(working_directory)),
        key_variables=_key_variables(),
        local=_local(),
        front_ends=check_front_ends(),
        context=tuple(_context(working_directory)),
        data_folder=str(folder),
        data_folder_writable=_is_writable(folder),
    )


# -- gathering ----------------------------------------------------------------------------------------------------


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _model(directory: str | os.PathLike[str]) -> dict[str, Any]:
    """The fields that tell of the model, as a run without `model` would find it."""
    from .models_table import read_table
    from .providers.registry import no_model, ways_to_a_model

    tried: list[tuple[str, str]] = []
    fields: dict[str, Any] = {"hint": None, "misconfigured": False, "sends_to": None, "notice": None, "tried": tried}
    try:
        read_table()
        for way in ways_to_a_model(working_directory=directory):
            tried.append((way.name, redact(way.why)))
            if way.model is not None:
                return {**fields, **_usable(way.model, directory), "why": redact(way.why), "tried": tuple(tried)}
    except AlloyError as error:
        return {**fields, **_failure(error), "misconfigured": True, "tried": tuple(tried)}
    return {**fields, **_failure(no_model()), "tried": tuple(tried)}


def _usable(chosen: Any, directory: str | os.PathLike[str]) -> dict[str, Any]:
    """What is to be said of a model that can be had; raises what keeps it from being had."""
    from .providers.http import HTTPProvider
    from .providers.registry import resolve_model

    provider = resolve_model(chosen, working_directory=directory)
    if isinstance(provider, HTTPProvider):
        provider.check()  # the proxy and the certificates that are set
    return {
        "model": redact(chosen if isinstance(chosen, str) else f"{provider.name}:{provider.model}"),
        "sends_to": _host(getattr(provider, "base_url", None)),
        "notice": getattr(provider, "notice", None),
    }


def _failure(error: AlloyError) -> dict[str, Any]:
    return {"model": None, "why": redact(error.message), "hint": redact(error.hint or "")}


def _host(address: str | None) -> str | None:
    """Without what else an address may hold: a password, a token."""
    return urlsplit(address).hostname if address else None


def _key_variables() -> tuple[str, ...]:
    """Those that lead to a model."""
    from .providers.vendors import VENDORS

    return tuple(key for vendor in VENDORS.values() if vendor.needs_key for key in vendor.keys)


def _seen_keys(directory: str | os.PathLike[str]) -> Iterator[SeenKey]:
    from .providers.keys import find_key
    from .providers.vendors import VENDORS

    told: set[str] = set()
    for vendor in VENDORS.values():
        for variable in vendor.keys:
            try:
                where = find_key(None, (variable,), working_directory=directory).where
            except AlloyError as error:
                # What is wrong with the file of all keys is wrong for each of them.
                if error.message not in told:
                    yield SeenKey(variable, variable, redact(error.message))
                told.add(error.message)
                continue
            if where is not None:
                yield SeenKey(variable, where)


def _context(directory: str | os.PathLike[str]) -> Iterator[str]:
    from .context.surroundings import look_around
    from .options import Options

    options = Options(context_discovery=True, skills=True)
    around = look_around(options, Path(directory).expanduser().absolute(), None)
    yield from map(str, around.sections)
    yield from (f"skill {skill.name}: {skill.path}" for skill in around.skills)
    yield from around.problems


def _local() -> LocalModel:
    from .providers.local import is_installed
    from .weights.store import list_stored

    weights = tuple(StoredWeights(stored.name, stored.size) for stored in list_stored())
    return LocalModel(_version("xllamacpp"), weights, is_installed())


def _data_folder() -> Path:
    from .folders import data_folder

    return data_folder()


def _is_writable(folder: Path) -> bool:
    """Whether it can be written, or made in the nearest folder above it that exists."""
    # Unlike Path.exists, these raise nothing where a folder above may not be looked into.
    existing = next((path for path in (folder, *folder.parents) if os.path.exists(path)), None)
    return existing is not None and os.path.isdir(existing) and os.access(existing, os.W_OK | os.X_OK)


# -- showing ------------------------------------------------------------------------------------------------------


def _rows(found: Diagnosis) -> Iterator[tuple[str, list[str]]]:
    """A label and its lines, each safe to print."""
    rows = {
        "alloy_nb": [f"{found.alloy_nb}, Python {found.python}, {found.system}"],
        "packages": [", ".join(f"{name} {number or 'not installed'}" for name, number in found.packages)],
        "model": _model_lines(found),
        "tried": [f"{place}. {name}: {why}" for place, (name, why) in enumerate(found.tried, 1)],
        "keys": _key_lines(found),
        "local model": _local_lines(found),
        "front ends": [f"{'✓' if check.ok else '✗'} {check.name}: {check.says}" for check in found.front_ends],
        "context": list(found.context) or ["no context files, no skills"],
        "data folder": [f"{found.data_folder}{'' if found.data_folder_writable else ' (cannot be written)'}"],
    }
    if found.model is None or found.notice is not None:
        rows["better models"] = list(found.better_models)
    for label, lines in rows.items():
        yield label, [redact_line(line, _LONGEST) for line in lines]


def _model_lines(found: Diagnosis) -> list[str]:
    if found.model is None:
        hint = [found.hint] if found.hint and found.misconfigured else []
        return [f"none: {found.why}", *hint]
    lines = [found.model, f"because: {found.why}"]
    if found.sends_to is not None:
        lines.append(f"prompts go to {found.sends_to}")
    if found.notice is not None:
        lines.append(found.notice)
    return lines


def _key_lines(found: Diagnosis) -> list[str]:
    if not found.keys:
        return [f"none seen ({', '.join(found.key_variables)})"]
    return [f"{key.where}{f': {key.problem}' if key.problem else ''}" for key in found.keys]


def _local_lines(found: Diagnosis) -> list[str]:
    engine = f"xllamacpp {found.local.engine}" if found.local.engine else "xllamacpp not installed"
    weights = [f"{weights.name} ({weights.size / _MEGABYTE:.0f} MB)" for weights in found.local.weights]
    return [f"{engine}; weights: {', '.join(weights) or 'none'}"]


def _code_safe(line: str) -> str:
    """As a cell of a Markdown table, shown as it is written."""
    return "`" + line.replace("`", "'").replace("|", "\\|") + "`"
