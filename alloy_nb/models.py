"""What is known of models: windows, what they can do, prices, and each provider's default.

The facts are data, in `models.json`; the user's own table goes over it (see `models_table`). What is not known is
absent, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from .errors import ConfigError
from .models_table import CAPS, Section, our_table, read_table
from .options import nearest

__all__ = [
    "CAPS",
    "DEFAULT_WINDOW",
    "ModelInfo",
    "Prices",
    "default_model",
    "known_models",
    "model_info",
    "nearest_model",
]

#: Tokens assumed for a model that is not known.
DEFAULT_WINDOW = 200_000

# A known name may be followed by a date or one of these; "gpt-5" must not stand for "gpt-5.1" or "gpt-5-mini".
_DATED = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{8})\Z")
_VARIANT = re.compile(r"-(?:\d{4}-?\d{2}-?\d{2}|latest|preview(?:-[\d-]+)?)\Z")


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars per million tokens; None where the vendor has no separate rate: then it is that of the input.

    They apply to prompts of more than `above` tokens, and from the day `since` on (in UTC; None: always).
    """

    input: float
    output: float
    cached_input: float | None = None
    cache_write: float | None = None
    above: int = 0
    since: date | None = None

    def apply_to(self, prompt_tokens: int, day: date) -> bool:
        return (not self.above or prompt_tokens > self.above) and (self.since is None or day >= self.since)


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is known of a model; limits are in tokens.

    `window` is assumed where `window_known` is False. `caps` holds what the model is known to do, in the words of
    `CAPS`. `prices` are the rates of `provider`, of which the last that applies counts; empty where we know none,
    None where no table can know: the name moves between models. `known` is False for a name that is in no table.
    """

    name: str
    provider: str | None = None
    window: int = DEFAULT_WINDOW
    max_output: int | None = None
    caps: frozenset[str] = frozenset()
    prices: tuple[Prices, ...] | None = ()
    note: str | None = None
    known: bool = False
    window_known: bool = False

    def prices_for(self, prompt_tokens: int = 0, day: date | None = None) -> Prices | None:
        """The rates for one call with a prompt of so many tokens, on that day (by default today, in UTC)."""
        day = day or datetime.now(UTC).date()
        return next((row for row in reversed(self.prices or ()) if row.apply_to(prompt_tokens, day)), None)


def default_model(provider: str) -> str | None:
    """The model that is taken when only the provider is known.

    >>> default_model("openai")
    'gpt-5.2'
    """
    section = read_table().get(provider)
    return section.default if section else None


def model_info(model: str, provider: str | None = None) -> ModelInfo:
    """What is known of a model, by its name, with or without a date or a gateway's prefix.

    Without a `provider` every one's models are looked through. Another provider's model is known by its limits,
    not by its prices.

    >>> model_info("gpt-5.2-2025-12-11").window, model_info("gpt-5.2-mini").known
    (400000, False)
    >>> model_info("anthropic/claude-opus-5:free", "openrouter").prices
    ()
    """
    table = read_table()
    own = {name: section for name, section in table.items() if provider in (None, name)}
    for found in _find(model, own):
        return found
    bare = model.rpartition("/")[2].partition(":")[0]
    for name in (bare, bare.replace(".", "-")):  # gateways write claude-opus-4.8
        for elsewhere in _find(name, table):
            return replace(elsewhere, prices=())
    return ModelInfo(model, provider)


def known_models(provider: str | None = None) -> tuple[ModelInfo, ...]:
    """Every model in the table, or those of one provider, in the table's order."""
    sections = read_table().items()
    wanted = [(name, section) for name, section in sections if provider in (None, name)]
    return tuple(_info(model, name, entry) for name, section in wanted for model, entry in section.models.items())


def nearest_model(provider: str, model: str) -> str | None:
    """The known model of a provider whose name is most like `model`; None when none is near.

    >>> nearest_model("anthropic", "claude-sonet-4-6")
    'claude-sonnet-4-6'
    """
    try:
        table = read_table()
    except ConfigError:  # a hint to another failure must not be one
        table = our_table()
    near = nearest(model, list(table[provider].models)) if provider in table else None
    return near if near != model else None


def _find(model: str, table: Mapping[str, Section]) -> Iterator[ModelInfo]:
    """The model by its own name, else as a dated one, else as a variant, which may cost something else."""
    for name, same_price in ((model, True), (_DATED.sub("", model), True), (_VARIANT.sub("", model), False)):
        for provider, section in table.items():
            if name in section.models:
                info = _info(name, provider, section.models[name])
                yield info if same_price else replace(info, prices=())


def _info(name: str, provider: str, entry: Mapping[str, Any]) -> ModelInfo:
    return ModelInfo(
        name,
        provider,
        window=entry.get("window") or DEFAULT_WINDOW,
        max_output=entry.get("max_output"),
        caps=frozenset(entry.get("caps") or ()),
        prices=_prices(entry),
        note=entry.get("note"),
        known=True,
        window_known=bool(entry.get("window")),
    )


def _prices(entry: Mapping[str, Any]) -> tuple[Prices, ...] | None:
    given = entry.get("prices", ())
    if given is None:
        return None
    rows: Sequence[Mapping[str, Any]] = [given] if isinstance(given, Mapping) else given
    return tuple(Prices(**{**row, "since": _day(row.get("since"))}) for row in rows)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
