"""What is sent to the page: gathered, in order, and never at the run's cost."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from typing import Any

import pytest

from alloy_nb.notebook.live.courier import Courier
from tests.interrupted import is_interrupted


class Source:
    def __init__(self, name: str) -> None:
        self.name, self.told = name, 0

    def take(self) -> list[dict[str, Any]]:
        self.told += 1
        return [{"run": self.name, "seq": self.told, "ops": []}]


class Wire:
    """Keeps what is sent; holds the sender until it may go on."""

    def __init__(self, *, held: bool = False) -> None:
        self.messages: list[tuple[dict[str, Any], list[bytes]]] = []
        self.sent = threading.Condition()
        self.may = threading.Event()
        if not held:
            self.may.set()

    def __call__(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        with self.sent:
            self.messages.append((content, buffers))
            self.sent.notify_all()
        self.may.wait(10)

    def wait(self, count: int) -> list[dict[str, Any]]:
        with self.sent:
            assert self.sent.wait_for(lambda: len(self.messages) >= count, 10)
        return [content for content, _ in self.messages]


@pytest.mark.parametrize("works", [False, True])
def test_an_interrupt_wherever_it_lands_silences_no_run(works: bool) -> None:
    """A kernel hears the page on its main thread: one that landed in a `Condition` left that locked for ever."""
    place, interrupted = 0, True
    while interrupted:
        heard: dict[str, threading.Event] = {name: threading.Event() for name in ("before", "interrupted", "after")}
        courier = Courier(lambda content, _, heard=heard: [heard[name].set() for name in content["ids"]])
        if works:
            courier.acknowledge("before")
            assert heard["before"].wait(20)
        interrupted = is_interrupted(lambda courier=courier: courier.acknowledge("interrupted"), place)
        threading.Thread(target=courier.acknowledge, args=("after",), daemon=True).start()
        assert heard["after"].wait(20), f"at place {place}"
        place += 1
    assert heard["interrupted"].wait(20)
    assert place > 3


def test_what_many_runs_have_to_tell_is_one_message() -> None:
    wire = Wire(held=True)
    courier = Courier(wire)
    sources = [Source(f"run {number}") for number in range(10)]
    courier.mark(sources[0])
    wire.wait(1)
    for source in sources * 100:  # while the first message is on its way
        courier.mark(source)
    wire.may.set()
    second = wire.wait(2)[1]
    assert [change["run"] for change in second["runs"]] == [source.name for source in sources]


def test_order_is_kept_with_answers_and_files_behind() -> None:
    wire = Wire(held=True)
    courier = Courier(wire)
    courier.mark(Source("first"))
    wire.wait(1)
    courier.post({"kind": "asset", "name": "math"}, [b"code"])
    courier.acknowledge("c1")
    courier.mark(Source("second"))
    courier.acknowledge("c2")
    wire.may.set()
    assert [content["kind"] for content in wire.wait(4)[1:]] == ["heard", "changes", "asset"]
    assert wire.messages[1][0]["ids"] == ["c1", "c2"]
    assert wire.messages[3][1] == [b"code"]


@pytest.mark.thorough
def test_its_thread_ends_and_another_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alloy_nb.notebook.live.courier._IDLE", 0.01)
    wire = Wire()
    courier = Courier(wire)
    for number in range(5):
        courier.mark(Source(str(number)))
        wire.wait(number + 1)
        for thread in [t for t in threading.enumerate() if t.name == "alloy-live"]:
            thread.join(10)
    assert len(wire.messages) == 5


def test_a_comm_that_is_gone_is_told_once_and_costs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    calls = threading.Semaphore(0)

    def broken(content: dict[str, Any], buffers: list[bytes]) -> None:
        calls.release()
        raise OSError("no such comm")

    courier = Courier(broken)
    with caplog.at_level(logging.ERROR, "alloy_nb"):
        for number in range(3):
            courier.mark(Source(str(number)))
            assert calls.acquire(timeout=10)
        courier.acknowledge("c")
        assert calls.acquire(timeout=10)
    assert [record.message for record in caplog.records] == [
        "the live view could not be told of a change; the run is complete"
    ]


def test_one_run_that_cannot_be_told_silences_no_other(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def take(self) -> list[dict[str, Any]]:
            raise ValueError("a number with too many digits")

    wire = Wire()
    courier = Courier(wire)
    courier.mark(Broken())
    courier.mark(Source("well"))
    assert [change["run"] for change in wire.wait(1)[0]["runs"]] == ["well"]
    courier.mark(Source("later"))
    assert wire.wait(2)[1]["runs"][0]["run"] == "later"


def test_a_thread_that_cannot_be_started_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire()
    courier = Courier(wire)
    with monkeypatch.context() as patch:
        patch.setattr(
            threading.Thread, "start", lambda _: (_ for _ in ()).throw(RuntimeError("can't start new thread"))
        )
        with pytest.raises(RuntimeError):
            courier.mark(Source("first"))
    courier.mark(Source("second"))
    assert [change["run"] for change in wire.wait(1)[0]["runs"]] == ["first", "second"]


def test_a_forked_child_neither_waits_nor_sends() -> None:
    """It has the lock as another thread held it, and not the thread that sends."""
    if not hasattr(os, "fork"):
        pytest.skip("there is no fork here")
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "parent\nchild\nparent\n", "")


FORKED = """
import os, signal, sys, threading, warnings
from alloy_nb.notebook.live.courier import Courier

warnings.simplefilter("ignore")
told = threading.Semaphore(0)

class Source:
    def take(self):
        return [{"run": "r", "seq": 1, "ops": []}]

def send(content, buffers):
    print("sent by the child" if child else "parent", flush=True)
    told.release()

child = False
courier, source = Courier(send), Source()
courier.mark(source)
assert told.acquire(timeout=20)
held, leave = threading.Event(), threading.Event()

def hold():
    with courier._lock:
        held.set()
        leave.wait()

threading.Thread(target=hold).start()
held.wait()
pid = os.fork()
if pid == 0:
    child = True
    signal.alarm(20)
    courier.mark(source)
    courier.post({"kind": "snapshot"})
    courier.acknowledge("1")
    assert threading.active_count() == 1
    print("child", flush=True)
    os._exit(0)
_, status = os.waitpid(pid, 0)
leave.set()
assert status == 0, status
courier.mark(source)
assert told.acquire(timeout=20)
"""
