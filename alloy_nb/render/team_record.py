"""The record of a team: the records of its runs by agent, and the timeline, as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from ..errors import ConfigError
from .record import RECORD_BYTES, RECORD_VERSION, from_record, read_number, read_word, to_record
from .team_values import KINDS, STATES, MemberTold, Row, TeamTold, summed

__all__ = ["from_team_record", "is_team_record", "to_team_record"]

#: No run's record is cut below this many bytes; where that is too much for all of them, the oldest are left out.
_LEAST_BYTES = 2_000
_ROW_BYTES = 300
_MOST_ROWS = 200


def to_team_record(team: TeamTold, *, messages: bool = True, limit: int = RECORD_BYTES) -> dict[str, Any]:
    """The team as it is now, in about `limit` bytes at most: the runs share them."""
    rows = list(team.rows)[-min(_MOST_ROWS, limit // 2 // _ROW_BYTES) :]
    room = limit - len(rows) * _ROW_BYTES - 200 * len(team.members)
    count = sum(len(member.runs) for member in team.members)
    kept = max(1, room // _LEAST_BYTES)
    left_out = max(0, count - kept)
    share = max(_LEAST_BYTES, room // max(1, min(count, kept)))
    members = []
    for member in team.members:
        gone = min(left_out, len(member.runs))
        left_out -= gone
        runs = [to_record(run, messages=messages, limit=share) for run in member.runs[gone:]]
        told = {"name": member.name, "state": member.state, "model": member.model, "runs": runs}
        earlier = member.earlier + gone
        members.append({**told, "earlier": earlier} if earlier else told)
    timeline = [{name: value for name, value in asdict(row).items() if value not in ("", None, 0)} for row in rows]
    return {"v": RECORD_VERSION, "team": team.name, "kind": team.kind, "members": members, "timeline": timeline}


def is_team_record(record: Any) -> bool:
    return isinstance(record, Mapping) and isinstance(record.get("team"), str) and "members" in record


def from_team_record(record: Any) -> TeamTold:
    """Read what `to_team_record` wrote. Raises `ConfigError` for a version that is newer than this one."""
    version = record.get("v")
    if not isinstance(version, int) or version > RECORD_VERSION:
        raise ConfigError("this team record is newer than this alloy_nb reads, or is none", hint="upgrade alloy-nb")
    rows = tuple(_row(item) for item in _mappings(record, "timeline"))
    return TeamTold(
        read_word(record, "team"),
        read_word(record, "kind"),
        tuple(_member(item, rows) for item in _mappings(record, "members")),
        rows,
    )


def _member(item: Mapping[str, Any], rows: tuple[Row, ...]) -> MemberTold:
    name, state = read_word(item, "name"), read_word(item, "state")
    tokens, cost = summed(row for row in rows if row.kind == "run" and row.agent == name)
    runs = tuple(from_record(run) for run in _mappings(item, "runs"))
    earlier = max(0, int(_number(item, "earlier") or 0))
    return MemberTold(
        name, state if state in STATES else "idle", "", read_word(item, "model"), tokens, cost, runs, earlier
    )


def _row(item: Mapping[str, Any]) -> Row:
    kind = read_word(item, "kind")
    end = _number(item, "end_ms")
    return Row(
        kind if kind in KINDS else "run",
        read_word(item, "agent"),
        int(_number(item, "start_ms") or 0),
        None if end is None else int(end),
        read_word(item, "status"),
        int(_number(item, "tokens") or 0),
        _number(item, "cost"),
        read_word(item, "to"),
    )


def _mappings(record: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    items = record.get(key)
    return (item for item in items if isinstance(item, Mapping)) if isinstance(items, list) else iter(())


def _number(record: Mapping[str, Any], key: str) -> float | None:
    value = read_number(record, key)
    return value if value is not None and -1e15 < value < 1e15 else None
