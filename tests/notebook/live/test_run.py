"""A live run: numbered changes, snapshots that lose and double nothing, whichever thread asks."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from alloy_nb import Scripted
from alloy_nb.events import Event
from alloy_nb.execution import Execution
from alloy_nb.notebook.live.run import LiveRun
from alloy_nb.options import make_options
from alloy_nb.render import growing
from alloy_nb.render.blocks import Transcript
from alloy_nb.state import RunState

from .test_changes import Page


def live_run(changed: Any = lambda _live: None) -> LiveRun:
    execution = Execution(RunState("go", make_options({"model": Scripted(["x"])}), asker=None))
    return LiveRun(execution, Transcript(execution.run_id), changed, waited=True)


def say(live: LiveRun, *words: str) -> None:
    live.feed([Event(0, live.run_id, "text_delta", word) for word in words])


def test_changes_are_numbered_and_nothing_is_told_twice() -> None:
    live = live_run()
    say(live, "a")
    say(live, "b")
    first = live.take()
    say(live, "c")
    second = live.take()
    assert [change["seq"] for change in first + second] == [1, 2]
    assert live.take() == []
    page = Page()
    for change in first + second:
        page.take(change["ops"])
    assert page.blocks[0]["markdown"] == "abc"
    assert page.facts["waited"] is True


def test_a_snapshot_between_two_changes_is_one_of_them() -> None:
    """A page that goes on from the snapshot with the later changes has the same as one that had all of them."""
    live = live_run()
    say(live, "a")
    told = live.take()
    say(live, "b")
    snapshot = live.snapshot()
    say(live, "c")
    told += live.take()
    late = Page()
    late.blocks, late.facts = snapshot["blocks"], snapshot["facts"]
    for change in told:
        if change["seq"] > snapshot["seq"]:
            late.take(change["ops"])
    assert late.blocks[0]["markdown"] == "abc"
    assert [change["seq"] for change in told] == [1, 2, 3]


def test_snapshots_from_other_threads_while_it_streams() -> None:
    live, snapshots, done = live_run(), [], threading.Event()

    def look() -> None:
        while not done.is_set():
            snapshots.append(live.snapshot())

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    told = []
    for number in range(300):
        say(live, f"{number} ")
        if number % 3 == 0:
            told += live.take()
    done.set()
    for thread in threads:
        thread.join()
    told += live.take()
    text = "".join(f"{number} " for number in range(300))
    assert [change["seq"] for change in told] == list(range(1, len(told) + 1))
    for snapshot in snapshots[:: max(1, len(snapshots) // 50)]:
        page = Page()
        page.blocks, page.facts = [dict(block) for block in snapshot["blocks"]], dict(snapshot["facts"])
        for change in told[snapshot["seq"] :]:
            page.take(change["ops"])
        assert page.blocks[0]["markdown"] == text


def test_who_sends_is_told_of_every_change() -> None:
    calls: list[LiveRun] = []
    live = live_run(calls.append)
    say(live, "a")
    live.set_facts(asks="input")
    assert calls == [live, live]
    assert any(op == ["f", {"asks": "input", "waited": True}] for change in live.take() for op in change["ops"])


def test_what_stays_is_whole_while_the_courier_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads that read the words at once: the second one had the answer without what the first was looking at."""
    live, reading, go_on = live_run(), threading.Event(), threading.Event()
    real = growing.clean

    def clean(text: str) -> str:
        reading.set()
        assert go_on.wait(10)
        return real(text)

    def freeze() -> None:
        live.settle()
        kept.extend(live.transcript.blocks)

    kept: list[Any] = []
    say(live, "first, ", "and last")
    monkeypatch.setattr(growing, "clean", clean)
    threads = [threading.Thread(target=live.take), threading.Thread(target=freeze)]
    threads[0].start()
    assert reading.wait(10)
    threads[1].start()
    threads[1].join(0.2)
    go_on.set()
    for thread in threads:
        thread.join()
    assert [block.markdown for block in kept] == ["first, and last"]
