"""The tables of sessions in a database behind SQLAlchemy, and how they come to be there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sql
from sqlalchemy.dialects import mysql

from .lines import refuse_newer

__all__ = ["LONGEST_ID", "RECORDS", "SCHEMA", "SESSIONS", "migrate"]

#: How many characters the name of a session may have: databases want to know.
LONGEST_ID = 500

_META = sql.MetaData()
#: MySQL takes upper and lower case for the same, and texts for short, unless it is told.
_NAME = sql.String(LONGEST_ID).with_variant(mysql.VARCHAR(LONGEST_ID, collation="utf8mb4_bin"), "mysql", "mariadb")
_TEXT = sql.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
_NUMBER = sql.BigInteger().with_variant(sql.Integer(), "sqlite")

_VERSION = sql.Table("alloy_schema", _META, sql.Column("version", sql.Integer, nullable=False))
SESSIONS = sql.Table(
    "alloy_sessions",
    _META,
    sql.Column("number", _NUMBER, sql.Identity(), primary_key=True),
    sql.Column("id", _NAME, nullable=False, unique=True),
    sql.Column("created_at", sql.String(40), nullable=False),
    sql.Column("updated_at", sql.String(40), nullable=False),
    sql.Column("records", sql.Integer, nullable=False),
    sql.Column("title", sql.Text, nullable=False),
    sql.Column("model", sql.Text, nullable=False),
    sql.Column("messages", sql.Integer, nullable=False),
)
RECORDS = sql.Table(
    "alloy_records",
    _META,
    sql.Column("session", _NUMBER, sql.ForeignKey(SESSIONS.c.number), primary_key=True, autoincrement=False),
    sql.Column("number", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("record", _TEXT, nullable=False),
)


def _first(connection: sql.Connection) -> None:
    _META.create_all(connection, tables=[SESSIONS, RECORDS])


#: What makes tables of the form before it those of the next: never changed once released, only added to.
STEPS: tuple[Callable[[sql.Connection], None], ...] = (_first,)
#: The form of the tables; those of a newer one are refused.
SCHEMA = len(STEPS)

#: The lock, of the database itself, that the one who makes the tables holds.
_LOCK = 0x616C6C6F79


def migrate(
    connection: sql.Connection, where: str, steps: tuple[Callable[[sql.Connection], None], ...] = STEPS
) -> None:
    """Bring the tables to this form, in the transaction that is open; somebody else may be at the same.

    Raises `SessionError` for tables of a newer form. Where all is well nothing is written, and no right to make tables
    is needed.
    """
    if _version(connection) != len(steps) and connection.dialect.name == "postgresql":
        connection.execute(sql.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    version = _version(connection)  # the other one may have been first
    refuse_newer(where, version, len(steps))
    if version == len(steps):
        return
    for step in steps[version:]:
        step(connection)
    _META.create_all(connection, tables=[_VERSION])
    connection.execute(_VERSION.delete())
    connection.execute(_VERSION.insert().values(version=len(steps)))


def _version(connection: Any) -> int:
    """0 where nothing was made yet."""
    if not sql.inspect(connection).has_table(_VERSION.name):
        return 0
    found = connection.execute(sql.select(sql.func.max(_VERSION.c.version))).scalar()
    return int(found or 0)
