"""Which messages are sent in brief: whatever the conversation and the room, it can be sent, and says what it must."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from alloy_nb import Document, Image, Message, Opaque, Text, Thinking, ToolCall, ToolResult
from alloy_nb.context.estimate import history_tokens
from alloy_nb.context.gauge import Room
from alloy_nb.context.shrinking import make_plan
from alloy_nb.context.summary import note_text
from alloy_nb.history import close_open_calls, open_calls, repair, without_signed_thoughts

SCALE = int(os.environ.get("ALLOY_EXAMPLES", "1"))

# -- conversations, made up -------------------------------------------------------------------------------------------

words = st.sampled_from(["", "yes", "word " * 60, "word " * 700, "x" * 6000, "日本語" * 400, "{[0.5]}, " * 300])
media = st.sampled_from([Image("image/png", b"x"), Document("application/pdf", b"%PDF", name="a.pdf")])
thoughts = st.sampled_from(
    [
        Thinking("Hm. " * 80),
        Thinking("Hm. " * 80, "signed", "anthropic"),
        Opaque("openai", {"type": "reasoning", "id": "r"}),
    ]
)
own_parts = st.just(Opaque("anthropic", {"type": "server_tool_use", "id": "s", "input": "x" * 900}))
inputs = st.sampled_from([{}, {"path": "a.txt"}, {"content": "line\n" * 600}, {"points": [[0.5] * 200] * 3}])


@st.composite
def rounds(draw: Any) -> list[Message]:
    """An answer, with calls and their results or without."""
    count = draw(st.integers(0, 3))
    calls = [ToolCall(f"c{number}", "tool", draw(inputs)) for number in range(count)]
    parts = [*draw(st.lists(thoughts, max_size=1)), Text(draw(words)), *draw(st.lists(own_parts, max_size=1)), *calls]
    pictures = st.lists(media.filter(lambda part: isinstance(part, Image)), max_size=1)
    results = [ToolResult(draw(words), images=tuple(draw(pictures)), call_id=call.id, name="tool") for call in calls]
    return [Message("assistant", tuple(parts)), *([Message("user", tuple(results))] if results else [])]


prompts = st.builds(lambda text, more: [Message.user([Text(text), *more])], words, st.lists(media, max_size=1))
conversations = st.lists(rounds() | prompts, min_size=1, max_size=14).map(
    lambda groups: close_open_calls(repair([message for group in groups for message in group]))
)
rooms = st.sampled_from([0, 40, 300, 900, 2000, 5000, 20_000]).map(Room.of)


def first_request(messages: Sequence[Message]) -> Message | None:
    return next((m for m in messages if m.role == "user" and not m.tool_results), None)


def last_ones(messages: Sequence[Message], keep: int) -> tuple[Message, ...]:
    """The last `keep`, and what belongs to them."""
    start = max(0, len(messages) - keep)
    while start > 0 and (
        messages[start - 1].role == "assistant"
        and (messages[start].tool_results or messages[start].role == "assistant")
    ):
        start -= 1
    return without_signed_thoughts(messages[start:])


@settings(max_examples=2 * settings().max_examples * SCALE, deadline=None)
@given(conversations, rooms, st.integers(1, 12), st.booleans())
def test_law_10_whatever_is_left_can_be_sent(history: tuple[Message, ...], room: Room, keep: int, whole: bool) -> None:
    """CMP-2, CMP-w3, Law 10: pairs whole and in order, the first request there, the last messages whole if they fit."""
    plan = make_plan(history, room, keep, reserved=20, whole_middle=whole)
    view, note = plan.build(note_text(plan.omitted) if plan.left_out else None)
    assert repair(view) == view
    assert not open_calls(view)
    assert view == without_signed_thoughts(view)
    assert all(message.parts for message in view)
    request, tail = first_request(history), last_ones(history, keep)
    if request is not None:
        assert view[0].role == "user" or history[0].role == "assistant"
        assert first_request(view) is not None
    if history_tokens(tail) + history_tokens([request] if request else []) + 20 <= room.comfortable:
        assert view[-len(tail) :] == tail
        assert request is None or any(message is request for message in view)
    assert (note is None) == (not plan.left_out)
    if note is not None:
        assert view[note].text.startswith(f"[{plan.omitted} earlier")


@settings(max_examples=100 * SCALE, deadline=None)
@given(conversations, rooms, st.integers(1, 12))
def test_what_fits_is_left_alone_the_second_time(history: tuple[Message, ...], room: Room, keep: int) -> None:
    """CMP-w2: it was done again each turn."""
    plan = make_plan(history, room, keep, reserved=20)
    view, note = plan.build(note_text(plan.omitted) if plan.left_out else None)
    if history_tokens(view) <= room.target:
        again = make_plan(view, room, keep, note=note, omitted=plan.omitted, reserved=20)
        assert again.touched == ()
        assert again.build(None) == (view, note)


@settings(max_examples=100 * SCALE, deadline=None)
@given(conversations, st.integers(1, 12))
def test_what_is_long_becomes_short_enough(history: tuple[Message, ...], keep: int) -> None:
    """CMP-w2: first and last messages over the budget left the request too large."""
    room = Room.of(3000)
    plan = make_plan(history, room, keep, reserved=20)
    view, _ = plan.build(note_text(plan.omitted) if plan.left_out else None)
    assert history_tokens(view) <= room.comfortable


# -- one by one -------------------------------------------------------------------------------------------------------


def tool_round(number: int, text: str = "x" * 4000, **call: Any) -> list[Message]:
    asked = ToolCall(f"c{number}", "read", call or {"file_path": "a.txt"})
    return [Message.assistant(asked), Message("user", (ToolResult(text, call_id=asked.id, name="read"),))]


def build(history: Sequence[Message], room: int, keep: int = 2) -> tuple[Message, ...]:
    plan = make_plan(tuple(history), Room.of(room), keep, reserved=20)
    return plan.build(note_text(plan.omitted) if plan.left_out else None)[0]


def test_old_results_are_cleared_first_the_oldest_of_them_and_no_more_than_needed() -> None:
    """CMP-3"""
    history = [
        Message.user("Go."),
        *(m for number in range(6) for m in tool_round(number)),
        Message.assistant("a" * 900),
    ]
    view = build(history, 6000, keep=1)
    texts = [result.text for message in view for result in message.tool_results]
    assert len(view) == len(history)
    assert texts[:2] == ["[result cleared to save room: 4,000 characters]"] * 2
    assert texts[-1] == "x" * 4000
    assert view[-1] is history[-1]


def test_then_long_texts_arguments_and_pictures_are_cut_and_messages_stay() -> None:
    """CMP-3: texts of real answers (in blocks), arguments of `write`, pictures; short ones stay."""
    history = [
        Message.user("Go."),
        Message.user([Text("Look at this."), Image("image/png", b"x")]),
        Message.assistant([Thinking("Hm. " * 500), Text("word " * 400), Text("Short.")]),
        *tool_round(1, "ok", file_path="b.txt", content="line\n" * 2000),
        Message.user("And now?"),
    ]
    view = build(history, 1000, keep=1)
    assert len(view) == len(history)
    assert view[1].text == "Look at this.[image left out to save room]"
    assert view[2].text == ("word " * 40) + "[... 1,800 characters left out]Short."
    assert not view[2].thinking
    assert view[3].tool_calls[0].input["file_path"] == "b.txt"
    assert len(view[3].tool_calls[0].input["content"]) < 300
    assert view[4:] == tuple(history[4:])


def test_then_the_oldest_messages_are_left_out_behind_a_note() -> None:
    history = [Message.user("Go."), *(Message.user(f"{number} {'word ' * 30}") for number in range(40))]
    view = build(history, 1000, keep=4)
    assert view[0] is history[0]
    left_out = len(history) - (len(view) - 1)
    assert view[1].text == f"[{left_out} earlier messages are left out here to save room.]"
    assert view[2:] == tuple(history[-(len(view) - 2) :])
    assert history_tokens(view) <= Room.of(1000).target


def test_the_last_messages_are_fewer_where_they_do_not_fit() -> None:
    """CMP-2: as many as the window allows."""
    history = [Message.user(f"{number} {'word ' * 300}") for number in range(20)]
    assert build(history, 100_000, keep=10) == tuple(history)
    view = build(history, 3000, keep=10)
    assert view[0] is history[0]
    assert view[-2:] == tuple(history[-2:])
    assert 4 <= len(view) < 10


def test_a_message_that_alone_is_too_much_is_cut_in_its_middle() -> None:
    """CMP-w2: big user texts never shrank."""
    paste = "begin " + "word " * 50_000 + " end"
    for history in ([Message.user(paste)], [Message.user("Look."), *tool_round(1, paste)]):
        view = build(history, 2000, keep=10)
        assert history_tokens(view) <= 1600
        text = view[-1].text or view[-1].tool_results[0].text
        assert text.startswith("begin ")
        assert text.endswith(" end")
        assert "characters left out ..." in text


def test_numbers_without_end_in_arguments_are_left_out_at_last() -> None:
    history = [Message.user("Plot."), *tool_round(1, "ok", points=list(range(20_000)))]
    view = build(history, 1000)
    assert view[1].tool_calls[0].input == {"left_out": "the arguments, to save room"}
    assert view[2] is history[2]


def test_parts_that_a_service_made_and_answers_that_went_on_stay_together() -> None:
    """CMP-w3: results of a service's own tools were never shortened; half of a pair would be refused."""
    use = Opaque("anthropic", {"type": "server_tool_use", "id": "s1"})
    found = Opaque("anthropic", {"type": "web_search_tool_result", "tool_use_id": "s1", "content": "x" * 8000})
    history = [
        Message.user("Search."),
        Message("assistant", (use,), stop_reason="pause_turn"),
        Message("assistant", (found, Text("Found."))),
        *(Message.user(f"{number} {'word ' * 30}") for number in range(4)),
    ]
    view = build(history, 1200, keep=3)
    kept = [part for message in view for part in message.parts if isinstance(part, Opaque)]
    assert kept in ([], [use, found])
    assert history_tokens(view) <= 1000


def test_nothing_is_nothing() -> None:
    """CMP-w3: an empty history and a window of nothing crashed."""
    assert make_plan((), Room.of(0), 10).build(None) == ((), None)


def test_what_was_cleared_can_be_read_again() -> None:
    history = [
        Message.user("Go."),
        *tool_round(1),
        *tool_round(2, "y" * 900 + '\n... (9 more; read it with file_path="output:7", offset=3)'),
        Message.user("Next"),
    ]
    plan = make_plan(history, Room.of(300), 1, reserved=20)
    stored: list[str] = []
    plan.keep_outputs(lambda text: stored.append(text) or f"output:{len(stored)}")
    view, _ = plan.build(None)
    texts = [result.text for message in view for result in message.tool_results]
    assert stored == ["x" * 4000]
    assert 'file_path="output:1"' in texts[0]
    assert 'file_path="output:7"' in texts[1]
