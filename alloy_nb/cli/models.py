"""`alloy models`: what is known of models, and what a service offers."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import AlloyError, ConfigError
from ..plain import one_line
from .console import Notes
from .failure import report

if TYPE_CHECKING:
    from ..models import ModelInfo, Prices

__all__ = ["add_arguments", "run"]

_HEAD = ("", "model", "window", "output", "in", "cached", "written", "out", "can", "")
_LEGEND = """\
window, output: the longest prompt with its answer, and the longest answer, in tokens
in, cached, written, out: US dollars per million tokens of the prompt, of what was cached of it, of what is written
to the cache, and of the answer; + is dearer for long prompts
*: the provider's default; blank: not known. Your own facts go into a models.json; ALLOY_MODELS says where it is."""
_NO_KEY = {True: "no key", False: "needs no key", None: "from your models.json"}


def add_arguments(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "models",
        description="The models that are known: limits, prices, defaults.",
        epilog=f"columns:\n{_LEGEND}",
    )
    parser.add_argument("provider", nargs="?", metavar="PROVIDER", help="only this one's")
    parser.add_argument("--live", action="store_true", help="ask the service what it offers (needs its key)")
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(args: argparse.Namespace) -> int:
    """Print the table; with `--live`, 0 when every service that was asked answered."""
    names = _providers(args.provider, live=args.live)
    code = 0
    told: list[dict[str, Any]] = []
    for name in names:
        try:
            offered = _ask(name) if args.live else None
        except AlloyError as error:
            if args.provider is not None:
                raise
            code = max(code, report(error))
            continue
        section = _section(name, offered)
        told.append(section)
        if not args.json:
            _show(section)
    if args.json:
        print(json.dumps(told, indent=2))
    elif any(section["models"] for section in told):
        print(_LEGEND)
    return code


def _providers(wanted: str | None, *, live: bool) -> list[str]:
    """Those to show; of the services, without a name, those that can be asked."""
    from ..models import known_models
    from ..options import nearest
    from ..providers.registry import plug_ins
    from ..providers.vendors import VENDORS

    known = list(dict.fromkeys([*VENDORS, *(str(info.provider) for info in known_models()), *plug_ins()]))
    if wanted is None:
        names = [name for name in known if _key_of(name) is not None] if live else known
        if not names:
            raise ConfigError("there is no key to ask a service with", hint="store one: `alloy login PROVIDER`")
        return names
    if wanted == "local":
        raise ConfigError("local models are files", hint="`alloy local list` shows them")
    if wanted not in known:
        near = nearest(wanted.lower(), known)
        hint = f"did you mean `{near}`?" if near else "the providers are " + ", ".join(known)
        raise ConfigError(f"unknown provider `{wanted}`", hint=hint)
    return [wanted]


def _key_of(name: str) -> str | None:
    """Where its key is, or what is wrong with it: the table is told all the same."""
    from ..providers.keys import find_key
    from ..providers.vendors import VENDORS

    try:
        return find_key(None, VENDORS[name].keys).where if name in VENDORS else None
    except ConfigError as error:
        return error.message


def _ask(name: str) -> list[str]:
    """What the service offers."""
    from ..models import default_model
    from ..providers.registry import resolve_model

    provider: Any = resolve_model(f"{name}:{default_model(name) or 'any'}")
    if not hasattr(provider, "models"):
        raise ConfigError(f"{name} does not tell its models", hint=f"`alloy models {name}` shows what is known")
    return list(asyncio.run(provider.models()))


# Telling


def _section(name: str, offered: Sequence[str] | None) -> dict[str, Any]:
    """One provider, JSON-ready; of what a service offers, what is known of it."""
    from ..models import default_model, known_models, model_info
    from ..providers.registry import plug_ins
    from ..providers.vendors import VENDORS

    infos = known_models(name) if offered is None else [model_info(model, name) for model in offered]
    labels = [info.name for info in infos] if offered is None else offered
    default = default_model(name)
    return {
        "provider": name,
        "key": _key_of(name),
        "needs_key": VENDORS[name].needs_key if name in VENDORS else None,
        "plug_in": plug_ins().get(name),
        "default": default,
        "models": [
            {"name": label, "default": label == default, **_facts(info)}
            for label, info in zip(labels, infos, strict=True)
        ],
    }


def _facts(info: ModelInfo) -> dict[str, Any]:
    prices = info.prices_for()
    return {
        "known": info.known,
        "window": info.window if info.window_known else None,
        "max_output": info.max_output,
        "caps": [cap for cap in _caps() if cap in info.caps],
        "prices": None if prices is None else _rates(prices),
        "dearer_when_long": any(row.above for row in info.prices or ()),
        "note": info.note,
    }


def _caps() -> tuple[str, ...]:
    from ..models import CAPS

    return CAPS


def _rates(prices: Prices) -> dict[str, float | None]:
    return {name: getattr(prices, name) for name in ("input", "cached_input", "cache_write", "output")}


def _show(section: dict[str, Any]) -> None:
    """As a table, each line of which is safe to print."""
    plug_in = section["plug_in"]
    origin = f"a plug-in, from {plug_in}" if plug_in else section["key"] or _NO_KEY[section["needs_key"]]
    notes = Notes(sys.stdout)
    notes.line(f"{section['provider']} ({origin})", "dim")
    rows = [_HEAD, *(_row(model) for model in section["models"])]
    if not section["models"]:
        print("  none is known; --live asks the service\n")
        return
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    for row in rows:
        print(" ".join(_cells(row, widths)).rstrip())
    print()


def _cells(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
        yield cell.ljust(width) if column in (0, 1, 8, 9) else cell.rjust(width)


def _row(model: dict[str, Any]) -> tuple[str, ...]:
    prices = model["prices"] or {}
    more = "+" if model["dearer_when_long"] else ""
    rates = (_dollars(prices.get(name), more) for name in ("input", "cached_input", "cache_write", "output"))
    return (
        "*" if model["default"] else " ",
        one_line(model["name"], 60),
        _tokens(model["window"]),
        _tokens(model["max_output"]),
        *rates,
        " ".join(model["caps"]),
        one_line(model["note"] or "", 60),
    )


def _tokens(count: int | None) -> str:
    """Short, as the vendors say it.

    >>> _tokens(1_048_576), _tokens(1_050_000), _tokens(131_072), _tokens(128_000), _tokens(None)
    ('1M', '1.05M', '128k', '128k', '')
    """
    if not count:
        return ""
    kilo = 1024 if count % 32_768 == 0 else 1000
    return f"{count / kilo**2:.3g}M" if count >= kilo**2 else f"{count / kilo:.3g}k"


def _dollars(rate: float | None, more: str) -> str:
    return "" if rate is None else f"{rate:g}{more}"
