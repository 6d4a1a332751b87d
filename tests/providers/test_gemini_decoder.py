"""Answers of Gemini, event by event."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.errors import AuthError, BadRequestError, OverloadedError, ProviderError, StreamError
from alloy_nb.messages import Audio, Image, Message, Opaque, Text, Thinking
from alloy_nb.providers.answer import Answer
from alloy_nb.providers.base import Request
from alloy_nb.providers.gemini import encode
from alloy_nb.providers.gemini_decoder import GeminiDecoder
from alloy_nb.usage import Usage

PNG = base64.b64encode(b"png").decode()


def event(*parts: Any, finish: Any = None, **fields: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], **fields}


def read(*events: dict[str, Any]) -> Answer:
    decoder, answer = GeminiDecoder(), Answer("google")
    for each in events:
        for delta in decoder.feed(each):
            answer.feed(delta)
    for delta in decoder.end():
        answer.feed(delta)
    return answer


def sent_back(message: Message, model: str = "gemini-3-flash") -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = encode(Request((message,)), model)["contents"][0]["parts"]
    return parts


# Words


def test_text_comes_in_increments() -> None:
    """GEM-w1: "1" and then "10" are "110"."""
    answer = read(event({"text": "1"}), event({"text": "10"}, finish="STOP"))
    assert answer.message().parts == (Text("110"),)
    assert answer.stop_reason == "end_turn"


@given(st.lists(st.text(max_size=4), max_size=6), st.text(max_size=4))
def test_the_pieces_joined_are_the_text(pieces: list[str], last: str) -> None:
    """Law 4."""
    answer = read(*(event({"text": piece}) for piece in pieces), event({"text": last}, finish="STOP"))
    assert answer.message().text == "".join(pieces) + last


def test_thinking_is_not_shown_as_text() -> None:
    """GEM-w2"""
    answer = read(event({"text": "hm", "thought": True}, {"text": "Hi"}, {"thought": True}, finish="STOP"))
    assert answer.message().parts == (Thinking("hm", None, "google"), Text("Hi"))


def test_text_after_a_finish_reason_is_read() -> None:
    answer = read(event({"text": "a"}, finish="STOP"), event({"text": "b"}, finish="STOP"))
    assert answer.message().text == "ab"


def test_only_the_first_candidate_is_read() -> None:
    second = {"index": 1, "content": {"parts": [{"text": "other"}]}, "finishReason": "SAFETY"}
    first = event({"text": "a"}, finish="STOP")["candidates"][0]
    answer = read({"candidates": [second, first]}, {"candidates": [second]})
    assert (answer.message().text, answer.stop_reason) == ("a", "end_turn")


# Signatures


def test_signed_and_unsigned_text_stay_apart() -> None:
    """GEM-w2"""
    parts = [{"text": "a"}, {"text": "b", "thoughtSignature": "s"}, {"text": "c"}, {"text": "d"}]
    message = read(event(*parts, finish="STOP")).message()
    assert message.text == "abcd"
    assert sent_back(message) == [{"text": "a"}, {"text": "b", "thoughtSignature": "s"}, {"text": "cd"}]


@pytest.mark.parametrize("part", [{"text": "", "thoughtSignature": "s"}, {"thoughtSignature": "s"}])
def test_a_signature_without_words_is_a_part_of_its_own(part: dict[str, Any]) -> None:
    message = read(event({"text": "a"}), event(part, finish="STOP")).message()
    assert sent_back(message) == [{"text": "a"}, {"text": "", "thoughtSignature": "s"}]


def test_signed_thinking_is_closed_by_its_signature() -> None:
    parts = [{"text": text, "thought": True} for text in "ab"]
    parts[1]["thoughtSignature"] = "s"
    message = read(event(*parts, {"text": "c", "thought": True}, finish="STOP")).message()
    assert message.parts == tuple(
        Thinking(text, signature, "google") for text, signature in (("a", None), ("b", "s"), ("c", None))
    )


def test_the_signatures_of_calls() -> None:
    """GEM-w2: of parallel calls only the first one is signed."""
    one = {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "s"}
    message = read(event(one, {"functionCall": {"name": "f", "args": {}}}, finish="STOP")).message()
    assert [part.get("thoughtSignature") for part in sent_back(message)] == ["s", None]


def test_parts_of_the_service_s_own_go_back_as_they_came() -> None:
    """GEM-4: unknown parts too."""
    parts = [
        {"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "s"},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
        {"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "id": "x"}},
        {"toolResponse": {"id": "x"}},
        {"somethingNew": {}, "text": ""},
        {"inlineData": {"mimeType": "video/mp4", "data": PNG}},
        {"inlineData": {"mimeType": "image/png", "data": PNG}, "thought": True},
        {"inlineData": {"mimeType": "image/png", "data": "no base64!"}},
    ]
    message = read(event(*parts, finish="STOP")).message()
    assert sent_back(message) == parts
    assert message.text == ""


def test_pictures_and_sound_of_the_answer() -> None:
    picture = {"inlineData": {"mimeType": "image/png", "data": PNG}, "thoughtSignature": "s"}
    sound = {"inlineData": {"mimeType": "audio/wav", "data": PNG}}
    message = read(event(picture, sound, finish="STOP")).message()
    assert [part for part in message.parts if not isinstance(part, Opaque)] == [
        Image("image/png", b"png"),
        Audio("audio/wav", b"png"),
    ]
    assert sent_back(message) == [picture, sound]


def test_what_is_said_of_the_answer_is_kept() -> None:
    grounding = {"webSearchQueries": ["q"]}
    first, last = event({"text": "a"}), event(finish="STOP")
    first["candidates"][0]["groundingMetadata"] = {}
    last["candidates"][0]["groundingMetadata"] = grounding
    message = read(first, last).message()
    assert message.parts[-1] == Opaque("google", {"type": "about", "groundingMetadata": grounding})


# Calls


def test_calls_come_together_or_one_by_one() -> None:
    """PRV-w4, GEM-4: and "STOP" is the reason given."""
    call = {"functionCall": {"name": "f", "args": {"n": 1}}}
    for events in ([event(call, call, finish="STOP")], [event(call), event(call), event({"text": ""}, finish="STOP")]):
        answer = read(*events)
        assert [dict(made.input) for made in answer.message().tool_calls] == [{"n": 1}, {"n": 1}]
        assert len({made.id for made in answer.message().tool_calls}) == 2
        assert answer.stop_reason == "tool_use"


@pytest.mark.parametrize("call", [{"name": "f"}, {"name": "f", "args": None}, {"name": "f", "args": {}}])
def test_a_call_without_arguments(call: dict[str, Any]) -> None:
    """PRV-7, GEM-w2."""
    (made,) = read(event({"functionCall": call}, finish="STOP")).message().tool_calls
    assert (made.name, made.input, made.raw) == ("f", {}, None)


def test_arguments_that_are_no_object() -> None:
    (made,) = read(event({"functionCall": {"name": "f", "args": [1]}}, finish="STOP")).message().tool_calls
    assert made.raw == "[1]"


def test_an_id_of_the_service_is_kept() -> None:
    (made,) = read(event({"functionCall": {"id": "x7", "name": "f"}}, finish="STOP")).message().tool_calls
    assert made.id == "x7"


def pieces(*partial: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"functionCall": {"partialArgs": list(partial), **fields}}


PLACE = {"jsonPath": "$.place", "stringValue": "Ro", "willContinue": True}
REST = {"jsonPath": "$.place", "stringValue": "me"}


def test_arguments_that_are_streamed() -> None:
    begin = {"functionCall": {"name": "f", "id": "i", "willContinue": True}, "thoughtSignature": "s"}
    close: dict[str, Any] = {"functionCall": {}}
    answer = read(
        event(begin),
        event(pieces(PLACE, willContinue=True)),
        event(pieces(REST, willContinue=True)),
        event(close),
        event({"functionCall": {"name": "g", "willContinue": True}}),
        event(close, finish="STOP"),
    )
    one, other = answer.message().tool_calls
    assert (one.id, one.name, one.input) == ("i", "f", {"place": "Rome"})
    assert (other.name, other.input) == ("g", {})
    assert sent_back(answer.message())[0]["thoughtSignature"] == "s"
    assert answer.stop_reason == "tool_use"


def test_streamed_arguments_that_are_never_closed() -> None:
    """A new name, or the end, closes them."""
    answer = read(
        event({"functionCall": {"name": "f", "willContinue": True}}),
        event(pieces(PLACE, willContinue=True)),
        event({"functionCall": {"name": "g", "partialArgs": [REST], "willContinue": True}}),
        event({"text": ""}, finish="STOP"),
    )
    assert [call.input for call in answer.message().tool_calls] == [{"place": "Ro"}, {"place": "me"}]


def test_streamed_arguments_that_the_limit_cuts_are_no_arguments() -> None:
    answer = read(
        event({"functionCall": {"name": "f", "willContinue": True}}),
        event(pieces(PLACE, willContinue=True), finish="MAX_TOKENS"),
    )
    (call,) = answer.message().tool_calls
    assert call.raw == '{"place": "Ro"'
    assert answer.stop_reason == "max_tokens"


def test_a_closed_call_stays_closed() -> None:
    answer = read(
        event({"functionCall": {}}),
        event({"functionCall": {"name": "f", "args": {"n": 1}, "partialArgs": [REST]}}),
        event(pieces(PLACE), finish="STOP"),
    )
    assert [call.input for call in answer.message().tool_calls] == [{"n": 1, "place": "me"}]


# How it ends


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        ("STOP", "end_turn"),
        (1, "end_turn"),
        ("SOMETHING_NEW", "end_turn"),
        ("MAX_TOKENS", "max_tokens"),
        ("CONTINUATION", "max_tokens"),
        (2, "max_tokens"),
        *(
            (finish, "content_filter")
            for finish in (
                *("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR", "IMAGE_SAFETY"),
                *("LANGUAGE", "OTHER", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "IMAGE_OTHER", "ESCALATION", 3),
            )
        ),
    ],
)
def test_why_it_ended(finish: Any, reason: str) -> None:
    """PRV-2, GEM-4."""
    assert read(event({"text": "a"}, finish=finish)).stop_reason == reason


@pytest.mark.parametrize("candidate", [{}, {"content": {}}, {"content": {"role": "model"}}, {"content": None}])
def test_a_candidate_may_be_empty(candidate: dict[str, Any]) -> None:
    """PRV-w2"""
    answer = read({"candidates": [{**candidate, "finishReason": "MAX_TOKENS"}]})
    assert (answer.message().parts, answer.stop_reason) == ((), "max_tokens")


def test_a_blocked_prompt() -> None:
    """GEM-w2: there is no candidate at all."""
    feedback = {"blockReason": "SAFETY", "blockReasonMessage": "why"}
    answer = read({"promptFeedback": feedback})
    assert (answer.message().text, answer.stop_reason) == ("", "content_filter")
    assert answer.message().parts == (Opaque("google", {"type": "about", "promptFeedback": feedback}),)


@pytest.mark.parametrize(
    "events",
    [
        [],
        [{}],
        [{"candidates": []}],
        [{"candidates": [None, 3]}],
        [{"promptFeedback": {"safetyRatings": []}}],
        [event({"text": "a"})],
        [event({"text": "a"}, finish="FINISH_REASON_UNSPECIFIED")],
        [event({"text": "a"}, finish=99)],
        [event({"text": "a"}, 3, finish=None)],
    ],
)
def test_an_answer_without_an_end_was_cut(events: list[dict[str, Any]]) -> None:
    """PRV-w2, SSE-w2."""
    with pytest.raises(StreamError):
        read(*events)


@pytest.mark.parametrize(
    ("finish", "cls"),
    [
        ("MALFORMED_FUNCTION_CALL", StreamError),
        ("MALFORMED_RESPONSE", StreamError),
        ("UNEXPECTED_TOOL_CALL", StreamError),
        ("TOO_MANY_TOOL_CALLS", StreamError),
        ("MISSING_THOUGHT_SIGNATURE", BadRequestError),
        ("PUP_LIMITED_DISABLED", AuthError),
    ],
)
def test_an_answer_that_is_none(finish: str, cls: type[ProviderError]) -> None:
    """Nothing is told of it before, so that it can be asked for again."""
    last = event(finish=finish)
    last["candidates"][0] |= {"finishMessage": "print(f(", "groundingMetadata": {"x": 1}}
    decoder = GeminiDecoder()
    assert list(decoder.feed(last)) == []
    with pytest.raises(cls, match=r"print\(f\(") as caught:
        next(iter(decoder.end()))
    assert caught.value.retryable is (cls is StreamError)


def test_a_call_that_can_be_read_outweighs_the_reason() -> None:
    answer = read(event({"functionCall": {"name": "f"}}, finish="UNEXPECTED_TOOL_CALL"))
    assert answer.stop_reason == "tool_use"


def test_an_error_within_the_answer() -> None:
    """PRV-22, PRV-5."""
    decoder = GeminiDecoder()
    with pytest.raises(OverloadedError, match="busy"):
        list(decoder.feed({"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}))
    with pytest.raises(ProviderError, match="odd"):
        list(decoder.feed({"error": "odd"}))


# What it says of itself


def test_the_last_count_is_the_count() -> None:
    """PRV-8"""
    first = {"promptTokenCount": 5, "totalTokenCount": 5}
    last = {
        "promptTokenCount": 10,
        "cachedContentTokenCount": 4,
        "candidatesTokenCount": 3,
        "thoughtsTokenCount": 2,
        "toolUsePromptTokenCount": 6,
        "totalTokenCount": 21,
    }
    answer = read(
        event(usageMetadata=first),
        event({"text": "a"}, usageMetadata=last),
        event(finish="STOP", usageMetadata={"trafficType": "ON_DEMAND"}),
    )
    assert answer.usage == Usage(input_tokens=16, output_tokens=5, cached_tokens=4, reasoning_tokens=2)
    assert answer.usage.total_tokens == 21
    assert read(event(finish="STOP")).usage == Usage()


def test_counts_that_are_none() -> None:
    usage = {"promptTokenCount": "7", "candidatesTokenCount": -1, "thoughtsTokenCount": True, "totalTokenCount": None}
    assert read(event(finish="STOP", usageMetadata=usage)).usage == Usage()


def test_the_model_that_answered() -> None:
    answer = read(event(modelVersion="gemini-3-flash-001"), event(finish="STOP", modelVersion=""))
    assert answer.model == "gemini-3-flash-001"
