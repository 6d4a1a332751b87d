"""Sessions in a database: what is its own beside the contract of all stores."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

import pytest
import sqlalchemy

import alloy_nb as alloy
from alloy_nb.sessions import sql as module
from alloy_nb.sessions import sql_schema
from tests.sessions.postgres import Postgres

pytestmark = pytest.mark.thorough


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/s.sqlite"
    server: Postgres = request.getfixturevalue("postgres")
    return server.database()


SECRET = "hunter2-and-more"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql+psycopg://ann:{SECRET}@127.0.0.1:1/work",
        f"postgres://ann:{SECRET}@127.0.0.1:1/work?connect_timeout=2",
        f"postgresql://ann@127.0.0.1:1/work?password={SECRET}",
        f"postgresql://ann@127.0.0.1:1/work?sslpassword={SECRET}",
    ],
)
def test_its_password_is_shown_nowhere(url: str) -> None:
    """Law 14"""
    store = alloy.SQLStore(url)
    assert "ann" in repr(store)
    assert SECRET not in repr(store)
    with pytest.raises(alloy.SessionError) as caught:
        store.read("a")
    assert "127.0.0.1" in str(caught.value)
    for shown in (str(caught.value), repr(caught.value), caught.value.hint, str(caught.value.__cause__)):
        assert SECRET not in str(shown)
    assert pickle.loads(pickle.dumps(store))._url.render_as_string(hide_password=False) == store._url.render_as_string(
        hide_password=False
    )


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (3, "is an int"),
        (f"no url {SECRET}", "no URL"),
        (f"nosuchdb://ann:{SECRET}@x/y", "knows no database"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        (f"oracle+oracledb://ann:{SECRET}@x/y", "driver"),
    ],
)
def test_what_cannot_be_used_is_said_with_a_way_on(url: object, words: str) -> None:
    with pytest.raises(alloy.ConfigError) as caught:
        alloy.SQLStore(url).list()  # type: ignore[arg-type]
    assert words in str(caught.value)
    assert caught.value.hint
    assert SECRET not in str(caught.value)


def test_a_server_that_is_not_there_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a firewall swallows what is sent, each attempt takes minutes."""
    tried: list[str] = []
    real = module._engine

    def engine(url: sqlalchemy.URL, shown: str) -> sqlalchemy.Engine:
        made = real(url, shown)
        sqlalchemy.event.listen(made, "do_connect", lambda *_: tried.append(shown))
        return made

    monkeypatch.setattr(module, "_engine", engine)
    with socket.socket() as taken:  # nobody listens there, and nobody else comes to
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(alloy.SessionError):
            alloy.SQLStore(f"postgresql+psycopg://ann@127.0.0.1:{port}/x").list()
    assert len(tried) == 1


@pytest.mark.parametrize(
    ("driver", "hint"),
    [
        ("mysql", "pip install mysqlclient"),
        ("postgresql+asyncpg", "name another"),
        ("sqlite+aiosqlite", "name another"),
    ],
)
def test_a_driver_that_is_missing_or_of_no_use_is_told_with_what_helps(driver: str, hint: str) -> None:
    """There is no package MySQLdb, and who installed asyncpg was then told that it is for async code."""
    if driver == "mysql" and find_spec("MySQLdb"):
        pytest.skip("the driver is here")
    with pytest.raises(alloy.ConfigError) as caught:
        alloy.SQLStore(f"{driver}://host/work" if "sqlite" not in driver else f"{driver}:///x.db").list()
    assert hint in caught.value.hint


def test_a_kind_of_database_that_nobody_knows_is_said_when_the_store_is_made() -> None:
    """It was found out with the first question, after the model had been asked."""
    with pytest.raises(alloy.ConfigError, match="knows no database 'nosuchdb'"):
        alloy.SQLStore(f"nosuchdb://ann:{SECRET}@x/y")


def test_a_files_name_alone_is_told_both_stores_for_files() -> None:
    with pytest.raises(alloy.ConfigError) as caught:
        alloy.SQLStore("x.db")
    assert "SQLStore('sqlite:///sessions.db')" in str(caught.value.hint)
    assert "alloy.SQLiteStore('sessions.db')" in str(caught.value.hint)


def test_the_folder_of_a_file_is_made_and_one_that_cannot_be_is_told(tmp_path: Path) -> None:
    """It was a bare FileNotFoundError."""
    alloy.SQLStore(f"sqlite:///{tmp_path}/new/s.sqlite").append("a", [{}])
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    (tmp_path / "file").touch()
    with pytest.raises(alloy.SessionError, match="cannot open"):
        alloy.SQLStore(f"sqlite:///{tmp_path}/file/s.sqlite").list()


