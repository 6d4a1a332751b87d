"""Two processes and one store: nothing of the one is lost by the other, and nothing mixed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.recorder import fold_records
from tests.sessions.mortal import make_store

pytestmark = pytest.mark.thorough

ROUNDS = 5

#: Opens a session for each line, says so, and goes on with it when it is told to; says what came of it.
_TALKER = """
import sys, alloy_nb as alloy
from tests.sessions.mortal import make_store
store, me = make_store(*sys.argv[1:3]), sys.argv[3]
for line in sys.stdin:
    session, chats = line.split()
    model = alloy.testing.Function(lambda request: f"{me} heard: {request.messages[-1].text}")
    agent = alloy.Agent(model=model, session=session, store=store, display=None)
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        for number in range(int(chats)):
            agent.chat(f"{me} says {number}")
        print("stored", flush=True)
    except alloy.SessionConflict as conflict:
        print("conflict", bool(conflict.hint), flush=True)
"""


@pytest.fixture(params=["sqlite", pytest.param("sql", marks=pytest.mark.thorough)])
def where(request: Any, tmp_path: Path) -> tuple[str, str]:
    """A kind of store, and where it keeps."""
    if request.param == "sqlite":
        return "sqlite", str(tmp_path / "s.sqlite")
    return "sql", request.getfixturevalue("postgres").database()


class Talkers:
    def __init__(self, where: tuple[str, str]) -> None:
        command = [sys.executable, "-c", _TALKER, *where]
        root = Path(__file__).parents[2]
        self.processes = [
            subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root)
            for name in ("Ann", "Ben")
        ]

    def each(self, *lines: str) -> list[str]:
        """Send each a line; what each answers."""
        for process, line in zip(self.processes, lines, strict=True):
            process.stdin.write(f"{line}\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
        return [process.stdout.readline().strip() for process in self.processes]  # type: ignore[union-attr]

    def __enter__(self) -> Talkers:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.kill()
            process.communicate()


def test_of_two_who_go_on_with_one_session_one_wins_and_the_other_is_told(where: tuple[str, str]) -> None:
    store = make_store(*where)
    with Talkers(where) as talkers:
        for round_ in range(ROUNDS):
            before = list(store.read("s"))
            assert talkers.each("s 2", "s 2") == ["ready", "ready"], "each has opened it as it was"
            said = talkers.each("go", "go")
            assert sorted(said) == ["conflict True", "stored"]
            winner = "Ann" if said[0] == "stored" else "Ben"
            records = list(store.read("s"))
            assert records[: len(before)] == before
            words = [m.text for m in fold_records("s", records).messages][4 * round_ :]
            assert words == [
                f"{winner} says 0",
                f"{winner} heard: {winner} says 0",
                f"{winner} says 1",
                f"{winner} heard: {winner} says 1",
            ], "something of the other one is in between"


def test_two_with_sessions_of_their_own_lose_nothing_at_full_speed(where: tuple[str, str]) -> None:
    with Talkers(where) as talkers:
        assert talkers.each("of-ann 40", "of-ben 40") == ["ready", "ready"]
        assert talkers.each("go", "go") == ["stored", "stored"]
    sessions = alloy.Sessions(make_store(*where))
    assert {(info.id, info.messages) for info in sessions.list()} == {("of-ann", 80), ("of-ben", 80)}
    for name, who in (("of-ann", "Ann"), ("of-ben", "Ben")):
        words = [message.text for message in sessions.get(name).messages]
        assert words[::2] == [f"{who} says {number}" for number in range(40)]
        assert words[1::2] == [f"{who} heard: {word}" for word in words[::2]]
