from __future__ import annotations

import asyncio
import threading

from hypothesis import given, settings
from hypothesis import strategies as st

from alloy_nb.events import Event
from alloy_nb.journal import Journal


def event(number: int) -> Event:
    return Event(number, "r", "text_delta", str(number))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 20), max_size=10), st.integers(1, 4))
def test_every_reader_sees_every_event_once_whatever_the_bursts(bursts: list[int], readers: int) -> None:
    journal = Journal()
    seen: list[list[int]] = [[] for _ in range(readers)]

    def read(mine: list[int]) -> None:
        place = 0
        while True:
            journal.wait(place)
            events = journal.since(place)
            place += len(events)
            mine.extend(item.seq for item in events)
            if journal.closed and place == len(journal):
                return

    threads = [threading.Thread(target=read, args=(mine,)) for mine in seen]
    for thread in threads:
        thread.start()
    number = 0
    for burst in bursts:
        for _ in range(burst):
            number += 1
            journal.append(event(number))
    journal.close()
    for thread in threads:
        thread.join(10)
    assert seen == [list(range(1, number + 1))] * readers


def test_a_burst_wakes_a_waiting_reader_once() -> None:
    journal = Journal()
    woken: list[int] = []
    assert journal.once_more(0, lambda: woken.append(1))
    for number in range(1, 50):
        journal.append(event(number))
    assert woken == [1]


def test_a_reader_that_is_behind_is_not_made_to_wait() -> None:
    journal = Journal()
    journal.append(event(1))
    assert not journal.once_more(0, lambda: None)
    assert journal.wait(0, timeout=0)
    assert not journal.wait(1, timeout=0)


def test_readers_of_a_closed_loop_do_not_stop_the_writer() -> None:
    journal = Journal()

    async def give_up() -> None:
        task = asyncio.create_task(journal.wait_async(0))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(give_up())
    journal.append(event(1))
    journal.close()
    assert len(journal) == 1
