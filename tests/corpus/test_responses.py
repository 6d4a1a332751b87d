"""Every recorded Responses answer, through the whole provider, against what others decoded from it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from alloy_nb.errors import (
    AuthError,
    BadRequestError,
    ContextOverflowError,
    ProviderError,
    RateLimitError,
    StreamError,
)
from alloy_nb.messages import Opaque
from alloy_nb.providers.base import Request
from alloy_nb.providers.deepseek import DeepSeek
from alloy_nb.providers.http import HTTPProvider
from alloy_nb.providers.openai import OpenAI
from alloy_nb.providers.openrouter import OpenRouter
from alloy_nb.providers.xai import XAI

from .replay import PATHS, Case, Make, calls, load, names, play, used

API = "openai-responses"

#: Recorded answers that are none, and why.
NO_ANSWER = {"queued": "the answer comes later, to whoever asks for it: an empty one would pass for the model's"}


MODELS: dict[str, Callable[..., HTTPProvider]] = {
    "openai": partial(OpenAI, "gpt-5"),
    "xai": partial(XAI, "grok-4.3"),
    "deepseek": partial(DeepSeek, "deepseek-v4-flash"),
    "openrouter": partial(OpenRouter, "openai/gpt-5"),
}


def maker(name: str) -> Make:
    return partial(MODELS[name.partition("/")[0]], api="responses", api_key="k")


def expected_stop(expect: Case) -> str:
    if expect["stop_reason"] == "incomplete":
        return "content_filter" if expect["incomplete_reason"] == "content_filter" else "max_tokens"
    if expect["tool_calls"]:
        return "tool_use"
    return "refusal" if expect.get("refusal") else "end_turn"


def test_there_are_cases() -> None:
    assert len(names(API, "stream", "complete", "error")) > 50


@pytest.mark.parametrize("name", names(API, "stream", "complete"))
def test_a_recorded_answer_is_read_as_it_was_meant(name: str) -> None:
    """RSP-2, RSP-3, RSP-w1, PRV-1, PRV-7, PRV-8."""
    case = load(PATHS[name])
    expect = case["expect"]
    if expect["stop_reason"] in NO_ANSWER:
        with pytest.raises(StreamError, match="later"):
            play(case, maker(name))
        return
    answer = play(case, maker(name))
    message = answer.message()
    assert message.text == (expect["text"] or expect.get("refusal") or "")
    assert message.thinking == expect["thinking"]
    assert answer.stop_reason == expected_stop(expect)
    assert calls(answer) == [{key: call[key] for key in ("id", "name", "input")} for call in expect["tool_calls"]]
    usage = expect["usage"] or {}
    assert used(answer) == (usage.get("input_tokens", 0), usage.get("output_tokens", 0))
    assert answer.usage.cached_tokens == (usage.get("input_tokens_details") or {}).get("cached_tokens", 0)
    own = [part.data for part in message.parts if isinstance(part, Opaque)]
    secrets = [data for data in own if data.get("type") == "reasoning" and data.get("encrypted_content")]
    assert len(secrets) == expect.get("encrypted_reasoning", 0)
    assert sum(len(data.get("annotations", ())) for data in own) == expect.get("citations", 0)


@pytest.mark.parametrize("name", names(API, "stream", "complete"))
def test_what_was_answered_can_be_said_again(name: str) -> None:
    """RSP-w1: each item goes back in its place, and thoughts word for word."""
    case = load(PATHS[name])
    if case["expect"]["stop_reason"] in NO_ANSWER:
        return
    provider = maker(name)()
    message = play(case, maker(name)).message()
    sent = provider.wire.encode(Request((message,)), "gpt-5", provider=provider.name)["input"]  # type: ignore[attr-defined]
    thoughts = [item for item in sent if item.get("type") == "reasoning"]
    kept = [part.data for part in message.parts if isinstance(part, Opaque) and part.data.get("type") == "reasoning"]
    assert all(thought in kept for thought in thoughts)
    contents = [item["content"] for item in sent if item.get("role") == "assistant"]
    said = "".join(content if isinstance(content, str) else content[0]["text"] for content in contents)
    assert said.replace("\n", "") == message.text.replace("\n", "")
    assert [item["call_id"] for item in sent if item.get("type") == "function_call"] == [
        call.id for call in message.tool_calls
    ]
    kinds = [item.get("type", "message") for item in sent]
    expected = [kind for kind in case["expect"]["block_types"] if kind in kinds]
    if provider.name in ("openai", "xai") and sent:
        assert kinds == expected


#: What a status means, where the service's words do not make it finer.
BY_STATUS = {400: BadRequestError, 401: AuthError, 404: BadRequestError}
BY_CODE = {
    "context_length_exceeded": ContextOverflowError,
    "insufficient_quota": RateLimitError,
    "rate_limit_exceeded": RateLimitError,
    "invalid_api_key": AuthError,
}


@pytest.mark.parametrize("name", names(API, "error"))
def test_a_recorded_error_is_raised_as_what_it_is(name: str) -> None:
    """RSP-3, PRV-3 to PRV-5, PRV-22."""
    case = load(PATHS[name])
    error = case["expect"]["error"]
    with pytest.raises(ProviderError) as caught:
        play(case, maker(name))
    raised = caught.value
    said, code = (error, "") if isinstance(error, str) else (error["message"], error.get("code") or "")
    assert said in raised.message
    assert raised.body
    status = case["response"]["status"]
    expected = BY_CODE.get(code) or BY_STATUS.get(status) or ProviderError
    assert isinstance(raised, expected)
    assert raised.retryable == (code == "rate_limit_exceeded")
    assert raised.status == (status if status >= 400 else None)
    ids = {name.lower(): value for name, value in case["response"]["headers"].items()}
    if "x-request-id" in ids:
        assert raised.request_id == ids["x-request-id"]
