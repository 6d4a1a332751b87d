"""What every history must be like, whoever made it (law 1)."""

from __future__ import annotations

from collections.abc import Sequence

from alloy_nb import Message, Result
from alloy_nb.events import Event


def open_calls(messages: Sequence[Message]) -> list[str]:
    """Ids of calls without a result. Asserts that each other call has exactly one, in order, right after it."""
    waiting: list[str] = []
    for index, message in enumerate(messages):
        results = [result.call_id for result in message.tool_results]
        if message.role == "user" and results:
            asked = [call.id for call in messages[index - 1].tool_calls]
            assert [call for call in asked if call in results] == results, (asked, results)
            waiting = [call for call in asked if call not in results]
        elif waiting:
            raise AssertionError(f"calls {waiting} were left without a result")
        if message.tool_calls:
            assert message.role == "assistant"
            waiting = [call.id for call in message.tool_calls]
    return waiting


def assert_law_1(result: Result) -> None:
    """Every call has exactly one result, in order; only `waiting` leaves calls open, exactly the pending ones."""
    still_open = open_calls(result.messages)
    if result.status == "waiting":
        assert still_open == [call.id for call in result.pending]
    else:
        assert still_open == []
        assert result.pending == ()


def assert_law_3(events: Sequence[Event]) -> None:
    """`seq` rises by one; `run_start` first, one `run_end` last; every `tool_start` has its `tool_end`."""
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert len({event.run_id for event in events}) == 1
    types = [event.type for event in events]
    assert types[0] == "run_start"
    assert types[-1] == "run_end"
    assert types.count("run_start") == types.count("run_end") == 1
    started = [event.payload["id"] for event in events if event.type == "tool_start"]
    ended = [event.payload["id"] for event in events if event.type == "tool_end"]
    assert sorted(started) == sorted(ended)
    for call in started:
        first = next(e.seq for e in events if e.type == "tool_start" and e.payload["id"] == call)
        last = next(e.seq for e in events if e.type == "tool_end" and e.payload["id"] == call)
        assert first < last
        between = [e.seq for e in events if e.type == "tool_progress" and e.payload["id"] == call]
        assert all(first < seq < last for seq in between)
