"""A conversation as a value."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import alloy_nb as alloy

texts = st.text(max_size=20)
parts = st.one_of(
    st.builds(alloy.Text, texts),
    st.builds(alloy.Thinking, texts, st.none() | texts, st.none() | st.just("anthropic")),
    st.builds(alloy.ToolCall, texts, texts, st.dictionaries(texts, st.integers() | texts, max_size=2)),
    st.builds(alloy.Image, st.just("image/png"), st.binary(max_size=8)),
    st.builds(alloy.Opaque, st.just("openai"), st.dictionaries(texts, texts, max_size=2)),
    st.builds(alloy.ToolResult, texts, call_id=texts, name=texts, is_error=st.booleans()),
)
messages = st.builds(
    alloy.Message, st.sampled_from(["user", "assistant"]), st.lists(parts, max_size=3).map(tuple), st.none() | texts
)


@given(st.lists(messages, max_size=4), st.none() | st.floats(0, 10), st.dictionaries(texts, texts, max_size=2))
def test_its_json_form_gives_it_back(history: list[alloy.Message], cost: float | None, notes: dict[str, str]) -> None:
    """SES-1, SES-w1, MSG-w2"""
    session = alloy.Session(messages=tuple(history), usage=alloy.Usage(1, 2), cost=cost, notes=notes)
    assert alloy.Session.from_json(session.to_json()) == session


def test_a_new_one_has_an_id_of_its_own_and_two_equal_times() -> None:
    """SES-1"""
    one, other = alloy.Session(), alloy.Session()
    assert one.id != other.id
    assert one.created_at == one.updated_at
    assert one.created_at.utcoffset() is not None


def test_a_result_is_taken_over_with_its_usage_added() -> None:
    """SES-2: id, beginning and metadata stay."""
    session = alloy.Session(id="s", usage=alloy.Usage(1, 1), metadata={"by": "me"})
    result = alloy.run("x", model=alloy.Scripted([{"text": "a", "usage": {"input_tokens": 3, "output_tokens": 2}}]))
    after = session.updated(result)
    assert (after.id, after.metadata, after.created_at) == ("s", {"by": "me"}, session.created_at)
    assert (after.messages, after.usage) == (result.messages, alloy.Usage(4, 3))
    assert after.updated_at is not None
    assert after.updated_at >= session.created_at


BROKEN = '{"v": 1, "id": "x", "messages": [{"role": "user"}]}'


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"messages": 3}', BROKEN, "[" * 9999])
def test_what_is_no_session_is_said(text: str) -> None:
    with pytest.raises(alloy.SessionError) as caught:
        alloy.Session.from_json(text)
    assert caught.value.hint


def test_a_time_without_a_zone_is_utc() -> None:
    """It could be neither compared with others nor shown rightly."""
    written = alloy.Session(created_at=datetime(2026, 5, 1), updated_at=datetime(2026, 5, 2)).to_json()
    for text in (written, written.replace("+00:00", "")):
        read = alloy.Session.from_json(text)
        assert read.created_at == datetime(2026, 5, 1, tzinfo=UTC) < read.updated_at


def test_a_file_that_an_editor_has_marked_is_read() -> None:
    text = "\ufeff" + alloy.Session("s").to_json()
    assert alloy.Session.from_json(text).id == alloy.Session.from_json(text.encode()).id == "s"


def test_a_misspelt_name_is_told_with_the_nearest() -> None:
    with pytest.raises(alloy.ConfigError, match="takes no `message`") as caught:
        alloy.Session(message=())  # type: ignore[call-arg]
    assert "messages" in caught.value.hint


def test_a_newer_one_is_refused() -> None:
    data: dict[str, Any] = json.loads(alloy.Session().to_json())
    with pytest.raises(alloy.SessionError, match="newer"):
        alloy.Session.from_dict({**data, "v": 99})


def test_a_session_brings_no_permissions() -> None:
    """One from elsewhere could allow anything."""
    assert "allowed" not in alloy.Session().to_json()
    assert "memory" not in alloy.Session().to_json()


@pytest.mark.parametrize(
    "wrong",
    [
        {"v": "9"},
        {"id": None},
        {"notes": [1]},
        {"notes": {"a": 5}},
        {"metadata": 3},
        {"cost": "0.1"},
        {"created_at": 3},
    ],
)
def test_values_of_a_wrong_kind_are_said(wrong: dict[str, Any]) -> None:
    data: dict[str, Any] = json.loads(alloy.Session().to_json())
    with pytest.raises(alloy.SessionError, match="cannot be read"):
        alloy.Session.from_dict({**data, **wrong})


@pytest.mark.parametrize(
    "part",
    [
        {"type": "text", "text": 5},
        {"type": "text"},
        {"type": "thinking", "text": "Hm", "signature": 5},
        {"type": "tool_call", "id": ["1"], "name": "read"},
        {"type": "tool_call", "id": "1", "name": None},
        {"type": "tool_call", "id": "1", "name": "read", "input": [1]},
        {"type": "tool_call", "id": "1", "name": "read", "raw": 7},
        {"type": "tool_result", "call_id": "1", "text": 7},
        {"type": "opaque", "provider": "acme", "data": [1]},
        {"type": "image", "mime_type": 7},
        {"type": "image", "mime_type": "image/png", "data": 7},
        "words",
    ],
)
def test_parts_of_a_wrong_kind_are_said(part: Any) -> None:
    """What was taken would break whoever reads it next: a search of all sessions, an export, a run."""
    data: dict[str, Any] = json.loads(alloy.Session().to_json())
    with pytest.raises(alloy.SessionError, match="cannot be read"):
        alloy.Session.from_dict({**data, "messages": [{"role": "user", "parts": [part]}]})


@pytest.mark.parametrize("message", [{"role": "root"}, {"role": ["user"]}, {"role": "user", "model": 5}, 5])
def test_messages_of_a_wrong_kind_are_said(message: Any) -> None:
    data: dict[str, Any] = json.loads(alloy.Session().to_json())
    with pytest.raises(alloy.SessionError, match="cannot be read"):
        alloy.Session.from_dict({**data, "messages": [message]})


@pytest.mark.parametrize(
    "wrong", [{"upto": 1.0}, {"upto": True}, {"note": 0.0}, {"messages": None}, {"messages": [None]}]
)
def test_a_view_of_a_wrong_kind_is_said(wrong: dict[str, Any]) -> None:
    data: dict[str, Any] = json.loads(alloy.Session(messages=(alloy.Message.user("Hi"),)).to_json())
    with pytest.raises(alloy.SessionError, match="cannot be read"):
        alloy.Session.from_dict({**data, "view": {"upto": 1, "messages": [0], "note": None, **wrong}})
