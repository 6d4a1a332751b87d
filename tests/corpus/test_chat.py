"""Every recorded Chat Completions answer, through the whole provider, against what others decoded from it."""

from __future__ import annotations

from typing import Any

import pytest

from alloy_nb.errors import (
    AuthError,
    BadRequestError,
    ContentFilterError,
    ContextOverflowError,
    ProviderError,
)
from alloy_nb.messages import Message, Opaque
from alloy_nb.providers.deepseek import DeepSeek
from alloy_nb.providers.http import HTTPProvider
from alloy_nb.providers.mistral import Mistral
from alloy_nb.providers.openai import OpenAI
from alloy_nb.providers.openai_compatible import OpenAICompatible
from alloy_nb.providers.openrouter import OpenRouter
from alloy_nb.providers.wired import WiredProvider
from alloy_nb.providers.xai import XAI

from .replay import PATHS, Make, calls, load, names, play, used

API = "openai-chat"
#: The services that have a class of their own; the others are anybody who speaks the wire.
OWN: dict[str, type[WiredProvider]] = {
    "deepseek": DeepSeek,
    "mistral": Mistral,
    "openai": OpenAI,
    "openrouter": OpenRouter,
    "xai": XAI,
}


def maker(name: str) -> Make:
    own: Any = OWN.get(name.partition("/")[0], OpenAICompatible)

    def make(**settings: Any) -> HTTPProvider:
        provider: HTTPProvider = own("m", base_url="http://service.test", api="chat", **settings)
        return provider

    return make


def kept(message: Message, field: str) -> list[dict[str, Any]]:
    parts = [part.data for part in message.parts if isinstance(part, Opaque)]
    return [item for data in parts for item in data.get(field, ())]


def expected_stop(expect: dict[str, Any]) -> str:
    if expect.get("refusal"):
        return "refusal"
    if expect["stop_reason"] == "length":
        return "max_tokens"
    return "tool_use" if expect["tool_calls"] else "end_turn"


def expected_usage(usage: dict[str, Any]) -> tuple[int, int]:
    prompt, completion = usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0
    total = usage.get("total_tokens") or 0
    # Where thinking is counted beside the answer, the total says so.
    thinking = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
    return prompt, completion + thinking if total == prompt + completion + thinking else completion


@pytest.mark.parametrize("name", names(API, "stream", "complete"))
def test_a_recorded_answer_is_read_as_it_was_meant(name: str) -> None:
    """PRV-1, PRV-7, PRV-8, OAI-4 to OAI-8."""
    case = load(PATHS[name])
    expect = case["expect"]
    answer = play(case, maker(name))
    message = answer.message()
    assert message.text == (expect["text"] or expect.get("refusal") or "")
    assert message.thinking == expect["thinking"]
    assert answer.stop_reason == expected_stop(expect)
    assert calls(answer) == expect["tool_calls"]
    assert used(answer) == (expected_usage(expect["usage"]) if expect["usage"] else (0, 0))
    if expect.get("reasoning_details"):
        details = kept(message, "reasoning_details")
        assert "".join(item.get("text") or item.get("summary") or "" for item in details) == message.thinking
        assert len({(item["type"], item["index"]) for item in details}) == len(details)


#: What a status means, where the service's words do not make it finer.
BY_STATUS = {400: BadRequestError, 401: AuthError, 403: (AuthError, ContentFilterError), 404: BadRequestError}


@pytest.mark.parametrize("name", names(API, "error"))
def test_a_recorded_error_is_raised_as_what_it_is(name: str) -> None:
    """PRV-3, PRV-4, PRV-5, PRV-22, SSE-w2."""
    case = load(PATHS[name])
    error = case["expect"]["error"]
    with pytest.raises(ProviderError) as caught:
        play(case, maker(name))
    said = error if isinstance(error, str) else error["message"]
    assert said in caught.value.message
    assert caught.value.body
    status = case["response"]["status"]
    if status >= 400:
        assert caught.value.status == status
        assert isinstance(caught.value, BY_STATUS[status])
        assert not caught.value.retryable
    ids = {name.lower(): value for name, value in case["response"]["headers"].items()}
    if "x-request-id" in ids:
        assert caught.value.request_id == ids["x-request-id"]
    assert isinstance(caught.value, ContextOverflowError) == ("context length" in said)
