"""A conversation that goes on with another provider (law 9): what each one is sent of a history that others made."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
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
#: The same names at addresses that are not the vendors'.
ELSEWHERE = (
    "anthropic@api.deepseek.com",
    "openai@gateway.test",
    "google@gateway.test",
    "openai-compatible@one.test",
    "openai-compatible@two.test:8443",
)
OWNERS = (*NAMES, *ELSEWHERE)

PROVIDERS: dict[str, Callable[[], HTTPProvider]] = {
    "anthropic": lambda: Anthropic("claude-sonnet-4-6", api_key="k"),
    "anthropic elsewhere": lambda: Anthropic("m", base_url="https://api.deepseek.com/anthropic", api_key="k"),
    "openai": lambda: OpenAI("gpt-5.2", api_key="k"),
    "openai elsewhere": lambda: OpenAI("gpt-5.2", base_url="https://gateway.test/v1", api_key="k"),
    "openai chat": lambda: OpenAI("gpt-5.2", api_key="k", api="chat"),
    "google": lambda: Google("gemini-3.6-flash", api_key="k"),
    "google 2.5": lambda: Google("gemini-2.5-flash", api_key="k"),
    "google elsewhere": lambda: Google("gemini-3.6-flash", base_url="https://gateway.test", api_key="k"),
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
    "compatible responses": lambda: OpenAICompatible("m", base_url="https://one.test", api="responses"),
    "compatible elsewhere": lambda: OpenAICompatible("m", base_url="https://me@TWO.test:8443/v1", api="responses"),
}

#: What the vendors take for an id; the others take any text.
IDS = {
    "anthropic": r"[A-Za-z0-9_-]+",
    "openai": r".{1,64}",
    "openai chat": r".{1,40}",
    "mistral": r"[A-Za-z0-9]{9}",
}

#: What they take for the name of a function.
FUNCTION_NAMES = {
    "anthropic": r"[A-Za-z0-9_-]{1,128}",
    "google": r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}",
}
ANY_FUNCTION_NAME = r"[A-Za-z0-9_-]{1,64}"

makers = st.sampled_from(OWNERS)
ids = st.sampled_from(
    ["toolu_01A", "call_0123456789abcdef", "aX2gaLIyo", "call:1/ü é", "x" * 100, "fc_1|call_1", "0", "c\ud800"]
)
function_names = st.sampled_from(["read", "bash", "", "default_api:read", "x" * 200, "naïve fn", "1st", "r\udc00"])
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
        Image.from_url("data:image/png;base64,cG5n"),
        Audio.from_url("data:audio/wav;base64,UklGRg=="),
        Document.from_url("data:text/plain,a%20b"),
        Document.from_url("data:application/pdf;base64,?"),
        Audio("audio/wav", b"RIFF"),
        Document("application/pdf", b"%PDF", name="a.pdf"),
        Document("text/plain", "ä".encode("latin-1"), name="a.txt"),
        Document("application/octet-stream", b"\x00"),
    ]
)
inputs = st.sampled_from([{}, {"path": "a"}, {"nested": {"list": [1, None, "é"]}}])
calls = st.builds(ToolCall, ids, function_names, inputs)
broken = st.builds(lambda call_id: ToolCall(call_id, "read", {}, raw='{"path": '), ids)
results = st.builds(
    lambda call_id, name, text, error, images: ToolResult(
        text, call_id=call_id, name=name, is_error=error, images=images
    ),
    ids,
    function_names,
    words,
    st.booleans(),
    st.sampled_from([(), (Image("image/png", b"png"),), (Image.from_url("data:image/png;base64,cG5n"),)]),
)
answers = st.lists(st.one_of(st.builds(Text, words), signed(), calls, broken, media), max_size=5)
questions = st.lists(st.one_of(st.builds(Text, words), results, media), max_size=4)
histories = st.lists(
    st.one_of(
        st.builds(Message, st.just("user"), questions.map(tuple)),
        st.builds(Message, st.just("assistant"), answers.map(tuple), partial=st.booleans()),
        st.builds(
            Message, st.just("system"), st.lists(st.one_of(st.builds(Text, words), media), max_size=2).map(tuple)
        ),
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


def named(body: dict[str, Any]) -> Iterator[str]:
    """The names of all calls and results."""
    for item in walk({name: value for name, value in body.items() if name not in ("tools", "functionDeclarations")}):
        if item.get("type") in ("tool_use", "function_call"):
            yield item["name"]
        for field in ("function", "functionCall", "functionResponse"):
            if isinstance(item.get(field), dict):
                yield item[field]["name"]
        if item.get("role") == "tool" and ("name" in item or "tool_name" in item):
            yield item.get("name") or item["tool_name"]


@pytest.mark.thorough
@pytest.mark.parametrize("kind", PROVIDERS)
@settings(max_examples=150)
@given(histories)
def test_law_9_no_provider_is_sent_what_is_another_ones(kind: str, history: list[Message]) -> None:
    """Law 9: foreign signatures and parts stay here; each call has its result, in order, under an id that is taken."""
    provider, body = sent(kind, repair((*history, Message.user("Go on."))))
    text = json.dumps(body, ensure_ascii=False)
    for maker in set(OWNERS) - {provider.own}:
        assert f"MARK-{maker}-MARK" not in text
    asked, given = calls_and_results(body)
    assert asked == given
    if kind in IDS:
        assert all(re.fullmatch(IDS[kind], call_id) for call_id in asked)
        assert len(set(asked)) == len(asked)
    assert all(re.fullmatch(FUNCTION_NAMES.get(kind.split()[0], ANY_FUNCTION_NAME), name) for name in named(body))
    for item in walk(body):
        assert not any("base64," in value for name in ("text", "content") if isinstance(value := item.get(name), str))


@pytest.mark.thorough
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


@given(histories)
def test_mistral_is_told_nothing_by_the_user_right_after_results(history: list[Message]) -> None:
    """It refuses any role but `tool` and `assistant` there; words, pictures and later messages are all one."""
    _, body = sent("mistral", repair((*history, Message.user("Go on."))))
    roles = [message["role"] for message in body["messages"]]
    for before, after in pairwise(roles):
        assert before != "tool" or after in ("tool", "assistant")


def reasoning(owner: str) -> Part:
    return Opaque(owner, {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "MARK"})


def signature(owner: str) -> Part:
    return Opaque(owner, {"type": "part", "part": {"text": "", "thoughtSignature": "MARK"}})


def thought(owner: str) -> Part:
    return Thinking("MARK", "MARK", owner)


#: A part of its own, for each wire that hands any back.
OWN: dict[str, Callable[[str], Part]] = {
    "anthropic": thought,
    "anthropic elsewhere": thought,
    "openai": reasoning,
    "openai elsewhere": reasoning,
    "google": signature,
    "google 2.5": signature,
    "google elsewhere": signature,
    "google interactions": lambda owner: Opaque(
        owner, {"type": "step", "step": {"type": "thought", "signature": "MARK"}}
    ),
    "ollama": thought,
    "openrouter": lambda owner: Opaque(owner, {"reasoning_details": [{"type": "reasoning.encrypted", "data": "MARK"}]}),
    "openrouter responses": reasoning,
    "xai responses": reasoning,
    "deepseek": thought,
    "deepseek responses": reasoning,
    "mistral": thought,
    "compatible responses": reasoning,
    "compatible elsewhere": reasoning,
}


def turn(part: Part, **answer: Any) -> tuple[Message, ...]:
    return (
        Message.user("Go"),
        Message.assistant([part, Text("Well"), ToolCall("call_1", "read", {"path": "a"})], **answer),
        Message.user(ToolResult("x", call_id="call_1", name="read")),
    )


@pytest.mark.parametrize("kind", OWN)
def test_its_own_thoughts_come_back_to_a_provider(kind: str) -> None:
    """What is left out for others is not left out for its maker, and is for the same name at another address."""
    own, other = PROVIDERS[kind]().own, "the.other.test"
    assert "MARK" in json.dumps(sent(kind, turn(OWN[kind](own)))[1])
    assert "MARK" not in json.dumps(sent(kind, turn(OWN[kind](f"{own}@{other}")))[1])


def test_all_wires_are_known_for_what_they_take_back() -> None:
    assert set(PROVIDERS) - set(OWN) == {"openai chat", "xai", "compatible"}


@pytest.mark.parametrize("kind", ["openrouter", "openrouter responses"])
def test_openrouter_hands_thoughts_to_models_of_their_maker_only(kind: str) -> None:
    mine = PROVIDERS[kind]().model
    for model, told in ((mine, True), ("mistralai/mistral-large", False)):
        assert ("MARK" in json.dumps(sent(kind, turn(OWN[kind]("openrouter"), model=model))[1])) is told


@pytest.mark.parametrize("kind", PROVIDERS)
def test_a_picture_among_the_first_words_of_the_system_is_not_lost(kind: str) -> None:
    shown = Message("system", (Text("Like this:"), Image("image/png", url="https://pictures.test/a.png")))
    assert "https://pictures.test/a.png" in json.dumps(sent(kind, (shown, Message.user("Go")))[1])