def test_without_sqlalchemy_it_says_what_to_install() -> None:
    code = (
        "import sys, alloy_nb as alloy\nsys.modules['sqlalchemy'] = None\n"
        "import importlib.util as util, alloy_nb.sessions.sql as module\nmodule.find_spec = lambda name: None\n"
        "try: alloy.SQLStore('postgresql://x/y')\nexcept alloy.ConfigError as error: print(error.hint)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "pip install sqlalchemy"


def test_a_url_without_a_driver_takes_the_one_that_is_here() -> None:
    assert repr(alloy.SQLStore("postgres://ann@x/y")) == "SQLStore('postgresql+psycopg://ann@x/y')"


def test_a_conversation_goes_on_there(url: str) -> None:
    alloy.run("I am Ann.", model=alloy.Scripted(["Hello, Ann."]), session="s", store=alloy.SQLStore(url))
    model = alloy.Scripted(["Ann."])
    agent = alloy.Agent(model=model, session="s", store=alloy.SQLStore(url))
    agent.chat("Who am I?")
    assert [m.text for m in model.requests[0].messages] == ["I am Ann.", "Hello, Ann.", "Who am I?"]
    assert [(info.title, info.messages) for info in alloy.SQLStore(url).list()] == [("I am Ann.", 4)]


def test_many_who_come_first_make_the_tables_once(url: str) -> None:
    gate, failed = threading.Barrier(6), list[BaseException]()

    def come(number: int) -> None:
        try:
            store = alloy.SQLStore(url)
            gate.wait(30)
            store.append("a", [{"by": number}])
            store.close()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=come, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    store = alloy.SQLStore(url)
    assert sorted(record["by"] for record in store.read("a")) == list(range(6))
    with store._made().connect() as connection:
        assert connection.execute(sqlalchemy.text("SELECT version FROM alloy_schema")).all() == [(sql_schema.SCHEMA,)]


def test_tables_of_a_newer_form_are_refused(url: str) -> None:
    store = alloy.SQLStore(url)
    store.append("a", [{"n": 1}])
    with store._made().begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE alloy_schema SET version = 99"))
    with pytest.raises(alloy.SessionError, match="newer") as caught:
        alloy.SQLStore(url).append("a", [{"n": 2}])
    assert caught.value.hint == "upgrade alloy-nb"
    assert store.read("a") == [{"n": 1}]


#: The tables as the first release that had them made them, in SQL that every database reads.
V1 = """
CREATE TABLE alloy_schema (version INTEGER NOT NULL);
CREATE TABLE alloy_sessions (number BIGINT PRIMARY KEY, id VARCHAR(500) NOT NULL UNIQUE,
    created_at VARCHAR(40) NOT NULL, updated_at VARCHAR(40) NOT NULL, records INTEGER NOT NULL, title TEXT NOT NULL,
    model TEXT NOT NULL, messages INTEGER NOT NULL);
CREATE TABLE alloy_records (session BIGINT NOT NULL REFERENCES alloy_sessions (number), number INTEGER NOT NULL,
    record TEXT NOT NULL, PRIMARY KEY (session, number));
INSERT INTO alloy_schema VALUES (1);
INSERT INTO alloy_sessions VALUES (7, 'fox', '2026-11-01T08:00:00+00:00', '2026-11-01T08:00:09+00:00', 1, 'Hi', '', 1);
INSERT INTO alloy_records VALUES (7, 1, '{"v": 1, "at": "2026-11-01T08:00:00+00:00", "kind": "message",
"message": {"v": 1, "role": "user", "parts": [{"type": "text", "text": "Hi"}]}}');
"""


def first_form(url: str) -> alloy.SQLStore:
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        for statement in V1.split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)
    engine.dispose()
    return alloy.SQLStore(url)


def test_tables_of_the_first_form_are_gone_on_with(url: str) -> None:
    store = first_form(url)
    store.append("fox", [{"n": 2}], after=1)
    assert [(info.id, info.records, info.title) for info in store.list()] == [("fox", 2, "Hi")]
    assert alloy.Sessions(store).get("fox").messages == (alloy.Message.user("Hi"),)


