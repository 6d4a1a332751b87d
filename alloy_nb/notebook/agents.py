"""The agents and teams that variables hold, a line each."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..counting import counted
from ..errors import AlloyError
from ..plain import one_line
from ..redaction import redact
from .names import team_names

if TYPE_CHECKING:
    from ..agent import Agent
    from ..agent_health import Health
    from ..team import Team

__all__ = ["agent_lines"]


def agent_lines(names: Mapping[str, Any]) -> Sequence[str]:
    """Each one's variable, its model or its members, and how it is; agents first."""
    rows = [(name, _model(agent), _health(agent.health())) for name, agent in _agents(names)]
    for name in team_names(names):
        team: Team = names[name]
        called = "" if team.name == name else f" {team.name}"
        members = ", ".join(f"{key} {health.status}" for key, health in team.health().items())
        rows.append((name, f"team{called} of {len(team)}", members))
    rows = [(name, one_line(redact(what), 60), one_line(redact(state), 200)) for name, what, state in rows]
    wide = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    return [f"{name:<{wide[0]}}  {what:<{wide[1]}}  {state}".rstrip() for name, what, state in rows]


def _agents(names: Mapping[str, Any]) -> Sequence[tuple[str, Agent]]:
    if "alloy_nb.agent" not in sys.modules:  # none was made
        return []
    from ..agent import Agent

    return [(name, item) for name, item in names.items() if isinstance(item, Agent) and not name.startswith("_")]


def _model(agent: Agent) -> str:
    called = f"{agent.name}: " if agent.name else ""
    try:
        return f"{called}{agent.model}"
    except AlloyError as error:
        return f"{called}no model: {error.message}"


def _health(health: Health) -> str:
    parts = [
        health.status,
        counted(health.message_count, "message"),
        f"{health.usage.total_tokens:,} tokens",
        f"{health.pending_count} waiting" if health.pending_count else "",
    ]
    return ", ".join(filter(None, parts))
