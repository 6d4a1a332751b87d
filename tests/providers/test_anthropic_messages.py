"""Messages as Anthropic's blocks: what is said how, what goes back as it came, and what is never sent."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.messages import Audio, Document, Image, Message, Opaque, Part, Text, Thinking, ToolCall, ToolResult
from alloy_nb.providers.anthropic_messages import encode_message, in_place

PNG = Image("image/png", b"png")
WORDS = {"type": "text", "text": "Hi"}


def blocks(message: Message) -> list[dict[str, Any]]:
    encoded = list(encode_message(message, "anthropic"))
    assert len(encoded) <= 1
    return encoded[0]["content"] if encoded else []


def asked(*parts: str | Part) -> list[dict[str, Any]]:
    return blocks(Message.user(parts))


def answered(*parts: str | Part) -> list[dict[str, Any]]:
    return blocks(Message.assistant(parts))


def own(**data: Any) -> Opaque:
    return Opaque("anthropic", data)


# What a user says


def test_pictures_go_by_value_or_by_address() -> None:
    """ANT-2"""
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(b"png").decode()}
    assert asked("Hi", PNG) == [WORDS, {"type": "image", "source": source}]
    assert asked(Image("image/jpg", b"x"))[0]["source"]["media_type"] == "image/jpeg"
    (linked,) = asked(Image.from_url("https://x.test/a.png"))
    assert linked == {"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}}
    (inline,) = asked(Image.from_url("data:image/gif;base64,R0lG"))
    assert inline["source"] == {"type": "base64", "media_type": "image/gif", "data": "R0lG"}


def test_documents_go_as_pdf_or_as_text() -> None:
    """ANT-w4: there were none."""
    (pdf,) = asked(Document("application/pdf", b"%PDF", name="a.pdf"))
    source = {"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(b"%PDF").decode()}
    assert pdf == {"type": "document", "source": source, "title": "a.pdf"}
    (linked,) = asked(Document.from_url("https://x.test/paper"))
    assert linked == {"type": "document", "source": {"type": "url", "url": "https://x.test/paper"}}
    (text,) = asked(Document("text/csv", "a,ü".encode(), name="t.csv"))
    assert text["source"] == {"type": "text", "media_type": "text/plain", "data": "a,ü"}
    assert asked(Document("application/geo+json", b"{}"))[0]["source"]["data"] == "{}"


@pytest.mark.parametrize(
    ("part", "named"),
    [
        (Audio("audio/wav", b"x"), "[audio that this service cannot be given: audio/wav]"),
        (Image("image/svg+xml", b"<svg/>"), "[image that this service cannot be given: image/svg+xml]"),
        (Image("image/png"), "[image that this service cannot be given: image/png]"),
        (Image.from_url("s3://bucket/a.png"), "[image that this service cannot be given: s3://bucket/a.png]"),
        (Image.from_url("data:image/tiff;base64,SUkq"), "[image that this service cannot be given: image/tiff]"),
        (Document("application/zip", b"x", name="a.zip"), "a.zip, application/zip]"),
        (Document("text/plain", b" "), "[document that this service cannot be given: text/plain]"),
        (Document("text/csv", url="https://x.test/a.csv"), "https://x.test/a.csv]"),
    ],
)
def test_what_the_service_cannot_be_given_is_said_in_words(part: Part, named: str) -> None:
    """ANT-2"""
    (block,) = asked(part)
    assert block["type"] == "text"
    assert named in block["text"]


def test_results_come_first_and_in_one_message() -> None:
    """PRV-w3: text beside results was dropped."""
    later = ToolResult("b", call_id="2")
    assert asked(ToolResult("a", call_id="1"), "Hi", later) == [
        {"type": "tool_result", "tool_use_id": "1", "content": "a"},
        {"type": "tool_result", "tool_use_id": "2", "content": "b"},
        WORDS,
    ]


def test_a_result_tells_its_error_and_shows_its_pictures() -> None:
    """PRV-11, PRV-w3"""
    (failed,) = asked(ToolResult("no file", call_id="1", is_error=True))
    assert failed == {"type": "tool_result", "tool_use_id": "1", "is_error": True, "content": "no file"}
    (shown,) = asked(ToolResult("a plot", images=(PNG, Image("image/bmp", b"x")), call_id="1"))
    assert [block["type"] for block in shown["content"]] == ["text", "image", "text"]
    (only,) = asked(ToolResult(images=(PNG,), call_id="1"))
    assert [block["type"] for block in only["content"]] == ["image"]


def test_an_empty_result_says_nothing_unless_it_is_an_error() -> None:
    """An empty error is refused by the service."""
    assert asked(ToolResult(" ", call_id="1")) == [{"type": "tool_result", "tool_use_id": "1"}]
    (failed,) = asked(ToolResult("", call_id="1", is_error=True))
    assert "no reason" in failed["content"]


def test_no_message_and_no_text_is_empty() -> None:
    """Both are refused by the service."""
    assert asked("", "Hi", " \n") == [WORDS]
    assert asked("") == [{"type": "text", "text": "(an empty message)"}]
    assert blocks(Message("user")) == [{"type": "text", "text": "(an empty message)"}]
    assert list(encode_message(Message("assistant", (Text(" "),)), "anthropic")) == []


def test_a_user_may_hand_over_blocks_of_the_service() -> None:
    found = {"type": "search_result", "source": "x", "title": "X", "content": [WORDS]}
    assert asked(own(**found)) == [found]
    cited = asked(Document("application/pdf", b"x"), own(citations={"enabled": True}))
    assert cited[0]["citations"] == {"enabled": True}


# What the model said


def test_thoughts_go_back_byte_for_byte_and_in_place() -> None:
    """ANT-1: also an empty thought, whose signature is what counts."""
    answer = answered(
        Thinking("", "sig1", "anthropic"),
        own(type="redacted_thinking", data="xyz"),
        "Hi",
        Thinking("So.", "sig2", "anthropic"),
        ToolCall("t1", "read", {"path": "a"}),
    )
    assert answer == [
        {"type": "thinking", "thinking": "", "signature": "sig1"},
        {"type": "redacted_thinking", "data": "xyz"},
        WORDS,
        {"type": "thinking", "thinking": "So.", "signature": "sig2"},
        {"type": "tool_use", "id": "t1", "name": "read", "input": {"path": "a"}},
    ]


def test_nothing_of_another_provider_is_sent() -> None:
    """Law 9: no foreign thoughts, signatures or parts, and no thought without its signature."""
    answer = answered(
        Thinking("theirs", "sig", "openai"),
        Thinking("cut", None, "anthropic"),
        Opaque("openai", {"type": "reasoning"}),
        "Hi",
        Opaque("google", {"thoughtSignature": "x"}),
    )
    assert answer == [WORDS]


@pytest.mark.parametrize("call_id", ["call_1|fc_2", "functions.read:0", "", "ü", "\ud800"])
def test_an_id_that_would_be_refused_is_the_same_other_one_for_call_and_result(call_id: str) -> None:
    """PRV-w5"""
    (call,) = answered(ToolCall(call_id, "read"))
    (result,) = asked(ToolResult("x", call_id=call_id))
    assert re.fullmatch(r"[A-Za-z0-9_-]+", call["id"])
    assert call["id"] == result["tool_use_id"] != call_id
    assert answered(ToolCall(call_id + "x", "read"))[0]["id"] != call["id"]


def test_arguments_that_are_no_json_go_back_as_the_model_wrote_them() -> None:
    """ANT-w2"""
    (call,) = answered(ToolCall("t1", "read", raw='{"path": "a'))
    assert call["input"] == {"INVALID_JSON": '{"path": "a'}


def test_a_part_without_a_kind_completes_the_one_before_it() -> None:
    """Citations, and who made a call."""
    citations = [{"type": "char_location", "cited_text": "x"}]
    caller = {"type": "code_execution_20250825", "tool_id": "srvtoolu_1"}
    text, call = answered("Hi", own(citations=citations), ToolCall("t1", "read"), own(caller=caller))
    assert text == {**WORDS, "citations": citations}
    assert call["caller"] == caller


def test_what_completes_a_part_that_is_not_sent_is_not_sent() -> None:
    assert answered(own(citations=[1]), " ", own(citations=[2]), "Hi") == [WORDS]
    # A foreign part in between leaves it where it belongs.
    assert answered("Hi", Opaque("x", {}), own(citations=[3]))[0]["citations"] == [3]


def test_tools_of_the_service_go_back_verbatim() -> None:
    """ANT-9, ANT-w5, MSG-3"""
    used = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
    found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"encrypted_content": "y"}]}
    assert answered(own(**used), own(**found), "Hi") == [used, found, WORDS]


def test_notes_about_an_answer_are_no_part_of_it() -> None:
    assert answered("Hi", own(type="container", id="c1"), own(type="refusal", category="bio")) == [WORDS]


def test_a_picture_that_a_model_made_is_named() -> None:
    assert answered(PNG) == [{"type": "text", "text": "[image]"}]
    assert answered(ToolResult("x", call_id="1")) == []
    assert asked(Thinking("x"), ToolCall("1", "read"), "Hi") == [WORDS]


# Where system messages go


def system(text: str) -> Message:
    return Message("system", (Text(text),))


def test_system_messages_at_the_beginning_join_the_system_prompt() -> None:
    first, rest = in_place([system("A"), system(" "), system("B"), Message.user("Hi")], system_messages=False)
    assert (first, [message.text for message in rest]) == (["A", "B"], ["Hi"])


def test_a_system_message_in_the_middle_stays_one_where_the_model_takes_it() -> None:
    """Between a question and its answer, or at the end; an older model is told in the user's name."""
    talk = (Message.user("Hi"), system("In French."), Message.assistant("Salut"))
    _, taken = in_place(talk, system_messages=True)
    assert [message.role for message in taken] == ["user", "system", "assistant"]
    assert next(encode_message(taken[1], "anthropic"))["role"] == "system"
    _, told = in_place(talk, system_messages=False)
    assert [message.role for message in told] == ["user", "user", "assistant"]
    assert told[1].text.endswith("In French.")
    _, after_answer = in_place((*talk, system("Again.")), system_messages=True)
    assert after_answer[3].role == "user"
    _, before_question = in_place((talk[0], talk[1], talk[0]), system_messages=True)
    assert before_question[1].role == "user"


