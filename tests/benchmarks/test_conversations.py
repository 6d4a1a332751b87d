"""What one more turn costs, however many went before it: processor time, as a ratio."""

from __future__ import annotations

import time

import pytest

import alloy_nb as alloy
from alloy_nb.testing import Function

pytestmark = pytest.mark.bench

TURNS, SOME = 2000, 100
PROMISED = 2.0


def test_the_two_thousandth_turn_costs_what_the_two_hundredth_did(capsys: pytest.CaptureFixture[str]) -> None:
    """Law 15: on a window of 8,000 tokens, stored as it grows."""

    def answer(request: object) -> str:
        model.requests.clear()
        return "words and more words " * 20

    model = Function(answer)
    agent = alloy.Agent(model=model, context_window=8000, session="s", store=alloy.MemoryStore())
    took = []
    for number in range(TURNS):
        began = time.process_time()
        agent.chat(f"Question {number} about this and that")
        took.append(time.process_time() - began)
    early, late = sum(took[200 : 200 + SOME]) / SOME, sum(took[-SOME:]) / SOME
    with capsys.disabled():
        print(
            f"\n  a turn after 200: {early * 1e3:.2f} ms; after {TURNS}: {late / early:.2f} x (promised {PROMISED} x)"
        )
    assert late <= PROMISED * early
