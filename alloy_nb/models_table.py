"""The table behind `models`: what this package knows, in `models.json`, and over it what the user says."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from .errors import ConfigError
from .folders import config_folder
from .options import nearest

__all__ = ["CAPS", "TABLE_VARIABLE", "Section", "our_table", "read_table", "user_table_path"]

TABLE_VARIABLE = "ALLOY_MODELS"
#: What a model may be able to do: take images, PDF files, audio; call tools; think; keep to a JSON schema.
CAPS = ("images", "pdf", "audio", "tools", "thinking", "structured")

_SECTION = ("default", "models")
_MODEL = ("window", "max_output", "caps", "prices", "note", "date", "source")
_RATES = ("input", "output", "cached_input", "cache_write")
_ROW = (*_RATES, "above", "since")

_Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Section:
    """One provider: its default model, and what is known of each of its models, by name."""

    default: str | None
    models: Mapping[str, _Entry]


Table = Mapping[str, Section]


def user_table_path() -> Path:
    """Where the user's own table is: ``ALLOY_MODELS``, else `models.json` in the folder for settings."""
    chosen = os.environ.get(TABLE_VARIABLE, "").strip()
    return Path(chosen).expanduser().absolute() if chosen else config_folder() / "models.json"


def read_table() -> Table:
    """Both tables, the user's over ours, read again when the file changed.

    Raises `ConfigError`, with file and line, for a file that cannot be read or says something impossible.
    """
    path = user_table_path()
    try:
        stat = os.stat(path)
    except OSError as error:
        if os.environ.get(TABLE_VARIABLE, "").strip():
            raise ConfigError(
                f"{TABLE_VARIABLE} names {path}, which cannot be read: {error.strerror}",
                hint=f"correct the path, or unset {TABLE_VARIABLE}",
            ) from error
        return our_table()
    return _merged(path, stat.st_mtime_ns, stat.st_size)


@cache
def our_table() -> Table:
    """What this package knows by itself."""
    return _merge({}, json.loads(files(__package__).joinpath("models.json").read_text("utf-8")))


@lru_cache(maxsize=4)
def _merged(path: Path, _time: int, _size: int) -> Table:
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(f"{path} cannot be read: {reason}", hint="mend the file, or take it away") from error
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}, line {error.lineno}: {error.msg}", hint="it must be JSON") from None
    for where, problem, hint in _problems(data):
        raise ConfigError(f"{path}, line {_line_of(text, where)}: {problem}", hint=hint)
    return _merge(our_table(), data)


def _merge(below: Table, data: Mapping[str, Any]) -> Table:
    """Field by field; a null takes away what is known."""
    table = dict(below)
    for provider, given in data.items():
        section = table.get(provider, Section(None, {}))
        models = dict(section.models)
        for name, entry in given.get("models", {}).items():
            entry = {"window": entry} if isinstance(entry, int) else entry
            models[name] = {**models.get(name, {}), **entry}
        table[provider] = Section(given.get("default", section.default), models)
    return table


# What is wrong with a table: where it stands (the keys on the way), what it is, what to do


_Problem = tuple[tuple[str, ...], str, str]


def _problems(data: Any) -> Iterator[_Problem]:
    if not isinstance(data, dict):
        yield (), "it holds no object", 'write {"openai": {"models": {"NAME": {"window": 128000}}}}'
        return
    for provider, section in data.items():
        if not isinstance(section, dict):
            yield (provider,), f"{provider!r} is no object", 'write {"default": "NAME", "models": {…}}'
            continue
        yield from _unknown_keys((provider,), section, _SECTION)
        if not isinstance(section.get("default", ""), str):
            yield (provider, "default"), "the default is no name", 'write "default": "NAME"'
        models = section.get("models", {})
        if not isinstance(models, dict):
            yield (provider, "models"), "the models are no object", 'write "models": {"NAME": {"window": 128000}}'
            continue
        for name, entry in models.items():
            yield from _entry_problems((provider, "models", name), entry)


def _entry_problems(where: tuple[str, ...], entry: Any) -> Iterator[_Problem]:
    if isinstance(entry, int):
        entry = {"window": entry}
    if not isinstance(entry, dict):
        yield where, f"{where[-1]!r} is no object", 'write {"window": 128000, "prices": {"input": 1, "output": 2}}'
        return
    yield from _unknown_keys(where, entry, _MODEL)
    for field in ("window", "max_output"):
        if not _is_count(entry.get(field), at_least=1):
            yield (*where, field), f"{field} is {_shown(entry[field])}", "give a whole number of tokens"
    caps = entry.get("caps")
    if caps is not None and not (isinstance(caps, list) and all(cap in CAPS for cap in caps)):
        yield (*where, "caps"), f"caps is {_shown(caps)}", f"give a list of {', '.join(CAPS)}"
    for field in ("note", "date", "source"):
        if not isinstance(entry.get(field, ""), str):
            yield (*where, field), f"{field} is {_shown(entry[field])}", "give a text"
    yield from _price_problems((*where, "prices"), entry.get("prices"))


def _price_problems(where: tuple[str, ...], prices: Any) -> Iterator[_Problem]:
    rows = prices if isinstance(prices, list) else [prices]
    for row in rows:
        if row is None and prices is None:
            continue
        if not isinstance(row, dict):
            hint = 'give {"input": 1, "output": 2}, in US dollars per million tokens'
            yield where, f"prices holds {_shown(row)}", hint
            continue
        yield from _unknown_keys(where, row, _ROW)
        for name in _RATES:
            if not _is_rate(row.get(name), needed=name in ("input", "output")):
                hint = "give US dollars per million tokens; input and output are needed"
                yield (*where, name), f"{name} is {_shown(row.get(name))}", hint
        if not _is_count(row.get("above"), at_least=0):
            yield (*where, "above"), f"above is {_shown(row['above'])}", "give a number of tokens"
        if not _is_day(row.get("since")):
            yield (*where, "since"), f"since is {_shown(row['since'])}", 'give a day: "2027-01-31"'


def _unknown_keys(where: tuple[str, ...], given: Mapping[str, Any], known: tuple[str, ...]) -> Iterator[_Problem]:
    for key in given.keys() - set(known):
        near = nearest(key, known)
        yield (*where, key), f"unknown field {key!r}", f"did you mean {near!r}?" if near else ", ".join(known)


def _is_count(value: Any, *, at_least: int) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= at_least)


def _is_rate(value: Any, *, needed: bool) -> bool:
    if value is None:
        return not needed
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


def _is_day(value: Any) -> bool:
    try:
        return value is None or bool(date.fromisoformat(value))
    except (TypeError, ValueError):
        return False


def _shown(value: Any) -> str:
    return repr(value)[:60]


def _line_of(text: str, where: tuple[str, ...]) -> int:
    """The line on which these keys lead to: each one is looked for after the one before."""
    place = 0
    for key in where:
        found = text.find(json.dumps(key, ensure_ascii=False), place)
        place = place if found < 0 else found + 1
    return text.count("\n", 0, place) + 1
