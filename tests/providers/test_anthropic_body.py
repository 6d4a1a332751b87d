"""The body of a request to Anthropic's Messages API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alloy_nb.errors import ConfigError
from alloy_nb.messages import Message, Opaque, Text, Thinking, ToolCall, ToolResult
from alloy_nb.providers._payload import to_json
from alloy_nb.providers.anthropic_body import beta_features, encode
from alloy_nb.providers.base import Request, ToolSpec

HI = Message.user("Hi")
BUDGET, NEW = "claude-haiku-4-5", "claude-sonnet-5"
SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}}
READ, WRITE = ToolSpec("read", "Read a file.", SCHEMA), ToolSpec("write", "", SCHEMA)
SEARCH = {"type": "web_search_20260209", "name": "web_search"}
CACHED = {"type": "ephemeral"}
RESULTS = Message.user([ToolResult("x", call_id="t1", name="read")])


def body_of(*messages: Message, model: str = NEW, cache: bool = False, **fields: Any) -> dict[str, Any]:
    return encode(Request(messages or (HI,), **fields), model, cache=cache)


def call(*before: Any) -> Message:
    return Message.assistant([*before, ToolCall("t1", "read")])


def test_nothing_is_sent_that_was_not_asked_for() -> None:
    """PRV-9: no tools, no system, no nulls; the one thing the API insists on is a number of tokens."""
    assert body_of() == {
        "model": NEW,
        "max_tokens": 32_000,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
    }


def test_settings_and_what_is_merged_last() -> None:
    """PRV-w1"""
    body = body_of(
        temperature=0.0,
        top_p=0.9,
        max_output_tokens=7,
        stop_sequences=("END",),
        extra_body={"top_k": 3, "temperature": 1, "metadata": {"user_id": "u"}},
    )
    del body["messages"]
    assert body == {
        "model": NEW,
        "max_tokens": 7,
        "temperature": 1,
        "top_p": 0.9,
        "stop_sequences": ["END"],
        "top_k": 3,
        "metadata": {"user_id": "u"},
    }


def test_the_system_prompt_and_system_messages_at_the_beginning() -> None:
    """ANT-1"""
    body = body_of(Message("system", (Text("Be kind."),)), HI, system_prompt="Be brief.")
    assert body["system"] == [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind."}]
    assert [message["role"] for message in body["messages"]] == ["user"]
    assert "system" not in body_of(system_prompt=" ")


def test_an_empty_answer_is_left_out() -> None:
    """A stop sequence at once, or a thought of somebody else, leaves nothing to send back."""
    theirs = Message.assistant([Thinking("x", "sig", "openai")])
    body = body_of(HI, Message("assistant"), HI, theirs, HI)
    assert [message["role"] for message in body["messages"]] == ["user"] * 3


def test_tools_and_the_choice_among_them() -> None:
    """PRV-11"""
    body = body_of(tools=(READ, WRITE), tool_choice="required")
    assert body["tools"] == [
        {"name": "read", "description": "Read a file.", "input_schema": SCHEMA},
        {"name": "write", "input_schema": SCHEMA},
    ]
    assert body["tool_choice"] == {"type": "any"}
    for choice, sent in (
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("read", {"type": "tool", "name": "read"}),
    ):
        assert body_of(tools=(READ,), tool_choice=choice)["tool_choice"] == sent
    assert "tool_choice" not in body_of(tool_choice="required")


def test_a_choice_that_does_not_exist_is_said_before_anything_is_sent() -> None:
    with pytest.raises(ConfigError) as caught:
        body_of(tools=(READ,), tool_choice="raed")
    assert "'read'" in str(caught.value.hint)
    with pytest.raises(ConfigError) as caught:
        body_of(tools=(READ,), tool_choice="?", extra_body={"tools": [SEARCH, "nonsense"]})
    assert "web_search" in str(caught.value.hint)


@pytest.mark.parametrize("key", [None, object()])
def test_tools_of_the_service_are_added_to_the_runs_own(key: object) -> None:
    """ANT-8, ANT-9, CFG-18, CFG-w1"""
    request = Request((HI,), tools=(WRITE, READ), extra_body={"tools": [SEARCH]}, tool_choice="web_search")
    body = json.loads(to_json(encode(request, NEW, key=key)))
    assert [tool["name"] for tool in body["tools"]] == ["write", "read", "web_search"]
    assert body["tool_choice"] == {"type": "tool", "name": "web_search"}
    alone = json.loads(to_json(encode(Request((HI,), extra_body={"tools": SEARCH}), NEW, key=key)))
    assert alone["tools"] == [SEARCH]


def test_the_prompt_is_kept_in_the_cache() -> None:
    """ANT-w4: there was no caching. The marks stand where they serve, and never in a message."""
    body = body_of(HI, system_prompt="Be brief.", tools=(READ, WRITE), extra_body={"tools": [SEARCH]}, cache=True)
    assert body["cache_control"] == CACHED
    assert body["system"][-1]["cache_control"] == CACHED
    assert [tool.get("cache_control") for tool in body["tools"]] == [None, CACHED, None]
    assert "cache_control" not in json.dumps(body["messages"])
    without = body_of(HI, system_prompt="Be brief.", tools=(READ,))
    assert "cache_control" not in json.dumps(without)
    longer = body_of(extra_body={"cache_control": {"type": "ephemeral", "ttl": "1h"}}, cache=True)
    assert longer["cache_control"]["ttl"] == "1h"


def test_what_was_encoded_once_is_the_same_as_what_is_encoded_now() -> None:
    """Law 15: messages and tools are encoded once, whatever place they have in later requests."""
    key = object()
    talk = (HI, call(), RESULTS, Message("assistant"), HI)
    for length in range(1, len(talk) + 1):
        for tools in ((READ,), (READ, WRITE), (WRITE, READ)):
            request = Request(talk[:length], tools=tools)
            assert json.loads(to_json(encode(request, NEW, key=key))) == json.loads(to_json(encode(request, NEW)))


# Thinking


def test_a_thinking_budget_leaves_room_for_the_answer() -> None:
    """ANT-w4: the documentation's own example was refused."""
    body = body_of(model=BUDGET, thinking=5000, max_output_tokens=4096)
    assert (body["max_tokens"], body["thinking"]) == (9096, {"type": "enabled", "budget_tokens": 5000})
    assert body_of(model=BUDGET, thinking=5000)["max_tokens"] == 32_000
    assert body_of(model=NEW, thinking=5000, max_output_tokens=4096)["max_tokens"] == 4096
    most = body_of(model=BUDGET, thinking=500_000)
    assert (most["max_tokens"], most["thinking"]["budget_tokens"]) == (64_000, 62_976)
    unknown = body_of(model="kimi-k2", thinking=10_000)
    assert (unknown["max_tokens"], unknown["thinking"]["budget_tokens"]) == (18_192, 10_000)


