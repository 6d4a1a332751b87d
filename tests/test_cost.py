"""What a call costs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.cost import cost_of
from alloy_nb.errors import ConfigError
from alloy_nb.models import known_models
from alloy_nb.usage import Usage

PRICED = [(info.name, info.provider) for info in known_models() if info.prices]
counts = st.integers(0, 10**9)


@pytest.fixture(autouse=True)
def own_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], object]:
    monkeypatch.delenv("ALLOY_MODELS", raising=False)
    monkeypatch.setenv("ALLOY_CONFIG_DIR", str(tmp_path))
    monkeypatch.setattr("alloy_nb.cost.find_spec", lambda name: None)
    return lambda text: (tmp_path / "models.json").write_text(text, "utf-8")


def test_a_call_is_priced_by_the_million() -> None:
    """USE-3, USE-w1: in dollars, from the model's own prices."""
    million = Usage(1_000_000, 1_000_000)
    assert cost_of(million, "claude-sonnet-4-6", "anthropic") == 18.0
    assert cost_of(million, "gpt-5.2", "openai") == 15.75
    assert cost_of(Usage(), "gpt-5.2", "openai") == 0.0


def test_no_rate_is_rounded(own_table: Any) -> None:
    """USE-w3: $0.075 per million became 8 cents."""
    own_table('{"acme": {"models": {"m": {"prices": {"input": 0.075, "output": 0.0028}}}}}')
    assert cost_of(Usage(1_000_000, 0), "m", "acme") == 0.075
    assert cost_of(Usage(0, 1_000_000), "m", "acme") == 0.0028
    assert cost_of(Usage(1, 0), "m", "acme") == pytest.approx(7.5e-8)


def test_cached_and_written_tokens_have_their_own_rates() -> None:
    """USE-w1: cached tokens were not priced. They are parts of the prompt, so each token is paid once."""
    usage = Usage(1_000_000, 0, cached_tokens=600_000, cache_write_tokens=300_000)
    assert cost_of(usage, "claude-sonnet-4-6", "anthropic") == pytest.approx(0.1 * 3 + 0.6 * 0.3 + 0.3 * 3.75)


def test_where_the_vendor_has_no_rate_for_the_cache_it_is_the_inputs() -> None:
    usage = Usage(1_000_000, 0, cached_tokens=600_000, cache_write_tokens=300_000)
    assert cost_of(usage, "o3-pro", "openai") == pytest.approx(20)
    assert cost_of(usage, "gpt-5.2", "openai") == pytest.approx(0.4 * 1.75 + 0.6 * 0.175)


def test_more_cached_tokens_than_were_sent_cost_no_less_than_nothing() -> None:
    assert cost_of(Usage(10, 0, cached_tokens=1_000_000), "claude-sonnet-4-6", "anthropic") == pytest.approx(0.3)


def test_a_long_prompt_costs_more_from_its_first_token_on() -> None:
    short, long = (cost_of(Usage(tokens, 0), "gpt-5.4", "openai") for tokens in (272_000, 272_001))
    assert short == pytest.approx(0.68)
    assert long == pytest.approx(1.360005)


def test_a_price_that_changes_counts_from_its_day_on() -> None:
    usage = Usage(1_000_000, 0)
    assert cost_of(usage, "gemini-3.6-flash", "google", day=date(2026, 12, 31)) == 0.75
    assert cost_of(usage, "gemini-3.6-flash", "google", day=date(2027, 1, 1)) == 1.5


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("llama4", "ollama"),
        ("gpt-9", "openai"),
        ("gpt-5.2", "acme"),
        ("script", "scripted"),
        ("mistral-large-latest", "mistral"),
        ("", ""),
    ],
)
def test_what_is_not_known_has_no_cost(model: str, provider: str) -> None:
    """It is unknown, not free."""
    assert cost_of(Usage(1000, 1000), model, provider) is None


def test_the_embedded_model_is_free() -> None:
    assert cost_of(Usage(1000, 1000), "anything", "local") == 0.0


def test_the_user_may_say_what_a_model_costs(own_table: Any) -> None:
    own_table('{"ollama": {"models": {"llama4": {"prices": {"input": 0, "output": 0}}}}}')
    assert cost_of(Usage(1000, 1000), "llama4", "ollama") == 0.0


