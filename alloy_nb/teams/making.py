"""Taking agents into a team: from options or as they are, checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..agent import Agent
from ..articles import a_kind
from ..errors import AlloyError, ConfigError
from ..options import make_options, nearest
from ..plain import revealed_name
from .members import Home, Member

__all__ = ["check_list", "check_team", "checked_handoffs", "make_member", "unknown"]


def check_team(agents: Any, context: Any, budget: Any, timeout: Any, name: Any) -> None:
    """Wrong values are said here, before anything is made."""
    if not isinstance(agents, Mapping):
        raise ConfigError(
            f"agents is {a_kind(agents)}",
            hint="give a dict of names: alloy.Team({'coder': alloy.Agent(...), 'critic': dict(model=...)})",
        )
    if not _is_name(name):
        raise ConfigError(f"name is {name!r}", hint="give a text on one line, without a slash, such as 'team'")
    if context is not None and not isinstance(context, Mapping):
        raise ConfigError(f"context is {context!r}", hint="give a mapping, such as a dict")
    # Checked as an agent's own are.
    make_options({"budget": budget, "timeout": timeout})


def check_list(names: Any) -> None:
    """A name alone would be taken for its letters."""
    if isinstance(names, str):
        raise ConfigError(f"names is the string {names!r}", hint=f"give a list: [{names!r}]")


def make_member(name: str, given: Any, home: Home, clock: Callable[[], float]) -> Member:
    """A member from an agent, or from the options of one; a `ConfigError` names the one that cannot be made."""
    if not _is_name(name):
        hint = "give a text on one line, without a slash, such as 'coder'"
        raise ConfigError(f"{name!r} is no name for an agent", hint=hint)
    if isinstance(given, Agent):
        agent = given
    elif isinstance(given, Mapping):
        agent = _agent_of(name, given)
    else:
        raise ConfigError(
            f"agent {name!r} is {a_kind(given)}",
            hint="give an alloy.Agent, or its options as a dict: {'coder': dict(model=..., tools=[...])}",
        )
    if agent.dialogue.host is not None:
        raise ConfigError(f"agent {name!r} works in a team already", hint="give a fork of it: agent.fork()")
    try:
        agent.dialogue.check_idle()
    except AlloyError as error:
        raise ConfigError(f"agent {name!r} cannot be taken in: {error.message}", hint=error.hint) from error
    member = Member(name, agent, home, own=agent is not given, clock=clock)
    agent.dialogue.host = member
    return member


def _is_name(name: object) -> bool:
    """It is part of paths, and stands in prompts, tables and logs as it is: nothing in it may be hidden."""
    return isinstance(name, str) and bool(name.strip()) and "/" not in name and revealed_name(name) == name


def _agent_of(name: str, options: Mapping[str, Any]) -> Agent:
    try:
        return Agent(**{"name": name, **options})
    except AlloyError as error:
        raise ConfigError(f"agent {name!r} could not be made: {error.message}", hint=error.hint) from error
    except TypeError as error:  # a key that is no text
        hint = "options are words: {'coder': dict(model=..., tools=[...])}"
        raise ConfigError(f"agent {name!r} could not be made: {error}", hint=hint) from error


def checked_handoffs(handoffs: Mapping[str, Sequence[str]], names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Who may hand over to whom, all of them members."""
    for name, others in handoffs.items():
        if isinstance(others, str):
            raise ConfigError(f"handoffs of {name!r} is a string", hint=f"give a list: {{{name!r}: [{others!r}]}}")
        for one in (name, *others):
            if one not in names:
                raise unknown(one, names)
    return {name: tuple(others) for name, others in handoffs.items()}


def unknown(name: Any, names: Sequence[str]) -> ConfigError:
    """What to raise for a name that no member has."""
    near = nearest(str(name), names)
    known = "the agents are: " + ", ".join(names) if names else "the team is empty: team.add(name, agent)"
    return ConfigError(f"no agent {name!r} is in the team", hint=f"did you mean {near!r}?" if near else known)
