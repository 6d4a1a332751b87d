"""Mistral's own service: what is sent, what is understood, what its errors mean."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.errors import AuthError, BadRequestError, ConfigError, ContextOverflowError, RateLimitError
from alloy_nb.messages import Audio, Document, Image, Message, Text, Thinking, ToolCall, ToolResult
from alloy_nb.providers.answer import Answer
from alloy_nb.providers.base import Request, ToolSpec
from alloy_nb.providers.mistral import Mistral
from alloy_nb.usage import Usage

from .wire import ask, provider_error

READ = ToolSpec("read", "Read a file.", {"type": "object"})
KEY = "sk-test-0123456789abcdefghij"


def mistral(model: str = "mistral-large-latest", reply: Callable[..., Any] | None = None, **settings: Any) -> Mistral:
    client = (lambda: httpx2.AsyncClient(transport=httpx2.MockTransport(reply))) if reply else None
    return Mistral(model, api_key=KEY, http_client=client, **settings)


def body_of(*messages: Message, model: str = "mistral-large-latest", **fields: Any) -> dict[str, Any]:
    provider = mistral(model)
    return provider.wire.encode(Request(messages, **fields), model, provider=provider.name)


def answering(body: str, status: int = 200, kind: str = "text/event-stream") -> Callable[..., httpx2.Response]:
    return lambda _: httpx2.Response(status, content=body.encode(), headers={"content-type": kind})


def test_the_address() -> None:
    """PRV-19"""
    provider = mistral(base_url="https://api.mistral.ai/v1/chat/completions")
    path, _, body = provider.streamed(provider.encode(Request((Message.user("Hi"),))))
    assert provider.url(path) == "https://api.mistral.ai/v1/chat/completions"
    # Usage always comes, and a field that it does not know is refused.
    assert set(body) == {"model", "messages", "stream"}


def test_a_tool_is_forced_by_another_word() -> None:
    assert body_of(Message.user("Hi"), tools=(READ,), tool_choice="required")["tool_choice"] == "any"
    assert body_of(Message.user("Hi"), tools=(READ,), tool_choice="read")["tool_choice"]["type"] == "function"


def ids_of(call_id: str) -> tuple[str, str]:
    call, result = body_of(
        Message.assistant([ToolCall(call_id, "read")]), Message.user([ToolResult("x", call_id=call_id, name="read")])
    )["messages"]
    assert result["name"] == "read"
    return call["tool_calls"][0]["id"], result["tool_call_id"]


@given(st.text(max_size=40))
def test_any_id_becomes_one_that_it_takes(call_id: str) -> None:
    """PRV-w5, law 9: the same for the call and its result, at all times and in all processes."""
    call, result = ids_of(call_id)
    assert call == result == ids_of(call_id)[0]
    assert re.fullmatch("[A-Za-z0-9]{9}", call)


def test_its_own_ids_stay() -> None:
    assert ids_of("aX2gaLIyo") == ("aX2gaLIyo", "aX2gaLIyo")
    # Saved conversations go on elsewhere: what stands for an id never changes.
    assert ids_of("call_abc123")[0] == "xyHvf1Sfj"
    assert len({ids_of(f"call_{n}")[0] for n in range(50)}) == 50


def test_own_thinking_goes_back_among_the_words() -> None:
    sent = body_of(
        Message.assistant([Thinking("hm", "sig", "mistral"), Text("Hi"), ToolCall("aX2gaLIyo", "read")]),
        Message.assistant([Thinking("hm", None, "mistral"), Text("Hi")]),
        Message.assistant([Thinking("foreign", "s", "google"), Text("Ho")]),
    )["messages"]
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    assert sent[0]["content"] == [{**thought, "signature": "sig"}, {"type": "text", "text": "Hi"}]
    assert sent[0]["tool_calls"][0]["id"] == "aX2gaLIyo"
    assert sent[1]["content"] == [thought, {"type": "text", "text": "Hi"}]
    assert sent[2]["content"] == "Ho"


@pytest.mark.parametrize(
    ("model", "thinking", "sent"),
    [
        ("magistral-medium-latest", True, {"prompt_mode": "reasoning"}),
        ("magistral-medium-latest", "low", {"prompt_mode": "reasoning"}),
        ("magistral-medium-latest", False, {"prompt_mode": None}),
        ("mistral-small-latest", True, {"reasoning_effort": "high"}),
        ("mistral-small-latest", 1000, {"reasoning_effort": "high"}),
        ("mistral-medium-latest", False, {"reasoning_effort": "none"}),
        ("mistral-large-latest", True, {"reasoning_effort": "high"}),
        ("mistral-large-latest", "medium", {"reasoning_effort": "medium"}),
        ("mistral-large-latest", 0, {"reasoning_effort": "none"}),
        ("codestral-latest", False, {}),
    ],
)
def test_thinking_is_asked_for_in_the_models_own_way(model: str, thinking: Any, sent: dict[str, Any]) -> None:
    body = body_of(Message.user("Hi"), model=model, thinking=thinking)
    assert {name: value for name, value in body.items() if name not in ("model", "messages")} == sent


def test_a_model_that_does_not_think_is_not_asked_to() -> None:
    with pytest.raises(ConfigError, match="does not think") as caught:
        body_of(Message.user("Hi"), model="codestral-latest", thinking=True)
    assert "magistral" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("part", "sent"),
    [
        (
            Document("application/pdf", b"a", name="a.pdf"),
            {
                "type": "document_url",
                "document_url": "data:application/pdf;base64,YQ==",
                "document_name": "a.pdf",
            },
        ),
        (
            Document("application/pdf", url="https://x.test/a.pdf"),
            {"type": "document_url", "document_url": "https://x.test/a.pdf"},
        ),
        (Audio("audio/mpeg", b"a"), {"type": "input_audio", "input_audio": "YQ=="}),
        (Audio("audio/mpeg", url="https://x.test/a"), {"type": "input_audio", "input_audio": "https://x.test/a"}),
        (Image("image/png", b"a"), {"type": "image_url", "image_url": {"url": "data:image/png;base64,YQ=="}}),
    ],
)
def test_its_forms_of_parts(part: Any, sent: dict[str, Any]) -> None:
    """OAI-3"""
    assert body_of(Message.user([part]))["messages"][0]["content"] == [sent]


STREAM = """data: {"model": "magistral-medium-latest", "choices": [{"index": 0, "delta": {"role": "assistant", \
"content": ""}, "finish_reason": null}], "p": "abcdef"}

