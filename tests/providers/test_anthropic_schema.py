"""JSON schemas in Anthropic's dialect."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter

from alloy_nb.output import OutputType
from alloy_nb.providers.anthropic_schema import MOST_OPTIONAL, MOST_UNIONS, input_schema, output_schema

KNOWN = {
    "type", "properties", "required", "additionalProperties", "items", "minItems", "enum", "const", "anyOf", "$ref",
    "$defs", "definitions", "format", "title", "description",
}  # fmt: skip


class Author(BaseModel):
    name: str = Field(min_length=1, description="In full.")
    born: int | None = None


class Book(BaseModel):
    title: str
    kind: Literal["novel", "poems"] = "novel"
    author: Author = Field(description="Who wrote it.")
    pages: int = Field(gt=0, le=9999)
    tags: list[str] = Field(default=[], max_length=5)


class Tree(BaseModel):
    children: list[Tree] = []


def fitted(type_: Any) -> dict[str, Any] | None:
    return output_schema(OutputType(type_).schema)


def words_of(schema: Any) -> set[str]:
    """All keywords in a schema; names of properties are none."""
    if not isinstance(schema, dict):
        return set()
    found = set(schema)
    for word, value in schema.items():
        if word in ("properties", "$defs", "definitions"):
            inner = list(value.values())
        else:
            inner = value if isinstance(value, list) else [value]
        found |= set().union(*map(words_of, inner)) if inner else set()
    return found


def test_a_model_keeps_its_shape_and_loses_what_the_dialect_lacks() -> None:
    schema = fitted(Book)
    assert schema is not None
    assert words_of(schema) <= KNOWN
    assert schema["additionalProperties"] is schema["$defs"]["Author"]["additionalProperties"] is False
    assert schema["required"] == ["title", "author", "pages"]
    properties = schema["properties"]
    assert properties["kind"]["enum"] == ["novel", "poems"]
    assert properties["pages"]["description"] == "{exclusiveMinimum: 0, maximum: 9999}"
    assert properties["author"] == {"anyOf": [{"$ref": "#/$defs/Author"}], "description": "Who wrote it."}
    assert schema["$defs"]["Author"]["properties"]["name"]["description"] == "In full.\n\n{minLength: 1}"


def test_simple_types_travel_in_an_object() -> None:
    for type_ in (int, list[str], Literal["a", "b"], int | None, tuple[int, str]):
        schema = fitted(type_)
        assert schema is not None
        assert words_of(schema) <= KNOWN


def test_words_that_the_dialect_knows_stay() -> None:
    schema = {"type": "array", "items": {"type": "string", "format": "date"}, "minItems": 1}
    assert output_schema(schema) == schema
    moved = output_schema({"type": "array", "items": {"type": "string", "format": "path"}, "minItems": 2})
    assert moved == {
        "type": "array",
        "items": {"type": "string", "description": '{format: "path"}'},
        "description": "{minItems: 2}",
    }
    assert output_schema({"const": 1, "type": "integer"}) == {"const": 1}
    assert output_schema({"type": ["string", "null"]}) == {"type": ["string", "null"]}
    assert output_schema({"oneOf": [{"type": "null"}, {"type": "string"}], "discriminator": {}, "type": "x"}) == {
        "anyOf": [{"type": "null"}, {"type": "string"}]
    }
    assert output_schema({"allOf": [{"type": "string"}]}) == {"anyOf": [{"type": "string"}]}
    assert output_schema({"type": "object", "additionalProperties": False}) == {
        "type": "object", "properties": {}, "required": [], "additionalProperties": False,
    }  # fmt: skip
    assert output_schema({"definitions": {"A": {"type": "null"}}, "$ref": "#/definitions/A"}) == {
        "$ref": "#/definitions/A",
        "definitions": {"A": {"type": "null"}},
    }


@pytest.mark.parametrize(
    "schema",
    [
        TypeAdapter(dict[str, int]).json_schema(),
        TypeAdapter(dict).json_schema(),
        OutputType(Tree).schema,
        OutputType(Any).schema,
        {"type": "object"},
        {"type": "object", "properties": {}, "additionalProperties": True},
        {"type": "array", "items": True},
        {"enum": [{"a": 1}]},
        {"enum": []},
        {"type": []},
        {"anyOf": [], "title": "x"},
        {"allOf": [{"type": "string"}, {"type": "string"}]},
        {"$ref": "https://x.test/schema"},
        {"$ref": "#/$defs/Missing"},
        {"$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}}, "$ref": "#/$defs/A"},
        {"type": "object", "properties": {str(i): {"type": "null"} for i in range(MOST_OPTIONAL + 1)}},
        {"type": "object", "properties": {str(i): {"type": ["null", "string"]} for i in range(MOST_UNIONS + 1)}},
    ],
)  # fmt: skip
def test_what_the_dialect_cannot_say_is_not_asked_for(schema: dict[str, Any]) -> None:
    """An answer held to a map would always be {}; recursion, and more than a grammar holds, are refused."""
    assert output_schema(schema) is None


def test_a_definition_that_is_used_twice_is_no_recursion() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"$ref": "#/$defs/A"}},
        "required": ["a", "b"],
        "$defs": {"A": {"type": "string"}},
    }
    assert output_schema(schema) == {**schema, "additionalProperties": False}


words = st.sampled_from(["type", "properties", "items", "anyOf", "$ref", "enum", "required", "minimum", "$defs", "x"])
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["object", "string", "array", "#/$defs/x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(words, anything, max_size=5))
def test_no_schema_breaks_it(schema: dict[str, Any]) -> None:
    fit = output_schema(schema)
    assert fit is None or words_of(fit) <= KNOWN
    assert input_schema(schema)["type"] == "object"


# Tools


def test_a_tools_schema_stays_as_it_is() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}
    assert input_schema(schema) == schema
    assert input_schema({}) == {"type": "object"}
    assert input_schema({"type": ["object", "null"]}) == {"type": "object"}


def test_a_choice_at_the_root_becomes_one_object() -> None:
    """Law 9: it is refused there."""
    by_name = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "v": {"type": "null"}},
        "required": ["name"],
    }
    by_id = {"$ref": "#/$defs/ById"}
    definitions = {"ById": {"properties": {"id": {"type": "integer"}}, "required": ["id"]}}
    schema = {"description": "A thing.", "oneOf": [by_name, by_id], "$defs": definitions, "required": ["v"]}
    made = input_schema(schema)
    assert set(made["properties"]) == {"name", "v", "id"}
    assert made["required"] == ["v"]
    assert made["description"] == "A thing.\n\nOne of: name, v; id"
    assert "oneOf" not in made
    both = input_schema({"allOf": [by_name, by_id, {}], "$defs": definitions})
    assert both["required"] == ["id", "name"]
    assert "description" not in both
    assert "anyOf" not in input_schema({"anyOf": []})


def test_a_reference_at_the_root_is_resolved() -> None:
    definitions = {"A": {"$ref": "#/$defs/B"}, "B": {"properties": {"x": {}}}}
    made = input_schema({"$ref": "#/$defs/A", "$defs": definitions})
    assert made["properties"] == {"x": {}}
    endless = input_schema({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}})
    assert json.dumps(endless)
