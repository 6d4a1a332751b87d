"""What a member of a team feels of the others: how much longer an answer takes beside five that crash, five that hang
and five that flood than alone. The five answer in three rounds of 200 ms, by their own clocks.
"""

from __future__ import annotations

import pytest

import alloy_nb as alloy
from tests.teams.models import FREE, twenty

pytestmark = pytest.mark.bench

#: How much longer it may take, at the slowest of the five.
BOUND = 2.0
TRIES = 3


def seconds(agents: dict[str, dict[str, object]]) -> list[float]:
    """How long each of the five took that answer, in a broadcast to all of these."""
    FREE.clear()
    with alloy.Team(agents, timeout=30.0) as team:
        run = team.start_broadcast("go")
        while not all(name in run.results for name in agents if name.startswith(("answer", "flood"))):
            FREE.wait(0.01)
        run.cancel()
        FREE.set()
        results = run.result()
    assert list(results) == list(agents)
    assert all(result.ok for name, result in results.items() if name.startswith(("answer", "flood")))
    return [result.duration for name, result in results.items() if name.startswith("answer")]


def test_an_answer_beside_all_that_goes_wrong_takes_at_most_twice_its_time(capsys: pytest.CaptureFixture[str]) -> None:
    alone = min(max(seconds({n: o for n, o in twenty().items() if n.startswith("answer")})) for _ in range(TRIES))
    beside = min(max(seconds(twenty())) for _ in range(TRIES))
    with capsys.disabled():
        print(
            f"\n  five answers: alone {alone:.2f} s, beside fifteen others {beside / alone:.2f} x (promised {BOUND} x)"
        )
    assert beside / alone <= BOUND
