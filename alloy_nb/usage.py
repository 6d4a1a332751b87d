"""What a run used: tokens, as the providers count them."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from .errors import BudgetExceeded, ConfigError
from .keywords import keywords_told

__all__ = ["UNPRICED", "Budget", "Usage", "add_costs", "dollar_words"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one or more provider calls.

    `input_tokens` counts the whole prompt, `cached_tokens` and `cache_write_tokens` the part of it that was read
    from or written to the provider's cache; `reasoning_tokens` is the part of `output_tokens` that was thinking.

    >>> Usage(10, 5) + Usage(1, 1)
    Usage(input_tokens=11, output_tokens=6, cached_tokens=0, cache_write_tokens=0, reasoning_tokens=0)
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        """Prompt and answer; what was cached is part of the prompt."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
        )

    def to_dict(self) -> dict[str, int]:
        """The counts by their names."""
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cached_tokens": self.cached_tokens,
            "cache_write_tokens": self.cache_write_tokens,
            "reasoning_tokens": self.reasoning_tokens,
        }

    @classmethod
    def from_dict(cls, data: Any) -> Usage:
        """Read a mapping; what is missing, null or no count is 0, and what is unknown is passed over.

        >>> Usage.from_dict({"input_tokens": None, "output_tokens": -1, "cached_tokens": "3", "more": {}}).cached_tokens
        3
        """
        data = data if isinstance(data, Mapping) else {}
        return cls(**{f.name: _count(data.get(f.name)) for f in fields(cls)})


def add_costs(usage: Usage, cost: float | None, more: Usage, price: float | None) -> float | None:
    """The cost of two usages together: known only where that of each is; of one in which nothing was used, it is 0.

    >>> add_costs(Usage(), None, Usage(1, 1), 0.5), add_costs(Usage(1, 1), None, Usage(1, 1), 0.5)
    (0.5, None)
    """
    if more == Usage():
        return cost
    if price is None or (cost is None and usage != Usage()):
        return None
    return (cost or 0.0) + price


def dollar_words(amount: float) -> str:
    """A limit in US dollars, as a person writes it.

    >>> dollar_words(3), dollar_words(0.5), dollar_words(0.005)
    ('$3', '$0.50', '$0.005')
    """
    if float(amount).is_integer():
        return f"${amount:,.0f}"
    return f"${amount:,.2f}" if round(amount, 2) == amount else f"${amount:g}"


def _count(value: Any) -> int:
    if isinstance(value, str) and value.isdecimal() and len(value) < 16:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return 0
    return max(0, int(value))


#: The ways out where dollars cannot be counted.
UNPRICED = (
    "limit tokens instead, Budget(tokens=...), or put the model's prices into your models.json; without --budget, "
    "and after `/budget none`, dollars are not limited"
)


@keywords_told
class Budget:
    """What may be spent, in all, by every run that is given it: US dollars, tokens (in and out), calls of tools.

    It is looked at before each call of a model or a tool and debited after it, once, by whoever made the call. So one
    call may go beyond it, and so may as many as are under way at the same time.

    >>> budget = Budget(tokens=1000)
    >>> budget.debit(Usage(input_tokens=700, output_tokens=50), None)
    >>> budget, budget.left("tokens")
    (Budget(tokens=1000: 750 spent), 250)
    """

    def __init__(self, usd: float | None = None, tokens: int | None = None, tool_calls: int | None = None) -> None:
        given: dict[str, float | None] = {"usd": usd, "tokens": tokens, "tool_calls": tool_calls}
        for name, value in given.items():
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0):
                raise ConfigError(f"{name} is {value!r}", hint=f"give a number: Budget({name}=1)")
        if all(value is None for value in given.values()):
            raise ConfigError("a budget without a limit", hint="give usd=, tokens= or tool_calls=")
        self._limits = {name: value for name, value in given.items() if value is not None}
        self._spent: dict[str, float] = {"usd": 0.0, "tokens": 0, "tool_calls": 0}
        self._priced = True
        self._lock = threading.Lock()

    @property
    def limits(self) -> Mapping[str, float]:
        """By name, those that were given."""
        return dict(self._limits)

    @property
    def spent(self) -> Mapping[str, float]:
        """So far, of each kind, whether it is limited or not; dollars as far as prices are known."""
        with self._lock:
            return dict(self._spent)

    def left(self, name: str) -> float | None:
        """What is left of one kind, never below 0; None where it is not limited."""
        limit = self._limits.get(name)
        return None if limit is None else max(0, round(limit - self._spent[name], 9))  # below what floats can sum

    def check(self) -> None:
        """Raise `BudgetExceeded` when dollars or tokens are used up: no model may be called any more."""
        for name in ("usd", "tokens"):
            if self.left(name) == 0:
                raise self._exceeded(name)
        if "usd" in self._limits and not self._priced:
            raise BudgetExceeded(
                "the price of an answer is not known, so that nobody can tell what is left of the budget",
                hint=UNPRICED,
            )

    def debit(self, usage: Usage, cost: float | None) -> None:
        """Count what a call of a model used."""
        with self._lock:
            self._spent["tokens"] += usage.total_tokens
            self._spent["usd"] += cost or 0.0
            self._priced = self._priced and (cost is not None or usage == Usage())

    def take_call(self) -> None:
        """Count a tool call that begins; `BudgetExceeded` when none is left."""
        with self._lock:
            if self.left("tool_calls") == 0:
                raise self._exceeded("tool_calls")
            self._spent["tool_calls"] += 1

    def _exceeded(self, name: str) -> BudgetExceeded:
        limit = self._limits[name]
        said = dollar_words(limit) if name == "usd" else f"{limit:g} {name.replace('_', ' ')}"
        return BudgetExceeded(
            f"the budget of {said} is used up",
            hint=f"give a larger one, Budget({name}=...), or go on without",
        )

    def __repr__(self) -> str:
        told = (f"{name}={limit:g}: {self._spent[name]:g} spent" for name, limit in self._limits.items())
        return f"Budget({', '.join(told)})"
