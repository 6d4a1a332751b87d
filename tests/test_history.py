from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.history import close_open_calls, open_calls, repair, with_results
from alloy_nb.messages import Message, Part, Text, ToolCall, ToolResult
from tests.histories import open_calls as open_and_lawful

numbers = st.integers(1, 6)


def request(count: int) -> tuple[Message, ...]:
    calls = [ToolCall(f"c{n}", "tool", {}) for n in range(count)]
    return (Message.user("go"), Message.assistant([Text("so:"), *calls]))


def results(*ids: str) -> list[ToolResult]:
    return [ToolResult(f"of {call_id}", call_id=call_id, name="tool") for call_id in ids]


@given(numbers, st.data())
def test_results_stand_in_the_order_of_the_calls_whenever_they_come(count: int, data: st.DataObject) -> None:
    """Law 1, of a turn that was paused any number of times."""
    order = data.draw(st.permutations([f"c{n}" for n in range(count)]))
    cuts = [*sorted(data.draw(st.sets(st.integers(1, count)))), count]
    messages = request(count)
    place = 0
    for cut in cuts:
        if cut > place:
            # Within one part they are in order, as the executor hands them over.
            messages = with_results(messages, results(*sorted(order[place:cut])))
            place = cut
            assert len(messages) == 3
            assert {call.id for call in open_calls(messages)} == set(order[place:])
    assert [result.call_id for result in messages[-1].tool_results] == [f"c{n}" for n in range(count)]


@given(numbers, st.data())
def test_closing_gives_each_open_call_a_result_and_touches_no_other(count: int, data: st.DataObject) -> None:
    """Laws 1 and 2: what has a result keeps it; a closed history is left as it is."""
    done = sorted(data.draw(st.sets(st.sampled_from([f"c{n}" for n in range(count)]))))
    messages = with_results(request(count), results(*done)) if done else request(count)
    closed = close_open_calls(messages)
    assert open_calls(closed) == ()
    assert [result.call_id for result in closed[-1].tool_results] == [f"c{n}" for n in range(count)]
    assert [result.call_id for result in closed[-1].tool_results if not result.is_error] == done
    assert close_open_calls(closed) is closed


def test_what_else_is_in_the_message_stays_behind_the_results() -> None:
    begun = (*request(2), Message.user([*results("c1"), Text("by the way")]))
    merged = with_results(begun, results("c0"))
    assert merged[-1].parts == (*results("c0", "c1"), Text("by the way"))


def test_a_history_without_calls_has_none_open() -> None:
    assert open_calls(()) == open_calls((Message.user("hi"),)) == ()
    assert open_calls((Message.user(results("c0")),)) == ()


ids = st.sampled_from(["a", "b", "c"])
said = st.one_of(
    st.builds(Text, st.sampled_from(["x", "y"])),
    st.builds(ToolCall, ids, st.just("tool")),
    st.builds(lambda call_id, text: ToolResult(text, call_id=call_id, name="tool"), ids, st.sampled_from(["1", "2"])),
)
anything = st.lists(
    st.builds(Message, st.sampled_from(["user", "assistant", "system"]), st.lists(said, max_size=4).map(tuple)),
    max_size=6,
)


@given(anything)
def test_law_1_any_history_is_made_one_that_providers_take(messages: list[Message]) -> None:
    """Law 1, of a history from wherever: lost, doubled, strayed results, ids used twice."""
    repaired = repair(messages)
    waiting = open_and_lawful(repaired)
    assert waiting == [call.id for call in open_calls(repaired)]
    every = [call.id for message in repaired for call in message.tool_calls]
    assert len(every) == len(set(every))
    for message in repaired:
        assert message.role == "assistant" or not message.tool_calls
        assert message.role == "user" or not message.tool_results


@pytest.mark.thorough
@given(anything)
def test_law_2_repairing_a_repaired_history_changes_nothing(messages: list[Message]) -> None:
    repaired = repair(messages)
    assert repair(repaired) == repaired
    assert all(a is b for a, b in zip(repair(repaired), repaired, strict=True))


@given(anything)
def test_repairing_loses_no_words(messages: list[Message]) -> None:
    repaired = repair(messages)

    def words(parts: tuple[Part, ...]) -> list[str]:
        return [part.text for part in parts if isinstance(part, Text)]

    before = [text for message in messages for text in words(message.parts)]
    after = [text for message in repaired for text in words(message.parts) if not text.startswith("[")]
    assert after == before


def test_results_that_come_late_are_put_behind_their_calls() -> None:
    asked = request(2)
    late = (Message.user("meanwhile"), Message.user([*results("c1"), Text("more")]), Message.assistant("done"))
    repaired = repair((*asked, *late))
    assert [part.call_id for part in repaired[2].tool_results] == ["c0", "c1"]
    assert repaired[2].tool_results[0].is_error
    assert [message.text for message in repaired[3:]] == ["meanwhile", "more", "done"]


def test_an_id_that_another_turn_has_used_is_made_ones_own() -> None:
    turn = (Message.assistant(ToolCall("c0", "tool")), Message.user(results("c0")))
    repaired = repair((*turn, *turn))
    assert [message.tool_calls[0].id for message in repaired[::2]] == ["c0", "c0_2"]
    assert [message.tool_results[0].call_id for message in repaired[1::2]] == ["c0", "c0_2"]
    assert repaired[:2] == turn


def test_a_long_history_whose_calls_share_one_id_is_repaired_in_steps_that_grow_with_its_length() -> None:
    def lines_run(turns: int) -> int:
        one = (Message.assistant(ToolCall("c", "read")), Message.user("so?"))
        count = 0

        def trace(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal count
            count += event == "line"
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            repaired = repair(one * turns)
        finally:
            sys.settrace(before)
        assert len({call.id for message in repaired for call in message.tool_calls}) == turns
        return count

    assert lines_run(400) < 3 * lines_run(200)