def test_what_the_model_is_to_go_on_with_does_not_end_in_a_space() -> None:
    """It is refused by the service."""
    for begun, expected in (("Once \n", "Once"), ("Once", "Once"), ("", "")):
        _, messages = in_place((Message.user("Hi"), Message.assistant(begun)), system_messages=True)
        assert messages[-1].text == expected
    _, messages = in_place((Message.assistant("A "), Message.user("B ")), system_messages=True)
    assert [message.text for message in messages] == ["A ", "B "]
    assert in_place((), system_messages=True) == ([], ())
    assert in_place((Message("assistant"),), system_messages=True)[1][0].parts == ()


# For any message

json_values = st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner), max_leaves=3)
names = st.sampled_from(["anthropic", "openai"])
media = st.builds(
    Document,
    st.sampled_from(["application/pdf", "text/plain", "x/y"]),
    st.binary(max_size=4),
    st.none() | st.sampled_from(["https://x.test/a", "ftp://x"]),
    st.none() | st.text(max_size=4),
)
pictures = st.builds(Image, st.sampled_from(["image/png", "image/tiff"]), st.binary(max_size=4))
parts = st.one_of(
    st.builds(Text, st.text(max_size=8)),
    st.builds(Thinking, st.text(max_size=8), st.none() | st.text(max_size=4), st.none() | names),
    st.builds(ToolCall, st.text(max_size=8), st.just("read"), st.dictionaries(st.text(), json_values, max_size=2)),
    st.builds(ToolResult, st.text(max_size=8), call_id=st.text(max_size=8), images=st.lists(pictures, max_size=2)),
    st.builds(
        Opaque, names, st.fixed_dictionaries({}, optional={"type": st.just("x"), "citations": st.lists(st.integers())})
    ),
    media,
    pictures,
)


@pytest.mark.thorough
@given(st.sampled_from(["user", "assistant", "system"]), st.lists(parts, max_size=6))
def test_any_message_becomes_one_that_the_service_takes(role: Any, given_parts: list[Part]) -> None:
    """Law 9: no empty message or text, results first, ids in order, nothing foreign, and all of it JSON."""
    content = blocks(Message(role, tuple(given_parts)))
    json.dumps(content)
    assert content or role == "assistant"
    kinds = [block["type"] for block in content]
    results = kinds.count("tool_result")
    assert "tool_result" not in kinds[results:]
    for block in content:
        if block["type"] == "text":
            assert block["text"].strip()
        if block["type"] == "thinking":
            assert Thinking(block["thinking"], block["signature"], "anthropic") in given_parts
        ids = [block[name] for name in ("id", "tool_use_id") if name in block]
        assert all(re.fullmatch(r"[A-Za-z0-9_-]+", one) for one in ids)
    sent = [block for block in content if block["type"] == "x"]
    assert len(sent) == sum(
        isinstance(part, Opaque) and part.provider == "anthropic" and "type" in part.data for part in given_parts
    )
