"""Two thousand turns on a window of 8,000 tokens: no overflow, nothing lost, and a turn costs what a turn costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.context import estimate
from alloy_nb.errors import ContextOverflowError
from alloy_nb.history import open_calls, repair
from alloy_nb.messages import Message
from alloy_nb.providers.base import Request
from alloy_nb.recorder import fold_records
from alloy_nb.testing import Function

WINDOW = 8000
TURNS = 2000


class Service:
    """Counts in its own way (a token for three bytes of JSON), and refuses what is more than the window."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.refused = 0
        self.seen: tuple[Message, ...] = ()
        self.model = Function(self.answer)
        self._encoded: dict[int, tuple[Message, int]] = {}

    def answer(self, request: Request) -> Any:
        self.model.requests.clear()
        assert repair(request.messages) == request.messages
        assert not open_calls(request.messages)
        size = sum(map(self._size, request.messages)) + len(request.system_prompt or "")
        if size // 3 > WINDOW:
            self.refused += 1
            return ContextOverflowError(f"prompt is too long: {size // 3} tokens > {WINDOW}")
        self.sizes.append(size)
        self.seen = request.messages
        last = request.messages[-1]
        if last.tool_results:
            return f"I looked, and found {len(last.tool_results[0].text)} characters."
        number = int(last.text.split()[1])
        if number % 5 == 0:
            return {"text": "Let me see.", "tool_calls": [{"name": "look", "input": {"number": number}}]}
        return f"Answer {number}: {'words and more words ' * (number % 40)}"

    def _size(self, message: Message) -> int:
        known = self._encoded.get(id(message))
        if known is None or known[0] is not message:
            known = self._encoded[id(message)] = message, len(json.dumps(message.to_dict()).encode())
        return known[1]


@alloy.tool
def look(number: int) -> str:
    """Look at something."""
    return f"What {number} is:\n" + "a line of it\n" * (number % 300)


def question(number: int) -> str:
    return f"Question {number} about {'this and that, ' * (number % 7)}"


def converse(store: alloy.SessionStore, turns: int, service: Service) -> tuple[alloy.Agent, list[int], list[int]]:
    """The agent after so many questions; the bytes sent, and the parts estimated, for each."""
    agent = alloy.Agent(
        model=service.model, tools=[look], system_prompt="Be brief.", context_window=WINDOW, session="long", store=store
    )
    counted = [0]
    real = estimate.part_tokens

    def count(part: Any) -> int:
        counted[0] += 1
        return real(part)

    sent, parts = [], []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(estimate, "part_tokens", count)
        for number in range(turns):
            service.sizes.clear()
            counted[0] = 0
            result = agent.chat(question(number))
            assert result.status == "completed"
            sent.append(sum(service.sizes))
            parts.append(counted[0])
    return agent, sent, parts


def check(store: alloy.SessionStore, turns: int) -> None:
    service = Service()
    agent, sent, parts = converse(store, turns, service)
    window = turns // 20
    early, late = slice(window, 2 * window), slice(-window, None)
    # A turn costs the same however many went before it: what is sent, and what is looked at.
    assert sum(sent[late]) <= 2 * sum(sent[early])
    assert sum(parts[late]) <= 2 * sum(parts[early])
    assert service.refused <= 5
    # The first question and the last messages are sent as they are.
    expected = 2 * turns + 2 * len([number for number in range(turns) if number % 5 == 0])
    assert len(agent.messages) == expected
    assert service.seen[0] is agent.messages[0]
    assert service.seen[-3:] == agent.messages[-4:-1]
    assert "earlier messages are left out" in service.seen[1].text
    # The conversation is whole, here and in the store.
    asked = [m.text for m in agent.messages if m.role == "user" and not m.tool_results]
    assert asked == [question(number) for number in range(turns)]
    assert fold_records("long", store.read("long")).messages == agent.messages
    again = Service()
    resumed = alloy.Agent(model=again.model, tools=[look], context_window=WINDOW, session="long", store=store)
    assert resumed.messages == agent.messages
    assert resumed.chat(question(turns + 1)).status == "completed"
    assert again.refused == 0
    assert again.seen[0].text == question(0)
    assert again.seen[: len(resumed.dialogue.view.messages)] == agent.dialogue.view.messages  # type: ignore[union-attr]
    assert len(fold_records("long", store.read("long")).messages) == expected + 2


@pytest.mark.thorough
def test_a_long_conversation_on_a_small_window_never_ends_in_an_overflow() -> None:
    """Law 10, Law 15"""
    check(alloy.MemoryStore(), 400)


@pytest.mark.thorough
def test_two_thousand_turns_on_a_window_of_eight_thousand_tokens(tmp_path: Path) -> None:
    """Law 10, Law 15: 4,800 messages, stored in SQLite."""
    check(alloy.SQLiteStore(tmp_path / "s.sqlite"), TURNS)
