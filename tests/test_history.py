from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.history import close_open_calls, open_calls, with_results
from alloy_nb.messages import Message, Text, ToolCall, ToolResult

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
