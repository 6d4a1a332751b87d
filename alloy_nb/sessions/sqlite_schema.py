"""The tables of sessions in a SQLite file, and how a file of an earlier form comes to have them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping

from .summary import Summary

__all__ = ["SCHEMA", "migrate", "version_of"]


def _first(connection: sqlite3.Connection) -> None:
    connection.execute(
        "CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, created_at TEXT NOT NULL, updated_at TEXT NOT NULL) "
        "STRICT"
    )
    connection.execute(
        "CREATE TABLE IF NOT EXISTS records (session TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE, "
        "number INTEGER NOT NULL, record TEXT NOT NULL, PRIMARY KEY (session, number)) STRICT, WITHOUT ROWID"
    )


def _summaries(connection: sqlite3.Connection) -> None:
    """How many records there are and what a list shows of them: no longer counted or read each time."""
    for column in ("records INTEGER", "title TEXT", "model TEXT", "messages INTEGER"):
        empty = "''" if column.endswith("TEXT") else "0"
        connection.execute(f"ALTER TABLE sessions ADD COLUMN {column} NOT NULL DEFAULT {empty}")
    for (name,) in connection.execute("SELECT id FROM sessions").fetchall():
        summary, count = Summary(), 0
        rows = connection.execute("SELECT record FROM records WHERE session = ? ORDER BY number", (name,))
        for (line,) in rows:
            count += 1
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):  # told when the session is read
                continue
            if isinstance(record, Mapping):
                summary = summary.after([record])
        connection.execute(
            "UPDATE sessions SET records = ?, title = ?, model = ?, messages = ? WHERE id = ?",
            (count, summary.title, summary.model, summary.messages, name),
        )


#: What makes a file of the form before it one of the next: never changed once released, only added to.
_STEPS: tuple[Callable[[sqlite3.Connection], None], ...] = (_first, _summaries)
#: The form of the tables; a file of a newer one is refused.
SCHEMA = len(_STEPS)


def version_of(connection: sqlite3.Connection) -> int:
    """The form that a file has; 0 is one without tables."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a file to this form, one step a transaction; another process may be at the same."""
    while version_of(connection) < SCHEMA:
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = version_of(connection)  # the other one may have been first
            if version < SCHEMA:
                _STEPS[version](connection)
                connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