data: {"choices": [{"index": 0, "delta": {"content": [{"type": "thinking", "thinking": [{"type": "text", \
"text": "Both"}], "closed": true}]}}], "p": "a"}

data: {"choices": [{"index": 0, "delta": {"content": [{"type": "thinking", "thinking": [{"type": "text", \
"text": " files."}]}, {"type": "text", "text": "I "}, {"type": "reference", "reference_ids": [1]}]}}]}

data: {"choices": [{"index": 0, "delta": {"content": "re"}, "finish_reason": null}]}

data: {"choices": [{"index": 0, "delta": {"content": "ad", "tool_calls": [{"id": "aX2gaLIyo", "index": 0, \
"function": {"name": "read", "arguments": "{\\"a\\": 1}"}}, {"id": "bX2gaLIyo", "index": 1, \
"function": {"name": "read", "arguments": ""}}]}, "finish_reason": "tool_calls"}], "usage": {"prompt_tokens": 9, \
"completion_tokens": 5, "total_tokens": 14, "num_cached_tokens": 4}}

data: [DONE]

"""


def test_words_and_calls_on_the_last_chunk_count() -> None:
    """OAI-6, OAI-w2: a parser that takes the finish for an end loses them."""
    provider = mistral(reply=answering(STREAM))
    answer = Answer(provider.name)
    for delta in ask(provider):
        answer.feed(delta)
    message = answer.message()
    assert (message.thinking, message.text) == ("Both files.", "I read")
    assert [(call.id, dict(call.input)) for call in message.tool_calls] == [("aX2gaLIyo", {"a": 1}), ("bX2gaLIyo", {})]
    assert answer.stop_reason == "tool_use"
    assert answer.usage == Usage(9, 5, cached_tokens=4)


def failing(status: int, body: Any) -> Any:
    return provider_error(mistral(reply=answering(json.dumps(body), status, "application/json")))


def test_its_errors() -> None:
    """PRV-3, PRV-22, in all their shapes."""
    assert type(failing(401, {"detail": "Invalid API Key"})) is AuthError
    unknown = failing(400, {"object": "error", "message": "Invalid model: x", "type": "invalid_model", "code": "1500"})
    assert type(unknown) is BadRequestError
    assert "model" in unknown.hint
    details = failing(422, {"detail": [{"loc": ["body", "p"], "msg": "Extra inputs are not permitted", "type": "x"}]})
    assert type(details) is BadRequestError
    assert "Extra inputs" in details.message
    nested = failing(422, {"object": "error", "message": {"detail": [{"msg": "Field required"}]}, "type": "invalid"})
    assert "Field required" in nested.message
    limited = failing(
        429, {"object": "error", "message": "Rate limit exceeded", "type": "rate_limited", "code": "1300"}
    )
    assert type(limited) is RateLimitError
    assert limited.retryable
    long = "Prompt contains 9 tokens, too large for model with 8 maximum context length"
    assert type(failing(400, {"object": "error", "message": long, "type": "invalid_request_error"})) is (
        ContextOverflowError
    )


def test_an_error_inside_a_stream() -> None:
    body = 'data: {"object": "error", "message": "Rate limit exceeded", "type": "rate_limited", "code": "1300"}\n\n'
    assert type(provider_error(mistral(reply=answering(body)))) is RateLimitError


RESULT = ToolResult("done", call_id="aX2gaLIyo", name="plot")
PLOT = Message.assistant(ToolCall("aX2gaLIyo", "plot"))
PICTURE = Image("image/png", b"png")


@pytest.mark.parametrize(
    ("after", "roles"),
    [
        ([Message.user(RESULT)], "tool"),
        ([Message.user([RESULT, Text("And?")])], "tool assistant user"),
        ([Message.user(ToolResult("done", call_id="aX2gaLIyo", images=(PICTURE,)))], "tool assistant user"),
        ([Message.user(RESULT), Message.user("And?")], "tool assistant user"),
        ([Message.user(RESULT), Message("system", (Text("Hurry."),))], "tool assistant system"),
        ([Message.user(RESULT), Message.assistant("So."), Message.user("And?")], "tool assistant user"),
        # An answer of nothing is left out.
        ([Message.user(RESULT), Message.assistant([]), Message.user("And?")], "tool assistant user"),
        ([Message.user(RESULT), PLOT, Message.user(RESULT)], "tool assistant tool"),
        ([Message.user([RESULT, Text("And?")]), Message.user("Well?")], "tool assistant user user"),
    ],
)
def test_between_results_and_the_user_the_model_speaks(after: list[Message], roles: str) -> None:
    """The service refuses the role `user` after the role `tool`, with its code 3230."""
    sent = body_of(Message.user("Plot."), PLOT, *after)["messages"]
    assert " ".join(message["role"] for message in sent[2:]) == roles
    assert all(message.get("content") or message.get("tool_calls") for message in sent)


@pytest.mark.parametrize("part", [Audio.from_url("data:audio/wav;base64,?"), Document("application/pdf", name="a.pdf")])
def test_a_part_that_holds_nothing_is_named(part: Audio | Document) -> None:
    (content,) = body_of(Message.user([part]))["messages"][0]["content"]
    assert "that this service cannot be given" in content["text"]
