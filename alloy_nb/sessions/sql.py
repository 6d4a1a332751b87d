"""Sessions in a database, by SQLAlchemy."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ..articles import a_kind
from ..errors import ConfigError, SessionError
from ..keywords import keywords_told
from ..plain import one_line
from ..redaction import redact, register_secret
from ..session import SessionInfo
from .lines import check_count, from_lines, is_plain, to_lines
from .summary import Summary, infos_of

if TYPE_CHECKING:
    import sqlalchemy

__all__ = ["SQLStore"]

#: Engines of parent processes, which a forked child must not use or close.
_parents: list[Any] = []
#: How often an append begins anew when another process has made the same session at the same time.
_ATTEMPTS = 5
#: How long SQLite waits for another process that writes, in seconds.
_PATIENCE = 10
#: Packages of drivers that are called otherwise than the module.
_PACKAGES = {"psycopg": '"psycopg[binary]"', "MySQLdb": "mysqlclient"}
#: What is not to be seen of a URL's options.
_SECRET = ("pass", "pwd", "secret", "token", "key")


@keywords_told
class SQLStore:
    """A `SessionStore` in a database, by any URL that SQLAlchemy knows; needs the extra ``[sql]``.

    The tables ``alloy_sessions``, ``alloy_records`` and ``alloy_schema`` are made when they are first needed. Threads,
    processes and machines may share it: an append is one transaction that holds the session's row, so `after` is exact.
    The URL's password is never shown, but it goes along when the store is pickled. A name has at most 500 characters.
    Raises `SessionError`, and `ConfigError` for a URL that cannot be used.

    >>> SQLStore("postgresql+psycopg://ann:secret@db.example/work")
    SQLStore('postgresql+psycopg://ann:***@db.example/work')
    """

    def __init__(self, url: str | sqlalchemy.URL) -> None:
        self._url = _read_url(url)
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._lock = threading.Lock()
        self._engine: sqlalchemy.Engine | None = None
        self._pid = os.getpid()

    def append(self, session_id: str, records: Sequence[Mapping[str, Any]], *, after: int | None = None) -> None:
        """Store these after those that are there, all of them or none."""
        from sqlalchemy.exc import IntegrityError

        lines = to_lines(records)
        self._check_name(session_id)
        with self._telling():
            for attempt in range(_ATTEMPTS):
                try:
                    with self._writing() as connection:
                        _append(connection, session_id, records, lines, after)
                    return
                except IntegrityError:  # somebody else has made the same session in this moment
                    if attempt == _ATTEMPTS - 1:
                        raise

    def read(self, session_id: str) -> list[dict[str, Any]]:
        """All records of a session, in order; ``[]`` for one that is not there."""
        import sqlalchemy as sql

        from .sql_schema import RECORDS, SESSIONS

        query = (
            sql.select(RECORDS.c.record)
            .join(SESSIONS, SESSIONS.c.number == RECORDS.c.session)
            .where(SESSIONS.c.id == session_id)
            .order_by(RECORDS.c.number)
        )
        with self._telling(), self._connected() as connection:
            lines = list(connection.execute(query).scalars())
        return from_lines(lines, session_id, self._shown)

    def list(self) -> list[SessionInfo]:
        """The sessions that are there, the newest first."""
        import sqlalchemy as sql

        from .sql_schema import SESSIONS

        c = SESSIONS.c
        query = sql.select(c.id, c.created_at, c.updated_at, c.records, c.title, c.model, c.messages)
        with self._telling(), self._connected() as connection:
            rows = connection.execute(query.order_by(c.updated_at.desc(), c.id)).all()
        return infos_of(rows)

    def candidates(self, text: str) -> Sequence[str]:
        """The sessions that may hold `text`, in whatever case, the newest first."""
        import sqlalchemy as sql

        from .sql_schema import RECORDS, SESSIONS

        if not is_plain(text):
            return [info.id for info in self.list()]
        holds = sql.exists().where(
            RECORDS.c.session == SESSIONS.c.number,
            sql.func.lower(RECORDS.c.record).contains(text.lower(), autoescape=True),
        )
        query = sql.select(SESSIONS.c.id).where(holds).order_by(SESSIONS.c.updated_at.desc(), SESSIONS.c.id)
        with self._telling(), self._connected() as connection:
            return [str(name) for name in connection.execute(query).scalars()]

    def delete(self, session_id: str) -> bool:
        """Forget a session; False when it is not there."""
        from .sql_schema import RECORDS, SESSIONS

        with self._telling(), self._writing() as connection:
            found = _held(connection, session_id)
            if found is None:
                return False
            connection.execute(RECORDS.delete().where(RECORDS.c.session == found.number))
            connection.execute(SESSIONS.delete().where(SESSIONS.c.number == found.number))
            return True

    def close(self) -> None:
        """Close all connections; a later use opens new ones."""
        with self._lock:
            if self._engine is not None and self._pid == os.getpid():
                self._engine.dispose()
                self._engine = None

    def __repr__(self) -> str:
        return f"SQLStore({self._shown!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {"url": self._url.render_as_string(hide_password=False)}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__init__(state["url"])  # type: ignore[misc]

    @property
    def _shown(self) -> str:
        """The URL without what must not be seen."""
        hidden = {name: "***" for name in self._url.query if _is_secret(name)}
        return self._url.update_query_dict(hidden).render_as_string(hide_password=True)

    # -- the database ---------------------------------------------------------------------------------------------

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """What the database or its driver says is told as a `SessionError`, without what was to be stored."""
        from sqlalchemy.exc import DBAPIError, SQLAlchemyError

        try:
            yield
        except SQLAlchemyError as error:
            said = str(error.orig) if isinstance(error, DBAPIError) and error.orig is not None else str(error)
            said = one_line(redact(_without(said, self._url)), 300)
            raise SessionError(
                f"{self._shown}: {said or type(error).__name__}",
                hint="is the database there, and may it be written? it is named by SQLStore(url)",
            ) from None
        except OSError as error:  # of the file, before SQLite has it
            raise SessionError(
                f"cannot open {self._shown}: {error.strerror or error}",
                hint="name a file that can be written: SQLStore('sqlite:///sessions.db')",
            ) from error
        except (UnicodeEncodeError, ValueError) as error:
            raise SessionError(
                f"{self._shown} cannot hold this: {one_line(str(error))}",
                hint="name the session otherwise: session='my-analysis'",
            ) from error

    def _check_name(self, session_id: str) -> None:
        from .sql_schema import LONGEST_ID

        if len(session_id) > LONGEST_ID or "\0" in session_id:
            raise SessionError(
                f"a session cannot be named {one_line(session_id, 60)!r} in a database",
                hint=f"a name has at most {LONGEST_ID} characters, and no zero among them",
            )

    @contextmanager
    def _connected(self) -> Iterator[sqlalchemy.Connection]:
        with self._made().begin() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sqlalchemy.Connection]:
        """A transaction; in SQLite nobody else writes between what is read in it and what is written."""
        with self._made().begin() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    def _made(self) -> sqlalchemy.Engine:
        """The engine, when the tables are there; one a process."""
        if self._pid != os.getpid():
            # In a forked child: another thread of the parent may have held the lock, and the parent's connections must
            # be neither used nor closed.
            _parents.append(self._engine)
            self._begin_anew()
        with self._lock:
            if self._engine is None:
                engine = _engine(self._url, self._shown)
                try:
                    _prepare(engine, self._shown)
                except BaseException:
                    engine.dispose()
                    raise
                self._engine = engine
            return self._engine


def _append(
    connection: sqlalchemy.Connection,
    session_id: str,
    records: Sequence[Mapping[str, Any]],
    lines: Sequence[str],
    after: int | None,
) -> None:
    """In a transaction that holds the session's row; `IntegrityError` when it was made by another one meanwhile."""
    from .sql_schema import RECORDS, SESSIONS

    now = datetime.now(UTC).isoformat()
    found = _held(connection, session_id)
    before = Summary() if found is None else Summary(*found[1:])
    check_count(session_id, after, before.records)
    if not lines:
        return
    values = {"updated_at": now, **asdict(before.after(records))}
    if found is None:
        made = connection.execute(SESSIONS.insert().values(id=session_id, created_at=now, **values))
        number = made.inserted_primary_key[0]  # type: ignore[index]  # there is one of what was inserted
    else:
        number = found.number
        connection.execute(SESSIONS.update().where(SESSIONS.c.number == number).values(**values))
    rows = [{"session": number, "number": n, "record": line} for n, line in enumerate(lines, before.records + 1)]
    connection.execute(RECORDS.insert(), rows)


