"""Every recorded Gemini answer, through the whole provider, against what others decoded from it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from alloy_nb.errors import AuthError, BadRequestError, ProviderError, RateLimitError, ServerError
from alloy_nb.providers.base import Request
from alloy_nb.providers.gemini import encode
from alloy_nb.providers.google import Google

from .replay import PATHS, calls, load, names, play, used

API = "gemini"
SIGNATURE = re.compile(r'"thoughtSignature":\s*"([^"]+)"')


def make(**settings: Any) -> Google:
    return Google("gemini-3-flash", api_key="k", **settings)


def expected_stop(expect: dict[str, Any]) -> str:
    reason = expect["stop_reason"]
    if reason == "MAX_TOKENS":
        return "max_tokens"
    if reason not in (None, "STOP") or (expect.get("prompt_feedback") or {}).get("blockReason"):
        return "content_filter"
    return "tool_use" if expect["tool_calls"] else "end_turn"


def expected_usage(usage: dict[str, Any]) -> tuple[int, int]:
    names = ("promptTokenCount", "toolUsePromptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
    prompt, tools, answer, thoughts = (usage.get(name) or 0 for name in names)
    return prompt + tools, answer + thoughts


def without_made_up_ids(made: list[dict[str, Any]], expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Most calls have no id: the one made for them here is not compared."""
    return [
        call if "id" in other else {name: value for name, value in call.items() if name != "id"}
        for call, other in zip(made, expected, strict=True)
    ]


@pytest.mark.parametrize("name", names(API, "stream", "complete"))
def test_a_recorded_answer_is_read_as_it_was_meant(name: str) -> None:
    """PRV-1, PRV-8, GEM-4, GEM-5, GEM-w1, GEM-w2."""
    case = load(PATHS[name])
    expect = case["expect"]
    answer = play(case, make)
    message = answer.message()
    assert message.text == expect["text"]
    assert message.thinking == expect["thinking"]
    assert answer.stop_reason == expected_stop(expect)
    assert without_made_up_ids(calls(answer), expect["tool_calls"]) == expect["tool_calls"]
    assert used(answer) == (expected_usage(expect["usage"]) if expect["usage"] else (0, 0))
    # What came signed goes back signed, each in its place, and nothing else does.
    sent = json.dumps(encode(Request((message,)), "gemini-2.5-flash"))
    body = case["response"]["body"]
    assert SIGNATURE.findall(sent) == SIGNATURE.findall(body if isinstance(body, str) else json.dumps(body))


#: What a status means, where the service's words do not make it finer.
BY_STATUS = {400: BadRequestError, 403: AuthError, 404: BadRequestError, 429: RateLimitError, 499: ServerError}


@pytest.mark.parametrize("name", names(API, "error"))
def test_a_recorded_error_is_raised_as_what_it_is(name: str) -> None:
    """PRV-3, PRV-4, PRV-5, PRV-22."""
    case = load(PATHS[name])
    error = case["expect"]["error"]
    with pytest.raises(ProviderError) as caught:
        play(case, make)
    assert error["message"].strip()[:200] in caught.value.message
    assert caught.value.status == error["code"]
    assert caught.value.body
    invalid_key = "API_KEY_INVALID" in str(error)
    assert isinstance(caught.value, AuthError if invalid_key else BY_STATUS[error["code"]])
    if error["code"] == 429 and "retryDelay" in str(error):
        assert caught.value.retry_after
