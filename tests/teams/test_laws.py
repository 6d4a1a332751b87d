"""The laws of streams and of stopping, tried on teams that hypothesis makes up."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import alloy_nb as alloy
from alloy_nb.events import Event
from alloy_nb.journal import Journal
from alloy_nb.providers.base import Delta, Done, TextDelta, ToolCallDelta
from alloy_nb.teams.confluence import BURST, Confluence
from tests.histories import assert_law_1

from .models import Model, note, until

SCALE = int(os.environ.get("ALLOY_EXAMPLES", "1"))

KINDS = ["answers", "calls", "breaks", "fails", "waits", "nested", "hands"]


def member(kind: str) -> dict[str, Any]:
    call = {"tool_calls": [{"name": "inner", "input": {"prompt": "p"}}]}
    inner = alloy.Agent(name="inner", model=alloy.Scripted(["within"] * 3))

    async def stream(number: int, request: Any) -> AsyncIterator[Delta]:
        match kind:
            case "breaks":
                raise ValueError("boom")
            case "waits":
                await asyncio.Event().wait()
            case "calls" if number == 1:
                yield ToolCallDelta(0, "c1", "note", "{}")
                yield Done("tool_use")
                return
        yield TextDelta("well ")
        yield TextDelta("done")
        yield Done("end_turn")

    match kind:
        case "fails":
            return {"model": alloy.Scripted([alloy.AuthError("no key")])}
        case "nested":
            return {"model": alloy.Scripted([call, "done"]), "tools": [inner.as_tool()]}
        case "hands":
            handed = {"tool_calls": [{"name": "transfer_to_inner", "input": {"task": "t"}}]}
            return {"model": alloy.Scripted([handed, "done"]), "handoffs": [inner]}
    return {"model": Model(stream), "tools": [note]}


def assert_stream(events: list[alloy.Event], run_id: str) -> None:
    """`seq` rises by one; each run begins once, ends once, and tells nothing after."""
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert (events[0].run_id, events[0].type) == (run_id, "run_start")
    assert (events[-1].run_id, events[-1].type) == (run_id, "run_end")
    for own in {event.run_id for event in events}:
        told = [event for event in events if event.run_id == own]
        assert (told[0].type, told[-1].type) == ("run_start", "run_end")
        types = [event.type for event in told]
        assert types.count("run_start") == types.count("run_end") == 1
        if own != run_id:
            origins = [event.origin_seq for event in told]
            assert None not in origins
            assert origins == sorted(origins, key=lambda origin: origin or 0)


@settings(max_examples=20 * SCALE, deadline=None)
@given(st.lists(st.sampled_from(KINDS), max_size=5), st.integers(0, 30) | st.none())
def test_laws_1_3_11_of_a_broadcast_however_it_is_stopped(kinds: list[str], after: int | None) -> None:
    """Laws 1, 3 and 11: one stream, valid histories, and a stop that reaches everybody."""
    if "waits" in kinds:  # what waits for ever tells little before
        after = 2 if after is None else min(after, 2)
    with alloy.Team({f"{kind}{n}": member(kind) for n, kind in enumerate(kinds)}, timeout=None) as team:
        run = team.start_broadcast("go")
        events = []
        for event in run:
            events.append(event)
            if after is not None and event.seq > after:
                run.cancel()
        results = run.result()
        assert list(results) == list(team)
        assert_stream(events, run.run_id)
        assert list(run) == events
        for result in results.values():
            assert_law_1(result)
        assert not any(health.busy for health in team.health().values())


@settings(max_examples=15 * SCALE, deadline=None)
@given(st.lists(st.sampled_from([kind for kind in KINDS if kind != "waits"]), max_size=4))
def test_law_3_of_a_chain(kinds: list[str]) -> None:
    """Law 3: the same for members one after another; the next one begins when the one before has told its end."""
    with alloy.Team({f"{kind}{n}": member(kind) for n, kind in enumerate(kinds)}) as team:
        run = team.start_handoff(list(team), "go")
        events = list(run)
        result = run.result(check=False)
        assert_stream(events, run.run_id)
        assert_law_1(result)
        for event in events:
            if event.type == "handoff" and event.run_id == run.run_id:
                (ended,) = [e.seq for e in events if e.type == "run_end" and e.agent == f"team/{event.payload['from']}"]
                assert ended < event.seq


@settings(max_examples=30 * SCALE, deadline=None)
@given(st.lists(st.lists(st.integers(1, 3 * BURST), max_size=4), max_size=5), st.randoms(use_true_random=False))
def test_streams_flow_together_whole_in_order_and_fairly(bursts: list[list[int]], random: Any) -> None:
    """Law 3: every event of each once and in its order, whoever tells how much at a time."""
    heard: list[Event] = []
    confluence = Confluence(heard.extend, "test")
    journals = [Journal() for _ in bursts]
    for number, (journal, sizes) in enumerate(zip(journals, bursts, strict=True)):
        seq = 0
        confluence.add(journal)
        for size in sizes:
            journal.extend([Event(seq + n, str(number), "text_delta", n) for n in range(1, size + 1)])
            seq += size
        journal.close()
    confluence.tell(Event(0, "", "end", None), waits=True)
    until(lambda: heard and heard[-1].type == "end")
    assert [event.seq for event in heard] == list(range(1, len(heard) + 1))
    for number, sizes in enumerate(bursts):
        own = [event.origin_seq for event in heard if event.run_id == str(number)]
        assert own == list(range(1, sum(sizes) + 1))


def test_a_flood_gives_way_after_a_burst() -> None:
    heard: list[Event] = []
    confluence = Confluence(heard.extend, "test")
    flood, quiet = Journal(), Journal()
    flood.extend([Event(n, "flood", "text_delta", n) for n in range(1, 100 * BURST)])
    quiet.extend([Event(1, "quiet", "run_end", None)])
    flood.close()
    quiet.close()
    confluence.add(flood)
    confluence.add(quiet)
    until(lambda: len(heard) == 100 * BURST)
    # Only what was there before the quiet one was noticed may go ahead of it.
    place = next(event.seq for event in heard if event.run_id == "quiet")
    assert place < 100 * BURST
    assert place % BURST == 1
