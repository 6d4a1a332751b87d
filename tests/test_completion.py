"""The provider's part of a turn: retries, pauses, and other models to fall back on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import alloy_nb as alloy
from alloy_nb.candidates import collect_candidates
from alloy_nb.errors import AuthError, BadRequestError, ConfigError, RateLimitError, ServerError, StreamError
from alloy_nb.options import Options
from alloy_nb.providers import retry
from alloy_nb.providers.base import Done, TextDelta, ToolCallDelta, UsageDelta
from alloy_nb.providers.health import FAILURES_TO_REST, health_of
from alloy_nb.providers.mistral import Mistral
from alloy_nb.providers.openai import OpenAI
from alloy_nb.testing import Function
from alloy_nb.usage import Budget, Usage
from tests.histories import assert_law_1, assert_law_3

DOWN = {"error": {"type": "ServerError", "message": "down"}}


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What would be waited between attempts; nobody waits."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(retry, "sleep", sleep)
    return waited


def scripted(lines: list[Any], name: str) -> alloy.Scripted:
    made = alloy.Scripted(lines)
    made.model = name
    return made


def failing(*errors: Any, name: str = "ill") -> alloy.Scripted:
    return scripted([{"error": error} for error in errors], name)


def told(result: alloy.Result, *types: str) -> list[Any]:
    return [event.payload for event in result.events if event.type in types]


def run(model: Any, *fallback: Any, **options: Any) -> alloy.Result:
    return alloy.run("hi", model=model, fallback=list(fallback), check=False, **options)


def test_another_model_answers_when_the_first_one_fails() -> None:
    """RTY-10, CFG-16: with retries of its own, told as an event; the result says who answered."""
    result = run(failing(*[DOWN["error"]] * 2), scripted(["Hello"], "well"), max_retries=1)
    assert result.text == "Hello"
    assert result.model == "well"
    assert told(result, "fallback") == [{"from": "scripted:ill", "to": "scripted:well", "reason": "down"}]
    assert [retried["attempt"] for retried in told(result, "retry")] == [1]
    assert_law_3(result.events)


def test_all_fail_and_the_last_ones_error_is_told() -> None:
    """RTY-12"""
    last = failing({"type": "RateLimitError", "message": "later", "retryable": False}, name="last")
    result = run(failing(DOWN["error"]), failing(DOWN["error"]), last, max_retries=0)
    assert isinstance(result.error, RateLimitError)
    assert result.error.message == "later"
    assert len(told(result, "fallback")) == 2


def test_a_fallback_is_asked_what_the_first_one_was_asked() -> None:
    """RTY-13: with the run's own system prompt, tools and listeners."""
    well = scripted(["Hello"], "well")
    heard: list[str] = []
    result = run(
        failing(DOWN["error"]), well, max_retries=0, system_prompt="Be brief.", tools=["read"], on_chunk=heard.append
    )
    (request,) = well.requests
    assert (request.system_prompt, [spec.name for spec in request.tools]) == ("Be brief.", ["read"])
    assert [message.text for message in request.messages] == ["hi"]
    assert "".join(heard) == result.text == "Hello"


def test_without_the_time_to_wait_another_model_is_asked_at_once(waits: list[float]) -> None:
    """RTY-14"""
    busy = {"type": "RateLimitError", "message": "slow down", "retry_after": 50}
    result = run(failing(busy, busy), scripted(["Hello"], "well"), timeout=40)
    assert (result.text, result.model) == ("Hello", "well")
    assert waits == []


@pytest.mark.parametrize("error", ["AuthError", "BadRequestError", "ContextOverflowError"])
def test_a_mistake_of_the_users_is_not_hidden_by_another_models_answer(error: str) -> None:
    """RTY-w4"""
    result = run(failing({"type": error, "message": "no"}), alloy.Scripted(["Hello"]))
    assert isinstance(result.error, AuthError | BadRequestError)
    assert told(result, "fallback") == []


@given(st.text(min_size=1, max_size=5))
def test_law_6_no_other_model_answers_when_words_were_said(words: str) -> None:
    """RTY-7, RTY-11."""
    result = run(alloy.Scripted([{"text": words, "error": DOWN["error"]}]), alloy.Scripted(["Hello"]), max_retries=3)
    assert isinstance(result.error, ServerError)
    assert told(result, "fallback", "retry") == []
    assert result.messages[-1].text == words
    assert result.messages[-1].partial


