"""What a Gemini model's name tells of it: its generation, and how much it can be asked to think."""

from __future__ import annotations

import re
from typing import Any

from ..options import wrong_choice

__all__ = ["generation", "thinking_config", "thinking_level"]

_NUMBER = re.compile(r"gemini-(\d+)(?:\.(\d+))?")
#: ``gemini-flash-latest`` and its like: the newest model there is, of this generation at least.
_LATEST = re.compile(r"gemini-.*latest")

#: Tokens of thinking for each word, for models that take a budget. -1 lets the model choose, 0 turns thinking off.
_BUDGETS = {"none": 0, "off": 0, "minimal": 512, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 32768}
#: Least and most that a model with a budget takes, by what is in its name, and whether it can be turned off.
_RANGES = (("pro", 128, 32768, False), ("lite", 512, 24576, True), ("", 1, 24576, True))
#: The largest budget that still counts as this level, for models that take levels.
_LEVELS = (("minimal", 512), ("low", 2048), ("medium", 8192))


def generation(model: str) -> tuple[int, int]:
    """``(2, 5)`` for ``gemini-2.5-flash``; ``(0, 0)`` for a model that tells nothing by its name.

    >>> generation("gemini-3-flash-preview"), generation("gemini-flash-latest"), generation("gemma-3-27b-it")
    ((3, 0), (3, 0), (0, 0))
    """
    if number := _NUMBER.search(model):
        return int(number[1]), int(number[2] or 0)
    return (3, 0) if _LATEST.search(model) else (0, 0)


def thinking_config(thinking: bool | str | int, model: str) -> dict[str, Any] | None:
    """The ``thinkingConfig`` of a request; None where there is nothing to say.

    >>> thinking_config("low", "gemini-3-flash-preview")
    {'includeThoughts': True, 'thinkingLevel': 'low'}
    >>> thinking_config(False, "gemini-2.5-flash")
    {'thinkingBudget': 0}
    """
    off = _is_off(thinking)
    if generation(model) >= (3, 0):
        level = thinking_level(thinking, model)
        return ({} if off else {"includeThoughts": True}) | ({"thinkingLevel": level} if level else {})
    if generation(model) < (2, 5) and off:
        return None  # it does not think, and refuses to be told so
    return _with_budget(thinking, model, off=off)


def thinking_level(thinking: bool | str | int, model: str) -> str | None:
    """The level for models that take one and cannot be turned off; None for the model's own choice."""
    if _is_off(thinking):
        level: str | None = "minimal"
    elif isinstance(thinking, str):
        level = thinking
    elif thinking is True or thinking < 0:
        level = None
    else:
        level = next((level for level, most in _LEVELS if thinking <= most), "high")
    return "low" if level == "minimal" and "pro" in model else level


def _is_off(thinking: bool | str | int) -> bool:
    """Whether no thinking is asked for, also by a budget of 0, which equals False."""
    if isinstance(thinking, str) and thinking not in _BUDGETS:
        raise wrong_choice("thinking", thinking, list(_BUDGETS))
    return thinking in (False, "none", "off")


def _with_budget(thinking: bool | str | int, model: str, *, off: bool) -> dict[str, Any]:
    least, most, can_be_off = next(row[1:] for row in _RANGES if row[0] in model)
    if off:
        return {"thinkingBudget": 0 if can_be_off else least}
    budget = -1 if thinking is True else _BUDGETS[thinking] if isinstance(thinking, str) else thinking
    if budget > 0:
        budget = min(max(budget, least), most)
    return {"includeThoughts": True, "thinkingBudget": max(budget, -1)}
