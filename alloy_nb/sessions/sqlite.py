"""Sessions in a SQLite file."""

from __future__ import annotations

import os
import re
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from ..errors import ConfigError, SessionError
from ..folders import data_folder
from ..keywords import keywords_told
from ..plain import one_line
from ..session import SessionInfo
from .lines import check_count, from_lines, is_plain, refuse_newer, to_lines
from .sqlite_schema import SCHEMA, migrate, version_of
from .summary import Summary, infos_of

__all__ = ["SQLiteStore", "default_store", "have_journal", "make_private"]

#: How long to wait for another process that writes, in seconds.
PATIENCE = 10.0

_ANOTHER = "name another file: store=alloy.SQLiteStore(path)"
_URL = re.compile(r"file:|\w[\w+.-]+://", re.ASCII)

#: Connections of parent processes, which a forked child must not close.
_parents: list[sqlite3.Connection | None] = []


@keywords_told
class SQLiteStore:
    """A `SessionStore` in one file, which only its owner can read (mode 0600); by default in the user's data folder.

    It is opened when it is first used. Several threads and processes may use one file: what `append` is given is
    stored together or not at all, and one waits for the other. Raises `SessionError`, and `ConfigError` for what is no
    path.

    >>> SQLiteStore("work/sessions.sqlite").path.name
    'sessions.sqlite'
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = data_folder() / "sessions.sqlite" if path is None else _file_of(path)
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._pid = os.getpid()

    def append(self, session_id: str, records: Sequence[Mapping[str, Any]], *, after: int | None = None) -> None:
        """Store these after those that are there, all of them or none."""
        lines = to_lines(records)
        now = datetime.now(UTC).isoformat()
        with self._writing() as connection:
            # One row however long the session is.
            found = connection.execute(
                "SELECT records, title, model, messages FROM sessions WHERE id = ?", (session_id,)
            ).fetchone()
            before = Summary(*found or ())
            check_count(session_id, after, before.records)
            if not lines:
                return
            connection.execute(
                "INSERT INTO sessions (id, created_at, updated_at, records, title, model, messages) "
                "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET updated_at = excluded.updated_at, "
                "records = excluded.records, title = excluded.title, model = excluded.model, "
                "messages = excluded.messages",
                (session_id, now, now, *astuple(before.after(records))),
            )
            connection.executemany(
                "INSERT INTO records (session, number, record) VALUES (?, ?, ?)",
                [(session_id, number, line) for number, line in enumerate(lines, before.records + 1)],
            )

    def read(self, session_id: str) -> list[dict[str, Any]]:
        """All records of a session, in order; ``[]`` for one that is not there."""
        with self._using() as connection:
            rows = connection.execute(
                "SELECT record FROM records WHERE session = ? ORDER BY number", (session_id,)
            ).fetchall()
        return from_lines((line for (line,) in rows), session_id, self.path)

    def list(self) -> list[SessionInfo]:
        """The sessions that are there, the newest first."""
        with self._using() as connection:
            rows = connection.execute(
                "SELECT id, created_at, updated_at, records, title, model, messages FROM sessions "
                "ORDER BY updated_at DESC, id"
            ).fetchall()
        return infos_of(rows)

    def candidates(self, text: str) -> Sequence[str]:
        """The sessions that may hold `text`, in whatever case, the newest first."""
        if not is_plain(text):
            return [info.id for info in self.list()]
        pattern = "".join(f"!{sign}" if sign in "!%_" else sign for sign in text)
        with self._using() as connection:
            rows = connection.execute(
                "SELECT id FROM sessions WHERE EXISTS "
                "(SELECT 1 FROM records WHERE session = id AND record LIKE ? ESCAPE '!') "
                "ORDER BY updated_at DESC, id",
                (f"%{pattern}%",),
            ).fetchall()
        return [name for (name,) in rows]

    def delete(self, session_id: str) -> bool:
        """Forget a session; False when it is not there."""
        with self._writing() as connection:
            return connection.execute("DELETE FROM sessions WHERE id = ?", (session_id,)).rowcount > 0

    def close(self) -> None:
        """Close the file; a later use opens it anew."""
        with self._lock:
            if self._connection is not None and self._pid == os.getpid():
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
        if self._pid != os.getpid():
            # In a forked child: another thread of the parent may have held the lock, and the parent's connection must
            # not be used, nor closed, which would undo the parent's own locks on the file.
            _parents.append(self._connection)
            self._lock, self._connection, self._pid = threading.Lock(), None, os.getpid()
        with self._lock:
            try:
                yield self._connected()
            except sqlite3.Error as error:
                raise SessionError(f"{self.path}: {error}", hint=_hint(error)) from error
            except UnicodeEncodeError as error:
                raise SessionError(
                    "the name of the session holds half a character", hint="name it otherwise: session='my-analysis'"
                ) from error
            except OSError as error:
                raise SessionError(
                    f"cannot open {self.path}: {error.strerror or error}",
                    hint="name a file that can be written: store=alloy.SQLiteStore(path)",
                ) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._using() as connection:
            try:  # around the first statement, too: an interrupt comes as soon as it has been carried out
                connection.execute("BEGIN IMMEDIATE")  # nobody else writes between what is read and what is written
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # of some errors SQLite itself rolls back
                    connection.execute("ROLLBACK")
                raise

    def _connected(self) -> sqlite3.Connection:
        if self._connection is not None and (self._file is None or _identity(self.path) != self._file):
            # It was deleted, perhaps while it was opened: what is written into the old one nobody finds again.
            self._connection.close()
            self._connection = None
        if self._connection is None:
            self._connection = self._open()
            self._file = _identity(self.path)
        return self._connection

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.path.is_dir():
            raise SessionError(f"{self.path} is a folder", hint="name a file in it: alloy.SQLiteStore(path)")
        if self.path.is_file() and self.path.stat().st_size:
            self._look()
        make_private(self.path)
        connection = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            have_journal(connection)
            connection.execute("PRAGMA synchronous = FULL")  # what is committed survives also a loss of power
            connection.execute("PRAGMA foreign_keys = ON")
            version = version_of(connection)
            refuse_newer(self.path, version, SCHEMA)
            if version < SCHEMA:
                self._refuse_others(connection)
                migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _look(self) -> None:
        """Refuse a file of something else before anything is changed in it, its mode included."""
        with closing(_untouched(self.path)) as connection:
            try:
                self._refuse_others(connection)
            except sqlite3.OperationalError:
                pass  # not to be read just now, or not by us: opening it tells more
            except sqlite3.DatabaseError as error:
                if "not a database" in str(error):
                    raise

    def _refuse_others(self, connection: sqlite3.Connection) -> None:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if version_of(connection):  # asked last: another process may make the tables in this moment
            return
        if "alloy_sessions" in tables:
            raise SessionError(
                f"{self.path} was made by SQLStore, which has tables of its own",
                hint=f'open it as it was made: alloy.SQLStore("sqlite:///{self.path}")',
            )
        if tables:
            raise SessionError(f"{self.path} is a database of something else", hint=_ANOTHER)


#: By path, as long as anybody has it.
_defaults: WeakValueDictionary[Path, SQLiteStore] = WeakValueDictionary()


def default_store() -> SQLiteStore:
    """The store in the user's data folder, the same one for all: of many agents each had files open of its own."""
    made = SQLiteStore()
    return _defaults.setdefault(made.path, made)


