"""xAI, end to end over real connections."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from alloy_nb.errors import (
    AuthError,
    BadRequestError,
    ContentFilterError,
    ContextOverflowError,
    ProviderError,
    RateLimitError,
)
from alloy_nb.messages import Document, Image, Message, ToolResult
from alloy_nb.providers.answer import Answer
from alloy_nb.providers.base import Request
from alloy_nb.providers.xai import XAI

REQUEST = Request((Message.user("Hello"),), request_timeout=20)
KEY = "xai-test-0123456789abcdef"


async def streamed(provider: XAI, request: Request = REQUEST) -> Answer:
    answer = Answer(provider.name)
    async for delta in provider.stream(request):
        answer.feed(delta)
    return answer


def chunk(delta: dict[str, Any], **more: Any) -> str:
    event = {"model": "grok-4", "choices": [{"index": 0, "delta": delta, "finish_reason": None, **more}]}
    return f"data: {json.dumps(event)}\n\n"


def test_chat_completions_by_default(service: Any, reply: Any) -> None:
    """PRV-17, OAI-w1: empty deltas while it thinks, a whole call beside its end, and thoughts counted apart."""
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "clock", "arguments": "{}"}}
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 3,
        "total_tokens": 20,
        "prompt_tokens_details": {"cached_tokens": 8},
        "completion_tokens_details": {"reasoning_tokens": 7},
    }
    body = (
        ": keepalive\n\n"
        + chunk({"role": "assistant", "reasoning_content": "Hm."})
        + chunk({})
        + chunk({"tool_calls": [call]}, finish_reason="tool_calls")
        + f"data: {json.dumps({'choices': [], 'usage': usage})}\n\ndata: [DONE]\n\n"
    )
    service.answers(reply(body))
    answer = asyncio.run(streamed(XAI("grok-4", api_key=KEY, base_url=service.url)))
    message = answer.message()
    assert (message.thinking, answer.stop_reason) == ("Hm.", "tool_use")
    assert [call.name for call in message.tool_calls] == ["clock"]
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.reasoning_tokens) == (10, 10, 7)
    assert service.received[0].target == "/v1/chat/completions"
    assert service.received[0].json["stream_options"] == {"include_usage": True}


def test_responses(service: Any, reply: Any) -> None:
    """RSP-4, RSP-w1: thoughts are shown as they come; what they are handed back as comes with their end."""
    thought = {"type": "reasoning", "id": "rs_1", "status": "in_progress", "summary": []}
    done = {
        **thought,
        "status": "completed",
        "summary": [{"type": "summary_text", "text": "Hm."}],
        "encrypted_content": "e",
    }
    said = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}], "role": "assistant"}
    events = [
        {"type": "response.output_item.added", "output_index": 0, "item": thought},
        {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "Hm."},
        {"type": "response.output_item.done", "output_index": 0, "item": done},
        {"type": "response.output_item.done", "output_index": 1, "item": said},
        {"type": "response.completed", "response": {"status": "completed", "usage": {"output_tokens": 9}}},
    ]
    service.answers(reply("".join(f"data: {json.dumps(event)}\n\n" for event in events)))
    provider = XAI("grok-4.3", api="responses", api_key=KEY, base_url=service.url)
    answer = asyncio.run(streamed(provider))
    message = answer.message()
    assert (message.thinking, message.text, answer.usage.output_tokens) == ("Hm.", "Hi", 9)
    asyncio.run(streamed(provider, Request((message, Message.user("Go on")), request_timeout=20)))
    assert service.received[0].json["include"] == ["reasoning.encrypted_content"]
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]}
    assert service.received[1].json["input"][:2] == [done, said]


@pytest.mark.parametrize(
    ("status", "code", "said", "kind", "retryable"),
    [
        (400, "Client specified an invalid argument", "Incorrect API key provided: xa***. You can", AuthError, False),
        (400, "invalid-argument", "Model not found: grok-x", BadRequestError, False),
        (400, "invalid-argument", "This model's maximum prompt length is 131072 but", ContextOverflowError, False),
        (403, "The caller does not have permission", "Content violates usage guidelines.", ContentFilterError, False),
        (403, "The caller does not have permission", "team has no credits", AuthError, False),
        (404, "Some requested entity was not found", "The model grok-beta was deprecated", BadRequestError, False),
        (429, "Some resource has been exhausted", "Too many requests for team", RateLimitError, True),
    ],
)
def test_a_flat_error(
    service: Any, reply: Any, status: int, code: str, said: str, kind: type[ProviderError], retryable: bool
) -> None:
    """PRV-w2: xAI says what went wrong as a text, and 400 to a bad key."""
    body = json.dumps({"code": code, "error": said})
    service.answers(reply(body, status, {"content-type": "application/json", "x-request-id": "r"}))
    for api in ("chat", "responses"):
        with pytest.raises(ProviderError) as caught:
            asyncio.run(streamed(XAI("grok-x", api=api, api_key=KEY, base_url=service.url)))
        assert type(caught.value) is kind
        assert said in caught.value.message
        assert (caught.value.status, caught.value.retryable, caught.value.request_id) == (status, retryable, "r")


def test_thinking_goes_by_the_model() -> None:
    """Some models refuse to be told."""

    def sent(model: str, api: str, thinking: Any) -> dict[str, Any]:
        return dict(XAI(model, api=api, api_key=KEY).encode(Request((), thinking=thinking))[2])

    assert "reasoning_effort" not in sent("grok-4", "chat", True)
    assert sent("grok-3-mini", "chat", True)["reasoning_effort"] == "high"
    assert sent("grok-4.3", "responses", False)["reasoning"] == {"effort": "none"}
    assert "reasoning" not in sent("grok-4", "responses", True)


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_pictures_are_seen_and_papers_are_named(api: str) -> None:
    parts = [
        Image("image/png", b"p"),
        Document("application/pdf", b"p", name="a.pdf"),
        Document("text/csv", b"a,b", name="b.csv"),
    ]
    body = XAI("grok-4.3", api=api, api_key=KEY).wire.encode(Request((Message.user(parts),)), "m", provider="xai")
    image, paper, table = (body.get("messages") or body["input"])[0]["content"]
    assert image["type"] in ("image_url", "input_image")
    assert "a.pdf" in paper["text"]
    assert table["text"] == "b.csv:\na,b"


def test_a_tools_pictures_follow_in_the_users_name() -> None:
    result = ToolResult("a plot", images=(Image("image/png", b"p"),), call_id="c1", name="plot")
    body = XAI("grok-4.3", api="responses", api_key=KEY).wire.encode(
        Request((Message.user([result]),)), "m", provider="xai"
    )
    output, user = body["input"]
    assert output["output"] == "a plot"
    assert [part["type"] for part in user["content"]] == ["input_text", "input_image"]


@pytest.mark.parametrize("ending", ["", "/v1", "/v1/responses", "/v1/chat/completions"])
def test_the_address_is_completed(ending: str) -> None:
    """PRV-17, RSP-4."""
    for api, path in (("chat", "/chat/completions"), ("responses", "/responses")):
        provider = XAI("m", api=api, base_url=f"https://x.test{ending}")
        assert provider.url(provider.encode(REQUEST)[0]) == f"https://x.test/v1{path}"