def test_an_option_that_a_fallback_lacks_is_dropped_and_told() -> None:
    class Plain(alloy.Scripted):
        options = frozenset({"tool_choice"})

    plain = Plain(["Hello"])
    plain.model = "plain"
    result = run(failing(DOWN["error"]), plain, max_retries=0, temperature=0.5)
    assert result.text == "Hello"
    assert told(result, "dropped_option") == [{"name": "temperature", "model": "scripted:plain"}]
    with pytest.raises(ConfigError, match="takes no `temperature`"):
        run(Plain(["Hello"]), temperature=0.5)


def test_a_fallback_that_cannot_be_is_said_before_anything_is_sent() -> None:
    model = alloy.Scripted(["Hello"])
    with pytest.raises(ConfigError, match="unknown provider"):
        run(model, "nonsense:x")
    with pytest.raises(ConfigError, match="is the string"):
        alloy.run("hi", model=model, fallback="local")
    assert alloy.run("hi", model=model).text == "Hello"


def test_one_that_fails_often_is_left_out_for_a_while_and_told() -> None:
    """RTY-w3: later turns do not pay for the failures of the first one again."""
    ill = failing(*[DOWN["error"]] * FAILURES_TO_REST, DOWN["error"])
    well = scripted(["one", "two"], "well")
    run(ill, well, max_retries=FAILURES_TO_REST - 1)
    assert health_of(ill).resting
    result = run(ill, well)
    assert result.text == "two"
    assert told(result, "retry") == []
    assert [change["to"] for change in told(result, "fallback")] == ["scripted:well"]


def test_one_that_rests_is_asked_all_the_same_when_there_is_no_other() -> None:
    ill = alloy.Scripted([*[DOWN] * FAILURES_TO_REST, "well again"])
    run(ill, max_retries=FAILURES_TO_REST - 1)
    assert health_of(ill).resting
    assert run(ill).text == "well again"
    assert not health_of(ill).resting


def test_a_pause_that_another_run_was_told_of_is_kept_and_told(waits: list[float]) -> None:
    model = alloy.Scripted(["Hello"])
    health_of(model).failed(RateLimitError("slow down", retry_after=20))
    result = run(model)
    assert result.text == "Hello"
    assert waits == [pytest.approx(20, abs=1)]
    assert told(result, "retry")[0]["reason"] == "scripted asked for a pause"


def test_law_6_a_pause_that_is_longer_than_the_time_left_is_neither_waited_for_nor_ignored(waits: list[float]) -> None:
    model = alloy.Scripted(["Hello"])
    health_of(model).failed(RateLimitError("slow down", retry_after=20))
    result = run(model, timeout=5)
    assert isinstance(result.error, RateLimitError)
    assert "longer than the run has left" in result.error.message
    assert waits == []


def test_one_that_asked_for_a_pause_is_not_waited_for_when_there_is_another(waits: list[float]) -> None:
    busy, other = scripted(["late"], "busy"), scripted(["Hello"], "other")
    health_of(busy).failed(RateLimitError("slow down", retry_after=20))
    result = run(busy, other)
    assert result.text == "Hello"
    assert waits == []
    assert told(result, "fallback")[0]["reason"] == "it asked for a pause"


def test_one_that_rests_is_asked_after_all_others_failed() -> None:
    """It was left out, though it would have answered."""
    resting = scripted([*[DOWN] * FAILURES_TO_REST, "well again"], "resting")
    run(resting, max_retries=FAILURES_TO_REST - 1)
    result = run(resting, failing(DOWN["error"], name="other"), max_retries=0)
    assert result.text == "well again"
    assert [change["to"] for change in told(result, "fallback")] == ["scripted:other", "scripted:resting"]


def test_a_value_that_a_fallback_does_not_take_is_dropped_and_told() -> None:
    """It ended the run with the fallback's `ConfigError`, and hid why the first one failed."""
    there = Mistral("ministral-8b-latest", base_url="http://127.0.0.1:1", api_key="k")
    result = run(failing(DOWN["error"]), there, thinking=True, max_retries=0)
    assert told(result, "dropped_option") == [{"name": "thinking", "model": "mistral:ministral-8b-latest"}]
    assert isinstance(result.error, ServerError)
    assert "127.0.0.1" in result.error.message


