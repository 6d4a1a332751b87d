"""What every store does, and what the one in a file does besides."""

from __future__ import annotations

import os
import pickle
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.sessions.sqlite import have_journal


@pytest.fixture(params=["memory", "sqlite"])
def store(request: Any, tmp_path: Path) -> Any:
    return alloy.MemoryStore() if request.param == "memory" else alloy.SQLiteStore(tmp_path / "s.sqlite")


def test_records_come_back_in_order_and_of_their_own_session(store: Any) -> None:
    """SES-3"""
    store.append("a", [{"n": 1}, {"n": 2}])
    store.append("b", [{"n": "é\n€ "}])
    store.append("a", [{"n": 3, "deep": {"list": [1, None, True]}}])
    assert store.read("a") == [{"n": 1}, {"n": 2}, {"n": 3, "deep": {"list": [1, None, True]}}]
    assert store.read("b") == [{"n": "é\n€ "}]
    assert store.read("nobody") == []


def test_what_was_read_may_be_changed_without_harm(store: Any) -> None:
    record = {"list": [1]}
    store.append("a", [record])
    record["list"].append(2)
    store.read("a")[0]["list"].append(3)
    assert store.read("a") == [{"list": [1]}]


def test_the_list_has_the_newest_first(store: Any) -> None:
    """SES-3"""
    for name in ("a", "b", "a"):
        store.append(name, [{}])
    assert [(info.id, info.records) for info in store.list()] == [("a", 2), ("b", 1)]
    first = store.list()[0]
    assert first.created_at <= first.updated_at
    assert first.created_at.utcoffset() is not None


def test_deleting_is_done_once(store: Any) -> None:
    """SES-3"""
    store.append("a", [{}])
    assert store.delete("a")
    assert not store.delete("a")
    assert (store.read("a"), store.list()) == ([], [])
    store.append("a", [{"n": 1}])
    assert store.read("a") == [{"n": 1}]


def test_threads_that_append_at_once_lose_and_mix_nothing(store: Any) -> None:
    def work(number: int) -> None:
        for step in range(20):
            store.append("a", [{"by": number, "step": step, "half": half} for half in (1, 2)])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    records = store.read("a")
    assert len(records) == 160
    assert all(one == {**other, "half": 1} for one, other in zip(records[::2], records[1::2], strict=True))
    for number in range(4):
        assert [r["step"] for r in records if r["by"] == number] == [step for step in range(20) for _ in (1, 2)]


# -- in a file --------------------------------------------------------------------------------------------------------


def test_processes_that_append_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    code = (
        "import sys, alloy_nb as alloy\nstore = alloy.SQLiteStore(sys.argv[1])\n"
        "for step in range(25): store.append('a', [{'by': sys.argv[2], 'step': step}])\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, str(path), str(n)]) for n in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    records = alloy.SQLiteStore(path).read("a")
    assert sorted((r["by"], r["step"]) for r in records) == [(str(n), step) for n in range(3) for step in range(25)]


def test_the_file_is_private_from_its_first_byte(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = alloy.SQLiteStore(tmp_path / "deep" / "s.sqlite")
        assert not (tmp_path / "deep").exists()
        store.append("a", [{}])
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "deep").iterdir()}
    assert modes["s.sqlite"] == 0o600
    assert set(modes.values()) == {0o600}
    assert (tmp_path / "deep").stat().st_mode & 0o777 == 0o700