def test_a_broken_table_is_told(own_table: Any) -> None:
    own_table("{")
    with pytest.raises(ConfigError, match="line 1"):
        cost_of(Usage(), "gpt-5.2", "openai")


@given(st.sampled_from(PRICED), counts, counts, counts, counts)
def test_a_cost_is_never_negative_and_grows_with_the_answer(
    named: tuple[str, str], sent: int, cached: int, written: int, said: int
) -> None:
    usage = Usage(sent + cached + written, said, cached, written)
    cost = cost_of(usage, *named)
    assert cost is not None
    assert cost >= 0
    more = cost_of(usage + Usage(output_tokens=1_000_000), *named)
    assert more is not None
    assert more > cost


@given(st.sampled_from(PRICED), st.integers(1, 10**8))
def test_the_cache_never_makes_a_prompt_dearer_than_its_rate(named: tuple[str, str], sent: int) -> None:
    fresh, cached = (cost_of(Usage(sent, 0, cached_tokens=tokens), *named) for tokens in (0, sent))
    assert fresh is not None
    assert cached is not None
    assert cached <= fresh


@given(st.integers(0, 10**8), st.integers(0, 10**8), st.integers(0, 10**8), st.integers(0, 10**8))
def test_two_calls_cost_what_each_of_them_costs(a: int, b: int, c: int, d: int) -> None:
    """Where there is one rate for all lengths."""
    one, two = Usage(a, b), Usage(c, d)
    parts = [cost_of(usage, "claude-sonnet-4-6", "anthropic") for usage in (one, two, one + two)]
    assert parts[0] is not None
    assert parts[1] is not None
    assert parts[2] == pytest.approx(parts[0] + parts[1])


# Another package's prices


@pytest.fixture
def genai_prices(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A stand-in, which notes what it is asked."""
    module = ModuleType("genai_prices")
    module.asked = []  # type: ignore[attr-defined]

    def calc_price(usage: Any, **asked: Any) -> Any:
        module.asked.append((usage, asked))  # type: ignore[attr-defined]
        return SimpleNamespace(total_price=1.25)

    module.Usage = lambda **counts: counts  # type: ignore[attr-defined]
    module.calc_price = calc_price  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "genai_prices", module)
    monkeypatch.setattr("alloy_nb.cost.find_spec", lambda name: object())
    return module


def test_genai_prices_is_asked_where_we_know_none(genai_prices: Any) -> None:
    assert cost_of(Usage(10, 5, 4, 3), "grok-9", "xai", day=date(2026, 11, 22)) == 1.25
    ((usage, asked),) = genai_prices.asked
    assert usage == {"input_tokens": 10, "cache_read_tokens": 4, "cache_write_tokens": 3, "output_tokens": 5}
    assert (asked["model_ref"], asked["provider_id"]) == ("grok-9", "x-ai")
    assert asked["genai_request_timestamp"].isoformat() == "2026-11-22T00:00:00+00:00"


def test_genai_prices_is_not_asked_where_we_know_better(genai_prices: Any) -> None:
    assert cost_of(Usage(1_000_000, 0), "gpt-5.2", "openai") == 1.75
    assert cost_of(Usage(1_000_000, 0), "mistral-large-latest", "mistral") is None
    assert cost_of(Usage(1_000_000, 0), "llama4", "ollama") is None
    assert cost_of(Usage(1_000_000, 0), "gpt-5.2", "somebody like openai") is None
    assert genai_prices.asked == []


@pytest.mark.parametrize("error", [LookupError("unknown"), TypeError("another release"), ValueError("odd counts")])
def test_what_genai_prices_does_not_know_has_no_cost(error: Exception, genai_prices: Any) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise error

    genai_prices.calc_price = fails
    assert cost_of(Usage(10, 5), "grok-9", "xai") is None


def test_the_real_genai_prices_agrees_with_our_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is installed: the same call, and the same sum for a model that both know."""
    theirs = pytest.importorskip("genai_prices")
    monkeypatch.undo()
    usage = theirs.Usage(input_tokens=1000, cache_read_tokens=100, cache_write_tokens=50, output_tokens=500)
    price = theirs.calc_price(usage, model_ref="claude-opus-4-5", provider_id="anthropic").total_price
    assert cost_of(Usage(1000, 500, 100, 50), "claude-opus-4-5", "anthropic") == pytest.approx(float(price))
    assert cost_of(Usage(1000, 500), "claude-3-5-haiku-latest", "anthropic") is not None