def _file_of(path: Any) -> Path:
    """Raises `ConfigError` for what is meant otherwise than as a path, though a file could be called so."""
    if not isinstance(path, str | os.PathLike) or not isinstance(name := os.fspath(path), str) or not name.strip():
        raise ConfigError(
            f"the path of a SQLiteStore is {one_line(repr(path), 60)}",
            hint="give one: alloy.SQLiteStore('work.sqlite')",
        )
    if name == ":memory:":
        raise ConfigError("a SQLiteStore is a file", hint="use alloy.MemoryStore() for sessions in memory")
    if _URL.match(name):  # not repeated: it may hold a password
        raise ConfigError(
            "a SQLiteStore has a path, and this is a URL", hint="give the path alone, or use alloy.SQLStore(url)"
        )
    return Path(name).expanduser().absolute()


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file that is; None where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def have_journal(connection: Any) -> None:
    """Have the file written ahead, so that who reads waits for nobody.

    SQLite itself does not wait where two bring a new file to that in the same moment.
    """
    until = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
        time.sleep(0.01)


def make_private(path: Path) -> None:
    """Have the file be there, readable by its owner alone; SQLite gives its own files beside it the same mode.

    One that is there already is not opened: whoever closes a file lets go of every lock that its process has on it,
    those of SQLite's own connections, too.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        own = os.geteuid() if hasattr(os, "geteuid") else None
        shared = path.is_file() and path.stat().st_mode & 0o077 and path.stat().st_uid == own
        if shared and _may_be_database(path):
            path.chmod(0o600)


def _untouched(path: Path) -> sqlite3.Connection:
    """To look into a file by SQLite itself (see `make_private`), which takes no lock and makes no file beside it."""
    return sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)


def _may_be_database(path: Path) -> bool:
    """False for a file that is no database: it is refused when it is opened, and keeps its mode."""
    with closing(_untouched(path)) as connection:
        try:
            version_of(connection)
        except sqlite3.OperationalError:
            return True
        except sqlite3.DatabaseError as error:
            return "not a database" not in str(error)
    return True


def _hint(error: sqlite3.Error) -> str:
    if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
        return "another process has been writing into it for a long time"
    if isinstance(error, sqlite3.DatabaseError) and "not a database" in str(error):
        return f"this file is something else: {_ANOTHER}"
    return "is there room on the disk, and may the file be written?"
