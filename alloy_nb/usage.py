"""What a run used: tokens, as the providers count them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

__all__ = ["Usage"]


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


def _count(value: Any) -> int:
    if isinstance(value, str) and value.isdecimal() and len(value) < 16:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return 0
    return max(0, int(value))
