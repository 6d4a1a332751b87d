"""What the notebook's own agent remembers."""

from __future__ import annotations

from alloy_nb import Message, Result
from alloy_nb.notebook.conversation import Conversation


def said(*texts: str, before: tuple[Message, ...] = (), status: str = "completed") -> Result:
    pair = tuple(Message.user(text) if i % 2 == 0 else Message.assistant(text) for i, text in enumerate(texts))
    return Result(messages=(*before, *pair), status=status)  # type: ignore[arg-type]


def texts(messages: tuple[Message, ...]) -> list[str]:
    return [message.text for message in messages]


def keep(conversation: Conversation, cell: str | None, execution: int, *words: str) -> bool:
    before = conversation.before(cell, execution)
    return conversation.keep(cell, execution, said(*words, before=before), len(before))


def test_it_goes_on_from_cell_to_cell() -> None:
    conversation = Conversation()
    assert keep(conversation, "A", 1, "q1", "a1")
    assert keep(conversation, "B", 2, "q2", "a2")
    assert texts(conversation.before("C", 3)) == ["q1", "a1", "q2", "a2"]


def test_a_cell_run_again_replaces_its_own_exchange() -> None:
    conversation = Conversation()
    keep(conversation, "A", 1, "q1", "a1")
    keep(conversation, "B", 2, "q2", "a2")
    assert texts(conversation.before("A", 3)) == ["q2", "a2"]
    keep(conversation, "A", 3, "q1 again", "a1 again")
    keep(conversation, "A", 4, "q1 again", "a1 again")
    assert texts(conversation.messages) == ["q2", "a2", "q1 again", "a1 again"]


def test_several_questions_of_one_cell_follow_each_other_and_are_replaced_together() -> None:
    conversation = Conversation()
    keep(conversation, "A", 1, "q1", "a1")
    keep(conversation, "A", 1, "q2", "a2")
    assert texts(conversation.messages) == ["q1", "a1", "q2", "a2"]
    keep(conversation, "A", 2, "q3", "a3")
    assert texts(conversation.messages) == ["q3", "a3"]


def test_where_cells_have_no_names_nothing_is_replaced() -> None:
    conversation = Conversation()
    keep(conversation, None, 1, "q1", "a1")
    keep(conversation, None, 2, "q1", "a1")
    assert len(conversation.messages) == 4


def test_a_run_that_came_to_nothing_changes_nothing() -> None:
    """RUN: the prompt of a run that produced nothing is taken back; the cell's earlier exchange stays."""
    conversation = Conversation()
    keep(conversation, "A", 1, "q1", "a1")
    failed = Result(messages=conversation.before("A", 2), status="error")
    assert not conversation.keep("A", 2, failed, 0)
    assert texts(conversation.messages) == ["q1", "a1"]


def test_a_run_that_waits_for_decisions_is_not_gone_on_from() -> None:
    conversation = Conversation()
    assert not conversation.keep("A", 1, said("q", "a", status="waiting"), 0)
    assert conversation.messages == ()