def test_room_is_made_for_a_budget_that_the_user_wrote_out() -> None:
    body = body_of(model=BUDGET, extra_body={"thinking": {"type": "enabled", "budget_tokens": 40_000}})
    assert body["max_tokens"] == 64_000
    odd = {"thinking": {"type": "enabled", "budget_tokens": "x"}}
    assert body_of(model=BUDGET, extra_body=odd)["thinking"] == odd["thinking"]


def test_the_users_fields_complete_ours_or_replace_them() -> None:
    extra = {"thinking": {"display": "omitted"}, "tool_choice": {"disable_parallel_tool_use": True}}
    body = body_of(thinking="low", tools=(READ,), tool_choice="auto", extra_body=extra)
    assert body["thinking"] == {"type": "adaptive", "display": "omitted"}
    assert body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    replaced = body_of(thinking=True, extra_body={"thinking": {"type": "disabled"}})
    assert replaced["thinking"] == {"type": "disabled"}


def test_a_budget_and_a_tool_that_must_be_called_do_not_go_together() -> None:
    for choice in ("required", "read"):
        with pytest.raises(ConfigError):
            body_of(model=BUDGET, thinking=True, tools=(READ,), tool_choice=choice)
    assert body_of(model=BUDGET, thinking=True, tools=(READ,), tool_choice="auto")["tool_choice"]
    assert body_of(model=NEW, thinking=True, tools=(READ,), tool_choice="read")["thinking"]


