"""Two calls in one tree."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from steps.failure import Failure
from steps.lock import Lock, exclusive, queued

ROOT = Path(__file__).resolve().parents[2]
HOLD = """
import sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from steps.lock import Lock
lock = Lock(Path(sys.argv[2]), "make lab (process 7)")
assert lock.acquire(shared=sys.argv[3] == "shared")
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "locks" / "demo"


@pytest.fixture
def other(path):
    """Another process that holds the lock: other("shared") or other("alone")."""
    children = []

    def hold(how):
        child = subprocess.Popen(
            [sys.executable, "-c", HOLD, ROOT / ".ci", path, how], stdout=subprocess.PIPE, text=True
        )
        children.append(child)
        assert child.stdout.readline() == "held\n"
        return child

    yield hold
    for child in children:
        child.kill()
        child.wait()
        child.stdout.close()


def test_a_second_demo_fails_at_once_and_says_who_is_first(path, other):
    other("alone")
    with (
        pytest.raises(Failure, match=r"make lab \(process 7\) is already running the demo"),
        exclusive(path, "make demo (process 8)", "running the demo"),
    ):
        pytest.fail("both hold it")


def test_readers_share_and_a_change_is_refused_while_one_reads(path, other):
    other("shared")
    lock = Lock(path, "make test")
    assert lock.acquire(shared=True)
    assert not lock.acquire()
    assert lock.holder() == "make lab (process 7)"


def test_a_killed_process_leaves_no_lock_and_is_not_named(path, other):
    child = other("alone")
    child.kill()
    child.wait()
    lock = Lock(path, "make demo")
    assert lock.acquire()
    lock.release()
    assert lock.holder() == "another make"


def test_preparing_waits_for_its_turn_and_says_for_whom(path, capsys):
    first = Lock(path, "make demo (process 1)")
    assert first.acquire()
    threading.Timer(0.2, first.release).start()
    began = time.monotonic()
    with queued(path, "make test (process 2)", "preparing the environment"):
        assert time.monotonic() - began > 0.1
    assert "which is preparing the environment" in capsys.readouterr().err
