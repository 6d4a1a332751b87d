"""The run record: whole, without keys, never too large."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alloy_nb import redaction
from alloy_nb.errors import ConfigError
from alloy_nb.messages import Audio, Document, Image, Message, Opaque, Thinking, ToolCall, ToolResult
from alloy_nb.messages import Text as WordPart
from alloy_nb.render.blocks import Notice, Text, Tool, Transcript
from alloy_nb.render.bundle import bundle
from alloy_nb.render.record import RECORD_BYTES, size_of
from alloy_nb.render.values import block_to_dict


def test_a_record_holds_the_run_and_reads_back_as_it(tell) -> None:
    tell("run_start", {"prompt": "Why?", "model": "m"})("thinking_delta", "Hm")("text_delta", "Because.", after=900)
    tell.tool(structured={"diff": "-a\n+b"})("retry", {"attempt": 1, "delay_s": 2.0, "reason": "busy"})
    tell("message", Message.assistant([Thinking("Hm", "sig"), ToolCall("1", "read", {"x": 1})]))
    tell.transcript.notice = "small model"
    tell.end()
    record = tell.transcript.record()
    assert {"v", "run_id", "status", "model", "usage", "blocks", "messages"} <= set(record)
    assert record["v"] == 1
    assert Message.from_dict(record["messages"][0]).thinking == "Hm"
    again = Transcript.from_record(json.loads(json.dumps(record)))
    assert again.blocks == tell.transcript.blocks
    assert again.record() == record
    assert bundle(again) == bundle(tell.transcript)


def test_a_record_of_a_hostile_run_is_json_and_reads_back(vector, everywhere) -> None:
    transcript = everywhere(vector).transcript
    record = transcript.record()
    again = Transcript.from_record(json.loads(json.dumps(record).encode()))
    assert again.blocks == transcript.blocks
    assert bundle(again, static=True) == bundle(transcript, static=True)


KEYS = ("sk-ant-api03-ABCDEFGHIJKLMNOP", "ghp_" + "ABCDEFGH" * 5, "a registered ABCDEFGH secret")


@pytest.mark.parametrize("key", KEYS)
def test_no_key_is_in_a_record(key, everywhere, monkeypatch) -> None:
    """In no place: blocks, messages with every kind of part, names, ids, arguments, data, keys of mappings."""
    monkeypatch.setattr(redaction, "_known", (KEYS[-1],))
    telling = everywhere(key)
    nested = {key: [key, {"deep": (key,)}]}
    parts = (
        WordPart(key),
        Thinking(key, signature=key, provider=key),
        ToolCall(key, key, nested, raw=key),
        ToolResult(key, data=nested, call_id=key, name=key, images=(Image(key, url=key),)),
        Image("image/png", url=f"https://example.org/?key={key}"),
        Document("application/pdf", b"%PDF", url=key, name=key),
        Audio(key, url=key),
        Opaque(key, nested),
    )
    telling("message", Message("assistant", parts, model=key, stop_reason=key))
    transcript = telling.transcript
    transcript.run_id = key
    transcript.status = key
    record = transcript.record()
    assert "ABCDEFGH" not in json.dumps(record)
    assert [part["type"] for part in record["messages"][0]["parts"]][-1] == "opaque"
    again = Transcript.from_record(record)
    assert again.blocks == transcript.blocks
    # And one that was written elsewhere, by who took none out.
    for wild in (block_to_dict(Tool(key, key, key, nested, key, key, state="failed", data=nested)), {"block": key}):
        found = Transcript.from_record({"v": 1, "blocks": [wild], "messages": [nested], "run_id": key, "model": key})
        assert "ABCDEFGH" not in json.dumps([found.record(), bundle(found, record="full")])


@pytest.mark.parametrize("name", ["__proto__", "constructor", "prototype", "__class__", "__init__"])
def test_keys_that_mean_something_elsewhere_do_nothing(name) -> None:
    hostile = {
        name: {"polluted": True, "v": 9},
        "v": 1,
        "blocks": [{"block": name, name: 1}, {"block": "tool", name: 1}],
    }
    transcript = Transcript.from_record(hostile)
    assert [type(block) for block in transcript.blocks] == [Notice, Tool]
    assert name not in transcript.record()
    assert "polluted" not in json.dumps(transcript.record())


def test_a_long_output_is_cut_and_a_notice_says_so(tell) -> None:
    tell.tool("1", output="short").tool("2", output="x" * 1_000_000)
    tell("text_delta", "The answer.").end()
    tell("message", Message("user", (ToolResult("x" * 1_000_000, call_id="2", name="read"),)))
    record = tell.transcript.record()
    assert size_of(record) <= RECORD_BYTES
    short, long, answer, notice = Transcript.from_record(record).blocks
    assert short.output == "short"
    assert "characters left out" in long.output
    assert len(long.output) > 10_000
    assert answer == Text("The answer.")
    assert "tool outputs" in notice.text


def test_of_an_answer_that_is_too_long_itself_much_is_kept(tell) -> None:
    tell("text_delta", "word " * 60_000).end()
    text, notice = Transcript.from_record(tell.transcript.record()).blocks
    assert len(text.markdown) > 60_000
    assert notice.kind == "shortened"


def test_the_longest_outputs_go_first(tell) -> None:
    tell.tool("1", output="a" * 15_000).tool("2", output="b" * 500_000)
    middle, long, _ = Transcript.from_record(tell.transcript.record()).blocks
    assert middle.output == "a" * 15_000
    assert len(long.output) < 100_000


def test_half_a_picture_is_none(tell) -> None:
    picture = Image("image/png", b"\x89PNG" * 200_000)
    tell("message", Message.user([picture, ToolResult("ok", images=(picture,), call_id="1")]))
    record = tell.transcript.record()
    assert size_of(record) <= RECORD_BYTES
    message = Message.from_dict(record["messages"][0])
    assert message.parts[0].data == b""
    assert message.tool_results[0].text == "ok"


@given(
    st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 5_000), st.integers(0, 5_000)), max_size=12),
    st.integers(600, 20_000),
)
@settings(deadline=None, max_examples=60)
def test_a_record_never_exceeds_its_limit(sizes, limit) -> None:
    transcript = Transcript("r")
    transcript.restore(
        block
        for a, b, c in sizes
        for block in (Text("ä" * a), Tool("1", "n" * (b // 9), "k", {"x": "y" * b}, "z" * c, state="done"))
    )
    record = transcript.record(limit=limit)
    assert size_of(record) <= limit
    assert size_of(Transcript.from_record(record).record(limit=limit)) <= limit


@pytest.mark.parametrize("record", [None, [], {}, {"v": "1"}, "x"])
def test_what_is_no_record_is_refused_with_a_hint(record) -> None:
    with pytest.raises(ConfigError) as caught:
        Transcript.from_record(record)
    assert caught.value.hint


def test_a_newer_record_is_refused_with_a_hint() -> None:
    with pytest.raises(ConfigError, match="version 2") as caught:
        Transcript.from_record({"v": 2, "blocks": []})
    assert "upgrade" in caught.value.hint


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    "block state text markdown input output error data progress seconds live usage blocks messages "
                    "cost inputs status fraction duration_ms input_tokens".split()
                ),
                inner | st.sampled_from(["tool", "thinking", "text", "approval", "notice", "error", "done", "pending"]),
                max_size=5,
            )
        ),
        max_leaves=20,
    )
)
@settings(deadline=None)
def test_a_record_from_anybody_can_be_shown(found) -> None:
    record = {**found, "v": 1} if isinstance(found, dict) else {"v": 1, "blocks": found}
    bundle(Transcript.from_record(record), record="full")