@pytest.mark.parametrize(
    ("messages", "thinks"),
    [
        ((HI, call(), RESULTS), False),
        ((HI, call(Thinking("x", "sig", "openai")), RESULTS), False),
        ((HI, call(), RESULTS, call(Thinking("x", "sig", "anthropic")), RESULTS), False),
        ((HI, call(Thinking("x", "sig", "anthropic")), RESULTS, call(), RESULTS), True),
        ((HI, call(Opaque("anthropic", {"type": "redacted_thinking"})), RESULTS), True),
        ((HI, call(), RESULTS, HI), True),
        ((RESULTS,), True),
    ],
)
def test_a_turn_that_began_without_a_thought_goes_on_without(messages: tuple[Message, ...], thinks: bool) -> None:
    """Law 9: with a budget, calls that another model made are refused for want of a thought before them."""
    assert ("thinking" in body_of(*messages, model=BUDGET, thinking=2000)) == thinks
    assert "thinking" in body_of(*messages, model=NEW, thinking=2000)


def test_thinking_between_calls_is_asked_for_where_it_must_be() -> None:
    """ANT-w4"""
    thinking = body_of(model=BUDGET, thinking=True, tools=(READ,))
    assert beta_features(thinking, BUDGET) == ("interleaved-thinking-2025-05-14",)
    for body, model in (
        (body_of(model=BUDGET, thinking=True), BUDGET),
        (body_of(model=BUDGET, tools=(READ,)), BUDGET),
        (body_of(model=NEW, thinking=True, tools=(READ,)), NEW),
        (body_of(model="kimi-k2", thinking=True, tools=(READ,)), "kimi-k2"),
    ):
        assert beta_features(body, model) == ()


# Answers of a form


def test_an_answer_is_held_to_its_schema() -> None:
    body = body_of(output_schema=SCHEMA, thinking="high")
    assert body["output_config"]["effort"] == "high"
    wanted = body["output_config"]["format"]
    assert (wanted["type"], wanted["schema"]["additionalProperties"]) == ("json_schema", False)
    assert "system" not in body
    more = body_of(output_schema=SCHEMA, extra_body={"output_config": {"effort": "low"}})
    assert set(more["output_config"]) == {"format", "effort"}


@pytest.mark.parametrize(
    ("model", "schema"), [("claude-sonnet-4-0", SCHEMA), ("kimi-k2", SCHEMA), (NEW, {"type": "object"})]
)
def test_where_it_cannot_be_held_to_one_the_schema_is_said_in_words(model: str, schema: dict[str, Any]) -> None:
    body = body_of(model=model, output_schema=schema, system_prompt="Be brief.")
    assert "output_config" not in body
    assert body["system"][0]["text"] == "Be brief."
    assert json.dumps(schema) in body["system"][1]["text"]


# A turn that is not over


def test_a_turn_that_goes_on_does_so_where_its_code_ran() -> None:
    note = Opaque("anthropic", {"type": "container", "id": "c1"})
    theirs = Opaque("other", {"type": "container", "id": "c2"})
    assert body_of(HI, call(note), RESULTS)["container"] == "c1"
    assert body_of(HI, Message.assistant(["Hm", note]))["container"] == "c1"
    for over in ((HI, call(note), RESULTS, HI), (HI, call(theirs), RESULTS), (HI, call(), RESULTS), ()):
        assert "container" not in body_of(*over)