def test_the_next_step_is_taken_once_or_not_at_all(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """How the tables will come to have another form one day."""

    def step(connection: sqlalchemy.Connection) -> None:
        connection.execute(sqlalchemy.text("ALTER TABLE alloy_sessions ADD COLUMN colour VARCHAR(10)"))
        if broken:
            connection.execute(sqlalchemy.text("SELECT * FROM nowhere"))

    first_form(url)
    engine = module._engine(sqlalchemy.make_url(url), "it")
    for broken in (True, False, False):
        with engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            if broken:
                with pytest.raises(sqlalchemy.exc.DBAPIError):
                    sql_schema.migrate(connection, "it", (*sql_schema.STEPS, step))
                connection.rollback()
            else:
                sql_schema.migrate(connection, "it", (*sql_schema.STEPS, step))
                connection.commit()
        with engine.connect() as connection:
            version = connection.execute(sqlalchemy.text("SELECT version FROM alloy_schema")).scalar_one()
            columns = {column["name"] for column in sqlalchemy.inspect(connection).get_columns("alloy_sessions")}
            assert (version, "colour" in columns) == ((1, False) if broken else (2, True))
    engine.dispose()


def test_a_forked_child_has_connections_of_its_own(url: str) -> None:
    store = alloy.SQLStore(url)
    store.append("a", [{"by": "parent"}])
    child = os.fork()
    if child == 0:
        try:
            store.append("a", [{"by": "child"}])
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    store.append("a", [{"by": "parent"}])
    assert [record["by"] for record in store.read("a")] == ["parent", "child", "parent"]


def test_an_append_looks_at_no_earlier_record(url: str) -> None:
    """Law 15: the same statements however long the session is, and none that reads records."""
    store = alloy.SQLStore(url)
    said: list[list[str]] = []
    store.append("short", [{"n": 0}])
    store.append("long", [{"n": n} for n in range(2000)])
    sqlalchemy.event.listen(store._made(), "before_cursor_execute", lambda *args: said[-1].append(args[2]))
    for name in ("short", "long"):
        said.append([])
        store.append(name, [{"n": "new"}])
    assert said[0] == said[1]
    assert not [statement for statement in said[1] if "SELECT" in statement and "alloy_records" in statement]


def test_a_models_name_is_kept_whatever_it_holds(url: str) -> None:
    """No database takes a zero or half a character, and a list that cannot be stored would lose the answer."""
    store = alloy.SQLStore(url)
    message = alloy.Message.assistant("a\x00\ud83e", model="odd\x00\ud83e name")
    store.append("s", [{"v": 1, "kind": "message", "message": message.to_dict()}])
    assert alloy.Sessions(store).get("s").messages == (message,)
    assert store.list()[0].model == "odd name"


def test_a_file_of_it_is_the_same_one_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = alloy.SQLStore("sqlite:///s.sqlite")
    store.append("a", [{"n": 1}])
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert pickle.loads(pickle.dumps(store)).read("a") == [{"n": 1}]


def test_a_file_of_it_is_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        alloy.SQLStore(f"sqlite:///{tmp_path}/s.sqlite").append("a", [{}])
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_what_the_database_refuses_is_told_without_what_was_to_be_stored(url: str) -> None:
    store = alloy.SQLStore(url)
    store.append("a", [{"n": 1}])
    with store._made().begin() as connection:
        connection.execute(sqlalchemy.text("DROP TABLE alloy_records"))
    with pytest.raises(alloy.SessionError) as caught:
        store.append("a", [{"words": "a private matter"}])
    assert "alloy_records" in str(caught.value)
    assert "private" not in str(caught.value)
    assert store.list()[0].records == 1, "half of it was stored"


@pytest.mark.thorough
def test_a_connection_that_the_server_has_closed_is_no_failure(postgres: Postgres) -> None:
    """A database restarts, or a firewall forgets: the next append is made on a new connection."""
    store = alloy.SQLStore(postgres.database())
    store.append("a", [{"n": 1}])
    other = sqlalchemy.create_engine(postgres.url("postgres"))
    with other.connect() as connection:
        name = store._url.database
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
        assert connection.execute(sqlalchemy.text(query), {"name": name}).all() == [(True,)]
    other.dispose()
    store.append("a", [{"n": 2}], after=1)
    assert store.read("a") == [{"n": 1}, {"n": 2}]


@pytest.mark.thorough
def test_who_may_not_make_tables_uses_those_that_are_there(postgres: Postgres) -> None:
    owner = alloy.SQLStore(postgres.database())
    owner.append("a", [{"n": 1}])
    with owner._made().begin() as connection:
        for statement in (
            "CREATE ROLE guest LOGIN",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO guest",
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        ):
            connection.execute(sqlalchemy.text(statement))
    guest = alloy.SQLStore(owner._url.set(username="guest"))
    guest.append("a", [{"n": 2}], after=1)
    guest.append("b", [{"n": 3}])
    assert (guest.read("a"), guest.read("b")) == ([{"n": 1}, {"n": 2}], [{"n": 3}])


@pytest.mark.thorough
def test_an_append_waits_for_the_one_before_it(postgres: Postgres) -> None:
    """`after` is looked at under the row's lock: who waited sees what was stored meanwhile."""
    store = alloy.SQLStore(postgres.database())
    store.append("a", [{"n": 1}])
    said: list[str] = []

    def second() -> None:
        try:
            store.append("a", [{"n": 3}], after=1)
            said.append("stored")
        except alloy.SessionConflict:
            said.append("conflict")

    with store._writing() as connection:
        module._append(connection, "a", [{"n": 2}], ['{"n": 2}'], 1)
        thread = threading.Thread(target=second)
        thread.start()
        query = sqlalchemy.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        with store._connected() as watching:
            while watching.execute(query).scalar_one() == 0:
                thread.join(0.01)
                assert thread.is_alive(), "it did not wait"
        assert said == []
    thread.join(60)
    assert said == ["conflict"]
    assert store.read("a") == [{"n": 1}, {"n": 2}]
