"""What a request looks like to Gemini. Pure, no network."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.errors import ConfigError
from alloy_nb.messages import (
    Audio,
    Document,
    Image,
    Message,
    Opaque,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from alloy_nb.providers._payload import to_json
from alloy_nb.providers.base import Request, ToolSpec
from alloy_nb.providers.gemini import encode

OLD, NEW = "gemini-2.5-flash", "gemini-3-flash-preview"
UNSIGNED = "skip_thought_signature_validator"
PNG = Image("image/png", b"png")
READ = ToolSpec("read", "Reads.", {"type": "object", "properties": {"path": {"type": "string"}}})
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}


def contents(*history: Message, model: str = OLD) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = encode(Request(history), model)["contents"]
    return made


def parts(*given: Part, model: str = OLD, role: str = "user") -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = contents(Message(role, given), model=model)[0]["parts"]  # type: ignore[arg-type]
    return made


def config(model: str = OLD, **options: Any) -> dict[str, Any]:
    made: dict[str, Any] = encode(Request((Message.user("x"),), **options), model).get("generationConfig", {})
    return made


# Who speaks


def test_the_assistant_is_the_model() -> None:
    """GEM-1"""
    history = Message.user("Hi"), Message.assistant("Ho")
    assert contents(*history) == [
        {"role": "user", "parts": [{"text": "Hi"}]},
        {"role": "model", "parts": [{"text": "Ho"}]},
    ]


def test_the_system_prompt_stands_apart() -> None:
    """GEM-1, PRV-9."""
    history = (Message("system", (Text("B"), Text("C"))), Message.user("Hi"), Message("system", (Text("D"),)))
    body = encode(Request(history, system_prompt="A"), OLD)
    assert body["systemInstruction"] == {"parts": [{"text": "A"}, {"text": "B"}, {"text": "C"}]}
    assert [content["parts"] for content in body["contents"]] == [[{"text": "Hi"}], [{"text": "D"}]]
    assert {content["role"] for content in body["contents"]} == {"user"}


def test_what_is_not_asked_is_not_said() -> None:
    """PRV-9, PRV-6: no cap of our own either."""
    assert set(encode(Request((Message.user("Hi"),)), OLD)) == {"contents"}


def test_no_content_is_empty() -> None:
    """Gemini refuses a content without parts, in every later turn as well."""
    history = Message.user(""), Message.assistant(""), Message.assistant([Thinking("t", "s", "anthropic")])
    assert contents(*history) == [{"role": "user", "parts": [{"text": " "}]}]


# Settings


def test_settings_have_gemini_s_names() -> None:
    """PRV-14, PRV-w1."""
    made = config(temperature=0.5, top_p=0.9, max_output_tokens=7, stop_sequences=("END",))
    assert made == {"temperature": 0.5, "topP": 0.9, "maxOutputTokens": 7, "stopSequences": ["END"]}


def test_thinking_is_asked_for() -> None:
    assert config(thinking=True)["thinkingConfig"] == {"includeThoughts": True, "thinkingBudget": -1}
    assert "thinkingConfig" not in config("gemini-2.0-flash", thinking=False)


def test_an_answer_of_a_shape() -> None:
    made = config(output_schema=SCHEMA)
    assert made == {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}


def test_a_shape_and_tools_together_are_refused_before_gemini_3() -> None:
    request = Request((Message.user("x"),), tools=(READ,), output_schema=SCHEMA, system_prompt="S")
    assert encode(request, NEW)["generationConfig"]["responseJsonSchema"] == SCHEMA
    body = encode(request, OLD)
    assert "generationConfig" not in body
    said = [part["text"] for part in body["systemInstruction"]["parts"]]
    assert said[0] == "S"
    assert json.dumps(SCHEMA) in said[1]


def test_extra_fields_go_on_top() -> None:
    extra = {
        "generationConfig": {"topK": 5},
        "tools": [{"googleSearch": {}}],
        "safetySettings": [],
        "toolConfig": {"includeServerSideToolInvocations": True},
    }
    request = Request((Message.user("x"),), tools=(READ,), tool_choice="auto", temperature=1, extra_body=extra)
    for key in (None, object()):
        body = json.loads(to_json(encode(request, NEW, key=key)))
        assert body["generationConfig"] == {"temperature": 1, "topK": 5}
        assert [list(tool) for tool in body["tools"]] == [["functionDeclarations"], ["googleSearch"]]
        assert body["toolConfig"] == {
            "functionCallingConfig": {"mode": "AUTO"},
            "includeServerSideToolInvocations": True,
        }
        assert body["safetySettings"] == []
    alone = encode(Request((Message.user("x"),), extra_body=extra), NEW)
    assert alone["tools"] == [{"googleSearch": {}}]


# Tools


def test_all_tools_are_one() -> None:
    """PRV-14: Vertex refuses several tools that hold functions."""
    clock = ToolSpec("clock", "Tells.", {})
    (tool,) = encode(Request((), tools=(READ, clock)), OLD)["tools"]
    assert tool["functionDeclarations"] == [
        {"name": "read", "description": "Reads.", "parametersJsonSchema": READ.input_schema},
        {"name": "clock", "description": "Tells.", "parametersJsonSchema": {}},
    ]


def test_tools_and_contents_are_encoded_once() -> None:
    key = object()
    request = Request((Message.user("x"), Message.assistant("y")), tools=(READ,), system_prompt="S")
    body = encode(request, OLD, key=key)
    assert json.loads(to_json(body)) == encode(request, OLD)
    again = encode(request, OLD, key=key)
    pairs = zip(body["contents"].elements, again["contents"].elements, strict=True)
    assert all(one is other for one, other in pairs)


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ("auto", {"mode": "AUTO"}),
        ("required", {"mode": "ANY"}),
        ("none", {"mode": "NONE"}),
        ("read", {"mode": "ANY", "allowedFunctionNames": ["read"]}),
    ],
)
def test_the_choice_of_a_tool(choice: str, said: dict[str, Any]) -> None:
    body = encode(Request((), tools=(READ,), tool_choice=choice), OLD)
    assert body["toolConfig"] == {"functionCallingConfig": said}


@pytest.mark.parametrize(("choice", "hint"), [("requird", "'required'"), ("zzzz", "choose one of auto")])
def test_a_choice_that_nobody_knows(choice: str, hint: str) -> None:
    with pytest.raises(ConfigError, match="tool_choice") as caught:
        encode(Request((), tools=(READ,), tool_choice=choice), OLD)
    assert hint in str(caught.value.hint)


# Media


@pytest.mark.parametrize(
    ("part", "mime_type"),
    [
        (PNG, "image/png"),
        (Audio("audio/wav", b"wav"), "audio/wav"),
        (Document("application/pdf", b"pdf"), "application/pdf"),
        (Document("video/mp4", b"mp4"), "video/mp4"),
    ],
)
def test_bytes_go_inline(part: Image | Audio | Document, mime_type: str) -> None:
    """GEM-3"""
    assert parts(part) == [{"inlineData": {"mimeType": mime_type, "data": part.base64}}]


def test_addresses_are_fetched_by_google() -> None:
    """GEM-3"""
    made = parts(Image("image/png", url="https://x.test/a.png"), Document.from_url("https://youtu.be/abc"))
    assert made == [
        {"fileData": {"mimeType": "image/png", "fileUri": "https://x.test/a.png"}},
        {"fileData": {"fileUri": "https://youtu.be/abc"}},
    ]
    data = base64.b64encode(b"png").decode()
    assert parts(Image("image/png", url=f"data:image/webp;base64,{data}")) == [
        {"inlineData": {"mimeType": "image/webp", "data": data}}
    ]
    # What cannot be read is named, and not quoted.
    assert parts(Image("image/png", url="data:image/png;base64,A")) == [
        {"text": "[image that this service cannot be given: image/png]"}
    ]


def test_a_document_keeps_its_name() -> None:
    made = parts(Text("Compare."), Document("application/pdf", b"pdf", name="a.pdf"))
    assert [part.get("text") for part in made] == ["Compare.", "a.pdf:", None]


def test_what_gemini_cannot_read_is_said_in_words() -> None:
    """GEM-3"""
    assert parts(Document("text/csv", b"a,b", name="a.csv")) == [{"text": "a.csv:\na,b"}]
    (word,) = parts(Document("application/msword", b"doc", name="a.doc"))
    assert "a.doc" in word["text"]
    (nothing,) = parts(Image("image/png"))
    assert "image/png" in nothing["text"]


# Calls and results


def test_a_call_and_its_result_are_paired_by_name() -> None:
    """GEM-2: an id that was made up here is never sent."""
    call, result = ToolCall("call_0123456789abcdef", "read", {"path": "x"}), ToolResult("text", name="read")
    asked, answered = contents(
        Message.assistant([call]), Message.user([ToolResult("text", call_id=call.id, name=result.name)])
    )
    assert asked["parts"] == [{"functionCall": {"name": "read", "args": {"path": "x"}}}]
    assert answered == {
        "role": "user",
        "parts": [{"functionResponse": {"name": "read", "response": {"result": "text"}}}],
    }


@pytest.mark.parametrize("call_id", ["0b3pdf3o", "call_320", "toolu_01"])
def test_an_id_that_the_call_had_goes_back_with_both(call_id: str) -> None:
    asked, answered = contents(
        Message.assistant([ToolCall(call_id, "read")]), Message.user([ToolResult("t", call_id=call_id, name="read")])
    )
    assert asked["parts"][0]["functionCall"]["id"] == call_id
    assert answered["parts"][0]["functionResponse"]["id"] == call_id


def test_a_result_without_a_name_has_that_of_its_call() -> None:
    """GEM-2: and one whose call is gone has its id."""
    results = [ToolResult("a", call_id="c1"), ToolResult("b", call_id="c2"), ToolResult("c", name="own", call_id="c1")]
    asked = Message.assistant([ToolCall("c1", "read")])
    for key in (None, object()):
        body = encode(Request((asked, Message.user([*results, Text("and")]))), OLD, key=key)
        answered = json.loads(to_json(body))["contents"][1]["parts"]
        names = [part["functionResponse"]["name"] for part in answered[:3]]
        assert names == ["read", "c2", "own"]


def test_a_failed_tool_says_so() -> None:
    """PRV-w3"""
    (part,) = parts(ToolResult("no such file", name="read", is_error=True))
    assert part["functionResponse"]["response"] == {"error": "no such file"}


def test_words_beside_results_are_kept_and_follow_them() -> None:
    """PRV-w3"""
    made = parts(Text("Go on."), ToolResult("1", name="a"), ToolResult("2", name="b"))
    assert [next(iter(part)) for part in made] == ["functionResponse", "functionResponse", "text"]


def test_pictures_of_a_result() -> None:
    result = ToolResult(
        "see", name="plot", images=(PNG, Image("image/gif", b"gif"), Image("image/png", url="http://x"))
    )
    within, *outside = parts(result, model=NEW)
    inline = {"inlineData": {"mimeType": "image/png", "data": PNG.base64}}
    assert within["functionResponse"]["parts"] == [inline]
    assert [next(iter(part)) for part in outside] == ["text", "inlineData", "fileData"]
    response, *following = parts(result, ToolResult("b", name="b"), model=OLD)
    assert "parts" not in response["functionResponse"]
    assert [next(iter(part)) for part in following] == [
        "functionResponse",
        "text",
        "inlineData",
        "inlineData",
        "fileData",
    ]
    assert following[1] == {"text": "Images from plot:"}


def test_arguments_that_were_no_json_are_left_out() -> None:
    made = parts(ToolCall("c", "read", raw='{"pa'), role="assistant")
    assert made[0]["functionCall"]["args"] == {}


# Signatures


def signature(value: str, provider: str = "google") -> Opaque:
    return Opaque(provider, {"thoughtSignature": value})


def test_a_signature_goes_back_on_the_part_it_came_with() -> None:
    """GEM-w2"""
    made = parts(
        Text("a"),
        signature("s1"),
        ToolCall("c1", "read"),
        signature("s2"),
        PNG,
        signature("s3"),
        Opaque("google", {"type": "part", "part": {"text": "", "thoughtSignature": "s4"}}),
        role="assistant",
        model=NEW,
    )
    assert [part["thoughtSignature"] for part in made] == ["s1", "s2", "s3", "s4"]
    assert made[3] == {"text": "", "thoughtSignature": "s4"}


def test_what_is_said_of_an_answer_stays_here() -> None:
    assert parts(Text("a"), Opaque("google", {"type": "about", "groundingMetadata": {}}), role="assistant") == [
        {"text": "a"}
    ]


def test_nothing_foreign_is_sent() -> None:
    """GEM-w2: law 9."""
    made = parts(
        signature("before any part"),
        Thinking("hm", "s", "anthropic"),
        signature("of a part that is not sent"),
        Thinking("own, and not signed", None, "google"),
        Text("a"),
        signature("s", "openai"),
        Opaque("openai", {"type": "part", "part": {"text": "b"}}),
        role="assistant",
    )
    assert made == [{"text": "a"}]


def test_own_thinking_goes_back_when_it_is_signed() -> None:
    made = parts(Thinking("hm", "s", "google"), Text("a"), role="assistant")
    assert made == [{"text": "hm", "thought": True, "thoughtSignature": "s"}, {"text": "a"}]


def test_a_call_that_another_model_made_is_marked_for_gemini_3() -> None:
    """It refuses a call without a signature; only the first one of a step has one."""
    calls = ToolCall("c1", "read"), ToolCall("c2", "read")
    first, second = parts(*calls, role="assistant", model=NEW)
    assert first["thoughtSignature"] == UNSIGNED
    assert "thoughtSignature" not in second
    assert UNSIGNED not in str(parts(*calls, role="assistant", model=OLD))
    own = parts(calls[0], signature("s"), calls[1], role="assistant", model=NEW)
    assert [part.get("thoughtSignature") for part in own] == ["s", None]


def test_a_user_s_own_parts_and_stray_ones() -> None:
    own = {"fileData": {"fileUri": "u"}, "videoMetadata": {"fps": 1}}
    made = parts(Opaque("google", {"type": "part", "part": own}), Thinking("t"), ToolCall("c", "n"), signature("s"))
    assert made == [own]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
PROVIDERS = st.sampled_from(["google", "anthropic", None])
PARTS = st.one_of(
    st.builds(Text, TEXTS),
    st.builds(Thinking, TEXTS, st.none() | TEXTS, PROVIDERS),
    st.builds(ToolCall, TEXTS, TEXTS, st.dictionaries(TEXTS, st.integers() | TEXTS, max_size=2)),
    st.builds(ToolResult, TEXTS, images=st.just(()) | st.just((PNG,)), call_id=TEXTS, name=TEXTS),
    st.sampled_from([PNG, Audio("audio/wav", b"w"), Document("a/b", b"x"), Image("image/png", url="https://x.test")]),
    st.sampled_from([signature("s"), signature("s", "openai"), Opaque("google", {"type": "new"})]),
)
MESSAGES = st.builds(Message, st.sampled_from(["user", "assistant"]), st.lists(PARTS, max_size=5).map(tuple))


@given(st.lists(MESSAGES, max_size=5))
def test_every_history_can_be_sent(history: list[Message]) -> None:
    """Law 1: in contents that Gemini takes, and the same ones when each is encoded once."""
    made = encode(Request(tuple(history)), NEW)["contents"]
    assert (
        json.loads(to_json(encode(Request(tuple(history)), NEW, key=object())))["contents"]
        == json.loads(to_json({"contents": made}))["contents"]
    )
    for content in made:
        assert content["role"] in ("user", "model")
        assert content["parts"]
        assert all(part for part in content["parts"])
