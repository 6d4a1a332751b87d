"""What a provider call costs, from its usage and the model's prices."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from .models import ModelInfo, Prices, model_info
from .usage import Usage

__all__ = ["cost_of"]

_log = logging.getLogger(__name__)

_MILLION = 1_000_000
#: Whose models run on this machine's own account.
_FREE = frozenset({"local"})
#: Our providers, as genai-prices calls them.
_THEIR_NAMES = {
    "anthropic": "anthropic",
    "openai": "openai",
    "google": "google",
    "openrouter": "openrouter",
    "xai": "x-ai",
    "deepseek": "deepseek",
    "mistral": "mistral",
}


def cost_of(
    usage: Usage, model: str, provider: str, *, day: date | None = None, info: ModelInfo | None = None
) -> float | None:
    """US dollars of one provider call; None where a price is not known. Costs of several calls are to be added.

    The prices are the vendor's list prices for text on `day` (by default today, in UTC), those for long prompts where
    the prompt is one; cached tokens and those written to the cache (for five minutes, where there is a choice) at
    their own rates. Without a price of ours, that of the package genai-prices is taken where it is installed; nothing
    is ever fetched. `info` is what `model_info` says of the model, for who has asked already.

    >>> cost_of(Usage(input_tokens=1_000_000, output_tokens=1_000_000), "claude-sonnet-4-6", "anthropic")
    18.0
    """
    if provider in _FREE:
        return 0.0
    info = info or model_info(model, provider)
    if info.prices is None:
        return None
    if info.provider != provider or not info.prices:
        return _from_genai_prices(usage, model, provider, day)
    prices = info.prices_for(usage.input_tokens, day)
    return None if prices is None else _sum(usage, prices)


def _sum(usage: Usage, prices: Prices) -> float:
    # A service that counts more cached tokens than it was sent is believed in what it counted of the cache.
    fresh = max(0, usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens)
    cached = prices.input if prices.cached_input is None else prices.cached_input
    written = prices.input if prices.cache_write is None else prices.cache_write
    total = fresh * prices.input + usage.cached_tokens * cached + usage.cache_write_tokens * written
    return (total + usage.output_tokens * prices.output) / _MILLION


def _from_genai_prices(usage: Usage, model: str, provider: str, day: date | None) -> float | None:
    theirs = _THEIR_NAMES.get(provider)
    if theirs is None or find_spec("genai_prices") is None:
        return None
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None
    try:
        genai_prices: Any = import_module("genai_prices")
        counted = genai_prices.Usage(
            input_tokens=max(usage.input_tokens, usage.cached_tokens + usage.cache_write_tokens),
            cache_read_tokens=usage.cached_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            output_tokens=usage.output_tokens,
        )
        found = genai_prices.calc_price(counted, model_ref=model, provider_id=theirs, genai_request_timestamp=moment)
        return float(found.total_price)
    except LookupError:  # it does not know the model either
        return None
    except Exception as error:  # noqa: BLE001 - another package's code, whose releases change
        _log.debug("genai-prices is passed over: %s", type(error).__name__, exc_info=error)
        return None
