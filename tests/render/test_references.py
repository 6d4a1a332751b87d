"""A record says nothing long twice, and gives back what it was made of."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb import Image, Scripted, ToolResult, run
from alloy_nb.notebook.shows import transcript_of
from alloy_nb.render.blocks import Transcript
from alloy_nb.render.references import refer, resolve

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["a" * 300, "b" * 250, "c" * 199]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=4), st.lists(JSON, max_size=4))
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
