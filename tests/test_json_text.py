"""JSON among what a model said."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from alloy_nb.json_text import find_json, is_json, is_json_alone, pretty_json

FENCED = "Sure!\n```json\n{}\n```\nAnything else?"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"n": 1}', ['{"n": 1}']),
        ("  5\n", ["5"]),
        ('```json\n{"n": 1}\n```', ['{"n": 1}']),
        ('```\n{"n": 1}\n```', ['{"n": 1}']),
        ('Here:\r\n  ```JSON\r\n{"n": 1}\r\n  ```\r\nDone.', ['{"n": 1}']),
        ('```json {"n": 1} ```', ['{"n": 1}']),
        ('It is {"n": 1}, I think.', ['{"n": 1}']),
        ('The "set" {a, b} has 5" and {"n": "}\\"{"}', ['{"n": "}\\"{"}']),
        ('Use { to open. {"n": 1}', ['{"n": 1}']),
        ('First {"n": 1}, then {"n": 2}', ['{"n": 1}', '{"n": 2}']),
        ('{"n": 1} and once more: {"n": 1}', ['{"n": 1}']),
        ('Not [1] but\n```json\n{"n": 1}\n```', ['{"n": 1}']),
        ('```json\n{"n": 1}\n```\nor\n```json\n{"n": 2}\n```', ['{"n": 1}', '{"n": 2}']),
        ('```python\nx = {1}\n```\n{"n": 1}', ['{"n": 1}']),
        ('[{"n": 1}, {"n": 2}] it is', ['[{"n": 1}, {"n": 2}]']),
        ('{"n": 1', []),
        ("Five.", []),
        ("", []),
    ],
)
def test_what_may_be_the_answer(text: str, found: list[str]) -> None:
    assert find_json(text) == found


def test_nothing_is_picked_out_of_a_text_that_was_cut() -> None:
    text = 'First {"n": 1}, then {"n'
    assert find_json(text) == ['{"n": 1}']
    assert find_json(text, among_words=False) == []


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@pytest.mark.thorough
@given(st.dictionaries(st.text(), values) | st.lists(values), st.text(alphabet='abc .,!?"\n'), st.text('xyz "\n'))
def test_an_object_is_found_between_any_words(value: Any, before: str, after: str) -> None:
    text = json.dumps(value)
    said = f"{before}{text}{after}"
    # Between two quotes it may happen to be one text of JSON's.
    assume(said.strip() == text or not is_json(said.strip()))
    assert find_json(said) == [text]


@pytest.mark.parametrize("piece", ["[", "{", '["', '{"\\"', "```json\n", "```json\n```\n", "[]", '"\\"'])
def test_no_text_takes_quadratic_time(piece: str) -> None:
    """It is read once: a hundred thousand pieces would not end otherwise."""
    assert len(find_json(piece * 100_000 + "x")) <= 1


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=16,
)


@given(VALUES, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_pretty_json_is_the_same_json_a_line_a_value(value: Any, ascii: bool, indent: Any) -> None:
    pretty = pretty_json(json.dumps(value, ensure_ascii=ascii, indent=indent))
    assert json.loads(pretty) == value
    assert pretty == json.dumps(value, ensure_ascii=False, indent=2)
    assert not any(line.lstrip().startswith("```") for line in pretty.split("\n"))


def test_pretty_json_keeps_digits_as_they_came() -> None:
    assert pretty_json("[1.10, 1e400, 123456789012345678901234567890.5]") == (
        "[\n  1.10,\n  1e400,\n  123456789012345678901234567890.5\n]"
    )


@pytest.mark.parametrize(
    ("text", "alone"),
    [
        (' {"n": 1}\n', True),
        ('```json\n{"n": 1}\n```\n', True),
        ('Here:\n```json\n{"n": 1}\n```', False),
        ('{"n": 1}.', False),
        ("", False),
    ],
)
def test_json_alone_is_told_from_json_among_words(text: str, alone: bool) -> None:
    assert is_json_alone(text) is alone
