"""A service that speaks Chat Completions, end to end over real connections."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from alloy_nb.errors import ConfigError, ContextOverflowError, StreamError
from alloy_nb.messages import Message, ToolCall, ToolResult
from alloy_nb.providers.answer import Answer
from alloy_nb.providers.base import Request, ToolSpec
from alloy_nb.providers.chat import ChatDialect
from alloy_nb.providers.openai_compatible import OpenAICompatible

REQUEST = Request((Message.user("Hello"),), request_timeout=20)


async def streamed(provider: OpenAICompatible, request: Request = REQUEST) -> Answer:
    answer = Answer(provider.name)
    async for delta in provider.stream(request):
        answer.feed(delta)
    return answer


@pytest.mark.parametrize(
    ("base_url", "address"),
    [
        ("http://x.test", "http://x.test/v1/chat/completions"),
        ("http://x.test/", "http://x.test/v1/chat/completions"),
        ("http://x.test/v1/", "http://x.test/v1/chat/completions"),
        ("http://x.test/api/v2", "http://x.test/api/v2/chat/completions"),
        ("http://x.test/v1/chat/completions", "http://x.test/v1/chat/completions"),
        (
            "https://x.test/openai/deployments/d?api-version=1",
            "https://x.test/openai/deployments/d/chat/completions?api-version=1",
        ),
    ],
)
def test_the_address_is_completed(base_url: str, address: str) -> None:
    """PRV-20, OAI-w3"""
    provider = OpenAICompatible("m", base_url=base_url)
    assert provider.url(provider.encode(REQUEST)[0]) == address


@pytest.mark.parametrize(
    "base_url",
    [
        "http://[::1",
        "http://[::1/v1",
        "http://[s3cret]",
        "http://x.test:s3cret",
        "http://x.test:99999",
        "http://[",
        "[",
    ],
)
def test_an_address_that_cannot_be_read(base_url: str) -> None:
    """It ended in a bare `ValueError: Invalid IPv6 URL`."""
    with pytest.raises(ConfigError) as caught:
        OpenAICompatible("m", base_url=base_url)
    assert "base_url" in caught.value.message
    assert "https://api.example.com/v1" in str(caught.value.hint)
    assert "s3cret" not in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_the_cap_has_the_name_that_the_service_knows() -> None:
    """PRV-12, PRV-20."""
    request = Request((), max_output_tokens=5)
    body = OpenAICompatible("m", base_url="http://x.test").encode(request)[2]
    assert body["max_tokens"] == 5
    body = OpenAICompatible("m", base_url="https://api.openai.com/v1").encode(request)[2]
    assert body["max_completion_tokens"] == 5
    own = ChatDialect(cap_field="limit")
    assert OpenAICompatible("m", base_url="http://x.test", dialect=own).encode(request)[2]["limit"] == 5


def test_a_streamed_conversation_with_tools(service: Any, reply: Any, fixtures: Path) -> None:
    service.answers(reply((fixtures / "tools-in-pieces.sse").read_bytes()))
    provider = OpenAICompatible("m", base_url=service.url, api_key="sk-test")
    history = (
        Message.user("Read"),
        Message.assistant([ToolCall("c0", "read", {"path": "x"})]),
        Message.user([ToolResult("text", call_id="c0", name="read")]),
    )
    tools = (ToolSpec("read", "", {"type": "object"}),)
    answer = asyncio.run(streamed(provider, Request(history, tools=tools, system_prompt="S")))
    assert [call.name for call in answer.message().tool_calls] == ["read", "clock"]
    sent = service.received[0].json
    assert [message["role"] for message in sent["messages"]] == ["system", "user", "assistant", "tool"]
    assert sent["stream"] is True
    assert service.received[0].target == "/v1/chat/completions"


def test_a_whole_answer(service: Any, reply: Any, fixtures: Path) -> None:
    body = (fixtures / "llamacpp-text.json").read_bytes()
    service.answers(reply(body, headers={"content-type": "application/json"}))
    provider = OpenAICompatible("m", base_url=service.url)
    answer = Answer("x")
    for delta in asyncio.run(provider.complete(REQUEST)):
        answer.feed(delta)
    assert answer.message().text == "I'm glad you're having"
    assert answer.model == "SmolLM2-135M-Instruct.Q4_1.gguf"
    assert "stream" not in service.received[0].json
    assert "stream_options" not in service.received[0].json


def test_a_server_says_that_the_conversation_is_too_long(service: Any, reply: Any, fixtures: Path) -> None:
    service.answers(reply((fixtures / "llamacpp-too-long.json").read_bytes(), status=400))
    with pytest.raises(ContextOverflowError, match="context size"):
        asyncio.run(streamed(OpenAICompatible("m", base_url=service.url)))


def test_an_error_in_a_whole_answer_of_status_200(service: Any, reply: Any) -> None:
    """PRV-w2"""
    body = json.dumps({"error": {"code": 502, "message": "upstream"}})
    service.answers(reply(body, headers={"content-type": "application/json", "x-request-id": "r"}))
    with pytest.raises(Exception, match="openai-compatible answered 502: upstream") as caught:
        asyncio.run(streamed(OpenAICompatible("m", base_url=service.url)))
    assert caught.value.request_id == "r"  # type: ignore[attr-defined]


def test_a_cut_stream_with_done_is_a_cut_stream(service: Any, reply: Any) -> None:
    service.answers(reply('data: {"choices": [{"delta": {"content": "x"}}]}\n\ndata: [DONE]\n\n'))
    with pytest.raises(StreamError):
        asyncio.run(streamed(OpenAICompatible("m", base_url=service.url)))


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        ({"object": "list", "data": [{"id": "b"}, {"id": "a"}, {}]}, ["a", "b"]),
        ({"models": [{"name": "n"}, {"model": "m"}]}, ["m", "n"]),
        ([{"id": "x"}], ["x"]),
    ],
)
def test_the_models_of_a_service(service: Any, reply: Any, answer: Any, names: list[str]) -> None:
    service.answers(reply(json.dumps(answer)))
    assert asyncio.run(OpenAICompatible("m", base_url=service.url).models()) == names
    assert service.received[0].target == "/v1/models"


def test_no_list_of_models_is_an_error(service: Any, reply: Any) -> None:
    service.answers(reply('{"object": "nonsense"}'))
    with pytest.raises(StreamError, match="models"):
        asyncio.run(OpenAICompatible("m", base_url=service.url).models())


@pytest.mark.parametrize(
    ("base_url", "asked"),
    [
        ("http://x.test", []),
        ("https://x.test/v1/responses", []),
        ("https://api.openai.com/v1", ["reasoning.encrypted_content"]),
        ("https://me.openai.azure.com/openai/v1?api-version=preview", ["reasoning.encrypted_content"]),
    ],
)
def test_responses_of_whoever_speaks_them(base_url: str, asked: list[str]) -> None:
    """RSP-4, PRV-20: thoughts are asked for where they are OpenAI's."""
    provider = OpenAICompatible("m", base_url=base_url, api="responses", name="us")
    path, _, body = provider.encode(REQUEST)
    assert provider.url(path).partition("?")[0].endswith("/v1/responses")
    assert body.get("include", []) == asked
    assert "stop_sequences" not in provider.options
    (delta,) = provider.decoder().feed({"output": [{"type": "new"}]})
    assert delta.part.provider == provider.own  # type: ignore[union-attr]


def test_a_real_servers_responses(service: Any, reply: Any, fixtures: Path) -> None:
    service.answers(reply((fixtures / "responses-llamacpp-text.sse").read_bytes()))
    provider = OpenAICompatible("m", base_url=service.url, api="responses")
    answer = asyncio.run(streamed(provider))
    assert (answer.message().text, answer.stop_reason) == ("Hello! I'm here", "end_turn")
    assert service.received[0].target == "/v1/responses"
