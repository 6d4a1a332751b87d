"""A team in every form at once, as Jupyter keeps an output."""

from __future__ import annotations

from typing import Any

from .bundle import RECORD_MIME, Kept
from .clean import shorten
from .quoted import continued, inline
from .team_html import LONGEST_PROMPT, team_html, timeline_heads
from .team_record import to_team_record
from .team_values import MemberTold, TeamTold
from .team_wording import (
    STATE_MARKS,
    earlier_words,
    member_words,
    newest_rows,
    not_asked_words,
    parted,
    row_cells,
    team_words,
)
from .text import to_text

__all__ = ["team_bundle", "team_markdown", "team_plain"]

_LONGEST_PLAIN = 10_000
_SUMMARY_BYTES = 16_000


def team_bundle(team: TeamTold, *, static: bool = False, record: Kept = "off") -> dict[str, Any]:
    """MIME type -> data: HTML, Markdown, plain text and, when asked for, the team's record; as `bundle` for a run.

    >>> sorted(team_bundle(TeamTold("crew"), static=True))
    ['text/html', 'text/markdown', 'text/plain']
    """
    plain = team_plain(team, static=static)
    data: dict[str, Any] = {
        "text/html": team_html(team, static=static),
        "text/markdown": team_markdown(team, static=static),
        "text/plain": plain if static else shorten(plain, _LONGEST_PLAIN),
    }
    if record == "full":
        data[RECORD_MIME] = to_team_record(team)
    elif record == "summary":
        data[RECORD_MIME] = to_team_record(team, messages=False, limit=_SUMMARY_BYTES)
    return data


def team_markdown(team: TeamTold, *, static: bool = False) -> str:
    """The team as Markdown that runs and loads nothing: each agent's answer below its name, then the timeline."""
    parts: list[str] = []
    doubtful = False
    asked, others = parted(team)
    for member in asked:
        parts.append(f"{_mark(member)} **{inline(member.name)}** — {inline(' · '.join(member_words(member)))}")
        if earlier := earlier_words(member):
            parts.append(f"*{earlier}*")
        for transcript in member.runs:
            if transcript.prompt:
                parts.append(f"> {inline(shorten(transcript.prompt, LONGEST_PROMPT))}")
            said, doubtful = continued(transcript, static=static, doubtful=doubtful)
            parts += [said] if said else []
    if others:
        parts.append(f"*{inline(not_asked_words(others))}*")
    if team.rows:
        parts.append(_table(team, static=static))
    return "\n\n".join([*parts, f"*{inline(' · '.join(team_words(team, static=static)))}*"])


def _table(team: TeamTold, *, static: bool) -> str:
    heads = timeline_heads(static=static)
    rule = ["---", "---", *["---:"] * (len(heads) - 2)]
    began = min(row.start_ms for row in team.rows)
    told, left_out = newest_rows(team)
    rows = [[inline(cell) for cell in row_cells(row, began, static=static)] for row in told]
    table = "\n".join("| " + " | ".join(cells) + " |" for cells in (heads, rule, *rows))
    return f"*{left_out}*\n\n{table}" if left_out else table


def team_plain(team: TeamTold, *, static: bool = False) -> str:
    """The same as plain text."""
    parts: list[str] = []
    asked, others = parted(team)
    for member in asked:
        parts.append(f"{_mark(member)} {member.name} — {' · '.join(member_words(member))}")
        parts.append(_indented(earlier_words(member), "  "))
        for transcript in member.runs:
            if transcript.prompt:
                parts.append(_indented(shorten(transcript.prompt, LONGEST_PROMPT), "  > "))
            parts.append(_indented(to_text(transcript, static=static), "  "))
    if others:
        parts.append(not_asked_words(others))
    if team.rows:
        began = min(row.start_ms for row in team.rows)
        rows, left_out = newest_rows(team)
        lines = [_plain_row(row_cells(row, began, static=static)) for row in rows]
        parts.append("\n".join([*([left_out] if left_out else []), *lines]))
    return "\n\n".join([*(part for part in parts if part), " · ".join(team_words(team, static=static))])


def _plain_row(cells: list[str]) -> str:
    return "  ".join(cell for cell in cells if cell)


def _indented(text: str, indent: str) -> str:
    return "\n".join(f"{indent}{line}".rstrip() for line in text.split("\n")) if text else ""


def _mark(member: MemberTold) -> str:
    return STATE_MARKS.get(member.state, ("○", None))[0]
