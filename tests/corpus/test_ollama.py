"""Every recorded answer of Ollama's own wire, through the whole provider, against what others decoded from it."""

from __future__ import annotations

from typing import Any

import pytest

from alloy_nb.errors import AuthError, BadRequestError, ProviderError, ServerError
from alloy_nb.providers.ollama import Ollama

from .replay import PATHS, calls, load, names, play, used

API = "ollama-chat"


def make(**settings: Any) -> Ollama:
    return Ollama("m", base_url="http://service.test", **settings)


def expected_stop(expect: dict[str, Any]) -> str:
    if expect["stop_reason"] == "length":
        return "max_tokens"
    return "tool_use" if expect["tool_calls"] else "end_turn"


def without_made_ids(answered: list[dict[str, Any]], expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Servers of 2025 give no ids: those made here are of no interest."""
    assert all(call["id"] for call in answered)
    with_id = [bool(call.get("id")) for call in expected]
    return [
        call if has_id else {"name": call["name"], "input": call["input"]}
        for call, has_id in zip(answered, with_id, strict=True)
    ]


@pytest.mark.parametrize("name", names(API, "stream", "complete"))
def test_a_recorded_answer_is_read_as_it_was_meant(name: str) -> None:
    """PRV-1, PRV-15."""
    case = load(PATHS[name])
    expect = case["expect"]
    answer = play(case, make)
    message = answer.message()
    assert message.text == expect["text"]
    assert message.thinking == expect["thinking"]
    assert answer.stop_reason == expected_stop(expect)
    assert without_made_ids(calls(answer), expect["tool_calls"]) == expect["tool_calls"]
    usage = expect["usage"] or {}
    assert used(answer) == (usage.get("prompt_eval_count") or 0, usage.get("eval_count") or 0)


BY_STATUS = {400: BadRequestError, 401: AuthError, 403: AuthError, 404: BadRequestError, 500: ServerError}


@pytest.mark.parametrize("name", names(API, "error"))
def test_a_recorded_error_is_raised_as_what_it_is(name: str) -> None:
    """PRV-3, PRV-4, PRV-22."""
    case = load(PATHS[name])
    error = case["expect"]["error"]
    with pytest.raises(ProviderError) as caught:
        play(case, make)
    assert (error if isinstance(error, str) else error["message"]) in caught.value.message
    assert caught.value.hint
    status = case["response"]["status"]
    if status >= 400:
        assert caught.value.status == status
        assert isinstance(caught.value, BY_STATUS[status])
