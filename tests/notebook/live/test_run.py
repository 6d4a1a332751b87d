"""A live run: numbered changes, snapshots that lose and double nothing, whichever thread asks."""

from __future__ import annotations

import threading
from typing import Any

from alloy_nb import Scripted
from alloy_nb.events import Event
from alloy_nb.execution import Execution
from alloy_nb.notebook.live.run import LiveRun
from alloy_nb.options import make_options
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
