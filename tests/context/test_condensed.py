"""The view of a conversation that is sent: a value that says what it stands for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alloy_nb import Image, Message, Text, Thinking, ToolCall, ToolResult
from alloy_nb.context.condensed import Condensed, edited, opened, still_holds
from alloy_nb.context.estimate import history_tokens
from alloy_nb.context.sending import Sending

HISTORY = (
    Message.user("Find it."),
    Message.assistant(ToolCall("c1", "grep", {"pattern": "it"})),
    Message("user", (ToolResult("a lot", call_id="c1", name="grep"),)),
    Message.assistant("Here."),
)
NOTE = Message.user("[2 earlier messages are left out here to save room.]")
VIEW = Condensed(3, (HISTORY[0], NOTE), omitted=2, note=1)


def test_what_is_new_is_sent_as_it_is() -> None:
    assert VIEW.view(HISTORY) == (HISTORY[0], NOTE, HISTORY[3])


def test_it_comes_back_from_json_with_the_messages_of_the_history() -> None:
    """Nothing is stored twice: a message of the history is told by its place."""
    history = (Message.user([Image("image/png", b"x" * 10_000)]), *HISTORY[1:])
    view = Condensed(3, (history[0], NOTE), 2, 1, "a summary")
    text = json.dumps(view.to_dict(history))
    assert len(text) < 500
    read = Condensed.from_dict(json.loads(text), history)
    assert read == view
    assert read is not None
    assert read.messages[0] is history[0]


@pytest.mark.parametrize(
    "data",
    [
        {"upto": 9, "messages": [0]},
        {"upto": 0, "messages": []},
        {"upto": 3, "messages": []},
        {"upto": 3, "messages": [7]},
        {"upto": 3, "messages": [-1]},
        {"upto": 3, "messages": [0], "note": 5},
        {"upto": 3, "messages": [0, 1]},  # a call without its result
        {"upto": 3, "messages": [2]},  # a result without its call
    ],
)
def test_what_could_not_be_sent_is_not_taken(data: dict[str, Any]) -> None:
    assert Condensed.from_dict(data, HISTORY) is None


def test_it_holds_as_long_as_what_it_stands_for_is_the_same() -> None:
    assert still_holds(VIEW, HISTORY, (*HISTORY, Message.user("More."))) is VIEW
    assert still_holds(VIEW, HISTORY, HISTORY[:3]) is VIEW
    assert still_holds(VIEW, HISTORY, HISTORY[:2]) is None
    assert still_holds(VIEW, HISTORY, (Message.user("Find her."), *HISTORY[1:])) is None
    assert still_holds(None, HISTORY, HISTORY) is None


def test_a_view_that_is_opened_is_the_history_without_signed_thoughts() -> None:
    """Those before its end, too: they may have been signed within an earlier view."""
    signed = Message.assistant([Thinking("Hm", "signature"), Text("Yes.")])
    plain = Message.assistant("Yes.")
    history = (*HISTORY, Message.user("Sure?"), signed, Message.user("Really?"), signed)
    view = opened(history)
    assert view is not None
    assert view.whole
    assert view.view(history) == (*HISTORY, Message.user("Sure?"), plain, Message.user("Really?"), plain)
    assert Condensed.from_dict(json.loads(json.dumps(view.to_dict(history))), history) == view
    assert opened(HISTORY) is None


def test_what_is_sent_is_counted_with_it() -> None:
    sending = Sending()
    assert sending.messages(HISTORY) == HISTORY
    assert sending.tokens(HISTORY) == history_tokens(HISTORY)
    sending.take(VIEW)
    assert sending.messages(HISTORY) == VIEW.view(HISTORY)
    assert sending.tokens(HISTORY) == history_tokens(VIEW.view(HISTORY))
    sending.changed(HISTORY, (*HISTORY[:1], *HISTORY[3:]))
    assert sending.view is None
    sending.take(VIEW)
    assert sending.whole_tokens(HISTORY) == history_tokens(HISTORY)


def test_a_change_before_the_end_of_a_view_drops_it_and_every_signed_thought() -> None:
    """One before the change, too: it may have been signed within an earlier view."""
    signed = Message.assistant([Thinking("Hm", "signature"), Text("Yes.")])
    plain = Message.assistant("Yes.")
    a, b, c = Message.user("a"), Message.user("b"), Message.user("c")
    history = (a, signed, b, signed, c, signed)
    view = Condensed(4, (a, plain, b, plain))
    other = Message.user("another")
    assert edited(view, history, history) == (history, view)
    assert edited(view, history, (*history[:4], other, signed)) == ((*history[:4], other, plain), view)
    assert edited(view, history, (a, signed, other, *history[3:])) == ((a, plain, other, plain, c, plain), None)
    assert edited(None, history, (a, signed, other, *history[3:])) == ((a, signed, other, plain, c, plain), None)
    assert edited(view, history, history[:3]) == ((a, plain, b), None)