def test_a_fallback_that_cannot_be_asked_hides_no_error() -> None:
    class Refusing(alloy.Scripted):
        async def stream(self, request: Any) -> Any:
            raise ConfigError("not like this")
            yield

    result = run(failing(DOWN["error"]), Refusing(["x"]), max_retries=0)
    assert isinstance(result.error, ServerError)
    assert run(failing(DOWN["error"]), Refusing(["x"]), scripted(["Hello"], "well"), max_retries=0).text == "Hello"


def test_what_a_failed_attempt_used_is_counted_and_told() -> None:
    """It was lost, and a budget was not debited for it."""
    answers: list[list[Any]] = [
        [UsageDelta(Usage(1000, 5)), ServerError("down")],
        [TextDelta("Hello"), Done("end_turn")],
    ]
    budget = Budget(tokens=5000)
    result = run(Function(lambda request: answers.pop(0)), budget=budget)
    assert result.text == "Hello"
    assert result.usage == Usage(1000, 5)
    assert budget.spent["tokens"] == 1005
    assert [event.payload["input_tokens"] for event in result.events if event.type == "usage"] == [1000, 0]


def test_a_cut_turn_tells_what_it_used_and_all_events_have_its_number() -> None:
    plan = [UsageDelta(Usage(100, 5)), TextDelta("Hel"), StreamError("cut")]
    result = run(Function(lambda request: plan))
    turns = {event.type: event.turn for event in result.events if event.type in ("text_delta", "usage", "message")}
    assert turns == {"text_delta": 1, "usage": 1, "message": 1}
    assert result.usage == Usage(100, 5)


def test_law_1_an_answer_is_over_with_its_end_however_long_the_service_goes_on() -> None:
    """The run waited on, and when its time was up, the calls of the whole answer stayed open."""

    class Lingering(Function):
        async def stream(self, request: Any) -> Any:
            async for delta in super().stream(request):
                yield delta
            await asyncio.sleep(60)

    calls = [ToolCallDelta(0, "c1", "nothing"), Done("tool_use")]
    answers: list[list[Any]] = [calls, [TextDelta("done"), Done("end_turn")]]
    result = run(Lingering(lambda request: answers.pop(0)), tools=[nothing], timeout=20)
    assert result.text == "done"
    assert_law_1(result)


def test_ids_that_a_service_uses_again_are_made_unique() -> None:
    """Some count anew in each answer: another provider would refuse the history."""
    line = {"tool_calls": [{"id": "call_0", "name": "nothing", "input": {}}] * 2}
    result = run(alloy.Scripted([line, line, "done"]), tools=[nothing])
    ids = [call.id for message in result.messages for call in message.tool_calls]
    assert ids == ["call_0", "call_0_2", "call_0_3", "call_0_4"]
    told_ids = {event.payload["id"] for event in result.events if event.type == "tool_call_delta"}
    assert told_ids == set(ids)


def test_a_decision_holds_for_the_call_that_it_was_made_for() -> None:
    """Of two calls with one id, the later one ran unasked."""
    ran: list[str] = []

    @alloy.tool(requires_approval=True)
    def shell(command: str) -> str:
        """Run a command."""
        ran.append(command)
        return "done"

    def line(command: str) -> dict[str, Any]:
        return {"tool_calls": [{"id": "call_0", "name": "shell", "input": {"command": command}}]}

    model = alloy.Scripted([line("ls"), line("rm"), line("rm"), "done"])
    options: dict[str, Any] = {"model": model, "tools": [shell], "approval": "pause", "check": False}
    paused = alloy.run("go", **options)
    again = alloy.run(None, messages=paused.messages, decisions={"call_0": True, "call_0_2": True}, **options)
    assert ran == ["ls"]
    assert again.status == "waiting"
    assert [call.input["command"] for call in again.pending] == ["rm"]


@pytest.mark.parametrize("reason", ["max_tokens", "content_filter", "refusal"])
def test_a_call_without_arguments_does_not_run_when_the_answer_was_cut(reason: Any) -> None:
    ran: list[str] = []

    def drop(table: str = "users") -> str:
        """Drop a table."""
        ran.append(table)
        return "dropped"

    answers: list[list[Any]] = [
        [ToolCallDelta(0, "c1", "drop"), Done(reason)],
        [TextDelta("sorry"), Done("end_turn")],
    ]
    result = run(Function(lambda request: answers.pop(0)), tools=[drop], approval="auto")
    assert ran == []
    assert not result.tool_calls[0].executed


