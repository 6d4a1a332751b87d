"""Every recorded Chat Completions answer, through the whole provider, against what others decoded from it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from alloy_nb.errors import (
    AuthError,
    BadRequestError,
    ContentFilterError,
    ContextOverflowError,
    ProviderError,
)
from alloy_nb.messages import Message
from alloy_nb.providers.answer import Answer
from alloy_nb.providers.base import Delta, Request
from alloy_nb.providers.openai_compatible import OpenAICompatible

FOLDER = Path(os.environ["ALLOY_CORPUS"])
REQUEST = Request((Message.user("x"),))
PIECE = 997


def load(path: Path) -> dict[str, Any]:
    case: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return case


CASES = {
    str(path.relative_to(FOLDER).with_suffix("")): path
    for path in sorted(FOLDER.glob("[!_]*/*.json"))
    if load(path)["api"] == "openai-chat"
}


def names(*kinds: str) -> list[str]:
    return [name for name, path in CASES.items() if load(path)["kind"] in kinds]


def replaying(case: dict[str, Any]) -> OpenAICompatible:
    answer = case["response"]
    body = answer["body"].encode() if isinstance(answer["body"], str) else json.dumps(answer["body"]).encode()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), PIECE):
            yield body[start : start + PIECE]

    def reply(_: httpx2.Request) -> httpx2.Response:
        drop = ("content-encoding", "content-length", "transfer-encoding")
        headers = {name: value for name, value in answer["headers"].items() if name.lower() not in drop}
        return httpx2.Response(answer["status"], headers=headers, content=pieces())

    return OpenAICompatible(
        "m",
        base_url="http://service.test",
        http_client=lambda: httpx2.AsyncClient(transport=httpx2.MockTransport(reply)),
    )


async def ask(case: dict[str, Any]) -> list[Delta]:
    provider = replaying(case)
    if case["kind"] == "complete" or case["framing"] == "json":
        return list(await provider.complete(REQUEST))
    return [delta async for delta in provider.stream(REQUEST)]


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


@pytest.mark.parametrize("name", names("stream", "complete"))
def test_a_recorded_answer_is_read_as_it_was_meant(name: str) -> None:
    """PRV-1, PRV-7, PRV-8, OAI-4 to OAI-8."""
    case = load(CASES[name])
    expect = case["expect"]
    answer = Answer("openai-compatible")
    for delta in asyncio.run(ask(case)):
        answer.feed(delta)
    message = answer.message()
    assert message.text == (expect["text"] or expect.get("refusal") or "")
    assert message.thinking == expect["thinking"]
    assert answer.stop_reason == expected_stop(expect)
    calls = [
        {
            "id": call.id,
            "name": call.name,
            "input": dict(call.input) if call.raw is None else {"__invalid_json__": call.raw},
        }
        for call in message.tool_calls
    ]
    assert calls == expect["tool_calls"]
    used = (answer.usage.input_tokens, answer.usage.output_tokens)
    assert used == (expected_usage(expect["usage"]) if expect["usage"] else (0, 0))


#: What a status means, where the service's words do not make it finer.
BY_STATUS = {400: BadRequestError, 401: AuthError, 403: (AuthError, ContentFilterError), 404: BadRequestError}


@pytest.mark.parametrize("name", names("error"))
def test_a_recorded_error_is_raised_as_what_it_is(name: str) -> None:
    """PRV-3, PRV-4, PRV-5, PRV-22, SSE-w2."""
    case = load(CASES[name])
    error = case["expect"]["error"]
    with pytest.raises(ProviderError) as caught:
        asyncio.run(ask(case))
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
