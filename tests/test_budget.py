"""Budgets: looked at before each call, debited once, shared."""

from __future__ import annotations

from typing import Any

import pytest

import alloy_nb as alloy
from alloy_nb.errors import ServerError
from alloy_nb.providers.base import UsageDelta
from alloy_nb.testing import Function, no_delays
from tests.histories import assert_law_1


@alloy.tool
def tick() -> str:
    """Tick."""
    return "tock"


def answers(count: int, tokens: int = 100) -> alloy.Scripted:
    """A model that calls `tick` again and again, at `tokens` an answer."""
    usage = {"input_tokens": tokens - 10, "output_tokens": 10}
    lines: list[Any] = [{"tool_calls": [{"name": "tick", "input": {}}], "usage": usage} for _ in range(count)]
    return alloy.Scripted([*lines, {"text": "done", "usage": usage}])


def test_a_run_ends_before_the_call_that_its_budget_of_tokens_does_not_cover() -> None:
    model, budget = answers(9), alloy.Budget(tokens=250)
    with pytest.raises(alloy.BudgetExceeded) as caught:
        alloy.run("go", model=model, tools=[tick], budget=budget)
    assert len(model.requests) == 3
    assert budget.spent["tokens"] == 300
    assert "250 tokens" in str(caught.value)
    assert caught.value.hint
    assert_law_1(caught.value.result)  # type: ignore[arg-type]


def test_a_budget_that_is_used_up_asks_no_model_and_takes_the_prompt_back() -> None:
    model = answers(0)
    result = alloy.run("go", model=model, budget=alloy.Budget(tokens=0), check=False)
    assert isinstance(result.error, alloy.BudgetExceeded)
    assert (model.requests, result.messages) == ([], ())


def test_tool_calls_beyond_the_budget_do_not_run_and_the_run_ends() -> None:
    ran: list[int] = []

    @alloy.tool(parallel=False)
    def count() -> str:
        """Count."""
        ran.append(1)
        return "one more"

    calls = [{"name": "count", "input": {}} for _ in range(5)]
    model, budget = alloy.Scripted([{"tool_calls": calls}, "done"]), alloy.Budget(tool_calls=3)
    result = alloy.run("go", model=model, tools=[count], budget=budget, check=False)
    assert isinstance(result.error, alloy.BudgetExceeded)
    assert len(ran) == 3
    assert [record.executed for record in result.tool_calls] == [True] * 3 + [False] * 2
    assert len(model.requests) == 1
    assert_law_1(result)


def test_a_call_that_was_denied_costs_nothing_of_a_budget() -> None:
    budget = alloy.Budget(tool_calls=1)
    model = alloy.Scripted([{"tool_calls": [{"name": "bash", "input": {"command": "true"}}]}, "done"])
    alloy.run("go", model=model, tools=["bash"], approval="deny", budget=budget)
    assert budget.spent["tool_calls"] == 0


def fails_after_it_was_billed(_: Any) -> list[Any]:
    return [UsageDelta(alloy.Usage(input_tokens=100)), ServerError("busy")]


def test_an_attempt_that_failed_is_debited_once_where_the_budget_forbids_the_next() -> None:
    model, budget = Function(fails_after_it_was_billed), alloy.Budget(tokens=150)
    with no_delays():
        result = alloy.run("go", model=model, budget=budget, check=False, max_retries=5)
    assert isinstance(result.error, alloy.BudgetExceeded)
    assert len(model.requests) == 2
    assert budget.spent["tokens"] == result.usage.input_tokens == 200


def test_an_attempt_that_failed_is_debited_once_where_the_run_is_stopped_before_the_next() -> None:
    budget = alloy.Budget(tokens=1000)
    run = alloy.start("go", model=Function(fails_after_it_was_billed), budget=budget, max_retries=5)
    for event in run:
        if event.type == "retry":
            run.cancel()
    result = run.result(check=False)
    assert result.status == "cancelled"
    assert budget.spent["tokens"] == result.usage.input_tokens == 100


def test_a_budget_is_shared_and_debited_once() -> None:
    """Law 11"""
    budget = alloy.Budget(tokens=1000)
    for _ in range(3):
        alloy.run("go", model=answers(1), tools=[tick], budget=budget)
    assert budget.spent["tokens"] == 600
    assert budget.left("tokens") == 400
    assert repr(budget) == "Budget(tokens=1000: 600 spent)"


def test_a_budget_in_dollars_needs_a_price() -> None:
    model = Function(lambda request: "free")
    with pytest.raises(alloy.ConfigError, match=r"price of .* is not known"):
        alloy.run("go", model=model, budget=alloy.Budget(usd=1))


def test_an_answer_without_a_price_ends_a_budget_in_dollars_rather_than_counting_nothing() -> None:
    budget = alloy.Budget(usd=1)
    budget.debit(alloy.Usage(1, 1), None)
    with pytest.raises(alloy.BudgetExceeded, match="not known"):
        budget.check()


def test_dollars_are_added_up_beyond_floats_of_one_call() -> None:
    budget = alloy.Budget(usd=1)
    for _ in range(10):
        budget.debit(alloy.Usage(1, 1), 0.1)
    with pytest.raises(alloy.BudgetExceeded):
        budget.check()


@pytest.mark.parametrize("given", [{}, {"tokens": -1}, {"usd": "1"}, {"tool_calls": True}, {"usd": float("nan")}])
def test_a_budget_that_makes_no_sense_is_said_at_once(given: dict[str, Any]) -> None:
    with pytest.raises(alloy.ConfigError):
        alloy.Budget(**given)


def test_a_number_is_no_budget() -> None:
    with pytest.raises(alloy.ConfigError, match="budget is 5"):
        alloy.run("go", model=answers(0), budget=5)
