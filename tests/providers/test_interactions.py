"""What a request looks like to the Interactions API. Pure, no network."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alloy_nb.errors import ConfigError
from alloy_nb.messages import Audio, Document, Image, Message, Opaque, Part, Text, Thinking, ToolCall, ToolResult
from alloy_nb.providers._payload import to_json
from alloy_nb.providers.base import Request, ToolSpec
from alloy_nb.providers.interactions import encode

MODEL = "gemini-3-flash-preview"
PNG = Image("image/png", b"png")
READ = ToolSpec("read", "Reads.", {"type": "object"})


def steps(*history: Message) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = encode(Request(history), MODEL)["input"]
    return made


def body(**options: Any) -> dict[str, Any]:
    return encode(Request((Message.user("x"),), **options), MODEL)


def test_nothing_is_left_at_the_service() -> None:
    assert body()["store"] is False
    assert body(extra_body={"store": True})["store"] is True


def test_a_conversation_is_steps() -> None:
    thought = {"type": "thought", "signature": "s"}
    history = (
        Message.user("What time is it?"),
        Message.assistant(
            [
                Thinking("hm", None, "google"),
                Opaque("google", {"type": "step", "step": thought}),
                Text("I"),
                Text("look."),
                ToolCall("fc_1", "clock", {"in": "Oslo"}),
                Text("So."),
            ]
        ),
        Message.user([ToolResult("noon", call_id="fc_1", name="clock"), Text("And?")]),
    )
    assert steps(*history) == [
        {"type": "user_input", "content": [{"type": "text", "text": "What time is it?"}]},
        thought,
        {"type": "model_output", "content": [{"type": "text", "text": "I"}, {"type": "text", "text": "look."}]},
        {"type": "function_call", "id": "fc_1", "name": "clock", "arguments": {"in": "Oslo"}},
        {"type": "model_output", "content": [{"type": "text", "text": "So."}]},
        {"type": "function_result", "call_id": "fc_1", "name": "clock", "result": "noon"},
        {"type": "user_input", "content": [{"type": "text", "text": "And?"}]},
    ]


def test_nothing_foreign_is_sent() -> None:
    """Law 9: nor what the other API of the same provider signed."""
    parts: list[Part] = [
        Thinking("hm", "s", "anthropic"),
        Opaque("openai", {"type": "step", "step": {"type": "thought"}}),
        Opaque("google", {"type": "part", "part": {"text": ""}}),
        Opaque("google", {"thoughtSignature": "s"}),
        Opaque("google", {"type": "step"}),
    ]
    assert steps(Message.assistant(parts)) == []


def test_a_user_who_says_nothing() -> None:
    assert steps(Message.user("")) == [{"type": "user_input", "content": [{"type": "text", "text": " "}]}]


def test_a_result_with_pictures_and_one_that_failed() -> None:
    (seen, failed) = steps(
        Message.user([ToolResult("see", call_id="c", images=(PNG,)), ToolResult("no", call_id="d", is_error=True)])
    )
    assert seen["result"] == [
        {"type": "text", "text": "see"},
        {"type": "image", "mime_type": "image/png", "data": PNG.base64},
    ]
    assert failed["is_error"] is True


def test_media() -> None:
    (step,) = steps(
        Message.user(
            [
                PNG,
                Audio("audio/wav", b"w"),
                Document("application/pdf", b"p", name="a.pdf"),
                Document("video/mp4", b"v"),
                Image("image/png", url="https://x.test/a.png"),
                Document.from_url("https://youtu.be/abc"),
                Image("x/y", url="data:image/png;base64,cG5n"),
                Document("text/csv", b"a,b"),
            ]
        )
    )
    assert [(content["type"], content.get("mime_type")) for content in step["content"]] == [
        ("image", "image/png"),
        ("audio", "audio/wav"),
        ("text", None),
        ("document", "application/pdf"),
        ("video", "video/mp4"),
        ("image", "image/png"),
        ("document", None),
        ("image", "image/png"),
        ("text", None),
    ]
    assert step["content"][5]["uri"] == "https://x.test/a.png"
    assert step["content"][7]["data"] == PNG.base64


def test_settings() -> None:
    """PRV-w1"""
    made = body(
        system_prompt="S",
        tools=(READ,),
        tool_choice="read",
        output_schema={"type": "object"},
        temperature=0.5,
        max_output_tokens=7,
        thinking="high",
    )
    assert made["system_instruction"] == "S"
    assert made["tools"] == [
        {"type": "function", "name": "read", "description": "Reads.", "parameters": {"type": "object"}}
    ]
    assert made["response_format"] == {"type": "text", "mime_type": "application/json", "schema": {"type": "object"}}
    assert made["generation_config"] == {
        "temperature": 0.5,
        "max_output_tokens": 7,
        "thinking_level": "high",
        "thinking_summaries": "auto",
        "tool_choice": {"allowed_tools": {"mode": "any", "tools": ["read"]}},
    }
    assert body(thinking=False)["generation_config"] == {"thinking_level": "minimal", "thinking_summaries": "none"}
    assert body(thinking=True)["generation_config"] == {"thinking_summaries": "auto"}
    assert body(tools=(READ,), tool_choice="required")["generation_config"] == {"tool_choice": "any"}


@pytest.mark.parametrize(("choice", "hint"), [("requird", "'required'"), ("zzzz", "choose one of auto")])
def test_a_choice_that_nobody_knows(choice: str, hint: str) -> None:
    with pytest.raises(ConfigError, match="tool_choice") as caught:
        body(tools=(READ,), tool_choice=choice)
    assert hint in str(caught.value.hint)


def test_steps_and_tools_are_encoded_once() -> None:
    request = Request((Message.user("x"), Message.assistant("y")), tools=(READ,))
    key = object()
    made = encode(request, MODEL, key=key)
    assert json.loads(to_json(made)) == encode(request, MODEL)
    assert encode(request, MODEL, key=key)["input"].elements[1] is made["input"].elements[1]
