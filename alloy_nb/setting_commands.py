"""The words with a slash that tell what is set, and set it from now on; see `commands`."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import AlloyError, ConfigError
from .options import nearest
from .plain import one_line
from .redaction import redact_line
from .usage import UNPRICED, Budget, dollar_words

if TYPE_CHECKING:
    from .places import Place

__all__ = [
    "POLICIES",
    "budget_words",
    "folder_words",
    "policy_named",
    "read_budget",
    "set_approval",
    "set_budget",
    "set_tools",
    "tell",
]

#: What each policy does; nothing could resume what `pause` leaves in a conversation of ours.
POLICIES = {
    "ask": "you are asked about calls that change or run something",
    "auto": "every call is allowed, and nobody is asked",
    "deny": "every call that you would be asked about is refused",
}
_NAMES = re.compile(r"[,\s]+")


def set_tools(place: Place, argument: str) -> None:
    """``/tools [NAMES]``"""
    if argument:
        names = list(dict.fromkeys(name for name in _NAMES.split(argument) if name))
        place.set_tools([] if names == ["none"] else names)
    place.say(f"tools: {', '.join(place.tool_names()) or 'none'}")


def set_approval(place: Place, argument: str) -> None:
    """``/approval [POLICY]``"""
    if argument:
        place.set_approval(argument)
    name = place.approval()
    place.say(f"approval: {name} ({POLICIES.get(name, 'decides on each call')})")


def set_budget(place: Place, argument: str) -> None:
    """``/budget [DOLLARS]``"""
    if argument:
        place.set_budget(None if argument == "none" else argument)
    budget = place.budget()
    place.say(f"budget: {budget_words(budget)}")
    if argument and budget is not None and "usd" in budget.limits:
        _note_unpriced(place)


def _note_unpriced(place: Place) -> None:
    """That of the model that answers, dollars cannot be counted: else the next question would tell it."""
    from .candidates import is_priced

    try:
        provider = place.provider()
    except AlloyError:  # there is no model yet, which is told where one is asked
        return
    if not is_priced(provider):
        label = one_line(redact_line(f"{provider.name}:{provider.model}"), 80)
        place.say(f"The price of {label} is not known: it is not asked as long as dollars are limited. {UNPRICED}.")


def tell(place: Place, argument: str) -> None:
    """``/config``"""
    if argument:
        raise ConfigError(f"/config takes no argument, and was given {argument[:40]!r}", hint="write /config alone")
    settings = place.settings()
    wide = max(map(len, settings)) + 1
    place.say("\n".join(f"{name + ':':<{wide}} {redact_line(value)}" for name, value in settings.items()))


def policy_named(name: str, also: str = "") -> str:
    """The policy of that name. Raises `ConfigError`, which names those there are, and what else (`also`) may be given.

    >>> policy_named("auto")
    'auto'
    """
    if name in POLICIES:
        return name
    near = nearest(name.lower(), list(POLICIES))
    raise ConfigError(
        f"/approval: there is no policy {one_line(name, 40)!r}",
        hint=(f"did you mean {near}? " if near else "") + f"give {', '.join(POLICIES)}{also}",
    )


def read_budget(text: str, option: str = "/budget", also: str = "; none takes it away") -> Budget:
    """A budget of so many dollars; what `also` may be given is in the hint of the `ConfigError`.

    >>> read_budget("$0.50").limits
    {'usd': 0.5}
    """
    try:
        dollars = float(text.removeprefix("$"))
    except ValueError:
        dollars = math.nan
    if not 0 <= dollars < math.inf:
        raise ConfigError(f"{option} is {one_line(text, 40)!r}", hint=f"give dollars, as in {option} 0.50{also}")
    return Budget(usd=dollars)


def folder_words(folder: Path, variable: str) -> str:
    """A folder, and the environment variable that names it where one does."""
    return f"{folder} (environment variable {variable})" if os.environ.get(variable, "").strip() else str(folder)


def budget_words(budget: Budget | None) -> str:
    """What is spent of it, by each limit.

    >>> budget_words(Budget(usd=0.5, tokens=1000)), budget_words(None)
    ('$0 of $0.50 spent, 0 of 1,000 tokens spent', 'none')
    """
    return "none" if budget is None else ", ".join(_limits(budget))


def _limits(budget: Budget) -> Sequence[str]:
    from .render.wording import cost_words

    spent = budget.spent
    return [
        f"{cost_words(spent[name])} of {dollar_words(limit)} spent"
        if name == "usd"
        else f"{spent[name]:,.0f} of {limit:,.0f} {name.replace('_', ' ')} spent"
        for name, limit in budget.limits.items()
    ]
