"""Every recorded answer of Anthropic's Messages API, through the whole provider, against what others decoded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alloy_nb.errors import AuthError, BadRequestError, OverloadedError, ProviderError, RateLimitError, ServerError
from alloy_nb.messages import Message, Opaque, Thinking
from alloy_nb.providers.anthropic import Anthropic
from alloy_nb.providers.anthropic_body import encode
from alloy_nb.providers.anthropic_decoder import read_usage
from alloy_nb.providers.base import Request

from .replay import PATHS, calls, load, names, play, used

API = "anthropic-messages"

STOPS = {"model_context_window_exceeded": "max_tokens", "compaction": "pause_turn"}
#: What a status means, where the service's words do not make it finer.
BY_STATUS: dict[int, Any] = {
    400: (BadRequestError, RateLimitError),
    401: AuthError,
    403: AuthError,
    404: BadRequestError,
    413: BadRequestError,
    429: RateLimitError,
    500: ServerError,
    529: OverloadedError,
}


def make(**settings: Any) -> Anthropic:
    return Anthropic("claude-sonnet-4-6", api_key="k" * 20, **settings)


def sent_back(message: Message) -> list[dict[str, Any]]:
    """The content blocks that an answer becomes in the next request."""
    body = encode(Request((Message.user("x"), message, Message.user("y"))), "claude-sonnet-4-6")
    return body["messages"][1]["content"] if len(body["messages"]) == 3 else []


def as_taken(block: dict[str, Any]) -> dict[str, Any]:
    """A block without what says nothing: the usual caller, no citations, the service's notes on a text."""
    silent = {"caller": [{"type": "direct"}], "citations": [None, []]} if block["type"] in ("tool_use", "text") else {}
    return {name: value for name, value in block.items() if value not in silent.get(name, ())}


@pytest.mark.parametrize("name", names(API, "stream", "complete"))
def test_a_recorded_answer_is_read_as_it_was_meant(name: str) -> None:
    """PRV-1, PRV-8, ANT-3 to ANT-6, ANT-9, ANT-w2, ANT-w3."""
    case = load(PATHS[name])
    expect = case["expect"]
    answer = play(case, make)
    message = answer.message()
    assert message.text == expect["text"]
    assert message.thinking == expect["thinking"]
    assert answer.stop_reason == STOPS.get(expect["stop_reason"], expect["stop_reason"])
    assert calls(answer) == expect["tool_calls"]
    counts = read_usage(expect["usage"] or {})
    assert used(answer) == (counts.input_tokens, counts.output_tokens)
    assert answer.usage == counts


@pytest.mark.parametrize("name", names(API, "stream", "complete"))
def test_what_is_anthropics_own_goes_back_as_it_came(name: str) -> None:
    """ANT-1, ANT-9: signatures, redacted thoughts, server tools and their results, in place."""
    case = load(PATHS[name])
    expect = case["expect"]
    message = play(case, make).message()
    signatures = [part for part in message.parts if isinstance(part, Thinking) and part.signature]
    assert len(signatures) == expect.get("signatures", 0)
    own = [part.data for part in message.parts if isinstance(part, Opaque)]
    tools = [{"id": data["id"], "name": data["name"], "input": data["input"]} for data in own if "input" in data]
    assert tools == expect.get("server_tool_calls", [])
    assert sum(len(data["citations"]) for data in own if "citations" in data) == expect.get("citations", 0)
    # An empty text is left out: it would be refused.
    kinds = [kind for kind in expect["block_types"] if kind != "text"]
    assert [block["type"] for block in sent_back(message) if block["type"] != "text"] == kinds


@pytest.mark.parametrize("name", names(API, "complete"))
def test_a_whole_answer_goes_back_block_by_block(name: str) -> None:
    """ANT-1, ANT-9"""
    case = load(PATHS[name])
    body = case["response"]["body"]
    content = (json.loads(body) if isinstance(body, str) else body)["content"]
    told = [as_taken(block) for block in content if block["type"] != "text" or block["text"].strip()]
    assert sent_back(play(case, make).message()) == told


@pytest.mark.parametrize("name", names(API, "error"))
def test_a_recorded_error_is_raised_as_what_it_is(name: str) -> None:
    """PRV-3, PRV-4, PRV-5, PRV-22, SSE-w2."""
    case = load(PATHS[name])
    error = case["expect"]["error"]
    with pytest.raises(ProviderError) as caught:
        play(case, make)
    assert error["message"] in caught.value.message
    status = case["response"]["status"]
    if status >= 400:
        assert caught.value.status == status
        assert isinstance(caught.value, BY_STATUS[status])
    headers = {name.lower(): value for name, value in case["response"]["headers"].items()}
    if "x-should-retry" in headers:
        assert caught.value.retryable == (headers["x-should-retry"] == "true")
    body = case["response"]["body"]
    told = json.loads(body) if isinstance(body, str) and body.startswith("{") else {}
    assert caught.value.request_id == (headers.get("request-id") or told.get("request_id"))
