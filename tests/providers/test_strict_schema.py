"""Which schemas a service can hold its model to, and that none is changed in what it means."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_nb.providers.strict_schema import make_strict

TEXT = {"type": "string"}


def an_object(required: list[str] | None = None, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
    }


def test_every_object_is_closed_and_every_key_required() -> None:
    """RSP-1: OpenAI refuses a strict schema that leaves either open."""
    schema = an_object(
        path={**TEXT, "description": "Where."},
        lines=an_object(first={"type": "integer", "minimum": 1}),
        tags={"type": "array", "items": an_object(name=TEXT), "maxItems": 3},
        kind={"type": "string", "enum": ["a", "b"]},
    )
    strict = make_strict(schema)
    assert strict is not None
    assert strict["additionalProperties"] is False
    assert strict["properties"]["path"]["description"] == "Where."
    assert strict["properties"]["lines"]["additionalProperties"] is False
    assert strict["properties"]["lines"]["required"] == ["first"]
    assert strict["properties"]["tags"]["items"]["additionalProperties"] is False
    assert make_strict(strict) == strict


def test_a_tool_without_arguments_is_strict() -> None:
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    assert make_strict(schema) == {**schema, "required": []}


def test_a_key_that_may_be_null_may_as_well_be_required() -> None:
    schema = an_object(
        [],
        who={"anyOf": [TEXT, {"type": "null"}], "default": None},
        what={"type": ["string", "null"]},
    )
    strict = make_strict(schema)
    assert strict is not None
    assert strict["required"] == ["who", "what"]
    assert "default" not in strict["properties"]["who"]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "array", "items": TEXT},
        {"anyOf": [an_object(a=TEXT)]},
        {**an_object(a=TEXT), "anyOf": [an_object(a=TEXT)]},
        {**an_object(a=TEXT), "additionalProperties": True},
        {**an_object(a=TEXT), "additionalProperties": TEXT},
        {**an_object(a=TEXT), "patternProperties": {}},
        an_object([], a=TEXT),
        an_object([], a={"type": "integer", "default": 5}),
        an_object(["a", "b"], a=TEXT),
        an_object(a={"type": "boolean", "default": False}),
        an_object(a={**TEXT, "minLength": 1}),
        an_object(a={**TEXT, "format": "uri"}),
        an_object(a={**TEXT, "pattern": "(?=x)"}),
        an_object(a={"allOf": [TEXT]}),
        an_object(a={"type": "object"}),
        an_object(a={"type": "array"}),
        an_object(a={"type": "array", "items": {}}),
        an_object(a={"type": "array", "items": True}),
        an_object(a={}),
        an_object(a=True),
        an_object(["b"], a=TEXT, b=TEXT),
    ],
)
def test_a_schema_that_would_lose_something_is_not_strict(schema: dict[str, Any]) -> None:
    assert make_strict(schema) is None


def test_a_schema_that_is_too_large_is_not_strict() -> None:
    deep: dict[str, Any] = TEXT
    for _ in range(6):
        deep = an_object(a=deep)
    assert make_strict(deep) is None
    assert make_strict(deep["properties"]["a"]) is not None
    assert make_strict(an_object(**{f"p{i}": TEXT for i in range(101)})) is None


def test_a_reference_stands_alone() -> None:
    """OpenAI: "$ref cannot have keywords {'description'}"."""
    node = an_object(["value"], value=TEXT, next={"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]})
    schema = {**an_object(first={"$ref": "#/$defs/Node", "description": "Head."}), "$defs": {"Node": node}}
    strict = make_strict(schema)
    assert strict is not None
    assert strict["properties"]["first"] == {"anyOf": [{"$ref": "#/$defs/Node"}], "description": "Head."}
    assert strict["$defs"]["Node"]["required"] == ["value", "next"]


def test_a_type_that_holds_itself_begins_with_its_object() -> None:
    node = an_object(value=TEXT)
    strict = make_strict({"$ref": "#/$defs/Node", "$defs": {"Node": node}})
    assert strict is not None
    assert strict["type"] == "object"
    assert "Node" in strict["$defs"]


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"$ref": "#/$defs/Node"},
        {"$ref": "#/$defs/Node", "$defs": {"Node": 5}},
        {**an_object(a=TEXT), "$defs": 5},
        {**an_object(a=TEXT), "required": 5},
        {"type": "object", "properties": 5},
        an_object(a={"anyOf": 5}),
        an_object(a={"type": 5}),
    ],
)
def test_what_is_no_schema_is_not_strict(schema: dict[str, Any]) -> None:
    """A server of tools may say anything."""
    assert make_strict(schema) is None


SCHEMAS = st.recursive(
    st.sampled_from([TEXT, {"type": "integer"}, {"anyOf": [TEXT, {"type": "null"}]}, {}, True]),
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3).map(lambda p: an_object(**p)),
        st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2).map(lambda p: an_object([], **p)),
        inner.map(lambda items: {"type": "array", "items": items}),
    ),
    max_leaves=8,
)


def objects_in(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, list):
        for item in schema:
            yield from objects_in(item)
    elif isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        yield from objects_in(list(schema.values()))


@given(SCHEMAS)
def test_a_strict_schema_is_strict_everywhere_and_the_given_one_is_left_alone(schema: Any) -> None:
    whole = an_object(value=schema)
    before = copy.deepcopy(whole)
    strict = make_strict(whole)
    assert whole == before
    if strict is not None:
        assert make_strict(strict) == strict
        for found in objects_in(strict):
            assert found["additionalProperties"] is False
            assert found["required"] == list(found["properties"])