def test_the_asked_for_pause_is_waited_and_told(waits: list[float]) -> None:
    """RTY-w2"""
    error = {"type": "RateLimitError", "message": "slow down", "retry_after": 7}
    result = run(alloy.Scripted([{"error": error}, "Hello"]))
    assert result.text == "Hello"
    assert told(result, "retry") == [{"attempt": 1, "delay_s": 7, "reason": "slow down"}]
    assert waits[0] == 7


def test_a_pause_that_is_too_long_is_why_the_run_ended(waits: list[float]) -> None:
    error = {"type": "RateLimitError", "message": "slow down", "retry_after": 3600}
    result = run(alloy.Scripted([{"error": error}, "Hello"]))
    assert result.error is not None
    assert "asked for a pause of 60 minutes" in (result.error.hint or "")
    assert waits == []


def test_the_result_of_an_answer_that_was_cut_names_the_model_that_gave_it() -> None:
    cut = scripted([{"text": "Hel", "error": DOWN["error"]}], "cut")
    result = run(failing(DOWN["error"]), cut, max_retries=0)
    assert (result.status, result.messages[-1].text, result.model) == ("error", "Hel", "cut")


plans = st.lists(
    st.lists(
        st.sampled_from(["ServerError", "RateLimitError", "AuthError", "BadRequestError", "answer", "cut"]),
        min_size=1,
        max_size=4,
    ),
    min_size=1,
    max_size=3,
)


def _script(plan: Sequence[str]) -> list[Any]:
    lines: list[Any] = []
    for word in plan:
        if word == "answer":
            lines.append("Hello")
        elif word == "cut":
            lines.append({"text": "Hel", "error": DOWN["error"]})
        else:
            lines.append({"error": {"type": word, "message": word}})
    return lines


@given(plans, st.integers(0, 3))
def test_law_6_whatever_fails_the_rules_hold(plan: list[list[str]], max_retries: int) -> None:
    """Laws 1, 3 and 6: one answer at most, no attempt after words, no fallback after a mistake of the user's."""
    models = [scripted(_script(lines), str(place)) for place, lines in enumerate(plan)]
    result = run(models[0], *models[1:], max_retries=max_retries)
    assert_law_1(result)
    assert_law_3(result.events)
    types = [event.type for event in result.events]
    if "text_delta" in types:
        after = types[types.index("text_delta") :]
        assert not {"retry", "fallback"} & set(after)
    for error in (AuthError, BadRequestError):
        if isinstance(result.error, error):
            assert types[-1] == "run_end"
    assert result.status in ("completed", "error")


def test_a_run_that_is_awaited_waits_on_its_own_loop(waits: list[float]) -> None:
    async def go() -> alloy.Result:
        return await alloy.arun("hi", model=alloy.Scripted([DOWN, "Hello"]))

    assert asyncio.run(go()).text == "Hello"
    assert len(waits) == 1


def test_a_call_has_its_price_and_a_run_their_sum() -> None:
    """USE-w1, USE-4: in dollars, from the list prices; unknown rather than wrong."""
    usage = {"input_tokens": 1_000_000, "output_tokens": 100_000}
    lines = [{"tool_calls": [{"name": "nothing", "input": {}}], "usage": usage}, {"text": "done", "usage": usage}]
    model = scripted(lines, "claude-sonnet-4-6")
    model.name = "anthropic"
    result = alloy.run("hi", model=model, tools=[nothing])
    assert [event.payload["cost"] for event in result.events if event.type == "usage"] == [4.5, 4.5]
    assert result.cost == 9.0
    assert alloy.run("hi", model=scripted(lines, "unheard-of"), tools=[nothing]).cost is None


def test_a_vendors_prices_are_no_other_services() -> None:
    """An address of one's own may be a model at home."""
    there = OpenAI("gpt-5.2", api_key="k", base_url="http://127.0.0.1:1/v1")
    for model, known in ((there, False), (OpenAI("gpt-5.2", api_key="k"), True)):
        (candidate,) = collect_candidates(Options(model=model), Path())
        assert (candidate.cost(Usage(1000, 1000)) is not None) == known


def nothing() -> str:
    """Do nothing."""
    return "done"