def test_what_was_appended_is_there_after_a_kill(tmp_path: Path) -> None:
    code = (
        "import os, sys, signal, alloy_nb as alloy\n"
        "alloy.SQLiteStore(sys.argv[1]).append('a', [{'n': 1}])\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = tmp_path / "s.sqlite"
    assert subprocess.run([sys.executable, "-c", code, str(path)]).returncode < 0
    assert alloy.SQLiteStore(path).read("a") == [{"n": 1}]


def test_a_failed_append_stores_nothing_of_it(tmp_path: Path) -> None:
    store = alloy.SQLiteStore(tmp_path / "s.sqlite")
    store.append("a", [{"n": 1}])
    with sqlite3.connect(store.path) as other:
        other.execute(
            "CREATE TRIGGER full BEFORE INSERT ON records WHEN NEW.number > 2 BEGIN SELECT RAISE(ABORT, 'no room'); END"
        )
    with pytest.raises(alloy.SessionError, match="no room") as caught:
        store.append("a", [{"n": 2}, {"n": 3}])
    assert caught.value.hint
    assert store.read("a") == [{"n": 1}]
    store.append("a", [{"n": 2}])
    assert len(store.read("a")) == 2


@pytest.mark.parametrize("what", ["folder", "text", "newer"])
def test_a_file_that_is_something_else_is_said(what: str, tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    if what == "folder":
        path.mkdir()
    elif what == "text":
        path.write_text("this is no database, but a long enough text to be read as one " * 20)
    else:
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA user_version = 99")
    with pytest.raises(alloy.SessionError) as caught:
        alloy.SQLiteStore(path).read("a")
    assert caught.value.hint


@pytest.mark.parametrize("what", ["program", "other database"])
def test_a_file_of_something_else_stays_as_it_is(what: str, tmp_path: Path) -> None:
    """It was refused, but its mode was 600 then: a script could not be started any more."""
    path = tmp_path / "mine"
    if what == "program":
        path.write_text("#!/usr/bin/env python\nprint('a program of mine')\n" * 50)
    else:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("CREATE TABLE prices (of TEXT, price REAL)")
    path.chmod(0o755)
    before = path.read_bytes()
    with pytest.raises(alloy.SessionError) as caught:
        alloy.SQLiteStore(path).list()
    assert "name another file" in str(caught.value.hint)
    if what == "program":
        with pytest.raises(alloy.SessionError):
            alloy.SQLStore(f"sqlite:///{path}").list()
    assert (path.stat().st_mode & 0o777, path.read_bytes()) == (0o755, before)
    assert [file.name for file in tmp_path.iterdir()] == ["mine"]


def test_a_file_of_the_other_store_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 's.db'}"
    alloy.SQLStore(url).append("a", [{"n": 1}])
    with pytest.raises(alloy.SessionError, match="made by SQLStore") as caught:
        alloy.SQLiteStore(tmp_path / "s.db").list()
    assert f'alloy.SQLStore("{url}")' in str(caught.value.hint)
    assert alloy.SQLStore(url).read("a") == [{"n": 1}]


@pytest.mark.parametrize(
    "path", [":memory:", "sqlite:///x.db", "postgresql://ann:canary@db/x", "file:x.db", "", 3, b"x"]
)
def test_what_is_meant_otherwise_than_as_a_path_is_said_and_makes_no_file(
    path: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file was made that was called so: `:memory:`, or a folder `sqlite:`."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(alloy.ConfigError) as caught:
        alloy.SQLiteStore(path)
    assert "canary" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(alloy.SessionError, match="is a folder"):
        alloy.SQLiteStore(tmp_path).list()


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be deleted there")
def test_a_file_that_is_deleted_under_it_is_not_written_to_any_more(tmp_path: Path) -> None:
    """What was said from then on went into a file that nobody could open again, and no error told it."""
    store = alloy.SQLiteStore(tmp_path / "s.sqlite")
    store.append("s", [{"n": 1}])
    store.path.unlink()
    with pytest.raises(alloy.SessionConflict, match="was deleted"):
        store.append("s", [{"n": 2}], after=1)
    store.append("other", [{"n": 3}])
    assert alloy.SQLiteStore(store.path).read("other") == [{"n": 3}]
    store.path.unlink()
    alloy.SQLiteStore(store.path).append("of another process", [{"n": 4}])
    assert [info.id for info in store.list()] == ["of another process"]
    assert store.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be deleted there")
def test_a_file_that_is_deleted_while_it_is_opened_is_not_written_to_for_good(tmp_path: Path) -> None:
    class Unlucky(alloy.SQLiteStore):
        opened = 0

        def _open(self) -> sqlite3.Connection:
            connection = super()._open()
            self.opened += 1
            if self.opened == 1:
                self.path.unlink()
            return connection

    store = Unlucky(tmp_path / "s.sqlite")
    assert store.list() == []
    store.append("s", [{"n": 1}])
    assert alloy.SQLiteStore(store.path).read("s") == [{"n": 1}]
    assert store.opened == 2


def test_a_conversation_that_was_deleted_meanwhile_is_not_said_to_have_grown(store: Any) -> None:
    store.append("s", [{"n": 1}])
    store.delete("s")
    with pytest.raises(alloy.SessionConflict, match="was deleted"):
        store.append("s", [{"n": 2}], after=1)


def test_a_forked_child_has_a_connection_of_its_own(tmp_path: Path) -> None:
    store = alloy.SQLiteStore(tmp_path / "s.sqlite")
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


def test_it_goes_to_other_processes_as_its_path(tmp_path: Path) -> None:
    store = alloy.SQLiteStore(tmp_path / "s.sqlite")
    store.append("a", [{"n": 1}])
    copy = pickle.loads(pickle.dumps(store))
    assert copy.read("a") == [{"n": 1}]
    assert repr(copy) == repr(store)
    store.close()
    assert store.read("a") == [{"n": 1}]


def test_a_second_store_of_one_file_takes_no_lock_from_the_first(tmp_path: Path) -> None:
    """A cell that is run again opens the file again; another process then deleted what was being written."""
    path = tmp_path / "s.sqlite"
    first = alloy.SQLiteStore(path)
    first.append("a", [{"n": 1}])
    second = alloy.SQLiteStore(path)
    second.append("a", [{"n": 2}])
    code = "import sys, alloy_nb as alloy\nalloy.SQLiteStore(sys.argv[1]).append('b', [{'n': 0}])\n"
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    assert path.with_name("s.sqlite-wal").exists()
    for number in range(3, 6):
        second.append("a", [{"n": number}])
    code = "import sys, alloy_nb as alloy\nprint(len(alloy.SQLiteStore(sys.argv[1]).read('a')))\n"
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "5"
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_file_that_others_could_read_is_made_private(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    path.touch(mode=0o644)
    path.chmod(0o644)
    alloy.SQLiteStore(path).append("a", [{}])
    assert path.stat().st_mode & 0o777 == 0o600


#: A file as the first release that had sessions made it.
V1 = """
CREATE TABLE sessions (id TEXT PRIMARY KEY, created_at TEXT NOT NULL, updated_at TEXT NOT NULL) STRICT;
CREATE TABLE records (
    session TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (session, number)
) STRICT, WITHOUT ROWID;
INSERT INTO sessions VALUES ('fox', '2026-11-01T08:00:00+00:00', '2026-11-01T08:00:09+00:00');
INSERT INTO sessions VALUES ('empty', '2026-11-02T08:00:00+00:00', '2026-11-02T08:00:00+00:00');
INSERT INTO records VALUES ('fox', 1, '{"v": 1, "at": "2026-11-01T08:00:00+00:00", "kind": "message", "message":
{"v": 1, "role": "user", "parts": [{"type": "text", "text": "Where do foxes live?"}]}}');
INSERT INTO records VALUES ('fox', 2, '{"v": 1, "at": "2026-11-01T08:00:08+00:00", "kind": "message", "message":
{"v": 1, "role": "assistant", "parts": [{"type": "text", "text": "In dens."}], "model": "acme:one"}}');
INSERT INTO records VALUES ('fox', 3, '{"v": 1, "at": "2026-11-01T08:00:09+00:00", "kind": "usage",
"usage": {"input_tokens": 10, "output_tokens": 5}, "cost": 0.5}');
INSERT INTO records VALUES ('fox', 4, 'not what it was');
DELETE FROM records WHERE number = 4;
PRAGMA user_version = 1;
"""


def first_form(path: Path, *, broken: bool = False) -> Path:
    with sqlite3.connect(path) as connection:
        connection.executescript(V1.replace("DELETE FROM records WHERE number = 4;", "") if broken else V1)
    connection.close()
    return path


def test_a_file_of_the_first_form_is_brought_to_this_one_with_all_that_it_holds(tmp_path: Path) -> None:
    store = alloy.SQLiteStore(first_form(tmp_path / "s.sqlite"))
    empty, fox = store.list()
    assert (empty.id, empty.records, empty.title, empty.model, empty.messages) == ("empty", 0, "", "", 0)
    assert (fox.id, fox.records, fox.title, fox.model) == ("fox", 3, "Where do foxes live?", "acme:one")
    assert (fox.messages, fox.updated_at.second) == (2, 9)
    agent = alloy.Agent(model=alloy.Scripted(["Badgers do, too."]), session="fox", store=store)
    assert (agent.usage, agent.cost) == (alloy.Usage(10, 5), 0.5)
    agent.chat("Who else?")
    assert [m.text for m in agent.messages] == ["Where do foxes live?", "In dens.", "Who else?", "Badgers do, too."]
    assert alloy.SQLiteStore(store.path).list()[0].messages == 4


def test_a_record_that_was_broken_before_does_not_hold_up_the_others(tmp_path: Path) -> None:
    store = alloy.SQLiteStore(first_form(tmp_path / "s.sqlite", broken=True))
    assert [info.records for info in store.list()] == [0, 4]
    with pytest.raises(alloy.SessionError, match="cannot be read"):
        store.read("fox")
    store.append("other", [{"n": 1}])
    assert store.read("other") == [{"n": 1}]


def test_a_record_that_is_too_deep_does_not_hold_up_the_others(tmp_path: Path) -> None:
    path = first_form(tmp_path / "s.sqlite")
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO records VALUES ('empty', 1, ?)", ("[" * 100_000 + "]" * 100_000,))
    connection.close()
    assert [(info.id, info.records) for info in alloy.SQLiteStore(path).list()] == [("empty", 1), ("fox", 3)]


def test_processes_that_open_an_earlier_file_at_once_bring_it_up_together(tmp_path: Path) -> None:
    path = first_form(tmp_path / "s.sqlite")
    code = (
        "import sys, alloy_nb as alloy\nsys.stdin.read()\nstore = alloy.SQLiteStore(sys.argv[1])\n"
        "store.append('fox', [{'by': sys.argv[2]}])\n"
    )
    command = [sys.executable, "-c", code, str(path)]
    processes = [subprocess.Popen([*command, str(n)], stdin=subprocess.PIPE) for n in range(4)]
    for process in processes:
        process.stdin.close()  # type: ignore[union-attr]
    assert [process.wait(60) for process in processes] == [0] * 4
    records = alloy.SQLiteStore(path).read("fox")
    assert len(records) == 7
    assert sorted(record["by"] for record in records[3:]) == ["0", "1", "2", "3"]


def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from alloy_nb.sessions import sqlite_schema

    def fails(connection: sqlite3.Connection) -> None:
        sqlite_schema._summaries(connection)
        raise sqlite3.OperationalError("disk full")

    path = first_form(tmp_path / "s.sqlite")
    with monkeypatch.context() as patch:
        patch.setattr(sqlite_schema, "_STEPS", (sqlite_schema._first, fails))
        with pytest.raises(alloy.SessionError, match="disk full"):
            alloy.SQLiteStore(path).list()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert len(connection.execute("PRAGMA table_info(sessions)").fetchall()) == 3
    connection.close()
    assert alloy.SQLiteStore(path).list()[1].messages == 2


def test_an_append_looks_at_no_earlier_record(tmp_path: Path) -> None:
    """Law 15: it costs the same however long the session is. Counted by SQLite itself, in steps of its machine."""
    store = alloy.SQLiteStore(tmp_path / "s.sqlite")
    costs = []
    for length in (10, 3000):
        name = f"of-{length}"
        store.append(name, [{"n": n} for n in range(length)])
        steps: list[int] = []
        store._connection.set_progress_handler(lambda steps=steps: steps.append(1), 1)  # type: ignore[union-attr]
        store.append(name, [{"n": length}], after=length)
        store._connection.set_progress_handler(None, 1)  # type: ignore[union-attr]
        costs.append(len(steps))
    assert costs[1] <= costs[0] + 20, costs


def test_a_list_reads_no_records(tmp_path: Path) -> None:
    store = alloy.SQLiteStore(tmp_path / "s.sqlite")
    store.append("a", [{"n": n} for n in range(100)])
    with sqlite3.connect(store.path) as other:
        other.execute("UPDATE records SET record = 'gone'")
    other.close()
    assert [info.records for info in store.list()] == [100]


def test_who_does_not_know_all_records_appends_none(store: Any) -> None:
    store.append("a", [{"n": 1}], after=0)
    with pytest.raises(alloy.SessionConflict):
        store.append("a", [{"n": 2}], after=0)
    store.append("a", [{"n": 2}], after=1)
    assert [record["n"] for record in store.read("a")] == [1, 2]


def test_who_opens_a_new_file_in_the_same_moment_waits() -> None:
    """Of eight processes with one new file, one in two hundred was told that it was locked: SQLite does not wait there.

    The moment cannot be had at will, so the connection here says it twice.
    """
    said = [sqlite3.OperationalError("database is locked")] * 2

    class Connection:
        def execute(self, statement: str) -> None:
            if said:
                raise said.pop()
            asked.append(statement)

    asked: list[str] = []
    have_journal(Connection())
    assert (said, asked) == ([], ["PRAGMA journal_mode = WAL"])
    said.append(sqlite3.OperationalError("disk I/O error"))
    with pytest.raises(sqlite3.OperationalError, match="disk"):
        have_journal(Connection())


def test_an_interrupt_as_a_transaction_begins_leaves_none_open(tmp_path: Path) -> None:
    """The next write found the file locked, in this process and in every other one."""

    class Interrupted:
        def __init__(self, connection: sqlite3.Connection) -> None:
            self.connection = connection

        def __getattr__(self, name: str) -> Any:
            return getattr(self.connection, name)

        def execute(self, statement: str, *given: Any) -> Any:
            done = self.connection.execute(statement, *given)
            if statement.startswith("BEGIN"):
                raise KeyboardInterrupt
            return done

    store = alloy.SQLiteStore(tmp_path / "s.sqlite")
    store.append("a", [{"n": 1}])
    connection: Any = store._connection
    store._connection = Interrupted(connection)  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        store.append("a", [{"n": 2}])
    store._connection = connection
    store.append("a", [{"n": 3}])
    assert store.read("a") == [{"n": 1}, {"n": 3}]


def test_where_nobody_has_a_number_a_file_that_is_there_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows: its files look as if anybody could read them."""
    path = tmp_path / "s.sqlite"
    path.touch(mode=0o644)
    monkeypatch.delattr(os, "geteuid")
    store = alloy.SQLiteStore(path)
    store.append("a", [{"n": 1}])
    assert store.read("a") == [{"n": 1}]
