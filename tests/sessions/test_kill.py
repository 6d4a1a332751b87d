"""Law 12: a kill -9 at any moment loses no committed message, and no call with a committed result runs again."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.history import repair
from alloy_nb.recorder import fold_records
from tests.sessions.mortal import CALLS, UNKNOWN, make_store

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[2]

#: A life is killed after so many of the things that it does, at most, and a moment.
STEPS = 45
MOMENT = 0.004


class Campaign:
    """One conversation, killed again and again, and looked at after each death."""

    def __init__(self, kind: str, where: str, folder: Path) -> None:
        self.store: Any = make_store(kind, where)
        self.folder = folder
        self.deaths: Counter[str] = Counter()
        self._checked = 0
        command = [sys.executable, "-m", "tests.sessions.mortal", kind, where, str(folder)]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        self._maker = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, cwd=ROOT, env=env
        )

    def close(self) -> None:
        self._maker.kill()
        self._maker.wait()
        self._maker.stdin.close()  # type: ignore[union-attr]
        self._maker.stdout.close()  # type: ignore[union-attr]

    def live(self, last: int, kill_after: tuple[int, float] | None = None) -> int:
        """One life, which ends by itself or is killed; its exit code."""
        out: Any = self._maker.stdout
        self._maker.stdin.write(f"{last}\n".encode())  # type: ignore[union-attr]
        pid = int(out.readline())
        said = ""
        if kill_after is not None:
            while len(said) < kill_after[0]:
                letter = out.read(1).decode()
                assert letter.isalpha(), f"it ended by itself after {said!r}"
                said += letter
            time.sleep(kill_after[1])
            os.kill(pid, signal.SIGKILL)
        said += out.readline().decode().strip()
        self.deaths[said[-1:]] += 1
        return int(out.readline())

    def check_committed(self) -> None:
        """All that the store has ever confirmed is there, where it was."""
        records = [json.loads(json.dumps(record)) for record in self.store.read("s")]
        log = self.noted("committed")
        for after, appended in log[self._checked :]:
            assert records[after : after + len(appended)] == appended, f"what was committed after {after} is lost"
        self._checked = len(log)
        fold_records("s", records)

    def noted(self, name: str) -> list[Any]:
        """The lines of a file, but for those that a kill has cut."""
        path = self.folder / name
        lines = path.read_bytes().split(b"\n") if path.exists() else []
        return [value for line in lines for value in whole(line)]


def whole(line: bytes) -> list[Any]:
    """The one value of a line; nothing of one that was cut, which is no list."""
    try:
        return list(json.loads(line))
    except ValueError:
        return []


def run_campaign(kind: str, where: str, folder: Path, kills: int, seed: int) -> Campaign:
    print(f"{kind}: {kills} kills by seed {seed}")
    moments = random.Random(seed)
    campaign = Campaign(kind, where, folder)
    try:
        for _ in range(kills):
            steps = moments.randrange(STEPS)
            assert campaign.live(-1, (steps, moments.uniform(0, MOMENT))) == -signal.SIGKILL
            campaign.check_committed()
        begun = sum(m.text.startswith("task ") for m in fold_records("s", campaign.store.read("s")).messages)
        assert campaign.live(max(begun, 1) + 1) == 0, "the conversation did not come to its end"
        campaign.check_committed()
        check_conversation(campaign)
    finally:
        campaign.close()
    return campaign


def check_conversation(campaign: Campaign) -> None:
    records = campaign.store.read("s")
    messages = fold_records("s", records).messages
    assert repair(messages) == messages, "a call has no result, or a result no call"
    tasks = [m.text for m in messages if m.role == "user" and m.text]
    answers = [m.text for m in messages if m.role == "assistant" and m.text != "I will."]
    assert tasks == [f"task {number}" for number in range(len(tasks))]
    assert answers == [f"done {number}" for number in range(len(tasks))], "a task was lost, or done twice"

    results = {result.call_id: result.text for message in messages for result in message.tool_results}
    assert list(results) == [f"{task}{key}" for task in range(len(tasks)) for _, key in CALLS]
    ended = {record["result"]["call_id"] for record in records if record["kind"] == "result"}
    marks = Counter(call for call, _ in campaign.noted("marks"))
    started = Counter(record["id"] for record in records if record["kind"] == "started")
    told = set(campaign.noted("unknown"))
    for call, text in results.items():
        may_repeat = call.endswith("b")
        if UNKNOWN in text:
            assert not may_repeat, f"{call} could have run again"
            assert call not in ended, f"the result of {call} was committed, and is lost"
            assert marks[call] <= 1, f"{call} ran again, though nobody knew how it had ended"
            assert call in told, f"the model was not told of {call}"
        else:
            assert text == f"did {call}"
            assert marks[call] == 1 or (may_repeat and marks[call] > 1), f"{call} ran {marks[call]} times"
        assert started[call] >= 1, f"{call} ran, and its start was not committed"
        assert started[call] == 1 or may_repeat, f"{call} was begun {started[call]} times"
    check_order(records)


def check_order(records: Any) -> None:
    """No call begins whose result was committed before."""
    finished: set[str] = set()
    for record in records:
        if record["kind"] == "started":
            assert record["id"] not in finished, f"{record['id']} began again after its result was committed"
        elif record["kind"] == "result":
            finished.add(record["result"]["call_id"])
        elif record["kind"] == "message":
            message = alloy.Message.from_dict(record["message"])
            finished |= {result.call_id for result in message.tool_results}


def seed() -> int:
    """A new one each time; ALLOY_KILL_SEED tries one again."""
    return int(os.environ.get("ALLOY_KILL_SEED") or random.randrange(2**32))


@pytest.mark.thorough
def test_a_kill_at_20_moments_loses_and_repeats_nothing(tmp_path: Path) -> None:
    """SES-w1: nothing was saved on a crash or kill."""
    run_campaign("sqlite", str(tmp_path / "s.sqlite"), tmp_path, 20, seed())


@pytest.mark.thorough
def test_a_kill_at_20_moments_loses_and_repeats_nothing_on_postgresql(tmp_path: Path, postgres: Any) -> None:
    """SES-w1"""
    run_campaign("sql", postgres.database(), tmp_path, 20, seed())


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", ["sqlite", "sql"])
def test_kills_at_200_moments(kind: str, tmp_path: Path, request: Any) -> None:
    """Also of every kind: while something is stored, a model asked, a tool at work."""
    where = str(tmp_path / "s.sqlite") if kind == "sqlite" else request.getfixturevalue("postgres").database()
    campaign = run_campaign(kind, where, tmp_path, 200, seed())
    said = fold_records("s", campaign.store.read("s")).messages
    unknown = sum(UNKNOWN in result.text for message in said for result in message.tool_results)
    marks = Counter(call for call, _ in campaign.noted("marks"))
    print(
        f"{kind}: {len(campaign.store.read('s'))} records, {len(said)} messages, {unknown} calls of unknown outcome, "
        f"{sum(count > 1 for count in marks.values())} calls that ran again because they may; "
        f"last words before death: {dict(campaign.deaths)}"
    )
    assert campaign.deaths["s"] > 0
    assert campaign.deaths["t"] + campaign.deaths["d"] > 0
    assert unknown > 0
