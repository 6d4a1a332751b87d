"""A conversation that goes on with another provider (law 9): what each one is sent of a history that others made."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alloy_nb.history import repair
from alloy_nb.messages import Audio, Document, Image, Message, Opaque, Part, Text, Thinking, ToolCall, ToolResult
from alloy_nb.providers import (
    XAI,
    Anthropic,
    DeepSeek,
    Google,
    HTTPProvider,
    Mistral,
    Ollama,
    OpenAI,
    OpenAICompatible,
    OpenRouter,
    Request,
    ToolSpec,
)
from alloy_nb.providers._payload import to_json

NAMES = ("anthropic", "openai", "google", "ollama", "openrouter", "xai", "deepseek", "mistral", "openai-compatible")

PROVIDERS: dict[str, Callable[[], HTTPProvider]] = {
    "anthropic": lambda: Anthropic("claude-sonnet-4-6", api_key="k"),
    "openai": lambda: OpenAI("gpt-5.2", api_key="k"),
    "openai chat": lambda: OpenAI("gpt-5.2", api_key="k", api="chat"),
    "google": lambda: Google("gemini-3.6-flash", api_key="k"),
    "google 2.5": lambda: Google("gemini-2.5-flash", api_key="k"),
    "google interactions": lambda: Google("gemini-3.6-flash", api_key="k", api="interactions"),
    "ollama": lambda: Ollama("qwen3"),
    "openrouter": lambda: OpenRouter("anthropic/claude-sonnet-4.6", api_key="k"),
    "openrouter responses": lambda: OpenRouter("openai/gpt-5.2", api_key="k", api="responses"),
    "xai": lambda: XAI("grok-4.3", api_key="k"),
    "xai responses": lambda: XAI("grok-4.3", api_key="k", api="responses"),
    "deepseek": lambda: DeepSeek("deepseek-v4-flash", api_key="k"),
    "deepseek responses": lambda: DeepSeek("deepseek-v4-flash", api_key="k", api="responses"),
    "mistral": lambda: Mistral("mistral-large-latest", api_key="k"),
    "compatible": lambda: OpenAICompatible("m", base_url="http://127.0.0.1:1"),
}

#: What the vendors take for an id; the others take any text.
IDS = {
    "anthropic": r"[A-Za-z0-9_-]+",
    "openai": r".{1,64}",
    "openai chat": r".{1,40}",
    "mistral": r"[A-Za-z0-9]{9}",
}

makers = st.sampled_from(NAMES)
ids = st.sampled_from(["toolu_01A", "call_0123456789abcdef", "aX2gaLIyo", "call:1/ü é", "x" * 100, "fc_1|call_1", "0"])
words = st.sampled_from(["Hello", "", " ", "é\u2028", "\x00"])


@st.composite
def signed(draw: st.DrawFn) -> Part:
    """A thought or a part of one provider's own, with its name on all that is secret in it."""
    maker = draw(makers)
    mark = f"MARK-{maker}-MARK"
    return draw(
        st.sampled_from(
            [
                Thinking("a thought", mark, maker),
                Thinking("", mark, maker),
                Opaque(maker, {"type": "redacted_thinking", "data": mark}),
                Opaque(maker, {"type": "reasoning", "id": mark, "summary": [], "encrypted_content": mark}),
                Opaque(maker, {"thoughtSignature": mark}),
                Opaque(maker, {"reasoning_details": [{"type": "reasoning.encrypted", "data": mark}]}),
                Opaque(maker, {"citations": [{"cited_text": mark}]}),
            ]
        )
    )


