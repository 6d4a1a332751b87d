"""A team, and what a broadcast came to, as tables: in plain text, and as HTML that is text and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from ..counting import counted
from .clean import shown
from .wording import cost_words, token_words

if TYPE_CHECKING:
    from ..result import Result
    from ..team import Team

__all__ = ["results_bundle", "results_text", "team_bundle", "team_text"]

_LONGEST = 100

Rows = Sequence[Sequence[str]]


def results_text(results: Mapping[str, Result]) -> str:
    """A line a member: name, how its run ended, the beginning of what it said or of what went wrong."""
    return _columns(_result_rows(results)) or "(nobody was asked)"


def results_bundle(results: Mapping[str, Result]) -> dict[str, Any]:
    """The same for a notebook."""
    rows, plain = _result_rows(results), results_text(results)
    html = _table(("agent", "status", "answer"), rows) if rows else f"<p>{escape(plain)}</p>"
    return {"text/plain": plain, "text/html": html}


def team_text(team: Team) -> str:
    """A line for the team, and one for each member: how it is, its messages, tokens and cost."""
    count = len(team)
    head = f"Team {team.name}: {counted(count, 'agent')}"
    return "\n".join(line for line in (head, _columns(_member_rows(team), "  ")) if line)


def team_bundle(team: Team) -> dict[str, Any]:
    """The same for a notebook."""
    columns = ("agent", "status", "messages", "tokens", "cost", "troubles")
    return {"text/plain": team_text(team), "text/html": _table(columns, _member_rows(team))}


def _result_rows(results: Mapping[str, Result]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for name, result in results.items():
        said = result.text if result.ok or result.error is None else result.error.message
        rows.append((shown(name), result.status, _one_line(said)))
    return rows


def _member_rows(team: Team) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for name, health in team.health().items():
        agent = team.get(name)
        used = health.usage.total_tokens
        cost = cost_words(agent.cost) if agent is not None and used else ""
        crashed = counted(health.crashes, "crash", "crashes") if health.crashes else ""
        given_up = f"{health.abandoned} given up" if health.abandoned else ""
        troubles = " · ".join(words for words in (crashed, given_up) if words)
        messages = counted(health.message_count, "message")
        rows.append((shown(name), health.status, messages, f"{token_words(used)} tokens", cost, troubles))
    return rows


def _one_line(text: str) -> str:
    line = " ".join(shown(text[: 4 * _LONGEST]).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _columns(rows: Rows, indent: str = "") -> str:
    if not rows:
        return ""
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, wide, strict=True)) for row in rows)
    return "\n".join(indent + line.rstrip() for line in lines)


def _table(columns: Sequence[str], rows: Rows) -> str:
    head = "".join(f"<th{_LEFT}>{escape(name)}</th>" for name in columns)
    body = "".join("<tr>" + "".join(f"<td{_LEFT}>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


_LEFT = ' style="text-align: left"'
