"""Taking agents into a team: from options or as they are, checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..agent import Agent
from ..articles import a_kind
from ..errors import AlloyError, ConfigError
from ..options import make_options, nearest
from ..plain import revealed_name
from .handing_over import Handoff, transfer_names
from .members import Home, Member

__all__ = ["check_context", "check_list", "check_team", "checked_handoffs", "make_member", "tools_of", "unknown"]


def check_team(agents: Any, context: Any, budget: Any, timeout: Any, name: Any) -> None:
    """Wrong values are said here, before anything is made."""
    if not isinstance(agents, Mapping):
        raise ConfigError(
            f"agents is {a_kind(agents)}",
            hint="give a dict of names: alloy.Team({'coder': alloy.Agent(...), 'critic': dict(model=...)})",
        )
    if not _is_name(name):
        raise ConfigError(f"name is {name!r}", hint="give a text on one line, without a slash, such as 'team'")
    if context is not None:
        check_context(context)
    # Checked as an agent's own are.
    make_options({"budget": budget, "timeout": timeout})


def check_context(context: Any) -> None:
    """What is to be shared has names."""
    if not isinstance(context, Mapping):
        raise ConfigError(f"context is {context!r}", hint="give a mapping, such as a dict")


def check_list(names: Any) -> None:
    """Names, and no name alone, which would be taken for its letters."""
    if isinstance(names, str):
        raise ConfigError(f"names is the string {names!r}", hint=f"give a list: [{names!r}]")
    if not isinstance(names, Iterable):
        raise ConfigError(f"names is {names!r}", hint="give a list of members' names: ['coder', 'critic']")


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


def checked_handoffs(handoffs: Any, agents: Mapping[str, Agent]) -> dict[str, dict[str, Handoff]]:
    """Who may hand over to whom, and how, all of them members."""
    if not isinstance(handoffs, Mapping):
        raise ConfigError(
            f"handoffs is {a_kind(handoffs)}", hint="give a dict of names: {'triage': ['coder', 'critic']}"
        )
    found: dict[str, dict[str, Handoff]] = {}
    for name, others in handoffs.items():
        if isinstance(others, str):
            raise ConfigError(f"handoffs of {name!r} is a string", hint=f"give a list: {{{name!r}: [{others!r}]}}")
        if not isinstance(others, Iterable):
            raise ConfigError(f"handoffs of {name!r} is {others!r}", hint=f"give a list: {{{name!r}: ['coder']}}")
        given = [other if isinstance(other, Handoff) else Handoff(other) for other in others]
        found[name] = {_named(handoff.agent, agents): handoff for handoff in given}
        for one in (name, *found[name]):
            if one not in agents:
                raise unknown(one, list(agents))
        tools_of(found[name])
    return found


def tools_of(handoffs: Mapping[str, Handoff]) -> Sequence[str]:
    """What the tools are called that hand over so."""
    return transfer_names(handoffs, [handoff.name for handoff in handoffs.values()])


def _named(agent: Any, agents: Mapping[str, Agent]) -> str:
    """What a member is called that is meant by its name, or by the agent itself."""
    if isinstance(agent, str):
        return agent
    found = next((name for name, member in agents.items() if member is agent), None)
    if found is None:
        raise ConfigError(
            f"handoffs holds {agent!r}, which is not in the team",
            hint="give the name of a member: {'triage': [alloy.Handoff('coder', filter=...)]}",
        )
    return found


def unknown(name: Any, names: Sequence[str]) -> ConfigError:
    """What to raise for a name that no member has."""
    near = nearest(str(name), names)
    known = "the agents are: " + ", ".join(names) if names else "the team is empty: team.add(name, agent)"
    return ConfigError(f"no agent {name!r} is in the team", hint=f"did you mean {near!r}?" if near else known)
