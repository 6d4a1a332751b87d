"""Messages as input items of Responses."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.messages import Audio, Document, Image, Message, Opaque, Text, Thinking, ToolCall, ToolResult
from alloy_nb.providers.responses import DEEPSEEK, OPENAI, OPENROUTER, XAI, ResponsesDialect
from alloy_nb.providers.responses_items import message_items

PNG = Image("image/png", b"png")
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "e", "status": None}
SEARCH = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}}
CALL = ToolCall("call_1", "read", {"path": "é"})
CALL_ITEM = {"type": "function_call", "call_id": "call_1", "name": "read", "arguments": '{"path": "é"}'}


def own(data: dict[str, Any], provider: str = "openai") -> Opaque:
    return Opaque(provider, data)


def words(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def items(*parts: Any, role: str = "assistant", dialect: ResponsesDialect = OPENAI, **more: Any) -> list[Any]:
    return message_items(Message(role, parts), dialect, dialect.provider, **more)  # type: ignore[arg-type]


# What the model said


def test_each_part_is_an_item_in_its_place() -> None:
    """RSP-1, RSP-w1, PRV-21: words, calls, thoughts and what the service did."""
    parts = (own(SEARCH), Thinking("hm", None, "openai"), own(THOUGHT), Text("A"), Text("B"), CALL, Text("C"))
    assert items(*parts) == [
        SEARCH,
        THOUGHT,
        words("A\nB"),
        CALL_ITEM,
        words("C"),
    ]


def test_some_services_take_words_as_a_text_only() -> None:
    """OpenRouter wants ids of those that come in parts; llama.cpp and OpenAI take those without."""
    assert items(Text("a"), dialect=OPENROUTER) == items(Text("a"), dialect=DEEPSEEK)
    assert items(Text("a"), dialect=DEEPSEEK) == [{"role": "assistant", "content": "a"}]


def test_the_phase_of_words_is_kept() -> None:
    """Without it a remark on the way passes for the answer."""
    parts = (Text("One moment."), own({"phase": "commentary", "annotations": [1]}), Text("Done."), own({"phase": "x"}))
    assert items(*parts) == [
        {**words("One moment."), "phase": "commentary"},
        {**words("Done."), "phase": "x"},
    ]
    assert items(Text("a"), own({"annotations": [1]})) == [words("a")]
    assert items(own({"phase": "x"})) == []


def test_what_others_thought_and_did_stays_here() -> None:
    """Law 9"""
    foreign = (Thinking("t", "sig", "anthropic"), own(THOUGHT, "xai"), own({"phase": "x"}, "xai"), own(SEARCH, "xai"))
    assert items(*foreign, Text("a")) == [words("a")]


def test_a_thought_that_cannot_be_read_again_is_left_out() -> None:
    """Nothing is stored: "Item with id 'rs_1' not found"."""
    bare = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "t"}]}
    assert items(own(bare), Text("a")) == [words("a")]
    assert items(own({**bare, "content": [], "encrypted_content": None}), Text("a")) == items(Text("a"))
    plain = {**bare, "content": [{"type": "reasoning_text", "text": "t"}]}
    assert items(own(plain, "deepseek"), Text("a"), dialect=DEEPSEEK)[0] == plain
    assert items(own({"type": "reasoning", "encrypted_content": "e"}), Text("a"))[0]["summary"] == []


def test_a_model_that_does_not_think_is_told_no_thoughts() -> None:
    assert items(own(THOUGHT), Text("a"), thinks=False) == [words("a")]


def test_a_thought_that_led_to_nothing_is_left_out() -> None:
    """ "Item of type 'reasoning' was provided without its required following item": cut by the limit."""
    assert items(own(THOUGHT)) == []
    assert items(Text("a"), own(THOUGHT)) == [words("a")]
    last = items(Text("a"), own(THOUGHT, "openrouter"), dialect=OPENROUTER)
    assert [item.get("type") for item in last] == [None, "reasoning"]
    assert items(own(THOUGHT, "openrouter"), dialect=OPENROUTER) == []


def test_a_thought_that_was_told_late_stands_where_it_was_thought() -> None:
    """Some gateways give its item after the answer that it led to."""

    def thought(text: str) -> Opaque:
        content = [{"type": "reasoning_text", "text": text}]
        return own({"type": "reasoning", "summary": [], "content": content}, "openrouter")

    first, second = Thinking("t", None, "openrouter"), Thinking("u", None, "openrouter")
    late = items(first, Text("a"), second, Text("b"), thought("t"), thought("u"), dialect=OPENROUTER)
    assert [item.get("content") for item in late] == [
        thought("t").data["content"],
        "a",
        thought("u").data["content"],
        "b",
    ]
    same = items(first, thought("t"), Text("a"), first, thought("t"), Text("b"), dialect=OPENROUTER)
    assert [item.get("type") for item in same] == ["reasoning", None, "reasoning", None]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (
            {"type": "file_search_call", "id": "f", "queries": ["q"], "results": None, "x": 1},
            {"id", "queries", "results"},
        ),
        ({"type": "code_interpreter_call", "id": "c", "code": "1", "container_id": "k", "outputs": []}, None),
        ({"type": "mcp_list_tools", "id": "m", "server_label": "s", "tools": []}, None),
        ({"type": "mcp_call", "id": "m", "name": "n", "server_label": "s", "arguments": "{}", "output": "o"}, None),
        ({"type": "compaction", "id": "c", "encrypted_content": "e", "created_by": "x"}, {"id", "encrypted_content"}),
    ],
)
def test_what_the_service_did_goes_back_in_the_fields_that_it_takes(given: Any, sent: set[str] | None) -> None:
    """OpenAI: "Unknown parameter: 'input[1].action'"."""
    fields = (set(given) - {"type"}) if sent is None else sent
    assert items(own(given)) == [{"type": given["type"], **{name: given[name] for name in fields}}]


@pytest.mark.parametrize("kind", ["custom_tool_call", "local_shell_call", "computer_call", "newer_than_this"])
def test_what_wants_an_output_that_nobody_gave_stays_here(kind: str) -> None:
    assert items(own({"type": kind, "call_id": "c"}), Text("a")) == [words("a")]
    assert items(own(SEARCH, "xai"), Text("a"), dialect=XAI) == [words("a")]


def test_a_picture_of_the_services_own_goes_back_as_what_it_made() -> None:
    made = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "quality": "high"}
    sent = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "cG5n"}
    assert items(Text("Here:"), PNG, own(made)) == [words("Here:"), sent]
    assert items(own({**made, "result": "cG5n"})) == [sent]
    assert items(own({**made, "result": None})) == []
    assert items(PNG, own(made, "xai"), Text("a")) == [words("[image]\na")]
    assert items(PNG, own(SEARCH)) == [words("[image]"), SEARCH]


def test_calls_follow_each_other_where_a_service_wants_it() -> None:
    """DeepSeek: "No tool output found for tool call"."""
    other = ToolCall("call_2", "read")
    kinds = [item.get("call_id") for item in items(Text("a"), CALL, Text("b"), other, dialect=DEEPSEEK)]
    assert kinds == [None, None, "call_1", "call_2"]
    assert [item.get("call_id") for item in items(CALL, Text("b"), other)] == ["call_1", None, "call_2"]


def test_a_calls_id_name_and_arguments_are_such_as_the_service_takes() -> None:
    """Law 9: the same id for the call and its result."""
    long = "functions.read:0_" + "x" * 60
    (call,) = items(ToolCall(long, "functions.read", {}, raw='{"path": "x'))
    (result,) = items(ToolResult("r", call_id=long), role="user")
    assert call == {"type": "function_call", "call_id": result["call_id"], "name": "functions_read", "arguments": "{}"}
    assert len(call["call_id"]) <= 64
    assert items(ToolCall("c", "", {}, raw="[1]"))[0]["arguments"] == "[1]"
    assert items(ToolCall("c", "", {}))[0]["name"] == "_"


def test_nothing_said_is_no_item() -> None:
    """PRV-21"""
    assert items() == items(Text("")) == items(Thinking("t")) == []


def test_the_words_of_the_system() -> None:
    said = items(Text("One."), PNG, Text("Two."), role="system")
    assert said == [{"role": "system", "content": "One.\n[image that this service cannot be given: image/png]\nTwo."}]


# What it is told


def test_results_come_first_and_nothing_beside_them_is_lost() -> None:
    """RSP-1, PRV-w3: and a failure says that it is one."""
    said = items(
        Text("And this?"),
        ToolResult("text", call_id="c1"),
        ToolResult("no such file", call_id="c2", is_error=True),
        role="user",
    )
    assert said == [
        {"type": "function_call_output", "call_id": "c1", "output": "text"},
        {"type": "function_call_output", "call_id": "c2", "output": "Error: no such file"},
        {"role": "user", "content": "And this?"},
    ]


def test_a_results_pictures_are_part_of_it() -> None:
    result = ToolResult("a plot", images=(PNG,), call_id="c1", name="plot", is_error=True)
    image = {"type": "input_image", "image_url": "data:image/png;base64,cG5n", "detail": "auto"}
    (said,) = items(result, role="user")
    assert said["output"] == [{"type": "input_text", "text": "Error: a plot"}, image]
    (said,) = items(ToolResult("", images=(PNG,), call_id="c1"), role="user")
    assert said["output"] == [image]
    output, user = items(replace(result, name=""), role="user", dialect=OPENROUTER)
    assert output["output"] == "Error: a plot"
    assert user["content"] == [{"type": "input_text", "text": "Images from the tool:"}, image]


@pytest.mark.parametrize(
    ("part", "sent"),
    [
        (PNG, {"type": "input_image", "image_url": "data:image/png;base64,cG5n", "detail": "auto"}),
        (
            Image("image/png", url="https://x.test/a.png"),
            {"type": "input_image", "image_url": "https://x.test/a.png", "detail": "auto"},
        ),
        (
            Document("application/pdf", b"a", name="a.pdf"),
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,YQ=="},
        ),
        (
            Document("application/pdf", b"a"),
            {"type": "input_file", "filename": "document.pdf", "file_data": "data:application/pdf;base64,YQ=="},
        ),
        (
            Document("application/pdf", url="https://x.test/a.pdf"),
            {"type": "input_file", "file_url": "https://x.test/a.pdf"},
        ),
        (Document("text/csv", b"a,b", name="a.csv"), {"type": "input_text", "text": "a.csv:\na,b"}),
        (
            Audio("audio/mpeg", b"a"),
            {"type": "input_text", "text": "[audio that this service cannot be given: audio/mpeg]"},
        ),
        (Image("image/png"), {"type": "input_text", "text": "[image that this service cannot be given: image/png]"}),
        (
            Document("application/pdf"),
            {"type": "input_text", "text": "[document that this service cannot be given: application/pdf]"},
        ),
    ],
)
def test_a_users_part(part: Any, sent: dict[str, Any]) -> None:
    """RSP-1, OAI-3, PRV-21: what cannot be given is said in words."""
    (said,) = items(part, Text(""), Text("?"), role="user")
    assert said == {"role": "user", "content": [sent, {"type": "input_text", "text": "?"}]}
    (said,) = items(part, role="user", dialect=DEEPSEEK)
    assert said["content"][0]["type"] == "input_text"


def test_texts_of_a_user_are_one_string() -> None:
    assert items(Text("One."), Text(""), Text("Two."), role="user") == [{"role": "user", "content": "One.\nTwo."}]
    assert items(role="user") == [{"role": "user", "content": ""}]


ANY_PART = st.one_of(
    st.builds(Text, st.text(max_size=5)),
    st.builds(Thinking, st.text(max_size=5), st.none(), st.sampled_from(["openai", None])),
    st.builds(ToolCall, st.text(max_size=3), st.text(max_size=3)),
    st.builds(ToolResult, st.text(max_size=5), call_id=st.text(max_size=70), is_error=st.booleans()),
    st.builds(Image, st.just("image/png"), st.binary(max_size=3)),
    st.builds(Audio, st.sampled_from(["audio/mpeg", "x", ""]), st.binary(max_size=3)),
    st.builds(Document, st.sampled_from(["application/pdf", "text/x", ""]), st.binary(max_size=3)),
    st.builds(
        Opaque,
        st.sampled_from(["openai", "them"]),
        st.sampled_from([THOUGHT, SEARCH, {"phase": "x"}, {"type": "image_generation_call"}, {"type": "new"}, {}]),
    ),
)


@given(st.sampled_from(["system", "user", "assistant"]), st.lists(ANY_PART, max_size=6))
def test_whatever_is_in_a_message_can_be_said(role: str, parts: list[Any]) -> None:
    """Law 9, PRV-21: every call and every result arrives, and no thought is the last of an answer."""
    said = items(*parts, role=role)
    json.dumps(said)
    if role == "user":
        results = [part for part in parts if isinstance(part, ToolResult)]
        assert sum(item.get("type") == "function_call_output" for item in said) == len(results)
    if role == "assistant":
        assert sum(item.get("type") == "function_call" for item in said) == sum(isinstance(p, ToolCall) for p in parts)
        assert not said or said[-1].get("type") != "reasoning"
    assert all(item.get("content") or item.get("type") or role != "assistant" for item in said)
