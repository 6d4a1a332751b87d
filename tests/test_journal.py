from __future__ import annotations

import asyncio
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alloy_nb.events import Event
from alloy_nb.journal import Journal, Reader, follow, follow_async


def event(number: int) -> Event:
    return Event(number, "r", "text_delta", str(number))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 20), max_size=10), st.integers(1, 4))
def test_every_reader_sees_every_event_once_whatever_the_bursts(bursts: list[int], readers: int) -> None:
    journal = Journal()
    seen: list[list[int]] = [[] for _ in range(2 * readers)]

    def read(mine: list[int]) -> None:
        for events in follow(journal):
            mine.extend(item.seq for item in events)

    async def read_async(mine: list[int]) -> None:
        async def idle(place: int) -> None:
            assert place == len(mine)

        async for events in follow_async(journal, idle):
            mine.extend(item.seq for item in events)

    async def read_all_async() -> None:
        await asyncio.gather(*map(read_async, seen[readers:]))

    threads = [threading.Thread(target=read, args=(mine,)) for mine in seen[:readers]]
    threads.append(threading.Thread(target=lambda: asyncio.run(read_all_async())))
    for thread in threads:
        thread.start()
    number = 0
    for burst in bursts:
        for _ in range(burst):
            number += 1
            journal.extend([event(number)])
    journal.close()
    for thread in threads:
        thread.join(10)
    assert seen == [list(range(1, number + 1))] * (2 * readers)


@given(st.lists(st.sampled_from(["append", "step", "rearm"]), max_size=30))
def test_a_reader_that_was_told_to_wait_is_woken_by_the_next_event(what_happens: list[str]) -> None:
    """Whatever came before, also an interrupt after which it does not know what it had registered."""
    journal = Journal()
    woken: list[int] = []
    reader = Reader(journal, lambda: woken.append(len(journal)))
    waits = False
    read = 0
    for what in [*what_happens, "step", "append", "step"]:
        if what == "append":
            before = len(woken)
            journal.extend([event(len(journal) + 1)])
            assert len(woken) > before or not waits
            waits = False
        elif what == "rearm":
            reader.rearm()
        else:
            events = reader.step()
            assert events is not None
            assert [item.seq for item in events] == list(range(read + 1, len(journal) + 1))
            read = len(journal)
            waits = not events
    journal.close()
    assert reader.step() is None
    assert reader.place == read


def test_an_interrupt_while_a_reader_registers_loses_no_wake_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run hung after Ctrl-C: the reader took itself for registered, and was not."""
    journal = Journal()
    woken: list[int] = []
    reader = Reader(journal, lambda: woken.append(1))

    def interrupted(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(journal, "once_more", interrupted)
    with pytest.raises(KeyboardInterrupt):
        reader.step()
    monkeypatch.undo()
    reader.rearm()
    assert reader.step() == []
    journal.extend([event(1)])
    assert woken == [1]


def test_a_burst_wakes_a_waiting_reader_once() -> None:
    journal = Journal()
    woken: list[int] = []
    assert journal.once_more(0, lambda: woken.append(1))
    for number in range(1, 50):
        journal.extend([event(number)])
    assert woken == [1]


def test_a_reader_that_looks_again_and_again_is_registered_once() -> None:
    journal = Journal()
    woken: list[int] = []
    reader = Reader(journal, lambda: woken.append(1))
    assert [reader.step() for _ in range(5)] == [[]] * 5
    journal.close()
    assert woken == [1]


def test_a_reader_that_is_behind_is_not_made_to_wait() -> None:
    journal = Journal()
    journal.extend([event(1)])
    assert not journal.once_more(0, lambda: None)
    assert Reader(journal, lambda: None).step() == [event(1)]


def test_before_each_wait_a_reader_is_told_how_far_it_has_read() -> None:
    journal = Journal()
    places: list[int] = []

    def idle(place: int) -> None:
        places.append(place)
        if place < 3:
            journal.extend([event(place + 1)])
        else:
            journal.close()

    assert [len(events) for events in follow(journal, idle)] == [1, 1, 1]
    assert places == [0, 1, 2, 3]


def test_readers_of_a_closed_loop_do_not_stop_the_writer() -> None:
    journal = Journal()

    async def read() -> None:
        async def nothing(_: int) -> None:
            return

        async for _ in follow_async(journal, nothing):
            raise AssertionError("there is nothing to read")

    async def give_up() -> None:
        task = asyncio.create_task(read())
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(give_up())
    journal.extend([event(1)])
    journal.close()
    assert len(journal) == 1