media = st.sampled_from(
    [
        Image("image/png", b"png"),
        Image("image/jpeg", url="https://pictures.test/a.jpg"),
        Audio("audio/wav", b"RIFF"),
        Document("application/pdf", b"%PDF", name="a.pdf"),
        Document("text/plain", "ä".encode("latin-1"), name="a.txt"),
        Document("application/octet-stream", b"\x00"),
    ]
)
inputs = st.sampled_from([{}, {"path": "a"}, {"nested": {"list": [1, None, "é"]}}])
calls = st.builds(ToolCall, ids, st.sampled_from(["read", "bash"]), inputs)
broken = st.builds(lambda call_id: ToolCall(call_id, "read", {}, raw='{"path": '), ids)
results = st.builds(
    lambda call_id, text, error, images: ToolResult(text, call_id=call_id, name="read", is_error=error, images=images),
    ids,
    words,
    st.booleans(),
    st.sampled_from([(), (Image("image/png", b"png"),)]),
)
answers = st.lists(st.one_of(st.builds(Text, words), signed(), calls, broken, media), max_size=5)
questions = st.lists(st.one_of(st.builds(Text, words), results, media), max_size=4)
histories = st.lists(
    st.one_of(
        st.builds(Message, st.just("user"), questions.map(tuple)),
        st.builds(Message, st.just("assistant"), answers.map(tuple), partial=st.booleans()),
        st.builds(Message, st.just("system"), st.lists(st.builds(Text, words), max_size=2).map(tuple)),
    ),
    max_size=6,
)
SCHEMAS = [
    {"type": "object", "properties": {}},
    {"type": "object", "properties": {"path": {"type": "string", "minLength": 1}}, "required": ["path"]},
    {
        "type": "object",
        "properties": {"at": {"$ref": "#/$defs/At"}, "either": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
        "$defs": {"At": {"type": "object", "properties": {"x": {"const": 1}}, "additionalProperties": False}},
    },
]
TOOLS = tuple(ToolSpec(name, "", schema) for name, schema in zip(("read", "bash", "at"), SCHEMAS, strict=True))


def sent(kind: str, history: tuple[Message, ...]) -> tuple[HTTPProvider, dict[str, Any]]:
    provider = PROVIDERS[kind]()
    request = Request((*history, Message.user("And now?")), system_prompt="Be brief.", tools=TOOLS)
    _, _, body = provider.streamed(provider.encode(request))
    parsed: dict[str, Any] = json.loads(to_json(body))
    return provider, parsed


def walk(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    for item in value if isinstance(value, list) else ():
        yield from walk(item)


def calls_and_results(body: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Ids, or names where a wire pairs by those, in the order in which they are sent."""
    asked: list[str] = []
    given: list[str] = []
    for item in walk({name: value for name, value in body.items() if name not in ("tools", "functionDeclarations")}):
        kind = item.get("type")
        if kind == "tool_use" or (kind == "function" and "function" in item and "id" in item):
            asked.append(item["id"])
        elif kind == "function_call":
            asked.append(item.get("call_id") or item["id"])
        elif "functionCall" in item:
            asked.append(item["functionCall"]["name"])
        elif item.get("role") == "assistant" and "tool_calls" in item:
            # Ollama's have no type; those that have one are counted where they stand.
            asked += [call["id"] for call in item["tool_calls"] if "type" not in call]
        if kind == "tool_result":
            given.append(item["tool_use_id"])
        elif kind in ("function_call_output", "function_result"):
            given.append(item["call_id"])
        elif "functionResponse" in item:
            given.append(item["functionResponse"]["name"])
        elif item.get("role") == "tool":
            given.append(item.get("tool_call_id") or item["tool_name"])
    return asked, given


@pytest.mark.parametrize("kind", PROVIDERS)
@settings(max_examples=150)
@given(histories)
def test_law_9_no_provider_is_sent_what_is_another_ones(kind: str, history: list[Message]) -> None:
    """Law 9: foreign signatures and parts stay here; each call has its result, in order, under an id that is taken."""
    provider, body = sent(kind, repair((*history, Message.user("Go on."))))
    text = json.dumps(body, ensure_ascii=False)
    for maker in set(NAMES) - {provider.name}:
        assert f"MARK-{maker}-MARK" not in text
    asked, given = calls_and_results(body)
    assert asked == given
    if kind in IDS:
        assert all(re.fullmatch(IDS[kind], call_id) for call_id in asked)
        assert len(set(asked)) == len(asked)


@pytest.mark.parametrize("kind", PROVIDERS)
@given(histories)
def test_law_15_what_was_encoded_before_is_sent_the_same(kind: str, history: list[Message]) -> None:
    repaired = repair((*history, Message.user("Go on.")))
    provider = PROVIDERS[kind]()
    request = Request(repaired, tools=TOOLS)
    first, second = (to_json(provider.encode(request)[2]) for _ in range(2))
    fresh = tuple(message.with_parts(message.parts) for message in repaired)
    again = to_json(PROVIDERS[kind]().encode(Request(fresh, tools=TOOLS))[2])
    assert first == second == again


@pytest.mark.parametrize("kind", PROVIDERS)
def test_its_own_thoughts_come_back_to_a_provider(kind: str) -> None:
    """What is left out for others is not left out for its maker, where the wire has it."""
    provider = PROVIDERS[kind]()
    echoed = {"anthropic", "google", "openai"}
    own = {
        "anthropic": Thinking("so", "MARK", "anthropic"),
        "google": Opaque("google", {"type": "part", "part": {"text": "", "thoughtSignature": "MARK"}}),
        "openai": Opaque("openai", {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "MARK"}),
    }
    if provider.name not in echoed or kind in ("openai chat", "google interactions"):
        return
    turn = (
        Message.user("Go"),
        Message.assistant([own[provider.name], Text("Well"), ToolCall("call_1", "read", {"path": "a"})]),
        Message.user(ToolResult("x", call_id="call_1", name="read")),
    )
    _, body = sent(kind, turn)
    assert "MARK" in json.dumps(body)
