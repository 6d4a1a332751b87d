"""A record says nothing long twice, and gives back what it was made of."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alloy_nb import Image, Scripted, ToolResult, run
from alloy_nb.notebook.shows import transcript_of
from alloy_nb.render.blocks import Transcript
from alloy_nb.render.record import RECORD_BYTES
from alloy_nb.render.references import refer, resolve

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["a" * 300, "b" * 250, "c" * 199]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=4) | st.sampled_from(["$block", "as"]), inner, max_size=4)
        | inner.map(lambda value: {"$block": value})
        | inner.map(lambda value: {"$block": {"as": value}})
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=4), st.lists(JSON, max_size=4))
@example([{"input": {"$block": [0, "markdown"]}}], [{"markdown": "x" * 300}])
@example([{"input": {"$block": {"as": {"$block": [0]}}}}], [])
def test_what_is_referred_to_comes_back(messages: list[Any], blocks: list[Any]) -> None:
    made = refer(messages, blocks)
    assert resolve(json.loads(json.dumps(made)), blocks) == messages
    assert "a" * 300 not in json.dumps(made) or "a" * 300 not in json.dumps(blocks)


@pytest.mark.parametrize(
    "path",
    [
        None,
        3,
        "x",
        [],
        [0],
        [9, "markdown"],
        [0, "nothing"],
        [-1, "markdown"],
        [0, "markdown", 1],
        [True],
        [0, {}],
        ["__class__"],
    ],
)
def test_a_way_that_leads_nowhere_is_empty(path: Any) -> None:
    assert resolve([{"$block": path}], [{"markdown": "Hello"}]) == [""]


def test_a_run_with_long_texts_outputs_and_pictures_is_kept_once() -> None:
    picture = bytes(range(256)) * 20

    def look() -> ToolResult:
        """Look."""
        return ToolResult("seen " * 400, images=(Image(data=b"\x89PNG\r\n\x1a\n" + picture, mime_type="image/png"),))

    lines = [{"thinking": "hm " * 200, "text": "I look. " * 100, "tool_calls": [{"name": "look", "input": {}}]}]
    result = run("go", model=Scripted([*lines, "It is well. " * 100]), tools=[look])
    transcript = transcript_of(result)
    record = json.loads(json.dumps(transcript.record()))
    text = json.dumps(record)
    for once in ("I look. " * 100, "It is well. " * 100, "hm " * 200):
        assert text.count(once.strip()) == 1
    again = Transcript.from_record(record)
    assert json.loads(json.dumps(again.messages)) == json.loads(
        json.dumps([message.to_dict() for message in result.messages[1:]])
    )


def test_a_small_record_stays_small_however_often_it_refers() -> None:
    """One of 115 kB became 50 MB, and took 17 seconds to be shown."""
    record = {
        "v": 1,
        "blocks": [{"block": "text", "markdown": "a" * 100_000}],
        "messages": [{"role": "user", "t": [{"$block": [0, "markdown"]}] * 500}],
    }
    given = Transcript.from_record(record).messages[0]["t"]  # type: ignore[index]
    assert len(given) == 500
    assert given[:5] == ["a" * 100_000] * 5
    assert sum(map(len, given)) <= 4 * RECORD_BYTES


def test_a_large_record_refers_to_all_that_it_holds() -> None:
    blocks = [{"block": "text", "markdown": f"{number}" + "a" * 100_000} for number in range(40)]
    messages = [{"role": "assistant", "text": block["markdown"]} for block in blocks]
    record = {"v": 1, "blocks": blocks, "messages": refer(messages, blocks)}
    assert Transcript.from_record(record).messages == messages


@pytest.mark.parametrize("key", ["$block", "as", "t"])
def test_what_is_nested_without_end_is_written_and_read(key: str) -> None:
    deep: Any = "a" * 300
    for _ in range(900):
        deep = {key: deep}
    record = {
        "v": 1,
        "blocks": [{"block": "text", "markdown": "Hi", "x": deep}],
        "messages": [{"role": "user", "t": deep}],
    }
    written = Transcript.from_record(record).record()
    assert written["blocks"] == [{"block": "text", "markdown": "Hi"}]
    assert Transcript.from_record(written).record() == written
