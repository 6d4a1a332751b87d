"""What the words that set something read and tell; what they do is tested with each front end."""

from __future__ import annotations

import pytest

from alloy_nb import Budget, Usage
from alloy_nb.errors import BudgetExceeded, ConfigError
from alloy_nb.setting_commands import POLICIES, budget_words, policy_named, read_budget


def test_a_policy_is_one_of_three() -> None:
    assert [policy_named(name) for name in POLICIES] == ["ask", "auto", "deny"]


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("atuo", "did you mean auto? give ask, auto, deny"),
        ("pause", "give ask, auto, deny"),
        ("Ask", "did you mean ask?"),
    ],
)
def test_another_word_names_the_right_ones(typed: str, hint: str) -> None:
    with pytest.raises(ConfigError, match="there is no policy") as caught:
        policy_named(typed)
    assert (caught.value.hint or "").startswith(hint)


@pytest.mark.parametrize("typed", ["0.5", "$0.5", ".50"])
def test_a_budget_is_dollars(typed: str) -> None:
    assert read_budget(typed).limits == {"usd": 0.5}


@pytest.mark.parametrize("typed", ["much", "-1", "nan", "inf", "1e999", "", "1,5", "$"])
def test_no_dollars_name_what_to_give(typed: str) -> None:
    with pytest.raises(ConfigError, match="/budget is") as caught:
        read_budget(typed)
    assert caught.value.hint == "give dollars, as in /budget 0.50; none takes it away"


def test_what_is_spent_is_told_by_each_limit() -> None:
    budget = Budget(usd=2, tokens=10_000, tool_calls=3)
    budget.debit(Usage(input_tokens=1000, output_tokens=500), 0.25)
    budget.take_call()
    assert budget_words(budget) == "$0.250 of $2 spent, 1,500 of 10,000 tokens spent, 1 of 3 tool calls spent"
    assert budget_words(None) == "none"


def test_a_limit_in_dollars_has_its_cents() -> None:
    """It said `$0.5`."""
    assert budget_words(Budget(usd=0.5)) == "$0 of $0.50 spent"
    assert str(exhausted(0.5)) == "the budget of $0.50 is used up"
    assert str(exhausted(2000)) == "the budget of $2,000 is used up"


def exhausted(dollars: float) -> BudgetExceeded:
    budget = Budget(usd=dollars)
    budget.debit(Usage(1, 1), dollars)
    with pytest.raises(BudgetExceeded) as caught:
        budget.check()
    return caught.value
