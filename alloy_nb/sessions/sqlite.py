"""Sessions in a SQLite file."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import SessionError
from ..folders import data_folder
from ..session import SessionInfo

__all__ = ["SQLiteStore"]

#: The form of the tables; a file of a newer one is refused.
SCHEMA = 1
#: How long to wait for another process that writes, in seconds.
PATIENCE = 10.0

_TABLES = """
CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, created_at TEXT NOT NULL, updated_at TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS records (
    session TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (session, number)
) STRICT, WITHOUT ROWID;
"""


class SQLiteStore:
    """A `SessionStore` in one file, which only its owner can read (mode 0600); by default in the user's data folder.

    It is opened when it is first used. Several threads and processes may use one file: what `append` is given is
    stored together or not at all, and one waits for the other. Raises `SessionError`.

    >>> SQLiteStore("work/sessions.sqlite").path.name
    'sessions.sqlite'
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = Path(path).expanduser().absolute() if path is not None else data_folder() / "sessions.sqlite"
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._opened_by = 0

    def append(self, session_id: str, records: Sequence[Mapping[str, Any]]) -> None:
        """Store these after those that are there, all of them or none."""
        lines = [json.dumps(record, ensure_ascii=False, default=str) for record in records]
        now = datetime.now(UTC).isoformat()
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO sessions VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET updated_at = excluded.updated_at",
                (session_id, now, now),
            )
            last = connection.execute("SELECT max(number) FROM records WHERE session = ?", (session_id,)).fetchone()[0]
            connection.executemany(
                "INSERT INTO records VALUES (?, ?, ?)",
                [(session_id, number, line) for number, line in enumerate(lines, (last or 0) + 1)],
            )

    def read(self, session_id: str) -> list[dict[str, Any]]:
        """All records of a session, in order; ``[]`` for one that is not there."""
        with self._using() as connection:
            rows = connection.execute(
                "SELECT record FROM records WHERE session = ? ORDER BY number", (session_id,)
            ).fetchall()
        return [json.loads(line) for (line,) in rows]

    def list(self) -> list[SessionInfo]:
        """The sessions that are there, the newest first."""
        with self._using() as connection:
            rows = connection.execute(
                "SELECT id, created_at, updated_at, (SELECT count(*) FROM records WHERE session = id) FROM sessions "
                "ORDER BY updated_at DESC, id"
            ).fetchall()
        return [
            SessionInfo(name, datetime.fromisoformat(created), datetime.fromisoformat(updated), count)
            for name, created, updated, count in rows
        ]

    def delete(self, session_id: str) -> bool:
        """Forget a session; False when it is not there."""
        with self._writing() as connection:
            return connection.execute("DELETE FROM sessions WHERE id = ?", (session_id,)).rowcount > 0

    def close(self) -> None:
        """Close the file; a later use opens it anew."""
        with self._lock:
            if self._connection is not None and self._opened_by == os.getpid():
                self._connection.close()
            self._connection = None

    def __repr__(self) -> str:
        return f"SQLiteStore({str(self.path)!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__init__(state["path"])  # type: ignore[misc]

    # -- the file -------------------------------------------------------------------------------------------------

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one thread at a time; what SQLite says is told as a `SessionError`."""
        with self._lock:
            try:
                yield self._connected()
            except sqlite3.Error as error:
                raise SessionError(f"{self.path}: {error}", hint=_hint(error)) from error
            except OSError as error:
                raise SessionError(
                    f"cannot open {self.path}: {error.strerror or error}",
                    hint="name a file that can be written: store=alloy.SQLiteStore(path)",
                ) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._using() as connection:
            connection.execute("BEGIN IMMEDIATE")  # nobody else writes between what is read here and what is written
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _connected(self) -> sqlite3.Connection:
        # A connection must not be taken along into a forked child, nor closed there.
        if self._connection is None or self._opened_by != os.getpid():
            self._connection = self._open()
            self._opened_by = os.getpid()
        return self._connection

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Made here, so that it is private from its first byte; SQLite gives its own files beside it the same mode.
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")  # what is committed survives also a loss of power
            connection.execute("PRAGMA foreign_keys = ON")
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > SCHEMA:
                raise SessionError(
                    f"{self.path} was written by a newer alloy_nb (schema {version})", hint="upgrade alloy-nb"
                )
            if version < SCHEMA:
                connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {SCHEMA}; COMMIT;")
        except BaseException:
            connection.close()
            raise
        return connection


def _hint(error: sqlite3.Error) -> str:
    if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
        return "another process has been writing into it for a long time"
    if isinstance(error, sqlite3.DatabaseError) and "not a database" in str(error):
        return "this file is something else: name another one, store=alloy.SQLiteStore(path)"
    return "is there room on the disk, and may the file be written?"
