"""What the families of Claude models take of thinking and output: a table, so that a new family is a line of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ..models import model_info
from ..options import check_thinking

__all__ = ["Family", "default_max_tokens", "family_of", "largest_output", "thinking_settings"]

#: From the least to the most.
EFFORTS = ("low", "medium", "high", "xhigh", "max")
#: Tokens of thinking that a level stands for, where a model is given a budget.
BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16_384, "xhigh": 32_768, "max": 32_768}
SMALLEST_BUDGET = 1024
#: Tokens of answer that are asked for when nobody says; a model's thinking is among them.
MOST_BY_DEFAULT = 32_000
#: … of a model that nothing is known of.
UNKNOWN_BY_DEFAULT = 8192

#: Thinking between two tool calls; newer families do so by themselves.
INTERLEAVED = "interleaved-thinking-2025-05-14"
#: Newer models tell their thoughts only when asked to.
_ADAPTIVE = {"type": "adaptive", "display": "summarized"}


@dataclass(frozen=True, slots=True)
class Family:
    """One family of models.

    `budget` says that it thinks by a number of tokens, `efforts` which words steer one that thinks as it sees fit
    (none: it does not). `off` is how thinking is switched off, None where it cannot be. `schemas` says whether it can
    be held to a JSON schema, `system_messages` whether it takes such messages in the middle of a conversation, and
    `betas` what must be asked for in a header when it thinks and has tools.
    """

    max_output: int | None = 128_000
    budget: bool = False
    efforts: tuple[str, ...] = EFFORTS
    off: Mapping[str, Any] | None = field(default_factory=lambda: {"type": "disabled"})
    schemas: bool = True
    system_messages: bool = True
    betas: tuple[str, ...] = ()


def _by_budget(max_output: int, *, schemas: bool = True) -> Family:
    return Family(max_output, True, (), schemas=schemas, system_messages=False, betas=(INTERLEAVED,))


#: The first pattern that begins a name counts; a name unknown here belongs to the newest.
_FAMILIES: tuple[tuple[str, Family], ...] = (
    (r"claude-(fable|mythos|opus-5-5)", Family(off=None)),
    (r"claude-sonnet-5-5", Family(off={"type": "between_tools"})),
    (r"claude-opus-4-7", Family(system_messages=False)),
    (
        r"claude-(opus|sonnet)-4-6",
        Family(budget=True, efforts=("low", "medium", "high", "max"), system_messages=False, betas=(INTERLEAVED,)),
    ),
    (r"claude-(opus|sonnet|haiku)-4-5", _by_budget(64_000)),
    (r"claude-opus-4-1", _by_budget(32_000)),
    (r"claude-(opus-4(-0)?|4-opus)(?!-\d)", _by_budget(32_000, schemas=False)),
    (r"claude-(sonnet-4(-0)?|4-sonnet)(?!-\d)", _by_budget(64_000, schemas=False)),
    (r"claude-3-7", _by_budget(64_000, schemas=False)),
    (r"claude-3-5", _by_budget(8192, schemas=False)),
    (r"claude-([23]|instant)", _by_budget(4096, schemas=False)),
    (r"claude", Family()),
)
#: Somebody else's model behind the same API.
_OTHERS = Family(None, True, (), schemas=False, system_messages=False)
_DATE = re.compile(r"[-@]20\d{6}")


@lru_cache(64)
def family_of(model: str) -> Family:
    """The family of a model, by its name, with a date or a gateway's prefix or without.

    >>> family_of("claude-opus-4-20250514").max_output, family_of("anthropic/claude-opus-4.6").max_output
    (32000, 128000)
    """
    name = model.lower().replace(".", "-")
    start = name.find("claude")
    if start < 0:
        return _OTHERS
    name = _DATE.sub("", name[start:])
    return next(family for pattern, family in _FAMILIES if re.match(pattern, name))


def largest_output(model: str) -> int | None:
    """The most tokens that a model may be asked for; None when nothing is known."""
    return model_info(model).max_output or family_of(model).max_output


def default_max_tokens(model: str) -> int:
    """The tokens asked for when nobody says: the API wants a number."""
    return min(largest_output(model) or UNKNOWN_BY_DEFAULT, MOST_BY_DEFAULT)


def thinking_settings(thinking: bool | str | int | None, family: Family) -> dict[str, Any]:
    """The fields of the body that a `thinking` option amounts to. Raises `ConfigError` for no level or budget.

    >>> thinking_settings("high", family_of("claude-sonnet-5"))["output_config"]
    {'effort': 'high'}
    >>> thinking_settings("high", family_of("claude-haiku-4-5"))
    {'thinking': {'type': 'enabled', 'budget_tokens': 16384}}
    """
    check_thinking(thinking)
    if thinking is None:
        return {}
    if thinking is True:
        return {"thinking": dict(_ADAPTIVE)} if family.efforts else _enabled(BUDGETS["medium"])
    if not thinking or thinking == "none":
        return _off(family)
    if isinstance(thinking, str):
        return _with_effort(thinking, family) if family.efforts else _enabled(BUDGETS[thinking])
    if family.budget:
        return _enabled(max(thinking, SMALLEST_BUDGET))
    return _with_effort(next((level for level in ("low", "medium") if thinking <= BUDGETS[level]), "high"), family)


def _enabled(budget: int) -> dict[str, Any]:
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _off(family: Family) -> dict[str, Any]:
    # Some always think: they are asked for as little as they can.
    return {"output_config": {"effort": family.efforts[0]}} if family.off is None else {"thinking": dict(family.off)}


def _with_effort(level: str, family: Family) -> dict[str, Any]:
    """The effort of that name, or the next lower one that the family knows."""
    wanted = EFFORTS.index(level) if level in EFFORTS else 0
    effort = [known for known in family.efforts if EFFORTS.index(known) <= wanted][-1]
    return {"thinking": dict(_ADAPTIVE), "output_config": {"effort": effort}}