def _held(connection: sqlalchemy.Connection, session_id: str) -> Any:
    """The session's row, which nobody else changes before this transaction ends; None where there is none."""
    import sqlalchemy as sql

    from .sql_schema import SESSIONS

    c = SESSIONS.c
    query = sql.select(c.number, c.records, c.title, c.model, c.messages).where(c.id == session_id)
    return connection.execute(query.with_for_update()).one_or_none()


def _prepare(engine: sqlalchemy.Engine, shown: str) -> None:
    """Have the tables there. Another process may make them in the same moment: then they are looked at once more."""
    from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

    from .sql_schema import migrate

    # A server that is not there is told at once: an attempt at a connection may take minutes.
    engine.connect().close()
    for attempt in range(_ATTEMPTS):
        try:
            with engine.begin() as connection:
                if connection.dialect.name == "sqlite":
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                migrate(connection, shown)
            return
        except (IntegrityError, OperationalError, ProgrammingError):
            if attempt == _ATTEMPTS - 1:
                raise


def _read_url(url: Any) -> sqlalchemy.URL:
    """The URL with a driver that is here; a `ConfigError`, which does not repeat it, for what is none."""
    if find_spec("sqlalchemy") is None:
        raise ConfigError("SQLStore needs SQLAlchemy", hint="pip install sqlalchemy")
    from sqlalchemy import URL, make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    example = "as in SQLStore('postgresql+psycopg://user:password@host/database')"
    if not isinstance(url, str | URL):
        raise ConfigError(f"the URL of a database is {a_kind(url)}", hint=f"give a string, {example}")
    try:
        read = make_url(url)
    except (ArgumentError, ValueError):
        file = "for a file SQLStore('sqlite:///sessions.db'), or alloy.SQLiteStore('sessions.db')"
        raise ConfigError("this is no URL of a database", hint=f"write it {example}; {file}") from None
    if read.drivername in ("postgres", "postgresql"):  # what services hand out names no driver, or an old name
        driver = "psycopg" if find_spec("psycopg") or not find_spec("psycopg2") else "psycopg2"
        read = read.set(drivername=f"postgresql+{driver}")
    try:
        read.get_dialect()  # of a kind that is known; whether its driver is here is seen when it is used
    except NoSuchModuleError:
        raise ConfigError(f"SQLAlchemy knows no database {read.drivername!r}", hint=f"write it {example}") from None
    except ImportError:
        pass
    if read.get_backend_name() == "sqlite":
        if not read.database or ":memory:" in read.database or "mode=memory" in str(read):
            raise ConfigError("a database in memory is another one in every thread", hint="use alloy.MemoryStore()")
        if not read.database.startswith("file:"):  # the same file wherever a copy of this is used
            read = read.set(database=os.path.abspath(read.database))
    hidden = [value for name, value in read.query.items() if _is_secret(name)]
    for secret in (read.password, *hidden):
        if isinstance(secret, str):
            register_secret(secret)
    return read


