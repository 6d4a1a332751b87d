"""Ollama's own wire: what is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.errors import ConfigError
from alloy_nb.messages import Audio, Document, Image, Message, Opaque, Text, Thinking, ToolCall, ToolResult
from alloy_nb.providers.base import Request, ToolSpec
from alloy_nb.providers.ollama_messages import encode

PNG = Image("image/png", b"png")
READ = ToolSpec("read", "Read a file.", {"type": "object", "properties": {"path": {"type": "string"}}})
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}


def body_of(*messages: Message, model: str = "llama4", **fields: Any) -> dict[str, Any]:
    return encode(Request(messages, **fields), model)


def messages_of(*messages: Message, **fields: Any) -> list[dict[str, Any]]:
    encoded: list[dict[str, Any]] = body_of(*messages, **fields)["messages"]
    return encoded


def test_nothing_is_sent_that_was_not_asked_for() -> None:
    """PRV-9; but that no stream is wanted must be said."""
    assert body_of(Message.user("Hi")) == {
        "model": "llama4",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": False,
    }


def test_settings_are_options() -> None:
    """PRV-w1; those of extra_body are merged with them, the rest of it beside them."""
    body = body_of(
        Message.user("Hi"),
        temperature=0.0,
        top_p=0.9,
        max_output_tokens=7,
        stop_sequences=("END",),
        extra_body={"options": {"num_ctx": 8192, "temperature": 1}, "keep_alive": "1h"},
    )
    assert body["options"] == {"temperature": 1, "top_p": 0.9, "num_predict": 7, "stop": ["END"], "num_ctx": 8192}
    assert body["keep_alive"] == "1h"
    with pytest.raises(ConfigError, match="options"):
        body_of(Message.user("Hi"), extra_body={"options": 3})


def test_a_schema_is_the_format_of_the_answer() -> None:
    assert body_of(Message.user("Hi"), output_schema=SCHEMA)["format"] == SCHEMA


def test_a_schema_keeps_no_tool_from_being_called() -> None:
    """A format is a grammar for every answer, also for one that should be a call."""
    body = body_of(Message.user("Hi"), output_schema=SCHEMA, tools=(READ,), system_prompt="Be brief.")
    assert "format" not in body
    assert body["messages"][0]["content"].startswith("Be brief.")
    assert json.dumps(SCHEMA) in body["messages"][0]["content"]
    assert body_of(Message.user("Hi"), output_schema=SCHEMA, tools=(READ,), tool_choice="none")["format"] == SCHEMA


def test_tools_are_functions_and_cannot_be_forced() -> None:
    """PRV-15"""
    body = body_of(Message.user("Hi"), tools=(READ,), tool_choice="auto")
    function = {"name": "read", "description": "Read a file.", "parameters": dict(READ.input_schema)}
    assert body["tools"] == [{"type": "function", "function": function}]
    assert "tools" not in body_of(Message.user("Hi"), tools=(READ,), tool_choice="none")
    with pytest.raises(ConfigError, match="tool_choice"):
        body_of(Message.user("Hi"), tools=(READ,), tool_choice="required")


@pytest.mark.parametrize(
    ("model", "thinking", "sent"),
    [
        ("qwen3:4b", True, True),
        ("qwen3:4b", False, False),
        ("qwen3:4b", "high", True),
        ("qwen3:4b", "none", False),
        ("qwen3:4b", 5000, True),
        ("qwen3:4b", 0, False),
        ("gpt-oss:20b", True, True),
        ("gpt-oss:20b", "low", "low"),
        ("gpt-oss:20b", "xhigh", "high"),
        ("somebody/gpt-oss:20b", 5000, "medium"),
        ("gpt-oss:20b", "none", False),
    ],
)
def test_thinking_is_a_switch_or_a_level(model: str, thinking: bool | str | int, sent: bool | str) -> None:
    think = body_of(Message.user("Hi"), model=model, thinking=thinking)["think"]
    assert (think, type(think)) == (sent, type(sent))


def test_a_level_that_there_is_not() -> None:
    with pytest.raises(ConfigError, match="hihg") as caught:
        body_of(Message.user("Hi"), thinking="hihg")
    assert "'high'" in str(caught.value.hint)
    with pytest.raises(ConfigError) as caught:
        body_of(Message.user("Hi"), thinking="zzz")
    assert "medium" in str(caught.value.hint)


def test_calls_have_objects_and_results_names() -> None:
    """OAI-1, OAI-2, PRV-w3: errors are said to be errors, own thinking goes back, foreign does not."""
    sent = messages_of(
        Message("system", (Text("Now in French."),)),
        Message.assistant(
            [
                Thinking("hm", None, "ollama"),
                Thinking("foreign", "sig", "anthropic"),
                Opaque("anthropic", {"x": 1}),
                Text("One."),
                ToolCall("c1", "read", {"path": "é"}),
                ToolCall("c2", "read", {}, raw='{"path": '),
            ]
        ),
        Message.user(
            [
                Text("And hurry."),
                ToolResult("fine", call_id="c1", name="read"),
                ToolResult("no such file", call_id="c2", is_error=True),
            ]
        ),
        Message.assistant(["Done.", PNG]),
        system_prompt="Be brief.",
    )
    assert sent == [
        {"role": "system", "content": "Be brief."},
        {"role": "system", "content": "Now in French."},
        {
            "role": "assistant",
            "content": "One.",
            "thinking": "hm",
            "tool_calls": [
                {"id": "c1", "function": {"name": "read", "arguments": {"path": "é"}}},
                {"id": "c2", "function": {"name": "read", "arguments": {}}},
            ],
        },
        {"role": "tool", "tool_name": "read", "tool_call_id": "c1", "content": "fine"},
        {"role": "tool", "tool_call_id": "c2", "content": "Error: no such file"},
        {"role": "user", "content": "And hurry."},
        {"role": "assistant", "content": "Done.\n[image]"},
    ]


def test_results_alone_are_no_users_message() -> None:
    (sent,) = messages_of(Message.user([ToolResult("fine", call_id="c1", name="read")]))
    assert sent["role"] == "tool"


def test_pictures_are_bare_base64_beside_the_words() -> None:
    """OAI-3: what has no form here is said in words, and text documents are told."""
    message = Message.user(
        [
            Text("See:"),
            PNG,
            Image("image/png", url="https://x.test/a.png"),
            Audio("audio/mpeg", b"a"),
            Document("text/plain", b"note", name="n.txt"),
        ]
    )
    (sent,) = messages_of(message)
    assert sent["images"] == ["cG5n"]
    said, link, sound, name, note = sent["content"].split("\n")
    assert (said, name, note) == ("See:", "n.txt:", "note")
    assert "https://x.test/a.png" in link
    assert "audio" in sound


def test_pictures_of_a_result_follow_in_the_users_name() -> None:
    result, user = messages_of(Message.user([ToolResult("a plot", images=(PNG,), call_id="c", name="plot")]))
    assert (result["role"], result["content"]) == ("tool", "a plot")
    assert user == {"role": "user", "content": "Images from plot:", "images": ["cG5n"]}


WORDS = st.text(max_size=5)
ANY_PART = st.one_of(
    st.builds(Text, WORDS),
    st.builds(Thinking, WORDS, st.none(), st.sampled_from(["ollama", "them"])),
    st.builds(ToolCall, WORDS, WORDS, st.dictionaries(WORDS, WORDS, max_size=2)),
    st.builds(ToolResult, WORDS, call_id=WORDS, is_error=st.booleans(), images=st.just((PNG,)) | st.just(())),
    st.builds(Image, st.just("image/png"), st.binary(max_size=3)),
    st.builds(Document, st.sampled_from(["application/pdf", "text/x", ""]), st.binary(max_size=3)),
    st.builds(Opaque, st.sampled_from(["ollama", "them"]), st.just({"x": 1})),
)
ROLES: Any = st.sampled_from(["system", "user", "assistant"])


@given(st.lists(st.builds(Message, ROLES, st.lists(ANY_PART, max_size=5).map(tuple)), max_size=5))
def test_whatever_is_in_a_history_can_be_sent(messages: list[Message]) -> None:
    """PRV-21: and every result arrives."""
    sent = messages_of(*messages)
    json.dumps(sent)
    results = [result.call_id for message in messages if message.role == "user" for result in message.tool_results]
    assert [item["tool_call_id"] for item in sent if item["role"] == "tool"] == results
