"""A team as HTML that needs nothing: a fold an agent with its runs, and a timeline as a table."""

from __future__ import annotations

import re
from html import escape

from .clean import shorten
from .formulas import UNTOUCHED
from .html import run_html
from .markdown import sanitize
from .palette import STYLES, mark
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
from .values import Error, Text

__all__ = ["LONGEST_PROMPT", "team_html", "team_live_html", "timeline_heads"]

#: Of a longer prompt its beginning and end are shown.
LONGEST_PROMPT = 1_000
_LONGEST_EXCERPT = 90
_MARKS = re.compile(r"\*\*|__|`|^[ \t]*(?:#{1,6}|>|[-*+])[ \t]+", re.MULTILINE)


def team_html(team: TeamTold, *, static: bool = False) -> str:
    """The team as it ended, for the notebook file. `static` leaves out what differs from run to run: times.

    Who answered last where one was asked, or one after another, is unfolded; who was not asked is named in a line.
    """
    among = max(1, sum(len(member.runs) for member in team.members))
    opened = _opened(team)
    asked, others = parted(team)
    parts = [_member(member, among, opened=member.name == opened, static=static) for member in asked]
    if others:
        parts.append(_div("alloy-notice", "notice", escape(not_asked_words(others), quote=False)))
    return sanitize(_root("run", [*parts, _timeline(team, static=static), _foot(team, static=static)]), pictures=True)


def team_live_html(team: TeamTold, stop: str) -> str:
    """How the team stands, in short, for a display that is sent anew and anew: a line an agent."""
    lines = [_div("alloy-tool", "still", _line(member)) for member in team.members]
    foot = _div("alloy-going-on", "going-on", escape(stop))
    return sanitize(_root("run-live", [*lines, _foot(team, static=True), foot]))


def timeline_heads(*, static: bool) -> list[str]:
    """What stands above the columns of a timeline."""
    return ["agent", "status", *([] if static else ["began after", "took"]), "tokens", "cost"]


def _opened(team: TeamTold) -> str:
    if team.kind in ("handoff", "delegate"):
        return next((row.agent for row in reversed(team.rows) if row.kind == "run"), "")
    worked = [member.name for member in team.members if member.runs]
    return worked[0] if len(worked) == 1 else ""


def _root(style: str, parts: list[str]) -> str:
    return f'<div class="alloy-{style}" style="{STYLES[style]}">{"".join(parts)}</div>'


def _div(name: str, style: str, inner: str) -> str:
    return f'<div class="{name} {UNTOUCHED}" style="{STYLES[style]}">{inner}</div>'


def _foot(team: TeamTold, *, static: bool) -> str:
    return _div("alloy-foot", "foot", escape(" · ".join(team_words(team, static=static)), quote=False))


def _member(member: MemberTold, among: int, *, opened: bool, static: bool) -> str:
    if not member.runs:
        return _div("alloy-tool", "still", _line(member))
    earlier = earlier_words(member)
    runs = [_div("alloy-notice", "notice", escape(earlier))] if earlier else []
    for transcript in member.runs:
        if transcript.prompt:
            asked = escape(shorten(transcript.prompt, LONGEST_PROMPT), quote=False)
            runs.append(_div("alloy-said", "asked", asked))
        runs.append(run_html(transcript, static=static, among=among))
    summary = f'<span style="{STYLES["line"]}">{_line(member, told=opened)}</span>'
    return (
        f'<details class="alloy-fold"{" open" if opened else ""} style="{STYLES["fold"]}">'
        f'<summary class="{UNTOUCHED}" style="{STYLES["summary"]}">{summary}</summary>'
        f'<div class="alloy-agent" style="{STYLES["agent"]}">{"".join(runs)}</div></details>'
    )


def _line(member: MemberTold, *, told: bool = False) -> str:
    """One quiet line: mark, name, how its answer begins unless that is `told` below, and at the right the facts."""
    sign, colour = STATE_MARKS.get(member.state, ("○", None))
    parts = [
        f'<span style="{mark(colour) if colour else STYLES["quiet"]}">{sign}</span>',
        f'<strong style="{STYLES["strong"]}">{escape(member.name, quote=False)}</strong>',
    ]
    excerpt = "" if told else _excerpt(member)
    if excerpt:
        parts.append(f'<span style="{STYLES["excerpt"]}">{escape(excerpt, quote=False)}</span>')
    facts = escape(" · ".join(member_words(member)), quote=False)
    return " ".join([*parts, f'<span style="{STYLES["right"]}">{facts}</span>'])


def _excerpt(member: MemberTold) -> str:
    """How its last answer begins, without the marks of Markdown; of one that failed, why."""
    blocks = member.runs[-1].blocks if member.runs else []
    if blocks and isinstance(blocks[-1], Error):
        said = blocks[-1].message
    else:
        answer = next((b.markdown for b in reversed(blocks) if isinstance(b, Text) and b.by == "model"), "")
        words, fence, code = answer[: 8 * _LONGEST_EXCERPT].partition("```")
        said = _MARKS.sub("", words)
        if fence and not said.strip():  # it begins with code: the words behind that, else the code
            inside, _, behind = code.partition("\n")[2].partition("```")
            said = _MARKS.sub("", behind.partition("```")[0]).strip() or inside
    line = " ".join(said[: 8 * _LONGEST_EXCERPT].split())
    return line if len(line) <= _LONGEST_EXCERPT else line[: _LONGEST_EXCERPT - 1] + "…"


def _timeline(team: TeamTold, *, static: bool) -> str:
    """A plain table; each cell says for itself how it stands, since JupyterLab stripes and right-aligns tables."""
    if not team.rows:
        return ""
    heads = timeline_heads(static=static)
    sides = ["cell", "cell", *["cell-right"] * (len(heads) - 2)]
    rows, left_out = newest_rows(team)
    began = min(row.start_ms for row in team.rows)

    def line(tag: str, cells: list[str]) -> str:
        inner = "".join(
            f'<{tag} style="{STYLES[side]}">{escape(cell, quote=False)}</{tag}>'
            for side, cell in zip(sides, cells, strict=True)
        )
        return f"<tr>{inner}</tr>"

    body = "".join(line("td", row_cells(row, began, static=static)) for row in rows)
    table = (
        f'<table class="{UNTOUCHED}" style="{STYLES["table"]}"><thead>{line("th", heads)}</thead>'
        f"<tbody>{body}</tbody></table>"
    )
    head = _div("alloy-notice", "notice", escape(left_out)) if left_out else ""
    return f'{head}<div style="{STYLES["table-box"]}">{table}</div>'