def _is_secret(option: str) -> bool:
    return any(word in option.lower() for word in _SECRET)


def _engine(url: sqlalchemy.URL, shown: str) -> sqlalchemy.Engine:
    from sqlalchemy import create_engine, event

    try:
        if url.get_dialect().is_async:  # else a driver is asked for that would be of no use
            raise ConfigError(f"the driver of {shown} is for async code", hint="name another: postgresql+psycopg://…")
        # A connection that the database has closed in the meantime is found out before it is used.
        engine = create_engine(url, pool_pre_ping=True, hide_parameters=True)
    except ImportError as error:
        package = _PACKAGES.get(str(error.name), error.name)
        raise ConfigError(f"the driver of {shown} is not installed", hint=f"pip install {package}") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "do_connect", _private_file(url))
        event.listen(engine, "connect", _set_up_sqlite)
    return engine


def _private_file(url: sqlalchemy.URL) -> Callable[..., None]:
    """Have a file be there that only its owner can read, before SQLite makes one."""
    from pathlib import Path

    from .sqlite import make_private

    def make(*_: Any) -> None:
        if url.database is not None and not url.database.startswith("file:"):
            path = Path(url.database)
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            make_private(path)

    return make


def _set_up_sqlite(connection: Any, _: Any) -> None:
    """Processes wait for each other, and transactions begin where they are said to."""
    from .sqlite import have_journal

    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {_PATIENCE * 1000}")
    have_journal(connection)
    connection.execute("PRAGMA synchronous = FULL")


def _without(said: str, url: sqlalchemy.URL) -> str:
    """What a driver says, without the password, should it repeat it."""
    password = url.password
    return said.replace(password, "***") if isinstance(password, str) and len(password) > 2 else said
