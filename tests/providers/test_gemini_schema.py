"""Schemas as Gemini reads them."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from alloy_nb.providers.gemini_schema import adapt_schema


class Pet(BaseModel):
    kind: Literal["cat"]


class Home(BaseModel):
    first: Pet = Field(description="whose?")
    others: list[Pet] = []
    by_name: dict[str, Pet] = {}


def test_a_reference_stands_alone() -> None:
    """Gemini refuses one with anything beside it, as pydantic writes it."""
    schema = adapt_schema(Home.model_json_schema())
    assert schema["properties"]["first"] == {"description": "whose?", "anyOf": [{"$ref": "#/$defs/Pet"}]}
    assert schema["properties"]["others"]["items"] == {"$ref": "#/$defs/Pet"}
    assert schema["properties"]["by_name"]["additionalProperties"] == {"$ref": "#/$defs/Pet"}
    assert schema["$defs"]["Pet"]["properties"]["kind"]["enum"] == ["cat"]


@pytest.mark.parametrize(
    ("schema", "adapted"),
    [
        ({"const": 3}, {"enum": [3]}),
        ({"const": True, "type": "boolean"}, {"type": "boolean"}),
        ({"const": "a", "enum": ["a", "b"]}, {"enum": ["a", "b"]}),
        ({"$ref": "#/$defs/A", "$defs": {"A": {}}}, {"$ref": "#/$defs/A", "$defs": {"A": {}}}),
        ({"anyOf": [{"const": "a"}, {"type": "null"}]}, {"anyOf": [{"enum": ["a"]}, {"type": "null"}]}),
        ({"properties": {"const": {"type": "string"}}}, {"properties": {"const": {"type": "string"}}}),
        ({"default": {"const": 1}}, {"default": {"const": 1}}),
        ({"items": True, "properties": None}, {"items": True, "properties": None}),
    ],
)
def test_only_what_differs_is_changed(schema: Any, adapted: Any) -> None:
    assert adapt_schema(schema) == adapted
